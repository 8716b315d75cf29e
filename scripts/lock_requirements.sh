#!/usr/bin/env bash
# Locks requirements/*.in into requirements/*.txt, with hashes, for every platform and Python 3.11+.
set -Eeuo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/lock_requirements.sh [--upgrade] [--help]

Resolves requirements/dev.in first; the locks of the services take the versions found there, so that
tests run what the containers run. What is locked stays as it is as long as the .in files allow it;
--upgrade takes the newest versions. Uses `uv` of .venv, or the one on the PATH (UV=... to name another).
TEXT
}

lock() { # FILE [OPTION...]: requirements/FILE.in -> requirements/FILE.txt
    local name=$1
    shift
    "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
        --custom-compile-command "scripts/lock_requirements.sh" "$@" "$name.in" --output-file "$name.txt" >/dev/null
    printf '%-18s %3d packages\n' "$name.txt" "$(grep -c '^[a-z0-9].*==' "$name.txt")"
}

main() {
    local upgrade=()
    case ${1:-} in
        '') ;;
        --upgrade) upgrade=(--upgrade) ;;
        --help | -h) usage; exit 0 ;;
        *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
    esac

    cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"
    uv=${UV:-../.venv/bin/uv}
    [[ -x $uv ]] || uv=$(command -v uv) || { echo "no uv: run \`make setup\` or \`pip install uv\`" >&2; exit 2; }

    lock dev "${upgrade[@]}"
    local file
    for file in *.in; do
        [[ $file == dev.in ]] || lock "${file%.in}" --constraints dev.txt "${upgrade[@]}"
    done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
