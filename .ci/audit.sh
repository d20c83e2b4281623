#!/usr/bin/env bash
# Known vulnerabilities in what is installed in .venv: fails when there is one, warns when nobody can be asked.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/machine.sh

place=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null) ||
  { say "there is no .venv, so nobody has looked for known vulnerabilities; make it: .ci/venv.sh test"; exit 0; }
audit=$(command -v pip-audit)
if [ -z "$audit" ]; then
  tool=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-ci/pip-audit
  audit=$tool/bin/pip-audit
  if [ ! -x "$audit" ]; then
    .venv/bin/python -m venv "$tool" && "$tool/bin/pip" install --quiet --disable-pip-version-check 'pip-audit>=2.7' ||
      { say "pip-audit cannot be had, so nobody has looked for known vulnerabilities"; rm -rf "$tool"; exit 0; }
  fi
fi
report=$(mktemp)
trap 'rm -f "$report" "$report.err"' EXIT
if timeout 120 "$audit" --progress-spinner off --skip-editable --path "$place" \
  --format json --output "$report" 2>"$report.err"; then
  say "no known vulnerability in what is installed in $place"
elif .venv/bin/python .ci/vulnerable.py "$report"; then
  exit 1
elif [ -s "$report" ]; then
  say "what comes with Python is not what Sluice is made of, so this is no failure; a newer Python has newer ones"
else
  say "nobody could be asked for known vulnerabilities: $(tail -n 1 "$report.err" | cut -c1-200)"
fi
