#!/usr/bin/env bash
# Puts in place what the Emacs tests need. Each step looks first whether it is done already.
#   Emacs 30       installed with apt if there is no Emacs and we may be root; otherwise unpacked in the cache
#   Emacs 28.2     unpacked in the cache: the oldest version that we support
#   gptel          from Debian's unstable suite with what it needs, unpacked in the cache
#   plz            the same; the package llm, which uses it, is in no Debian suite
#   package-lint   the same
#   `.ci/install-emacs.sh step graphical` unpacks an Emacs 30 that draws on X, which the pictures of the manual need
# The cache is ${SLUICE_CI_CACHE:-~/.cache/sluice-ci}; delete it and all of it is gone. /etc/apt stays as it is: the further
# suites are read through apt states of our own, from the archive that the machine already uses.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/machine.sh"
cache=${SLUICE_CI_CACHE:-$HOME/.cache/sluice-ci}
oldest_gptel=0.9.9.4 # the first whose error handling we know

# Prints "GNU Emacs 30.1" of a command as 30.1.
emacs_version() { "$1" --version 2>/dev/null | sed -n '1s/^GNU Emacs //p'; }
emacs_major() { emacs_version "$1" | cut -d. -f1; }

codename() { . /etc/os-release && echo "${VERSION_CODENAME:-}"; }

# Prints the address of the archive that serves this release: the first that apt knows under its name.
archive() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$(codename) //p" | head -n 1
}

is_debian() { grep -qx 'ID=debian' /etc/os-release 2>/dev/null && has apt-get; }

# use_suites NAME RELEASE SUITE...  makes apt read these suites, and prefer RELEASE, until the script ends.
use_suites() {
  local name=$1 prefer=$2 keyring uri state="$cache/apt/$1" suite
  shift 2
  uri=$(archive)
  [ -n "$uri" ] || { say "apt does not say where it gets $(codename) from"; return 1; }
  for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ -e "$keyring" ] && break
  done
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  for suite; do echo "deb [signed-by=$keyring] $uri $suite main"; done >"$state/sources.list"
  cat >"$state/apt.conf" <<CONF
Dir::State::lists "$state/lists";
Dir::Cache "$state/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "-";
APT::Default-Release "$prefer";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
  export APT_CONFIG="$state/apt.conf"
  [ -e "$state/updated" ] && return 0
  say "reads the package lists of: $*"
  retry apt-get -qq update || { say "the archive of this machine does not serve all of: $*"; return 1; }
  touch "$state/updated"
}

# The newest version of emacs-nox that begins with $1.
newest_emacs() {
  apt-cache madison emacs-nox | cut -d'|' -f2 | tr -d ' ' | grep "^1:$1" | sort -V | tail -n 1
}

# fetch DIR NAME=VERSION...  downloads packages and unpacks them below DIR, which appears only when it is whole.
fetch() {
  local dir=$1 work
  shift
  work=$(mktemp -d "$cache/unpack.XXXXXX")
  mkdir "$work/debs" "$work/root"
  (cd "$work/debs" && retry apt-get -qq download "$@")
  local deb
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  rm -rf "$dir"
  mv "$work/root" "$dir"
  rm -rf "$work"
}

# What apt would install for version $1 of flavour $2, as NAME=VERSION lines: Emacs, and the libraries that are missing here.
would_install() {
  local package specs=()
  for package in "emacs-$2" emacs-common emacs-bin-common emacs-el; do specs+=("$package=$1"); done
  apt-get -qq --simulate --reinstall --allow-downgrades --no-install-recommends install "${specs[@]}" |
    sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p'
}

