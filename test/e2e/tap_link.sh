#!/bin/sh
# SPDX-License-Identifier: ISC
# The link goes down and comes up again, in the middle of a stream and in between: lines that say
# so, and everything goes on.
. "$(dirname "$0")/lib.sh"

head -c 60000000 /dev/urandom >"$tmp/data"
serve echo "$echo_app"
mkfifo "$tmp/pipe"
timeout 120 nc -N "$host" "$port" <"$tmp/pipe" >"$tmp/back" &
nc=$!
pids="$pids $nc"
{
    head -c 20000000
    echo half >"$tmp/half"
    # The rest trickles, so that the link is down in the middle of it.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        head -c 1000000
        sleep 0.05
    done
    cat
} <"$tmp/data" >"$tmp/pipe" &
pids="$pids $!"
poll 20 test -s "$tmp/half" || fail "the stream does not move"
said() {
    [ "$(grep -c "the link is $1" "$tmp/echo.log")" -eq "$round" ]
}
for round in 1 2 3; do
    ip link set dev "$device" down
    poll 10 said down || fail "it does not say that the link is down"
    sleep 0.3
    ip link set dev "$device" up
    poll 10 said up || fail "it does not say that the link is up"
done
wait "$nc" || fail "the stream did not survive"
cmp "$tmp/data" "$tmp/back" || fail "the stream came back different"
equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo afterwards"
ip address replace "$near6/64" dev "$device" nodad # a kernel forgets those of a link that is down
equal hello "$(echo hello | timeout 60 nc -N "$host6" "$port")" "echo over IPv6 afterwards"
stop "$pid" echo

# Started on a link that is down, it waits for that.
tap_make 1500 down
start later "$echo_app"
poll 10 says later 'is down' || fail "it does not say that the link is down from the start"
ip link set dev "$device" up
poll 10 says later 'the link is up' || fail "it does not say that the link has come up"
ip address replace "$near/24" dev "$device"
equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo on a link that came up late"

# A device that is taken away ends its network, not the program.
ip link delete dev "$device"
sleep 0.5
alive "$pid" || fail "a device that was taken away ended the program: $(cat "$tmp/later.log")"
lines=$(wc -l <"$tmp/later.log")
[ "$lines" -le 12 ] || fail "$lines lines of log: $(cat "$tmp/later.log")"
first=$(ticks "$pid")
sleep 1
[ $(($(ticks "$pid") - first)) -le 10 ] || fail "it spins without its device"
stop "$pid" later
