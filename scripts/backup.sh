#!/usr/bin/env bash
# Saves the warehouse (facts, ledger, watermarks, keys) into one dump, while everything runs.
set -Eeuo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/backup.sh [--compose] [--keep N] FOLDER

Writes FOLDER/cronhouse-YYYYMMDDTHHMMSSZ.dump of the database that DATABASE_URL names, or of the embedded
one, and its checksum beside it. A dump that broke off leaves no file. Exits 0 when it is whole, 1 when it failed, 2 on wrong usage.

--compose  the database of the Compose stack
--keep N   then delete all but the newest N dumps of FOLDER

Objects of the store are not in it; see docs/operations.md.
TEXT
}

main() {
  local in_compose=0 keep='' folder=''
  while [[ $# -gt 0 ]]; do
    case $1 in
      --compose) in_compose=1 ;;
      --keep) keep=${2:-}; shift ;;
      --help | -h) usage; exit 0 ;;
      -*) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
      *) [[ -z $folder ]] || { echo "one folder, not also $1" >&2; usage >&2; exit 2; }; folder=$1 ;;
    esac
    shift || { usage >&2; exit 2; }
  done
  [[ -n $folder ]] || { echo "name a folder" >&2; usage >&2; exit 2; }
  [[ -z $keep || $keep =~ ^[1-9][0-9]*$ ]] || { echo "--keep: '$keep' is not a number from 1" >&2; exit 2; }
  # shellcheck source=scripts/lib_database.sh
  source "$(dirname "${BASH_SOURCE[0]}")/lib_database.sh"
  find_database "$in_compose"
  write_dump "$folder"
  [[ -z $keep ]] || delete_old "$folder" "$keep"
}

write_dump() { # FOLDER
  mkdir -p "$1"
  local file part entries
  file=$1/cronhouse-$(date -u +%Y%m%dT%H%M%SZ).dump
  part=$file.part
  # shellcheck disable=SC2064 # the name of now
  trap "rm -f '${part//\'/\'\\\'\'}'" EXIT
  (umask 077 && "${pg_dump[@]}" --format=custom --no-unlogged-table-data >"$part") || fail "pg_dump failed"
  entries=$(count_entries "$part") || fail "the dump cannot be read back"
  # pg_restore takes a dump that was cut off later for whole: the checksum tells
  (cd "$1" && sha256sum <"$(basename "$part")" | sed "s| -$| $(basename "$file")|" >"$(basename "$file").sha256")
  mv "$part" "$file"
  printf '%s: %s entries, %s bytes\n' "$file" "$entries" "$(wc -c <"$file" | tr -d ' ')"
}

delete_old() { # FOLDER KEEP: the names sort by time
  local -a dumps
  mapfile -t dumps < <(find "$1" -maxdepth 1 -name 'cronhouse-*T*Z.dump' | sort -r)
  local old
  for old in "${dumps[@]:$2}"; do
    rm -f -- "$old" "$old.sha256"
    printf 'deleted %s\n' "$old"
  done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
