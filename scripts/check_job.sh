#!/usr/bin/env bash
# Tells whether a job succeeded lately, by its last success in the database.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/check_job.sh NAME [MAX_AGE] [--help]

NAME is a job or a workflow, MAX_AGE how old its last success may be (26h, 2d); default: what the job says.
Prints one line; exits 0 when it is well, 1 when not, 2 when that cannot be told.

CRONHOUSE        the command, e.g. "docker compose exec -T maintenance cronhouse";
                 default: .venv/bin/cronhouse of this checkout, else the one on the PATH
TIMEOUT_SECONDS  how long to wait for an answer (60)
TEXT
}

main() {
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  case ${1:-} in
    --help | -h) usage; exit 0 ;;
    '' | -*) echo "name a job, not '${1:-}'" >&2; usage >&2; exit 2 ;;
  esac
  [[ $# -le 2 ]] || { echo "too many arguments" >&2; usage >&2; exit 2; }
  tell_check "$1" ${2:+--max-age "$2"}
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
