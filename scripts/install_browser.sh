#!/usr/bin/env bash
# Makes sure that the tests find a Chromium: installs Debian's when it is missing and this is root.
set -Eeuo pipefail

main() {
    local name
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "installing Chromium for the browser tests"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
        return 0
    fi
    echo "install_browser.sh: no Chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM" >&2
    return 1
}

main "$@"
