#!/usr/bin/env bash
# SQL Server with NHTSA's VPICList_lite in it: starts the server, restores the backup, keeps the server running.
set -Eeuo pipefail

usage() {
    cat <<'TEXT'
usage: mssql.sh [start|health]

  start   (default) starts SQL Server; restores the newest backup in BACKUP_DIR, *.bak or *.bak.zip, unless it is the
          one restored last; sets the password of the login that reads; then stays until the server ends
  health  exits 0 when the restored database answers that login, else 1

MSSQL_ACCEPT_EULA=Y     that you accept Microsoft's licence; without it nothing starts
SA_PASSWORD_FILE, READER_PASSWORD_FILE     files with the passwords of sa and of READER
READER, DATABASE        the login that reads, and the database that it reads
BACKUP_DIR, SERVER_DIR  where backups are put, and SQL Server's own folder
START_SECONDS=180       how long the server may take to answer; WAIT_SECONDS=2 between two questions
TEXT
}

PATH=$PATH:/opt/mssql/bin:/opt/mssql-tools18/bin:/opt/mssql-tools/bin
SA_PASSWORD_FILE=${SA_PASSWORD_FILE:-/run/secrets/mssql_sa_password}
READER_PASSWORD_FILE=${READER_PASSWORD_FILE:-/run/secrets/mssql_source_password}
READER=${READER:-cronhouse_vehicles}
DATABASE=${DATABASE:-vPICList_Lite1}
BACKUP_DIR=${BACKUP_DIR:-/backup}
SERVER_DIR=${SERVER_DIR:-/var/opt/mssql}
START_SECONDS=${START_SECONDS:-180}
WAIT_SECONDS=${WAIT_SECONDS:-2}
restored=$SERVER_DIR/cronhouse-restored # names the backup that DATABASE was restored from, once it is whole
server=''

say() { printf 'mssql.sh: %s\n' "$*"; }

fail() { # the trap on EXIT stops the server
    printf 'mssql.sh: %s\n' "$*" >&2
    exit 1
}

read_password() { # FILE
    [[ -r $1 && -s $1 ]] || fail "$1 cannot be read or is empty: scripts/generate_env.py makes it"
    printf '%s' "$(<"$1")"
}

# Runs the statements of its input. No password on a command line: everybody's `ps` shows those. -x: a $(...) in the
# input stays what it is. -w: longer lines would be broken at column 80.
ask() { # LOGIN PASSWORD [OPTION...]
    local login=$1 password=$2
    shift 2
    SQLCMDPASSWORD=$password sqlcmd -C -S localhost -U "$login" -l 10 -b -x -h -1 -W -w 65535 "$@"
}

# A text stands between ' and a name between [ and ]; what would end it is doubled.
text_of() { printf "N'%s'" "${1//\'/\'\'}"; }
name_of() { printf '[%s]' "${1//]/]]}"; }

start_server() {
    # SQL Server wants these as variables: this process alone gets them, and `docker inspect` does not show them
    ACCEPT_EULA=Y MSSQL_SA_PASSWORD=$sa_password sqlservr &
    server=$!
}

stop_server() {
    [[ -n $server ]] || return 0
    kill -TERM "$server" 2>/dev/null || true
    while kill -0 "$server" 2>/dev/null; do wait "$server" || true; done
}

wait_for_server() {
    local began=$SECONDS said
    until said=$(ask sa "$sa_password" <<<$'SELECT 1\nGO' 2>&1); do
        kill -0 "$server" 2>/dev/null || fail "SQL Server ended before it answered; its own lines above tell why"
        # on the first start sa is refused until the server has set its password
        if [[ $said == *"Login failed"* ]] && ((SECONDS - began >= START_SECONDS / 2)); then
            fail "SQL Server refuses the password of sa: its volume was made with another one. Remove the volume" \
                "(docker compose rm --stop mssql, docker volume rm cronhouse_mssql): what is in it comes from the backup"
        fi
        ((SECONDS - began < START_SECONDS)) || fail "SQL Server does not answer after $START_SECONDS s: $said"
        sleep "$WAIT_SECONDS"
    done
}

# Names end with year and month, so the last one is the newest. Prints nothing when there is none.
find_backup() {
    [[ -d $BACKUP_DIR ]] || return 0
    find "$BACKUP_DIR" -maxdepth 1 -type f \( -iname '*.bak' -o -iname '*.bak.zip' \) | LC_ALL=C sort -f | tail -n 1
}

