# What the machine lets us do. Sourced by the other scripts; defines functions only.

say() { printf '%s\n' "sluice: $*" >&2; }

# Retries for what depends on a network: three times, with a pause that grows.
retry() {
  local n
  for n in 1 2 3; do
    "$@" && return 0
    [ "$n" = 3 ] || { say "failed, once more in $((n * 5)) s: $*"; sleep $((n * 5)); }
  done
  return 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Succeeds if we are root or may become root without a question.
can_be_root() { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# apt-get as root: no questions, patient while somebody else holds the lock, and silent unless it fails.
apt_as_root() {
  local output
  output=$(as_root env DEBIAN_FRONTEND=noninteractive ${APT_CONFIG:+APT_CONFIG="$APT_CONFIG"} \
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" 2>&1) && return 0
  printf '%s\n' "$output" >&2
  return 1
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs those of the given packages that are missing; names what a person must install where we cannot.
need_packages() {
  local package missing=()
  if ! has apt-get; then
    say "this machine has no apt; install with its own package manager what of this is missing: $*"
    return 1
  fi
  for package; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] && return 0
  if ! can_be_root; then
    say "missing here, and only an administrator can install it: ${missing[*]}"
    say "run: sudo apt-get install ${missing[*]}"
    return 1
  fi
  say "installs ${missing[*]}"
  retry apt_as_root update || return 1
  retry apt_as_root install -y --no-install-recommends "${missing[@]}"
}
