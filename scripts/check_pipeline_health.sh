#!/usr/bin/env bash
# Tells whether the whole house is well: no job late, no critical incident open.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/check_pipeline_health.sh [--help]

Prints one line; exits 0 when all is well, 1 when not, 2 when that cannot be told.

CRONHOUSE_URL    ask the API over HTTP (its /ready) instead of the command, e.g. http://127.0.0.1:8080
CRONHOUSE        the command, e.g. "docker compose exec -T maintenance cronhouse";
                 default: .venv/bin/cronhouse of this checkout, else the one on the PATH
TIMEOUT_SECONDS  how long to wait for an answer (60)
TEXT
}

# Print "STATUS<TAB>REASONS" of the JSON that /ready gives.
readonly READ_READY='
import json, sys
answer = json.load(sys.stdin)
print(answer["status"], "; ".join(answer["reasons"]), sep="\t")
'

ask_api() { # URL
  local answer line status reasons
  answer=$(curl --silent --show-error --max-time "${TIMEOUT_SECONDS:-60}" "$1/ready" 2>&1) ||
    tell "$CANNOT_TELL" "$1/ready: ${answer:-no answer}"
  line=$("${PYTHON:-python3}" -c "$READ_READY" 2>/dev/null <<<"$answer") ||
    tell "$CANNOT_TELL" "$1/ready does not answer like Cronhouse"
  IFS=$'\t' read -r status reasons <<<"$line"
  case $status in
    ready) tell "$GOOD" "ready, no job is late" ;;
    degraded | 'not ready') tell "$BAD" "$status: $reasons" ;;
    *) tell "$CANNOT_TELL" "$1/ready says '$status'" ;;
  esac
}

main() {
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  case ${1:-} in
    '') ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
  if [[ -n ${CRONHOUSE_URL:-} ]]; then ask_api "${CRONHOUSE_URL%/}"; fi
  tell_check "$@"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
