#!/usr/bin/env bash
# Tells how the last run of the vehicle ETL went, with its last log lines.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/check_etl_status.sh [JOB] [--lines N] [--help]

JOB is the job to look at; default: vehicles_load. Prints one line with the verdict, as `cronhouse check` gives it,
then the last run and its newest N log lines (5). Exits 0 when it is well, 1 when not, 2 when that cannot be told.

CRONHOUSE        the command, e.g. "docker compose exec -T vehicle-etl cronhouse";
                 default: .venv/bin/cronhouse of this checkout, else the one on the PATH
TIMEOUT_SECONDS  how long to wait for each answer (60)
TEXT
}

# Print the newest run of the job, and the end of its log.
show_last_run() { # JOB LINES
  local run
  ask_cronhouse history "$1" --limit 1
  [[ $status -eq 0 ]] || return 0
  printf '%s\n' "$said"
  run=$(awk 'NR == 2 { print $1 }' <<<"$said")
  [[ $run =~ ^[0-9]+$ ]] || return 0
  ask_cronhouse logs "$run"
  [[ $status -eq 0 ]] || return 0
  tail -n "$2" <<<"$said"
}

main() {
  local job='' lines=5
  # shellcheck source=scripts/lib.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  while [[ $# -gt 0 ]]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --lines)
        lines=${2:-}
        [[ $lines =~ ^[0-9]+$ ]] || { echo "--lines needs a number, not '$lines'" >&2; exit 2; }
        shift ;;
      -*) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
      *)
        [[ -z $job ]] || { echo "too many arguments: $1" >&2; usage >&2; exit 2; }
        job=$1 ;;
    esac
    shift
  done
  job=${job:-vehicles_load}
  local verdict code=0
  verdict=$(tell_check "$job") || code=$?
  printf '%s\n' "$verdict"
  if [[ $code -ne $CANNOT_TELL ]]; then show_last_run "$job" "$lines"; fi
  exit "$code"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
