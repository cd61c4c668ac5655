# shellcheck shell=bash disable=SC2034
# Private PostgreSQL, Redis and NATS under a data directory, and the processes that use them. Sourced by ./run.
# Expects DATA (absolute path). Every process has DATA/run/NAME.pid ("pid starttime") and DATA/log/NAME.log.

readonly ENGINE_DEADLINE_SECONDS=60

# Ports of the engines started here, by name; for the table that ./run prints.
declare -A ENGINE_PORTS=()

# ---- ports -----------------------------------------------------------------

# Succeeds when something on this machine listens on the TCP port, on any address.
port_in_use() {
    local hex
    hex=$(printf '%04X' "$1")
    grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}

# Sets PORT_FOUND to a port nobody listens on, never the same twice. Stays below the range the kernel gives to
# outgoing connections, so that no client's socket takes it before the server binds it.
declare -A PORTS_GIVEN=()
free_port() {
    while :; do
        PORT_FOUND=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        [ -z "${PORTS_GIVEN[$PORT_FOUND]:-}" ] && ! port_in_use "$PORT_FOUND" && break
    done
    PORTS_GIVEN[$PORT_FOUND]=1
}

# ---- processes -------------------------------------------------------------

start_time_of() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086  # split into fields; state is the third of the file, starttime the 22nd
    set -- $stat
    [ "$1" != Z ] && echo "${20}"
}

# Prints the pid of a named process if the one that was started is still there; a reused pid has another start time.
live_pid() {
    local pid started
    { read -r pid started <"$DATA/run/$1.pid"; } 2>/dev/null || return 1
    [ -n "$pid" ] && [ "$(start_time_of "$pid")" = "$started" ] && echo "$pid"
}

# start NAME COMMAND…: starts a process in its own session, so that Ctrl-C reaches only ./run, which then stops things
# in order; should ./run itself be killed, the kernel tells the process to end.
start() {
    local name=$1
    shift
    [ ! -s "$DATA/log/$name.log" ] || mv -f "$DATA/log/$name.log" "$DATA/log/$name.log.1"
    setsid setpriv --pdeathsig TERM "$@" </dev/null >"$DATA/log/$name.log" 2>&1 9>&- &
    local pid=$!
    echo "$pid $(start_time_of $pid)" >"$DATA/run/$name.pid"
    disown "$pid" # the watch loop says when it ends, not the shell
}

