#!/bin/sh
# What the official image's entrypoint does, as far as docker-compose.yml uses it.
case $1 in -* | *.conf) set -- redis-server "$@" ;; esac
[ "$1" = redis-server ] || exec "$@"
exec "$@" --protected-mode no
