# Sourced by scripts/demo and scripts/test: a virtual environment with this project in it, and system packages on demand.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv="$root/.venv"

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 2; }

# Prints the way to become root ("" when already root, "sudo -n" when that works), or fails.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then echo ""; return; fi
  sudo -n true 2>/dev/null && { echo "sudo -n"; return; }
  return 1
}

# install_packages NAME...: Debian or Ubuntu packages, when we may; otherwise says what is missing and fails.
install_packages() {
  local become
  if ! command -v apt-get >/dev/null; then say "cannot install $*: no apt-get here"; return 1; fi
  if ! become=$(as_root); then say "cannot install $*: not root and no password-less sudo"; return 1; fi
  say "installing system packages: $*"
  # shellcheck disable=SC2086  # $become is empty or two words
  $become env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@"' \
    apt "$@" >"${TMPDIR:-/tmp}/whosasking-apt.$$.log" 2>&1 || { say "apt-get failed; see ${TMPDIR:-/tmp}/whosasking-apt.$$.log"; return 1; }
  rm -f "${TMPDIR:-/tmp}/whosasking-apt.$$.log"
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"; return
    fi
  done
  die "Python 3.11 or later is needed and none is on PATH"
}

# setup_venv EXTRAS: makes .venv and installs the checkout into it, only when pyproject.toml or the extras changed.
setup_venv() {
  local extras=$1 python stamp wanted
  python=$(find_python)
  stamp="$venv/.installed"
  wanted="$(cksum <"$root/pyproject.toml") $root $extras"
  if [ -x "$venv/bin/python" ] && grep -qxF "$wanted" "$stamp" 2>/dev/null; then return; fi
  if [ ! -x "$venv/bin/python" ]; then
    say "creating a virtual environment in .venv"
    if ! "$python" -m venv "$venv" 2>/dev/null; then
      rm -rf "$venv"
      install_packages python3-venv || die "$python cannot make a virtual environment (on Debian: apt-get install python3-venv)"
      "$python" -m venv "$venv" || die "$python -m venv failed"
    fi
  fi
  say "installing whosasking${extras:+ with $extras} into .venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$root$extras" || die "pip install failed"
  echo "$wanted" >>"$stamp"
}
