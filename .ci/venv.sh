#!/usr/bin/env bash
# Makes .venv and installs Sluice into it:
#   .ci/venv.sh run     what the daemon needs
#   .ci/venv.sh test    and what the tests need
# Does nothing when that has been done for this folder and this pyproject.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/machine.sh

purpose=${1:-run}
wanted="$PWD $(cksum <pyproject.toml)"
case $purpose in
run) target=. ;;
test) target='.[test]' ;;
*) say "'$purpose' is not a purpose; it can be: run, test"; exit 2 ;;
esac

done_for() { [ "$(cat ".venv/.sluice-$1" 2>/dev/null)" = "$wanted" ]; }

# The first Python that runs and is new enough; a name on PATH may be a pyenv shim that does not run.
find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return 0
    fi
  done
  say "Sluice needs Python 3.11 or newer, and none was found (python3 is $(python3 -V 2>&1 | tail -n 1))."
  say "Install one, then say which: make PYTHON=/path/to/python3.11 $purpose"
  return 1
}

# Debian and Ubuntu keep the half of venv that brings pip in a package of its own.
need_venv_module() {
  local version
  "$1" -c 'import venv, ensurepip' 2>/dev/null && return 0
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if has apt-get && need_packages "python$version-venv" && "$1" -c 'import venv, ensurepip' 2>/dev/null; then
    return 0
  fi
  say "Python's venv module is missing, so Sluice has no place of its own to install into."
  say "On Debian and Ubuntu run: sudo apt-get install python$version-venv   then: make $purpose"
  return 1
}

done_for "$purpose" && exit 0
[ "$purpose" = run ] && done_for test && exit 0

# A .venv that was moved, or whose Python is gone, is made anew.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || [ "$(cat .venv/.sluice-folder 2>/dev/null || echo "$PWD")" != "$PWD" ]; then
  python=$(find_python)
  need_venv_module "$python"
  say "makes .venv with $("$python" -V)"
  "$python" -m venv --clear .venv
  echo "$PWD" >.venv/.sluice-folder
fi
# In CI, where the lock is for this Python and machine: to the version and the hash. A hash that differs ends it; versions
# that are not to be had here (a mirror of its own) do not, since everybody else installs without the lock as well.
install_locked() {
  local fits output
  [ "${CI:-}" = true ] && [ "$purpose" = test ] || return 0
  fits=$(.venv/bin/python -c 'import platform, sys; print("%d%d" % sys.version_info[:2], sys.platform, platform.machine())')
  grep -qx "# for: $fits" .ci/requirements.lock || { say "the lock is for another Python or machine than $fits"; return 0; }
  output=$(.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r .ci/requirements.lock 2>&1) && return 0
  case $output in *"DO NOT MATCH THE HASHES"*) say "$output"; return 1 ;; esac
  say "what the lock names cannot be had here; goes on without it: $(printf '%s' "$output" | tail -n 1)"
}
install_locked || exit 1

say "installs Sluice into .venv; once, this takes up to a minute"
if ! retry .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$target"; then
  say "pip could not install it; its reason is above. Without network nothing can be fetched: mend that, then: make $purpose"
  exit 1
fi
echo "$wanted" >".venv/.sluice-$purpose"
