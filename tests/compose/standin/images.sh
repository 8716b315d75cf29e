#!/usr/bin/env bash
# Builds local stand-ins, tagged like the official images, from Debian's archive, for machines that reach no
# container registry. They differ from the official images in size and age, not in what the stack needs of them.
set -Eeuo pipefail

usage() {
    cat <<'TEXT'
usage: tests/compose/standin/images.sh [python|postgres|redis|nginx|s3]...

Builds all of them, or the named ones; an image that exists is kept (FORCE=1 builds it anew).
Needs root, a Docker engine and debootstrap. No address is written here: debootstrap and apt use their own
defaults. The machine's CA bundle ($CA) goes into the base image, so that pip works while ours are built.
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CA=${CA:-/etc/ssl/certs/ca-certificates.crt}
FORCE=${FORCE:-0}
get='export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq'
end='>/dev/null && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb'

have() { docker image inspect "$1" >/dev/null 2>&1; }

say() { # IMAGE SECONDS
    printf '  %-28s %4s s %5s MB\n' "$1" "$2" $(($(docker image inspect -f '{{.Size}}' "$1") / 1000000))
}

base() { # SUITE: a minimal Debian as debian:SUITE-slim
    if have "debian:$1-slim"; then return 0; fi
    local dir="$tmp/$1" began=$SECONDS script=()
    [[ -e /usr/share/debootstrap/scripts/$1 ]] || script=("" sid) # newer than this debootstrap
    debootstrap --variant=minbase "$1" "$dir" "${script[@]}" >"$dir.log" 2>&1 || { tail -20 "$dir.log" >&2; exit 1; }
    rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* "$dir"/usr/share/{doc,man,locale}/*
    printf '%s\n' 'APT::Install-Recommends "0";' 'Acquire::Check-Valid-Until "false";' >"$dir/etc/apt/apt.conf.d/90standin"
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod 755 "$dir/usr/sbin/policy-rc.d"
    install -D -m 644 "$CA" "$dir/etc/ssl/standin-ca.pem"
    tar -C "$dir" -c . | docker import -c 'CMD ["bash"]' -c 'ENV PIP_CERT=/etc/ssl/standin-ca.pem' \
        -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "debian:$1-slim" >/dev/null
    rm -rf "$dir"
    say "debian:$1-slim" $((SECONDS - began))
}

image() { # TAG SUITE [ENTRYPOINT-FILE], the rest of the Dockerfile on stdin
    local dockerfile dir="$tmp/build" began
    dockerfile=$(cat)
    if [[ $FORCE == 0 ]] && have "$1"; then return 0; fi
    base "$2"
    began=$SECONDS
    rm -rf "$dir"
    mkdir "$dir"
    [[ -z ${3:-} ]] || install -m 755 "$here/$3" "$dir/entrypoint.sh"
    printf 'FROM debian:%s-slim\n%s\n' "$2" "$dockerfile" >"$dir/Dockerfile"
    docker build -q -t "$1" "$dir" >"$dir.log" 2>&1 || { tail -20 "$dir.log" >&2; exit 1; }
    say "$1" $((SECONDS - began))
}

do_python() {
    base forky # supercronic comes from it
    image python:3.11-slim-bookworm bookworm <<D
RUN $get python3 python3-pip python3-venv ca-certificates $end && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \\
 && ln -s /usr/bin/python3 /usr/local/bin/python3 && ln -s python3 /usr/local/bin/python && ln -s /usr/bin/pip /usr/local/bin/pip
ENV LANG=C.UTF-8
CMD ["python3"]
D
}

do_postgres() {
    image postgres:18 forky postgres-entrypoint.sh <<D
RUN groupadd -r -g 999 postgres && useradd -r -g 999 -u 999 -d /var/lib/postgresql postgres \\
 && mkdir -p /etc/postgresql-common /docker-entrypoint-initdb.d \\
 && echo create_main_cluster=false >/etc/postgresql-common/createcluster.conf && $get postgresql-18 gzip $end \\
 && install -d -o postgres -g postgres -m 3777 /var/run/postgresql /var/lib/postgresql
ENV LANG=C.UTF-8 PGDATA=/var/lib/postgresql/18/docker PATH=/usr/local/bin:/usr/lib/postgresql/18/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
D
}

do_redis() {
    image redis:7 bookworm redis-entrypoint.sh <<D
RUN groupadd -r -g 999 redis && useradd -r -g 999 -u 999 -d /data redis && $get redis-server $end && install -d -o redis -g redis /data
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
D
}

do_nginx() {
    image nginx:1.30 forky <<D
RUN groupadd -r -g 101 nginx && useradd -r -g 101 -u 101 -d /nonexistent nginx && $get nginx-light curl $end \\
 && rm -rf /etc/nginx/sites-* /etc/nginx/modules-enabled/* && mkdir -p /etc/nginx/conf.d /etc/nginx/templates
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
D
}

# Not SeaweedFS: nothing in Debian is. Ceph's gateway speaks the same S3, and takes the official name of
# nothing: compose.standin.yml puts it in.
do_s3() {
    image cronhouse-standin/s3:ceph forky s3-entrypoint.sh <<D
RUN { $get radosgw ceph-mon ceph-osd uuid-runtime curl $end; } || dpkg --configure -a || true; command -v ceph-mon ceph-osd radosgw uuidgen
COPY entrypoint.sh /entrypoint.sh
EXPOSE 8333
ENTRYPOINT ["/entrypoint.sh"]
D
}

main() {
    case ${1:-} in --help | -h) usage; exit 0 ;; esac
    local name
    [[ $# -gt 0 ]] || set -- python postgres redis nginx s3
    for name; do
        declare -F "do_$name" >/dev/null || { echo "unknown image: $name" >&2; usage >&2; exit 2; }
    done
    tmp=$(mktemp -d)
    trap 'rm -rf "$tmp"' EXIT
    for name; do "do_$name"; done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
