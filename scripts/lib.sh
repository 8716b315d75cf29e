# shellcheck shell=bash
# What the check scripts share; sourced, not run. One line of output, exit 0 good, 1 bad, 2 cannot tell.

readonly GOOD=0 BAD=1 CANNOT_TELL=2

tell() { # CODE TEXT: print the verdict and end
  local words=(good bad "cannot tell")
  printf '%s: %s\n' "${words[$1]}" "$2"
  exit "$1"
}

# How `cronhouse` is called: $CRONHOUSE, else this checkout's, else the one on the PATH.
find_cronhouse() {
  local here
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  if [[ -n ${CRONHOUSE:-} ]]; then
    read -ra cronhouse <<<"$CRONHOUSE"
  elif [[ -x $here/.venv/bin/cronhouse ]]; then
    cronhouse=("$here/.venv/bin/cronhouse")
  elif command -v cronhouse >/dev/null; then
    cronhouse=(cronhouse)
  else
    tell "$CANNOT_TELL" "no cronhouse command: run \`make setup\`, or set CRONHOUSE"
  fi
}

# Run a cronhouse command within TIMEOUT_SECONDS. Sets `said` (stdout and stderr) and `status`.
ask_cronhouse() { # ARGUMENT...
  local limit=${TIMEOUT_SECONDS:-60}
  find_cronhouse
  status=0
  said=$(timeout "$limit" "${cronhouse[@]}" "$@" 2>&1) || status=$?
  [[ $status -ne 124 ]] || tell "$CANNOT_TELL" "no answer of \`${cronhouse[*]} $*\` within $limit s"
}

join_lines() {
  awk 'NR > 1 { printf "; " } { printf "%s", $0 }'
}

# Turn what `cronhouse doctor --only PART` said into one line.
tell_doctor() { # PART
  local bad good
  ask_cronhouse doctor --only "$1"
  bad=$(sed -n 's/^BAD *[a-z]* *//p' <<<"$said" | join_lines)
  good=$(sed -n 's/^good *[a-z]* *//p' <<<"$said" | join_lines)
  if [[ $status -eq 1 && -n $bad ]]; then tell "$BAD" "$bad"; fi
  if [[ $status -eq 0 && -n $good ]]; then tell "$GOOD" "$good"; fi
  tell "$CANNOT_TELL" "$(tail -n 1 <<<"$said")"
}

# Pass on the line of `cronhouse check`; anything else it said means that it could not look.
tell_check() { # ARGUMENT...
  ask_cronhouse check "$@"
  case $said in
    'good: '*) tell "$GOOD" "${said#good: }" ;;
    'bad: '*) tell "$BAD" "${said#bad: }" ;;
    *) tell "$CANNOT_TELL" "$(tail -n 1 <<<"${said#cannot tell: }")" ;;
  esac
}