# Puts the backup beside the server's files and prints its path. The image has no unzip, but gzip reads the first
# member of a zip file. That member's name stands after 30 bytes, its length in bytes 26 and 27:
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7
unpack() { # BACKUP
    local name=${1##*/} folder=$SERVER_DIR/backup length
    mkdir -p "$folder"
    if [[ ${name,,} == *.zip ]]; then
        [[ $(od -An -tx1 -N 4 "$1") == ' 50 4b 03 04' ]] || fail "${1##*/} is no zip file"
        length=$(od -An -tu2 -j 26 -N 2 "$1")
        name=$(tail -c +31 "$1" | head -c "$length") || true # head ends first, and tail says so
        name=${name##*[\\/]}
        [[ ${name,,} == *.bak ]] || fail "${1##*/}: the first file in it is '$name', not a .bak file"
        gzip -dc <"$1" >"$folder/$name" || fail "${1##*/} cannot be unpacked: is it whole, has the volume room?"
    else
        cp "$1" "$folder/$name" || fail "$name cannot be copied: has the volume room?"
    fi
    printf '%s' "$folder/$name"
}

# What the files in a backup are called differs from release to release.
list_files() { # FILE: a line each: logical name, tab, kind (D data, L log)
    local said
    said=$(ask sa "$sa_password" -s $'\t' 2>&1 <<<"SET NOCOUNT ON
RESTORE FILELISTONLY FROM DISK = $(text_of "$1")
GO") || fail "${1##*/} cannot be read, is it whole? SQL Server says: $said"
    awk -F '\t' 'NF > 2 { print $1 "\t" $3 }' <<<"$said"
}

restore() { # FILE
    local files name kind ending number=0 moves=''
    files=$(list_files "$1")
    while IFS=$'\t' read -r name kind; do
        [[ -n $name ]] || continue
        number=$((number + 1)) ending=mdf
        [[ $kind != L ]] || ending=ldf
        moves+=", MOVE $(text_of "$name") TO $(text_of "$SERVER_DIR/data/vpic_$number.$ending")"
    done <<<"$files"
    ((number)) || fail "${1##*/}: SQL Server lists no files in it"
    # in the background, so that SIGTERM is heard meanwhile
    ask sa "$sa_password" <<<"RESTORE DATABASE $(name_of "$DATABASE") FROM DISK = $(text_of "$1") WITH REPLACE, STATS = 20$moves
GO" &
    wait $! || fail "${1##*/} was not restored; SQL Server's lines above tell why"
}

# The login reads the database, and in msdb from which file it was restored: that name tells the release.
set_reader() {
    local login reader
    login=$(name_of "$READER") reader=$(text_of "$READER")
    ask sa "$sa_password" <<SQL || fail "the login $READER cannot be made; SQL Server's lines above tell why"
IF SUSER_ID($reader) IS NULL CREATE LOGIN $login WITH PASSWORD = $(text_of "$reader_password")
ELSE ALTER LOGIN $login WITH PASSWORD = $(text_of "$reader_password")
GO
USE msdb
IF USER_ID($reader) IS NULL CREATE USER $login FOR LOGIN $login
GRANT SELECT ON dbo.restorehistory TO $login
GRANT SELECT ON dbo.backupset TO $login
GRANT SELECT ON dbo.backupmediafamily TO $login
GO
USE $(name_of "$DATABASE")
IF USER_ID($reader) IS NULL CREATE USER $login FOR LOGIN $login
ELSE ALTER USER $login WITH LOGIN = $login
ALTER ROLE db_datareader ADD MEMBER $login
GO
SQL
}

# Sets `backup` to what is to be restored: nothing when the newest one is restored already, or when none is there
# any more.
choose_backup() {
    local before=''
    [[ ! -e $restored ]] || before=$(<"$restored")
    backup=$(find_backup)
    [[ -n $backup || -n $before ]] ||
        fail "there is no .bak or .bak.zip in the folder that MSSQL_BACKUP_DIR names: put NHTSA's" \
            "vPICList_lite_YYYY_MM.bak.zip there, from https://vpic.nhtsa.dot.gov/downloads/"
    [[ -n $backup && ${backup##*/} != "$before" ]] || backup=''
    [[ -z $backup || -r $backup ]] || fail "${backup##*/} cannot be read by user $(id -u), who runs SQL Server: chmod a+r it"
}

start() {
    [[ ${MSSQL_ACCEPT_EULA:-} == Y ]] ||
        fail "SQL Server comes under Microsoft's licence; read it, then set MSSQL_ACCEPT_EULA=Y in .env:" \
            "https://learn.microsoft.com/sql/linux/quickstart-install-connect-docker"
    local file status=0
    sa_password=$(read_password "$SA_PASSWORD_FILE")
    reader_password=$(read_password "$READER_PASSWORD_FILE")
    choose_backup
    trap stop_server EXIT
    trap 'exit 143' TERM INT
    if [[ -n $backup ]]; then rm -f "$restored"; fi
    start_server
    wait_for_server
    if [[ -n $backup ]]; then
        say "restoring ${backup##*/}"
        file=$(unpack "$backup")
        restore "$file"
        rm -f "$file"
    fi
    set_reader
    [[ -z $backup ]] || printf '%s' "${backup##*/}" >"$restored"
    say "$DATABASE is there, from $(<"$restored")"
    wait "$server" || status=$?
    server=''
    exit "$status"
}

health() {
    [[ -e $restored ]] || { echo "$DATABASE is not restored yet" >&2; exit 1; }
    reader_password=$(read_password "$READER_PASSWORD_FILE")
    ask "$READER" "$reader_password" -d "$DATABASE" <<<$'SELECT TOP 1 Name FROM dbo.Make\nGO' >/dev/null
}

main() {
    case ${1:-start} in
        start) start ;;
        health) health ;;
        --help | -h) usage ;;
        *) echo "unknown command: $1" >&2; usage >&2; exit 2 ;;
    esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
