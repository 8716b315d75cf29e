#!/usr/bin/env bash
# Installs docker compose 2.40 and buildx 0.29, Debian forky's packages (they need libc >= 2.34, so they run on
# bookworm), as CLI plugins, through an apt root of its own: the system's apt is untouched.
set -Eeuo pipefail

main() {
    local dir=${1:-$HOME/.docker/cli-plugins} suite=${SUITE:-forky} root mirror apt file
    root=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$root'" EXIT
    mkdir -p "$root"/{lists/partial,cache/archives/partial,dl}
    touch "$root/status"
    # this machine's own mirror, whichever way its sources are written
    mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null ||
        awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\//) {print $i; exit}}' /etc/apt/sources.list)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$root/list"
    apt=(-qq -o "Dir::Etc::sourcelist=$root/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$root/lists"
        -o "Dir::Cache=$root/cache" -o "Dir::State::status=$root/status" -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" update
    (cd "$root/dl" && apt-get "${apt[@]}" download docker-compose docker-buildx)
    for file in "$root"/dl/*.deb; do dpkg-deb -x "$file" "$root/x"; done
    install -D -t "$dir" "$root"/x/usr/libexec/docker/cli-plugins/docker-*
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