# stop SIGNAL SECONDS NAME…: signals all, waits for all, kills what is left after the time.
stop() {
    local signal=$1 deadline=$((SECONDS + $2)) name pid waiting
    shift 2
    for name in "$@"; do
        pid=$(live_pid "$name") && kill -s "$signal" "$pid" 2>/dev/null
    done
    while :; do
        waiting=()
        for name in "$@"; do live_pid "$name" >/dev/null && waiting+=("$name"); done
        [ ${#waiting[@]} -gt 0 ] || break
        if [ $SECONDS -ge $deadline ] || [ -n "${HURRY:-}" ]; then
            for name in "${waiting[@]}"; do
                note "$name did not end in time: killed"
                pid=$(live_pid "$name") && kill -KILL "$pid" 2>/dev/null
            done
            HURRY=''
            deadline=$((SECONDS + 5))
        fi
        sleep 0.1
    done
    for name in "$@"; do rm -f "$DATA/run/$name.pid"; done
}

# Names of everything that has a pid file, except the engines.
role_names() {
    local file name
    for file in "$DATA"/run/*.pid; do
        name=$(basename "$file" .pid)
        case $name in '*' | postgres | redis | nats) ;; *) echo "$name" ;; esac
    done
}

# Stops all in the order that lets each finish its work: gateways, services, then what they depend on.
stop_everything() {
    local names gateways services grace=$1
    names=$(role_names)
    gateways=$(grep -E '^(gateway|all)' <<<"$names")
    services=$(grep -vE '^(gateway|all)' <<<"$names")
    # shellcheck disable=SC2086  # lists of names without blanks
    {
        [ -z "$gateways" ] || stop TERM "$((grace + 5))" $gateways
        [ -z "$services" ] || stop TERM "$((grace + 5))" $services
    }
    stop TERM 10 nats
    stop TERM 10 redis
    stop INT 60 postgres # INT is PostgreSQL's fast shutdown
}

log_tail() {
    printf '%s\n' "${DIM}--- last lines of $DATA/log/$1.log" >&2
    tail -n "${2:-15}" "$DATA/log/$1.log" >&2
    printf '%s' "---${PLAIN}"$'\n' >&2
}

# await_port NAME PORT: returns when the process listens on the port; ends ./run when it died or the time is over.
await_port() {
    local deadline=$((SECONDS + ENGINE_DEADLINE_SECONDS))
    until port_in_use "$2"; do
        if ! live_pid "$1" >/dev/null || [ $SECONDS -ge $deadline ]; then
            log_tail "$1"
            die "$1 did not start." "Its log: $DATA/log/$1.log"
        fi
        sleep 0.1
    done
}

# ---- secrets ---------------------------------------------------------------

# secret NAME: prints a random secret kept in DATA/NAME.secret, readable by its owner only.
secret() {
    local file=$DATA/$1.secret
    [ -s "$file" ] || (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$file.new" && mv "$file.new" "$file")
    cat "$file"
}

# ---- PostgreSQL ------------------------------------------------------------

# Sets AS_POSTGRES, the words before a PostgreSQL program: it refuses to run as root, so root lends it the user that
# Debian's package made. Below a directory closed to others (a clone in /root) that user gets the one capability that
# lets it pass through.
become_postgres_user() {
    AS_POSTGRES=()
    [ "$(id -u)" = 0 ] || return 0
    local user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    # A change of user clears the parent-death signal that `start` asked for, so it is asked for again here.
    AS_POSTGRES=(setpriv --pdeathsig INT --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
    PG_OWNER=$user
    "${AS_POSTGRES[@]}" stat "$DATA/run" >/dev/null 2>&1 && return 0
    AS_POSTGRES+=(--inh-caps +dac_read_search --ambient-caps +dac_read_search)
    "${AS_POSTGRES[@]}" stat "$DATA/run" >/dev/null 2>&1 ||
        die "PostgreSQL runs as the user $user, who cannot enter $DATA." "Choose another place, for example: ./run --data /var/lib/muster"
}

# Makes the database cluster on first use. Built beside and renamed, so that an interrupted first start leaves nothing half done.
init_postgres() {
    [ -e "$PG_DATA/PG_VERSION" ] && return 0
    say "Creating a PostgreSQL $("$PG_BIN/postgres" -V | sed -E 's/[^0-9]*([0-9.]+).*/\1/') database under $DATA/postgres"
    rm -rf "$PG_DATA.new" "$PG_DATA.password"
    (umask 077 && mkdir "$PG_DATA.new" && printf '%s\n' "$PG_PASSWORD" >"$PG_DATA.password")
    [ ${#AS_POSTGRES[@]} -eq 0 ] || chown "$PG_OWNER" "$PG_DATA.new" "$PG_DATA.password"
    if ! (cd / && "${AS_POSTGRES[@]}" "$PG_BIN/initdb" -D "$PG_DATA.new" -U muster --pwfile="$PG_DATA.password" --auth=scram-sha-256 \
        -E UTF8 --locale=C.UTF-8 --no-instructions) >"$DATA/log/initdb.log" 2>&1; then
        rm -f "$PG_DATA.password"
        log_tail initdb
        die "The database could not be created."
    fi
    rm -f "$PG_DATA.password"
    mv "$PG_DATA.new" "$PG_DATA"
}

# Deals with what a crashed run left: a server still running on these files is stopped, a stale lock file is removed
# (PostgreSQL does that itself, except when another process has got the recorded pid).
clear_stale_postgres() {
    local pid
    { read -r pid <"$PG_DATA/postmaster.pid"; } 2>/dev/null || return 0
    if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(readlink -f "$PG_DATA")" ]; then
        say "Stopping PostgreSQL left by an earlier run (pid $pid)"
        kill -INT "$pid"
        local deadline=$((SECONDS + ENGINE_DEADLINE_SECONDS))
        while [ -e "$PG_DATA/postmaster.pid" ] && start_time_of "$pid" >/dev/null; do
            [ $SECONDS -lt $deadline ] || die "PostgreSQL (pid $pid) on $PG_DATA does not stop."
            sleep 0.1
        done
    fi
    rm -f "$PG_DATA/postmaster.pid"
}

# Starts PostgreSQL and sets MUSTER_DATABASE_URL.
start_postgres() {
    local version='' tries
    PG_DATA=$DATA/postgres
    PG_PASSWORD=$(secret postgres)
    become_postgres_user
    if [ -e "$PG_DATA" ] && [ ${#AS_POSTGRES[@]} -eq 0 ] && [ ! -O "$PG_DATA" ]; then
        die "$PG_DATA belongs to another user: it was created by root?" "Run as that user again, or choose another --data directory."
    fi
    [ ! -e "$PG_DATA/PG_VERSION" ] || version=$(cat "$PG_DATA/PG_VERSION")
    PG_BIN=$(postgres_bin "$version") || die "$PG_DATA was created by PostgreSQL $version, which is not installed." \
        "Install postgresql-$version, or move the data with pg_upgrade."
    init_postgres
    clear_stale_postgres
    free_port
    local port=$PORT_FOUND
    # Every process has its own pool; WAL settings keep checkpoints rare under load. fsync stays on.
    start postgres "${AS_POSTGRES[@]}" "$PG_BIN/postgres" -D "$PG_DATA" -c listen_addresses=127.0.0.1 -c port="$port" \
        -c unix_socket_directories= -c max_connections=400 -c shared_buffers=256MB -c max_wal_size=2GB -c checkpoint_timeout=15min \
        -c logging_collector=off -c log_destination=stderr
    await_port postgres "$port"
    # It listens before crash recovery is over and refuses until then: ask until it answers.
    for ((tries = 0; ; tries++)); do
        if PGPASSWORD=$PG_PASSWORD "$PG_BIN/psql" -X -q -w -h 127.0.0.1 -p "$port" -U muster -d postgres -c 'SELECT 1' >/dev/null 2>"$DATA/log/psql.log"; then break; fi
        if ! live_pid postgres >/dev/null || [ $tries -ge $((ENGINE_DEADLINE_SECONDS * 5)) ]; then
            log_tail postgres
            log_tail psql 3
            die "PostgreSQL does not answer."
        fi
        sleep 0.2
    done
    if [ -z "$(PGPASSWORD=$PG_PASSWORD "$PG_BIN/psql" -X -w -At -h 127.0.0.1 -p "$port" -U muster -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'muster'")" ]; then
        PGPASSWORD=$PG_PASSWORD "$PG_BIN/createdb" -w -h 127.0.0.1 -p "$port" -U muster muster || die "The database muster could not be created."
    fi
    export MUSTER_DATABASE_URL="postgres://muster:$PG_PASSWORD@127.0.0.1:$port/muster"
    ENGINE_PORTS[postgres]=$port
}

# ---- Redis and NATS --------------------------------------------------------

# Starts Redis without persistence (what it holds can be rebuilt) and sets MUSTER_REDIS_URL.
start_redis() {
    local password
    password=$(secret redis)
    free_port
    (umask 077 && mkdir -p "$DATA/redis" && cat >"$DATA/redis/redis.conf") <<CONF
bind 127.0.0.1
port $PORT_FOUND
requirepass $password
dir "$DATA/redis"
appendonly no
save ""
daemonize no
CONF
    start redis "$(find_program redis-server)" "$DATA/redis/redis.conf"
    await_port redis "$PORT_FOUND"
    export MUSTER_REDIS_URL="redis://:$password@127.0.0.1:$PORT_FOUND"
    ENGINE_PORTS[redis]=$PORT_FOUND
}

# Starts NATS and sets MUSTER_NATS_URL.
start_nats() {
    local password
    password=$(secret nats)
    free_port
    (umask 077 && mkdir -p "$DATA/nats" && cat >"$DATA/nats/nats.conf") <<CONF
listen: "127.0.0.1:$PORT_FOUND"
authorization { user: "muster", password: "$password" }
CONF
    start nats "$(find_program nats-server)" -c "$DATA/nats/nats.conf"
    await_port nats "$PORT_FOUND"
    export MUSTER_NATS_URL="nats://muster:$password@127.0.0.1:$PORT_FOUND"
    ENGINE_PORTS[nats]=$PORT_FOUND
}

# ---- readiness -------------------------------------------------------------

# http_status PORT PATH: prints the status code, then the body; nothing when there is no answer within two seconds.
# Plain bash, as a fresh machine may have no curl.
http_status() {
    local fd line status=''
    { exec {fd}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&"$fd"
    if read -r -t 2 line <&"$fd"; then
        read -r _ status _ <<<"$line"
        echo "$status"
        while read -r -t 2 line <&"$fd" && [ "${line%$'\r'}" != '' ]; do :; done
        timeout 2 head -c 2000 <&"$fd"
    fi
    exec {fd}>&-
    [ -n "$status" ]
}
