# Where the programs are that .ci/install-emacs.sh has put in place. Source it: `. .ci/env.sh`.
#   SLUICE_EMACS_30, SLUICE_EMACS_28     commands; unset when there is none
#   SLUICE_GPTEL_PATH                    load-path directories of gptel and what it needs, joined by colons
#   SLUICE_PLZ_PATH                      the same for plz, which starts the curl of the package llm
#   SLUICE_PACKAGE_LINT_PATH             the same for package-lint
# An Emacs 30 that was unpacked because the machine has none comes first on PATH, so that `emacs` is it.

sluice_cache=${SLUICE_CI_CACHE:-$HOME/.cache/sluice-ci}

# Prints the major version of an Emacs; nothing if it does not run.
sluice_emacs_major() { { "$1" --version 2>/dev/null || true; } | sed -n '1s/^GNU Emacs \([0-9]*\)\..*/\1/p'; }

# Joins the directories below $1 with colons; nothing if there are none.
sluice_load_path() {
  [ -d "$1/usr/share/emacs/site-lisp/elpa-src" ] || return 0
  find "$1/usr/share/emacs/site-lisp/elpa-src" -mindepth 1 -maxdepth 1 -type d | sort | paste -sd: -
}

if [ -x "$sluice_cache/emacs-30/bin/emacs" ]; then
  case ":$PATH:" in
  *":$sluice_cache/emacs-30/bin:"*) ;;
  *) export PATH="$sluice_cache/emacs-30/bin:$PATH" ;;
  esac
fi

sluice_major=$(sluice_emacs_major emacs)
if [ "${sluice_major:-0}" -ge 30 ]; then
  SLUICE_EMACS_30=${SLUICE_EMACS_30:-$(command -v emacs)}
  export SLUICE_EMACS_30
fi
if [ -z "${SLUICE_EMACS_28:-}" ]; then
  if [ -x "$sluice_cache/emacs-28.2/bin/emacs" ]; then
    export SLUICE_EMACS_28="$sluice_cache/emacs-28.2/bin/emacs"
  elif [ "${sluice_major:-0}" = 28 ]; then
    SLUICE_EMACS_28=$(command -v emacs)
    export SLUICE_EMACS_28
  fi
fi
if [ -z "${SLUICE_GPTEL_PATH:-}" ] && [ -n "$(sluice_load_path "$sluice_cache/gptel")" ]; then
  SLUICE_GPTEL_PATH=$(sluice_load_path "$sluice_cache/gptel")
  export SLUICE_GPTEL_PATH
fi
if [ -z "${SLUICE_PLZ_PATH:-}" ] && [ -n "$(sluice_load_path "$sluice_cache/plz")" ]; then
  SLUICE_PLZ_PATH=$(sluice_load_path "$sluice_cache/plz")
  export SLUICE_PLZ_PATH
fi
if [ -z "${SLUICE_PACKAGE_LINT_PATH:-}" ] && [ -n "$(sluice_load_path "$sluice_cache/package-lint")" ]; then
  SLUICE_PACKAGE_LINT_PATH=$(sluice_load_path "$sluice_cache/package-lint")
  export SLUICE_PACKAGE_LINT_PATH
fi
unset sluice_major
