# SPDX-License-Identifier: ISC
# test/e2e/lib.sh - what the end-to-end tests share; each begins with `. "$(dirname "$0")/lib.sh"`.
# ctest says in E2E_... which programs to test, and on which rung. Every process a test starts is
# ended with it.
# shellcheck shell=sh disable=SC2034 # variables are used by the tests
set -eu
. "$(dirname "$0")/../support/children.sh"

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# ground PROGRAM: where the program that is started next will be ($host, $host6), and the words that
# it must be told for that ($ground). Here everybody is on the loopback; tap.sh has another one.
ground() {
    host=127.0.0.1
    host6=::1
    ground=
    export E2E_HOST=$host # for the client
}

rung=${E2E_RUNG:-unix-sockets}
if [ "$rung" = unix-tap ]; then
    . "$(dirname "$0")/tap.sh"
fi

website=${E2E_WEBSITE:?run this by ctest}
echo_app=${E2E_ECHO:?}
hello=${E2E_HELLO:?}
client=${E2E_CLIENT:?}
content=${E2E_CONTENT:?}
sanitized=${E2E_SANITIZE:-}

# Sanitizers keep freed memory for a while; that is not the program's own use.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS

tmp=$(mktemp -d)
pids=
cleanup() {
    status=$?
    trap '' EXIT
    # shellcheck disable=SC2086 # words
    end_children $pids
    wait
    [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || tail -n 20 "$tmp"/*.log 2>/dev/null || :
    rm -rf "$tmp"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# poll SECONDS COMMAND...: runs it again and again until it succeeds; fails when the time is up.
poll() {
    limit=$(($1 * 20))
    shift
    until "$@"; do
        limit=$((limit - 1))
        [ "$limit" -gt 0 ] || return 1
        sleep 0.05
    done
}

# equal WANTED GOT WHAT
equal() {
    [ "$1" = "$2" ] || fail "$3: wanted '$1', got '$2'"
}

# launch NAME COMMAND...: starts a process; its pid goes to $pid, its output to $tmp/NAME.log and
# $tmp/NAME.out.
launch() {
    name=$1
    shift
    rm -f "$tmp/$name.log" # the new one is made a moment later, and the old one names another port
    "$@" >"$tmp/$name.out" 2>"$tmp/$name.log" </dev/null &
    pid=$!
    pids="$pids $pid"
}

alive() {
    kill -0 "$1" 2>/dev/null
}

# The port in a program's first line that names an address; what its link says of itself is none.
said_port() {
    sed -n -e '/: net[.a-z]*: /d' \
        -e 's/.*[]0-9a-z*]:\([0-9][0-9]*\)\([^0-9.].*\)\{0,1\}$/\1/p' "$tmp/$1.log" 2>/dev/null |
        head -n 1
}

# serve NAME COMMAND...: starts a server on a port that it picks, and waits until it says which one:
# $port, with $pid, at $host.
serve() {
    ground "$2"
    start "$@"
}
# The same on a ground that has been made already.
start() {
    name=$1
    # shellcheck disable=SC2086 # a list of words
    launch "$@" --port=0 $ground
    poll 30 serve_started || fail "$name says no port"
    port=$(said_port "$name")
    [ -n "$port" ] || fail "$name did not come up"
    base=http://$host:$port
    base6="http://[$host6]:$port"
}
serve_started() {
    [ -n "$(said_port "$name")" ] || ! alive "$pid"
}

# stop PID NAME: asks a server to end, which it must do well and soon.
stop() {
    kill -TERM "$1"
    status=0
    wait "$1" || status=$?
    equal 0 "$status" "$2's exit status after SIGTERM"
}

# refused STATUS PATTERN COMMAND...: it ends with the status and one line that matches, told that
# only errors count and which ground is its own.
refused() {
    wanted=$1
    pattern=$2
    shift 2
    status=0
    # shellcheck disable=SC2086 # a list of words
    [ "$1" = "$hello" ] || set -- "$@" --log=error $ground
    timeout 60 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
    equal "$wanted" "$status" "exit status of $*: $(cat "$tmp/err")"
    equal 1 "$(wc -l <"$tmp/err" | tr -d ' ')" "lines from $*: $(cat "$tmp/err")"
    [ ! -s "$tmp/out" ] || fail "$* wrote to standard output: $(cat "$tmp/out")"
    grep -Eq -- "$pattern" "$tmp/err" || fail "$* said: $(cat "$tmp/err")"
}

# fetch FILE CURL-WORD...: the status of one exchange, whose body goes to a file; 000: no answer.
fetch() {
    file_=$1
    shift
    curl -s -o "$file_" -w '%{http_code}' --max-time 60 "$@" || :
}

# code CURL-WORD...: the status alone.
code() {
    fetch /dev/null "$@"
}

# header FILE NAME: the value of a header in a file made by curl -D.
header() {
    tr -d '\r' <"$1" | sed -n "s/^$2: *//Ip" | head -n 1
}

# Resident memory of a process in KiB.
rss() {
    sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# Processor time of a process so far, in ticks of 10 ms.
ticks() {
    sed 's/.*) //' "/proc/$1/stat" | { read -r _ _ _ _ _ _ _ _ _ _ _ user system _; echo $((user + system)); }
}

# Open descriptors of a process.
descriptors() {
    set -- "/proc/$1/fd"/*
    echo $#
}
