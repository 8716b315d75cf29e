#!/usr/bin/env bash
# Tells whether the API answers, and how fast.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/check_api.sh [URL] [--help]

URL defaults to $CRONHOUSE_URL, else the gateway of Compose, http://127.0.0.1:${GATEWAY_PORT:-8080}.
Prints one line; exits 0 when /health answers in time, 1 when not, 2 when that cannot be told.

MAX_SECONDS  how long an answer may take (5)
TEXT
}

main() {
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  case ${1:-} in
    --help | -h) usage; exit 0 ;;
    -*) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
  local url=${1:-${CRONHOUSE_URL:-http://127.0.0.1:${GATEWAY_PORT:-8080}}} limit=${MAX_SECONDS:-5} said status=0
  url=${url%/}/health
  said=$(curl --silent --show-error --output /dev/null --max-time "$limit" \
    --write-out '%{http_code} %{time_total}' "$url" 2>&1) || status=$?
  local why=${said%%$'\n'*}
  # curl: 7 refused, 28 too slow, 52 empty and 56 cut answer; others (no such host) are not the API's fault
  case $status in
    0) ;;
    7 | 28 | 52 | 56) tell "$BAD" "$url does not answer: ${why#curl: }" ;;
    *) tell "$CANNOT_TELL" "$url: ${why#curl: }" ;;
  esac
  if [[ $said != '200 '* ]]; then tell "$BAD" "$url answers ${said%% *}"; fi
  tell "$GOOD" "$url answers in ${said#* } s"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
