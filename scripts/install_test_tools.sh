#!/usr/bin/env bash
# Makes sure that the tests find a Chromium and two ODBC drivers, FreeTDS and PostgreSQL's: installs Debian's when one is
# missing and this is root. Anybody else installs the browser; without a driver its tests are left out.
set -Eeuo pipefail

has_browser() {
    local name
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

has_driver() { [[ -n $(compgen -G "/usr/lib/*/odbc/$1" || true) ]]; }

main() {
    local missing=()
    has_browser || missing+=(chromium)
    has_driver libtdsodbc.so || missing+=(libodbc2 tdsodbc)
    has_driver psqlodbcw.so || missing+=(libodbc2 odbc-postgresql)
    if ((${#missing[@]})) && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "installing ${missing[*]} for the tests"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    has_browser && return 0
    echo "install_test_tools.sh: no Chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM" >&2
    return 1
}

main "$@"
