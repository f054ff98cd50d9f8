#!/bin/sh
# SPDX-License-Identifier: ISC
# A peer with room for 2 KiB at a time, and one that reads now and then: the stream goes on, in
# little pieces, and others are not held up.
. "$(dirname "$0")/lib.sh"

head -c 400000 /dev/urandom >"$tmp/data"
serve echo "$echo_app" "--net.capture.file=$tmp/cap" --net.capture.snaplen=160 \
    --net.capture.delay=1ms
patience=60
for to in "$host" "$host6"; do
    with_echo "$to" "$tmp/data" -I 1024
done

# slow_reader: reads nothing for a while, then some, then the rest.
mkfifo "$tmp/pipe"
{ timeout 60 nc -N -I 1024 "$host" "$port" <"$tmp/data" >"$tmp/pipe" || : >"$tmp/nc-failed"; } &
pids="$pids $!"
{
    sleep 2
    head -c 5000
    sleep 1
    cat
} <"$tmp/pipe" >"$tmp/slow" &
slow=$!
equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo beside a slow reader"
wait "$slow"
[ ! -e "$tmp/nc-failed" ] || fail "nc for a slow reader"
cmp "$tmp/data" "$tmp/slow" || fail "a slow reader got something else"
stop "$pid" echo

# The peer never offered more than that, and never got more than it had offered.
packets "$tmp/cap" "tcp && tcp.flags.syn == 0 && (ip.src == $near || ipv6.src == $near6)" \
    tcp.stream tcp.window_size >"$tmp/windows"
awk '$1 < 2 && $2 > 4096 { print "a window of " $2; exit 1 }' "$tmp/windows" ||
    fail "the peer's window is not small"
awk '$2 == 0 { none = 1 } END { exit !none }' "$tmp/windows" ||
    fail "the peer's window was never shut"
packets "$tmp/cap" "tcp.stream < 3" tcp.stream ip.src ipv6.src tcp.seq tcp.len tcp.ack \
    tcp.window_size |
    awk -F '\t' -v near="$near" -v near6="$near6" '
        $2 == near || $3 == near6 { edge = $6 + $7; if (edge > right[$1]) right[$1] = edge; next }
        $5 > 1 && ($1 in right) && $4 + $5 > right[$1] {
            print "stream " $1 ": up to " $4 + $5 ", the window ends at " right[$1]
            exit 1
        }' || fail "more was sent than the window had room for"
