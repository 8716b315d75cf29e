#!/usr/bin/env bash
# Brings the whole stack up in Docker and proves what docker-compose.yml promises.
set -Eeuo pipefail

usage() {
    cat <<'TEXT'
usage: tests/compose/run.sh [--keep]

Takes the Docker engine of this machine. Where there is none, and this is Debian and we are root, installs
docker.io, starts dockerd and stops it at the end. Images are pulled; where no registry can be reached,
stand-ins are built from Debian's packages (tests/compose/standin). Where no engine can be had, says so and
exits 0.

  --keep                    leave the stack up at the end, to look around
  CRONHOUSE_COMPOSE_TEST=0  do nothing, exit 0
  WAIT_SECONDS=300          how long the stack may take to become healthy
  PYTHON=...                a Python that has pytest and PyYAML; default .venv/bin/python
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
WAIT_SECONDS=${WAIT_SECONDS:-300}
OBJECTSTORE_IMAGE=${OBJECTSTORE_IMAGE:-chrislusf/seaweedfs:4.47}
docker_pid='' work='' keep=0

say() { printf '%s %4s s  %s\n' "$(date +%T)" "$SECONDS" "$*"; }

give_up() { # REASON: no engine is not a failure
    echo "compose test: $1; nothing was tested"
    exit 0
}

have_engine() { docker info >/dev/null 2>&1; }

ensure_engine() {
    if have_engine; then return 0; fi
    [[ -f /etc/debian_version ]] || give_up "no Docker engine answers, and this is not Debian"
    [[ $(id -u) == 0 ]] || give_up "no Docker engine answers, and only root can install one"
    if ! command -v dockerd >/dev/null; then
        say "installing docker.io"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io; } >"$work/apt.log" 2>&1 ||
            give_up "docker.io cannot be installed: $(tail -1 "$work/apt.log")"
    fi
    say "starting dockerd"
    dockerd >"$work/dockerd.log" 2>&1 &
    docker_pid=$!
    local _
    for _ in {1..60}; do
        if have_engine; then return 0; fi
        kill -0 "$docker_pid" 2>/dev/null || break
        sleep 1
    done
    local reason
    reason=$(grep -E 'level=(error|fatal)|failed to start' "$work/dockerd.log" | tail -1)
    docker_stop
    give_up "dockerd does not run on this machine: ${reason:-it did not answer within 60 s}"
}

docker_stop() {
    [[ -n $docker_pid ]] || return 0
    kill -TERM "$docker_pid" 2>/dev/null || true
    wait "$docker_pid" 2>/dev/null || true
    docker_pid=''
}

