# Sourced by scripts/test: the optional components the tests use, installed where Debian or Ubuntu has them.
# shellcheck shell=bash

# Suricata 7: in Debian 13 and Ubuntu; on Debian 12 in bookworm-backports, which is added as a source when missing.
want_suricata() {
  command -v suricata >/dev/null && return
  command -v apt-get >/dev/null || return 1
  local become codename
  become=$(as_root) || return 1
  # shellcheck source=/dev/null
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  if [ "$codename" = bookworm ] && ! apt-cache policy suricata 2>/dev/null | grep -q bookworm-backports; then
    say "adding bookworm-backports to the apt sources (Suricata 7 for Debian 12)"
    echo 'deb http://deb.debian.org/debian bookworm-backports main' \
      | $become tee /etc/apt/sources.list.d/bookworm-backports.list >/dev/null
  fi
  if [ "$codename" = bookworm ]; then
    install_packages -t bookworm-backports suricata
  else
    install_packages suricata
  fi
}

# Zeek is in no package registry that every machine has: used when present, left out by name otherwise.
want_zeek() {
  command -v zeek >/dev/null && zeek --version 2>/dev/null | grep -qE 'version ([89]|[1-9][0-9])\.'
}

# tshark reads captures where neither Zeek nor Suricata is installed; Debian and Ubuntu have it.
want_tshark() {
  command -v tshark >/dev/null && return
  install_packages tshark
}
