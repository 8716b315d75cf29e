#!/usr/bin/env bash
# Brings a dump of backup.sh back, all of it or nothing.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/restore.sh [--compose] [--replace] FILE

Brings FILE back into the database that DATABASE_URL names, or into the embedded one, in one transaction:
when it fails, the database is as it was. Exits 0 when done, 1 when it failed, 2 on wrong usage.

--compose  the database of the Compose stack; stop its jobs and the API first
--replace  take out what the database holds; without it only an empty database is filled

LOCK_TIMEOUT  how long to wait for somebody who uses a table (10s)
TEXT
}

main() {
  local in_compose=0 replace=0 file=''
  while [[ $# -gt 0 ]]; do
    case $1 in
      --compose) in_compose=1 ;;
      --replace) replace=1 ;;
      --help | -h) usage; exit 0 ;;
      -*) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
      *) [[ -z $file ]] || { echo "one file, not also $1" >&2; usage >&2; exit 2; }; file=$1 ;;
    esac
    shift
  done
  [[ -n $file ]] || { echo "name a dump" >&2; usage >&2; exit 2; }
  # shellcheck source=scripts/lib_database.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib_database.sh"
  [[ -r $file ]] || fail "cannot read $file"
  find_database "$in_compose"
  check_sum "$file"
  count_entries "$file" >/dev/null || fail "$file is no dump of backup.sh, or broke off"
  [[ $replace -eq 1 ]] || refuse_full
  local -a owners=()
  [[ $in_compose -eq 1 ]] || owners=(--no-owner --no-privileges) # of this role; `cronhouse migrate` grants again
  restore "$file" "${owners[@]}"
  printf 'restored %s\nnext: cronhouse migrate; cronhouse missing; cronhouse backfill WORKFLOW\n' "$file"
}

check_sum() { # FILE
  if [[ ! -r $1.sha256 ]]; then
    printf 'no %s.sha256: whether the dump is whole cannot be told\n' "$1" >&2
  elif [[ $(sha256sum <"$1" | cut -d' ' -f1) != $(cut -d' ' -f1 <"$1.sha256") ]]; then
    fail "$1 is not what backup.sh wrote: its checksum is another"
  fi
}

refuse_full() {
  local held
  held=$("${psql[@]}" -XAtq -v ON_ERROR_STOP=1 -c "SELECT count(*) FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'") ||
    fail "the database cannot be reached"
  [[ $held -eq 0 ]] || fail "the database holds $held tables: give --replace to put the dump in their place"
}

# The last line of the stream is what commits: a stream that breaks off is rolled back.
restore() { # FILE PG_RESTORE_OPTION...
  local file=$1 root
  shift
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  {
    printf "SET client_min_messages = warning;\nSET lock_timeout = '%s';\nBEGIN;\n" "${LOCK_TIMEOUT:-10s}"
    cat "$root/database/empty.sql"
    "${pg_restore[@]}" --file=- "$@" <"$file" && printf '\nCOMMIT;\n'
  } | "${psql[@]}" -Xq -v ON_ERROR_STOP=1 >/dev/null || fail "not restored; the database is as it was"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
