#!/usr/bin/env bash
# Starts one role of the house in this container.
set -Eeuo pipefail

usage() {
    cat <<'TEXT'
usage: entrypoint.sh ROLE

  migrate         brings the database up to date and ends
  ingestion       cron with the jobs of that service
  transformation  (same)
  data-quality    (same)
  maintenance     (same)
  vehicle-etl     (same)
  api             the HTTP API on port 8000
  retailers       the three simulated retailers on ports 8101 to 8103
  themeparks      the stand-in of the theme parks' API on port 8104
  cronhouse ...   any command of the CLI, e.g. cronhouse status
TEXT
}

# supercronic ends when its jobs have ended, but tells them nothing: SIGTERM must reach them too, so that
# they stop between two items. Each job is a process group, child of one of supercronic's threads.
jobs=() heard=0
stop_cron() {
    heard=1
    kill -TERM "$cron" 2>/dev/null || true
    local job
    read -ra jobs < <(cat "/proc/$cron/task/"*/children 2>/dev/null | tr '\n' ' ') || true
    for job in "${jobs[@]}"; do
        kill -TERM -- "-$job" 2>/dev/null || kill -TERM "$job" 2>/dev/null || true
    done
}

run_cron() { # SERVICE
    local crontab=${CRONTAB:-/tmp/crontab} status=0 job
    # bash becomes the command, where sh would stand before it and take the signal in its place
    { echo "SHELL=/bin/bash"; cronhouse crontab "$1"; } >"$crontab"
    supercronic -no-reap -test -quiet "$crontab"
    supercronic -no-reap -passthrough-logs -quiet "$crontab" &
    cron=$!
    trap stop_cron TERM INT
    while :; do
        heard=0 status=0
        wait "$cron" || status=$?
        ((heard)) || break # else it was the signal that ended `wait`, not the process
    done
    # all of a job must have ended, not only its first process; Docker's grace period is the limit
    for job in "${jobs[@]}"; do
        while kill -0 -- "-$job" 2>/dev/null; do sleep 0.1; done
    done
    exit "$status"
}

main() {
    local role=${1:-}
    [[ $# -eq 0 ]] || shift
    case $role in
        migrate) exec cronhouse migrate "$@" ;;
        ingestion | transformation | data-quality | maintenance | vehicle-etl) run_cron "${role//-/_}" ;;
        api) exec gunicorn -c python:services.api.gunicorn_conf "services.api.app:create_app()" ;;
        retailers) exec python -m services.retailers --all --host 0.0.0.0 --ports 8101,8102,8103 "$@" ;;
        themeparks) exec python -m services.themeparks --host 0.0.0.0 --port 8104 "$@" ;;
        cronhouse) exec cronhouse "$@" ;;
        --help | -h) usage ;;
        *)
            echo "unknown role: '$role'" >&2
            usage >&2
            exit 2
            ;;
    esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
