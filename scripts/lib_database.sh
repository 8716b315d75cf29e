# shellcheck shell=bash
# What backup.sh and restore.sh share; sourced, not run.
# shellcheck disable=SC2034 # the commands are for those who source it

fail() { # TEXT: say what is wrong and end
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

# Set the commands pg_dump, pg_restore and psql for the warehouse: of the settings, or of the Compose stack.
find_database() { # COMPOSE (0 or 1)
  local root
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  if [[ $1 -eq 1 ]]; then
    local -a compose
    read -ra compose <<<"${COMPOSE:-docker compose} exec -T postgres"
    pg_dump=("${compose[@]}" pg_dump -U postgres -d cronhouse)
    pg_restore=("${compose[@]}" pg_restore)
    psql=("${compose[@]}" psql -U postgres -d cronhouse)
    return
  fi
  local python=$root/.venv/bin/python answer
  [[ -x $python ]] || python=python3
  answer=$("$python" "$root/scripts/database_target.py") || exit $?
  local -a lines
  mapfile -t lines <<<"$answer"
  local programs=${lines[0]:+${lines[0]}/} url=${lines[1]}
  [[ -z ${lines[2]:-} ]] || export PGPASSWORD=${lines[2]}
  pg_dump=("${programs}pg_dump" -d "$url")
  pg_restore=("${programs}pg_restore")
  psql=("${programs}psql" -d "$url")
}

# Tell how many entries a dump has; fails when it is none, or broke off before its list ended.
count_entries() { # FILE
  "${pg_restore[@]}" --list <"$1" 2>/dev/null | grep -c '^[0-9]'
}