# unpack_emacs 28.2 DIR [FLAVOUR]  unpacks that Emacs with a command DIR/bin/emacs that finds its own files.
unpack_emacs() {
  local dir=$2 flavour=${3:-nox} version packages
  version=$(newest_emacs "$1") || { say "no Emacs $1 in the suites"; return 1; }
  mapfile -t packages < <(would_install "$version" "$flavour")
  [ ${#packages[@]} -gt 0 ] || { say "apt does not say what Emacs $version needs"; return 1; }
  say "unpacks Emacs $version in $dir"
  fetch "$dir" "${packages[@]}"
  mkdir -p "$dir/bin"
  # The binary has the paths of an installed Emacs inside; the variables lead it to the unpacked ones.
  { echo '#!/bin/sh'; echo "flavour=$flavour"; cat <<'WRAPPER'; } >"$dir/bin/emacs"
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
share=$(echo "$root"/usr/share/emacs/[0-9]*)
EMACSPATH=$(dirname "$(echo "$root"/usr/libexec/emacs/*/*/emacs*.pdmp)")
EMACSDATA=$share/etc EMACSDOC=$share/etc EMACSLOADPATH=$share/lisp
libraries=$(find "$root/usr/lib" "$root/lib" -maxdepth 1 -name '*-linux-gnu*' 2>/dev/null | paste -sd: -)
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export EMACSPATH EMACSDATA EMACSDOC EMACSLOADPATH LD_LIBRARY_PATH
exec "$root/usr/bin/emacs-$flavour" --dump-file="$(echo "$EMACSPATH"/emacs*.pdmp)" "$@"
WRAPPER
  chmod +x "$dir/bin/emacs"
  "$dir/bin/emacs" -Q --batch --eval '(kill-emacs 0)' || { say "it does not start"; rm -rf "$dir"; return 1; }
}

step_emacs_30() {
  local major
  major=$(emacs_major emacs || true)
  [ "${major:-0}" -ge 30 ] && return 0
  [ -x "$cache/emacs-30/bin/emacs" ] && return 0
  if ! is_debian; then
    # Elsewhere the distribution's own Emacs must do: 28.1 and newer are supported.
    [ -n "$major" ] || need_packages emacs-nox
    return
  fi
  use_suites own "$(codename)" "$(codename)" "$(codename)-backports"
  if [ -z "$major" ] && can_be_root; then
    say "installs Emacs 30"
    retry apt_as_root -o Dir::Cache::archives=/var/cache/apt/archives install -y --no-install-recommends \
      -t "$(codename)-backports" emacs-nox
  else
    unpack_emacs 30 "$cache/emacs-30"
  fi
}

step_emacs_28() {
  [ "$(emacs_major emacs || true)" = 28 ] && return 0
  [ -x "$cache/emacs-28.2/bin/emacs" ] && return 0
  is_debian || { say "Emacs 28.2 is fetched on Debian only; elsewhere build it and set SLUICE_EMACS_28 to its command"; return 1; }
  # On a newer Debian the old Emacs finds most of its libraries in the machine's own suite.
  if [ "$(codename)" = bookworm ]; then use_suites old bookworm bookworm; else use_suites old bookworm bookworm "$(codename)"; fi
  unpack_emacs 28.2 "$cache/emacs-28.2"
}

# Not needed by any test: only doc/pictures/make.py asks for it.
step_graphical() {
  [ -x "$cache/emacs-lucid/bin/emacs" ] && return 0
  is_debian || { say "a graphical Emacs is fetched on Debian only; elsewhere set SLUICE_EMACS_X to the command of yours"; return 1; }
  use_suites own "$(codename)" "$(codename)" "$(codename)-backports"
  unpack_emacs 30 "$cache/emacs-lucid" lucid
}

# unpack_elisp NAME DIR  unpacks a Debian elisp package and the elisp packages that it depends on.
unpack_elisp() {
  local name=$1 dir=$2 packages
  is_debian || { say "$name is fetched on Debian only; elsewhere install it from an Emacs archive and see .ci/env.sh"; return 1; }
  use_suites unstable sid sid
  mapfile -t packages < <(
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
      "elpa-$name" | grep '^elpa-' | sort -u
  )
  [ ${#packages[@]} -gt 0 ] || { say "Debian's unstable suite has no elpa-$name at present"; return 1; }
  say "unpacks ${packages[*]} in $dir"
  fetch "$dir" "${packages[@]}"
}

# What is unpacked below $1, as "gptel-0.9.9.6 llama-1.0.6".
elisp_versions() { ls "$1/usr/share/emacs/site-lisp/elpa-src" 2>/dev/null | paste -sd' ' - || true; }

step_gptel() {
  local version
  if [ ! -d "$cache/gptel" ]; then unpack_elisp gptel "$cache/gptel"; fi
  version=$(elisp_versions "$cache/gptel" | grep -o 'gptel-[0-9.]*' | cut -d- -f2)
  if ! printf '%s\n' "$oldest_gptel" "$version" | sort -V -C; then
    say "gptel $version is older than $oldest_gptel; the tests with it cannot be run"
    rm -rf "$cache/gptel"
    return 1
  fi
}

step_plz() {
  [ -d "$cache/plz" ] || unpack_elisp plz "$cache/plz"
}

step_package_lint() {
  [ -d "$cache/package-lint" ] || unpack_elisp package-lint "$cache/package-lint"
}

report() {
  local gptel plz lint
  . "$here/env.sh"
  gptel=$(elisp_versions "$cache/gptel")
  plz=$(elisp_versions "$cache/plz")
  lint=$(elisp_versions "$cache/package-lint")
  say "Emacs 30: $(emacs_version "${SLUICE_EMACS_30:-none}" || echo missing) ${SLUICE_EMACS_30:-}"
  say "Emacs 28: $(emacs_version "${SLUICE_EMACS_28:-none}" || echo missing) ${SLUICE_EMACS_28:-}"
  say "gptel: ${gptel:-missing}"
  say "plz: ${plz:-missing}"
  say "package-lint: ${lint:-missing}"
}

# Each step is a process of its own, so that one that fails stops by itself and the others go on.
if [ "${1:-}" = step ]; then
  "step_$2"
  exit
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two checkouts may ask at the same time
rm -rf "$cache"/unpack.* "$cache/apt"
status=0
for step in emacs_30 emacs_28 gptel plz package_lint; do
  timeout 900 "$BASH" "$0" step "$step" </dev/null || { say "this step did not succeed: $step"; status=1; }
done
rm -rf "$cache/apt"
report
exit "$status"
