#!/usr/bin/env bash
# Tells whether the object store can be used: an object is written, read and deleted.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/check_store.sh [--help]

Prints one line; exits 0 when all is well, 1 when not, 2 when that cannot be told.

CRONHOUSE        the command, e.g. "docker compose exec -T maintenance cronhouse";
                 default: .venv/bin/cronhouse of this checkout, else the one on the PATH
TIMEOUT_SECONDS  how long to wait for an answer (60)
TEXT
}

main() {
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  case ${1:-} in
    '') ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
  tell_doctor store
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
