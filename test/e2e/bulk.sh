#!/bin/sh
# SPDX-License-Identifier: ISC
# bulk calls bulk: by name, both ways, until it is asked to stop, and where nobody is.
. "$(dirname "$0")/lib.sh"

bulk=${E2E_BULK:?}
ground "$bulk"
start listener "$bulk" --bytes=10M --sink-port=0
server=$pid
sink=$(sed -n 's/.*taking on .*:\([0-9]*\)$/\1/p' "$tmp/listener.log")
"$bulk" --to=localhost "--port=$port" 2>"$tmp/took.log" || fail "to localhost: $(cat "$tmp/took.log")"
grep -Eq ":$port sent: 10485760 bytes in (.* Gb/s|less than 1 ms)" "$tmp/took.log" || fail "it took no stream"
"$bulk" --to=127.0.0.1 --send=on "--sink-port=$sink" --bytes=20M 2>"$tmp/gave.log" ||
    fail "to 127.0.0.1: $(cat "$tmp/gave.log")"
grep -Eq ":$sink handed to TCP: 20971520 bytes" "$tmp/gave.log" || fail "it sent no stream"
poll 10 grep -q 'sent: 20971520 bytes' "$tmp/listener.log" || fail "not all arrived"

# What takes no time has no rate.
for i in 1 2 3; do
    "$bulk" --to=127.0.0.1 --send=on "--sink-port=$sink" --bytes=1K 2>"$tmp/short.log" ||
        fail "1K to 127.0.0.1: $(cat "$tmp/short.log")"
    grep -q "handed to TCP: 1024 bytes in " "$tmp/short.log" || fail "it does not say what it sent"
    ! grep -Fq "in 0.000 s" "$tmp/short.log" || fail "a rate for $i. 1K: $(cat "$tmp/short.log")"
done

# Nobody can be called there.
for to in 0.0.0.0 :: 255.255.255.255 224.0.0.1 ff02::1; do
    refused 1 "is no other host's address.*give another with --to" "$bulk" "--to=$to"
done

# One that would go on for ever ends well when it is asked to.
launch endless "$bulk" --to=localhost --send=on "--sink-port=$sink"
sleep 0.3
stop "$pid" "an endless bulk"
grep -q 'handed to TCP: ' "$tmp/endless.log" || fail "it does not say what it sent"
stop "$server" "the listening bulk"
refused 1 "connection refused; start a bulk there, or give its port with --port=N" \
    "$bulk" --to=127.0.0.1 "--port=$port"
