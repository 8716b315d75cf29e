#!/usr/bin/env bash
# Makes .venv and installs one locked list of packages into it, by hash.
#   scripts/make_venv.sh embedded|dev
# PYTHON names the interpreter (default python3); it must be 3.11 or newer.
set -Eeuo pipefail
trap 'echo "make_venv.sh: line $LINENO: $BASH_COMMAND failed" >&2' ERR

usage() { echo "usage: scripts/make_venv.sh embedded|dev" >&2; exit 2; }

check_python() {
    local python=$1
    command -v "$python" >/dev/null || { echo "make_venv.sh: $python not found: install Python 3.11 or newer, or set PYTHON" >&2; exit 2; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "make_venv.sh: $("$python" --version) is too old: Python 3.11 or newer is needed (set PYTHON)" >&2; exit 2; }
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        { echo "make_venv.sh: $python has no venv module: on Debian, apt-get install python3-venv" >&2; exit 2; }
}

main() {
    local list=${1:-} python=${PYTHON:-python3}
    [[ $list == embedded || $list == dev ]] || usage
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    check_python "$python"
    [[ -x .venv/bin/python ]] || "$python" -m venv .venv
    echo "installing the locked packages of requirements/$list.txt into .venv (once)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$list.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
        --config-settings editable_mode=compat --editable .
    touch ".venv/.$list"
    [[ $list != dev ]] || touch .venv/.embedded      # dev holds all of embedded
}

main "$@"