ensure_compose() {
    local version
    version=$(docker compose version --short 2>/dev/null || true)
    version=${version#v}
    # !reset in compose.standin.yml needs 2.24
    if [[ -n $version && $(printf '%s\n2.24\n' "$version" | sort -V | head -1) == 2.24 ]] && docker buildx version >/dev/null 2>&1; then
        return 0
    fi
    [[ -f /etc/debian_version ]] || give_up "Docker Compose 2.24 or newer is missing"
    say "installing Docker Compose and buildx"
    "$here/standin/compose-plugin.sh" >"$work/plugin.log" 2>&1 ||
        give_up "Docker Compose cannot be installed: $(tail -1 "$work/plugin.log")"
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# A machine that reaches no registry answers within a second; after the first failure nobody is asked again.
ensure_images() {
    local pull=1 name image standins=()
    local -A wanted=([python]=python:3.11-slim-bookworm [postgres]=postgres:18 [redis]=redis:7 [nginx]=nginx:1.30)
    for name in python postgres redis nginx; do
        image=${wanted[$name]}
        if have_image "$image" || { ((pull)) && timeout 120 docker pull -q "$image" >/dev/null 2>&1; }; then continue; fi
        pull=0
        standins+=("$name")
    done
    have_image debian:forky-slim || [[ " ${standins[*]} " == *" python "* ]] || { ((pull)) && docker pull -q debian:forky-slim >/dev/null 2>&1; } || standins+=(python)
    if ! have_image "$OBJECTSTORE_IMAGE" && ! { ((pull)) && timeout 120 docker pull -q "$OBJECTSTORE_IMAGE" >/dev/null 2>&1; }; then
        standins+=(s3)
        files+=(-f "$here/compose.standin.yml")
    fi
    ((${#standins[@]})) || return 0
    say "no registry in reach: stand-ins for ${standins[*]}"
    if ! command -v debootstrap >/dev/null && ! have_image debian:bookworm-slim; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap; } >"$work/apt.log" 2>&1 ||
            give_up "no registry in reach, and debootstrap cannot be installed: $(tail -1 "$work/apt.log")"
    fi
    "$here/standin/images.sh" "${standins[@]}"
}

compose() { docker compose "${files[@]}" "$@"; }

# The stack of the test: names, secrets and ports of its own, so that a stack in use is not touched.
prepare() {
    export COMPOSE_PROJECT_NAME=cronhouse-test IMAGE_PREFIX=cronhouse-test IMAGE_TAG=test
    export SECRETS_DIR="$work/secrets" TEST_WORKFLOWS="$work/workflows" GATEWAY_PORT=0 RETAILER_FAULTS=1
    export HEALTH_INTERVAL=3s JOB_HEALTH_INTERVAL=5s COMPOSE_PARALLEL_LIMIT=${COMPOSE_PARALLEL_LIMIT:-4}
    "$root/scripts/generate_env.py" --env-file "$work/.env" --secrets-dir "$SECRETS_DIR" >/dev/null
    mkdir -p "$TEST_WORKFLOWS"
    # daily jobs fire when the checks say so, not because it is their hour
    local file later=$(((10#$(date -u +%H) + 6) % 24))
    for file in "$root"/workflows/*.yml; do
        sed -E "s/\"([0-9]+) [0-9]+ \* \* \*\"/\"\\1 $later * * *\"/" "$file" >"$TEST_WORKFLOWS/${file##*/}"
    done
    chmod -R a+rX "$TEST_WORKFLOWS"
    chmod a+x "$work"
    files=(--project-directory "$root" --env-file "$work/.env" -f "$root/docker-compose.yml" -f "$here/compose.test.yml")
}

down() { compose down --volumes --remove-orphans --timeout 20 >/dev/null 2>&1; }

leftovers() {
    local label="label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
    docker ps -aq --filter "$label"
    docker network ls -q --filter "$label"
    docker volume ls -q --filter "$label"
}

show_trouble() {
    compose ps --all --format 'table {{.Service}}\t{{.Status}}' || true
    local service status
    while read -r service status; do
        case $status in *"(healthy)"* | "Exited (0)"*) continue ;; esac
        echo "--- $service: $status"
        compose logs --no-log-prefix --tail 40 "$service" || true
        docker inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' "$(compose ps -aq "$service")" 2>/dev/null | tail -5 || true
    done < <(compose ps --all --format '{{.Service}} {{.Status}}')
}

finish() {
    local status=$?
    trap - EXIT
    if [[ -n ${COMPOSE_PROJECT_NAME:-} && $keep == 0 ]] && have_engine; then down || true; fi
    docker_stop
    [[ $keep == 1 || -z $work ]] || rm -rf "$work"
    exit "$status"
}

main() {
    case ${1:-} in
        '') ;;
        --keep) keep=1 ;;
        --help | -h) usage; exit 0 ;;
        *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
    esac
    [[ ${CRONHOUSE_COMPOSE_TEST:-1} != 0 ]] || give_up "switched off by CRONHOUSE_COMPOSE_TEST=0"
    PYTHON=${PYTHON:-$root/.venv/bin/python}
    "$PYTHON" -c 'import pytest, yaml' || { echo "$PYTHON has no pytest: run \`make .venv/.dev\`, or set PYTHON" >&2; exit 2; }

    work=$(mktemp -d)
    trap finish EXIT
    trap 'exit 130' INT TERM
    ensure_engine
    ensure_compose
    prepare
    ensure_images

    say "building the images"
    compose build --quiet >"$work/build.log" 2>&1 || { tail -40 "$work/build.log"; exit 1; }
    down || true
    say "starting the stack"
    if ! compose up --detach --wait --wait-timeout "$WAIT_SECONDS" >"$work/up.log" 2>&1; then
        tail -5 "$work/up.log"
        show_trouble
        exit 1
    fi
    say "all healthy; checking"
    local status=0
    COMPOSE_COMMAND="docker compose $(printf '%q ' "${files[@]}")" \
        "$PYTHON" -m pytest -q -x -p no:cacheprovider --durations=0 --durations-min=1 \
        "$here/check_stack.py" "$here/check_parks.py" "$here/check_disturbed.py" || status=$?
    if ((status)); then show_trouble; exit "$status"; fi

    if [[ $keep == 1 ]]; then
        say "left up as project $COMPOSE_PROJECT_NAME; its secrets are in $SECRETS_DIR"
        docker_pid=''
        return 0
    fi
    say "taking it down"
    compose down --volumes --remove-orphans --timeout 20 >"$work/down.log" 2>&1 || { tail -5 "$work/down.log"; exit 1; }
    [[ -z $(leftovers) ]] || { echo "down left something behind:"; leftovers; exit 1; }
    say "compose test passed: nothing is left behind"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
