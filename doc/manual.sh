#!/usr/bin/env bash
# Makes the Info manual from doc/sluice.org: doc/sluice.texi and doc/sluice.info. Needs Emacs and makeinfo (texinfo).
#   doc/manual.sh [FOLDER]     into FOLDER, default doc
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "${1:-$here}" && pwd)
command -v makeinfo >/dev/null || { echo 'makeinfo is missing; install it: apt install texinfo' >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/sluice.org" "$work"
mkdir "$work/pictures"
cp "$here"/pictures/*.png "$work/pictures"
cd "$work"
"${EMACS:-emacs}" -Q --batch --eval "(require 'ox-texinfo)" sluice.org \
  --eval '(let ((org-export-with-broken-links nil) (user-full-name "The Sluice authors")) (org-texinfo-export-to-texinfo))' >/dev/null 2>log || { cat log >&2; exit 1; }
makeinfo --error-limit=0 sluice.texi -o sluice.info 2>warnings || { cat warnings >&2; exit 1; }
if [ -s warnings ]; then cat warnings >&2; exit 1; fi
cp sluice.texi sluice.info "$out"
