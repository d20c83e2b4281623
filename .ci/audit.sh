#!/usr/bin/env bash
# Known vulnerabilities in what CI installs: fails when there is one, warns when nobody can be asked.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. .ci/machine.sh

tool=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-ci/pip-audit
if [ ! -x "$tool/bin/pip-audit" ]; then
  .venv/bin/python -m venv "$tool" && "$tool/bin/pip" install --quiet --disable-pip-version-check 'pip-audit>=2.7' ||
    { say "pip-audit cannot be had, so nobody has looked for known vulnerabilities"; rm -rf "$tool"; exit 0; }
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT
if timeout 120 "$tool/bin/pip-audit" --progress-spinner off --disable-pip --require-hashes -r .ci/requirements.lock \
  --format json --output "$report" 2>"$report.err"; then
  say "no known vulnerability in .ci/requirements.lock"
elif .venv/bin/python .ci/vulnerable.py "$report"; then
  rm -f "$report.err"
  exit 1
else
  say "nobody could be asked for known vulnerabilities: $(tail -n 1 "$report.err" | cut -c1-200)"
fi
rm -f "$report.err"
