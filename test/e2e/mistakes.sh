#!/bin/sh
# SPDX-License-Identifier: ISC
# What people do wrong: one line that says what and how to mend it, and the right exit status.
. "$(dirname "$0")/lib.sh"

ground "$website"
for app in "$website" "$echo_app" "$hello"; do
    "$app" --help >"$tmp/help" 2>"$tmp/err" || fail "$app --help: status $?"
    [ ! -s "$tmp/err" ] || fail "$app --help wrote to standard error"
    grep -q -- --log "$tmp/help" || fail "$app --help does not list --log"
    refused 64 'unknown key.*nonsense.*--help' "$app" --nonsense=1
    refused 64 'log=.*error.*debug' "$app" --log=loud
done
grep -q -- '--http\.header-timeout=.*\[10s\]' "$tmp/help" 2>/dev/null ||
    "$website" --help | grep -q -- '--http\.header-timeout=.*10s' || fail "no default in --help"
refused 64 "did you mean --port" "$website" --prot=80
refused 64 "port=99999" "$website" --port=99999
refused 64 "port=http" "$website" --port=http
refused 64 "port.*value" "$website" --port
refused 64 "address has a port" "$website" --address=127.0.0.1:80
refused 64 "address has a port" "$echo_app" --address=127.0.0.1:80
refused 64 "max-header=10 is out of range" "$website" --http.max-header=10
memory=tcp.rx-memory
[ "$rung" = unix-sockets ] || memory=net.rx-memory
refused 64 "rx-memory is too small" "$website" "--$memory=1"
bulk=${E2E_BULK:?}
refused 64 "port and --sink-port are both 7101" "$bulk" --port=7101
refused 64 "send goes with --to=NAME" "$bulk" --send=on
refused 64 "sink-port=0 is no port to call" "$bulk" --to=localhost --send=on --sink-port=0
refused 1 "'a:b' is no name that a host can have" "$bulk" --to=a:b
refused 64 "header-timeout=5" "$website" --http.header-timeout=5
refused 64 "at most 5124095h" "$website" --http.header-timeout=99999999h
refused 64 "header-timeout" "$website" --http.header-timeouts=5s

equal 0 "$("$hello" >/dev/null 2>&1; echo $?)" "hello's exit status"
status=0
"$hello" >/dev/full 2>/dev/null || status=$?
equal 1 "$status" "hello's exit status with its line lost"
[ -n "$("$hello" 2>/dev/null)" ] || fail "hello says nothing"

# On a tap every program has ports of its own: see tap_refused.sh for what can be taken there.
if [ "$rung" = unix-sockets ]; then
    serve website "$website"
    refused 1 "$port.*(use|taken)" "$website" "--port=$port"
    # A word without dashes is the same key.
    refused 1 "$port.*(use|taken)" "$website" "port=$port"
    serve echo "$echo_app"
    refused 1 "$port.*(use|taken)" "$echo_app" "--port=$port"
fi

# A port below the first that everybody may use, as somebody without rights.
first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
if [ "$rung" = unix-sockets ] && [ "$first" -gt 1 ]; then
    port=$((first - 1))
    [ "$port" -lt 80 ] || port=80
    cp "$website" "$tmp/program"
    chmod 755 "$tmp" "$tmp/program"
    mkdir -m 777 "$tmp/gcov" # where a build that counts lines may write as anybody
    set -- env "GCOV_PREFIX=$tmp/gcov" "$tmp/program" "--port=$port"
    [ "$(id -u)" -ne 0 ] || set -- setpriv --reuid=65534 --regid=65534 --clear-groups \
        --bounding-set=-all --inh-caps=-all "$@"
    refused 1 "no permission for.*port $port" "$@"
fi

# Asked to stop it ends well, however it is asked, and at once.
for signal in TERM INT; do
    serve "stop-$signal" "$website"
    kill -s "$signal" "$pid"
    status=0
    wait "$pid" || status=$?
    equal 0 "$status" "exit status after SIG$signal"
done
