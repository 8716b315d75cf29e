#!/usr/bin/env bash
# Tests every connection: database, object store, cache, and the sources of all workflows.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/test_connections.sh [--help]

Prints a line a source and target, with the cause when it cannot be used: the database, the object store, Redis, each
retailer, and the release that VPIC_SOURCE leads to. Exits 0 when all can be used, 1 when not, 2 when that cannot be
told. A service's container tests what it can reach; one that lacks a driver or package says which.

CRONHOUSE        the command, e.g. "docker compose exec -T ingestion cronhouse";
                 default: .venv/bin/cronhouse of this checkout, else the one on the PATH
TIMEOUT_SECONDS  how long to wait for all answers (60)
TEXT
}

# Turn findings ("good  part  text", "BAD   part  text") into a line a target and a line a source.
# shellcheck disable=SC2016 # the fields are awk's
readonly SUM_UP='
$1 == "good" || $1 == "BAD" {
  word = ($1 == "BAD") ? "bad" : "good"
  part = $2
  text = $0
  sub(/^[A-Za-z]+ +[a-z]+ +/, "", text)
  if (part == "sources") { source[++sources] = word ": source: " text; next }
  if (!(part in verdict)) { order[++parts] = part; verdict[part] = "good" }
  if (word == "bad" && verdict[part] == "good") { verdict[part] = "bad"; said[part] = "" }
  if (word == verdict[part]) said[part] = said[part] (said[part] == "" ? "" : "; ") text
}
END {
  for (i = 1; i <= parts; i++) print verdict[order[i]] ": " order[i] ": " said[order[i]]
  for (i = 1; i <= sources; i++) print source[i]
}'

main() {
  local lines
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  case ${1:-} in
    '') ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
  ask_cronhouse doctor --only database --only store --only cache --only sources
  lines=$(awk "$SUM_UP" <<<"$said")
  if [[ -z $lines || $status -gt 1 ]]; then tell "$CANNOT_TELL" "$(tail -n 1 <<<"$said")"; fi
  printf '%s\n' "$lines"
  exit "$status"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
