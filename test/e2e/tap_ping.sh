#!/bin/sh
# SPDX-License-Identifier: ISC
# A host like any other on its link: ping, ping6, curl, nc, and what the neighbours know of it.
. "$(dirname "$0")/lib.sh"

serve website "$website"
mac=$(sed -n 's/.* net: .*address \([0-9a-f:]*\).*/\1/p' "$tmp/website.log")
local6=fe80::$(echo "$mac" | {
    IFS=: read -r a b c d e f
    printf '%x%02x:%xff:fe%s:%x' $((0x$a ^ 2)) $((0x$b)) $((0x$c)) "$d" $((0x$e$f))
})%$device

# 4,000 and 60,000 bytes come in fragments, and go out in fragments.
for to in "$host" "$host6" "$local6"; do
    for size in 0 56 1452 4000 60000; do
        ping -q -c 3 -i 0.05 -W 10 -s "$size" "$to" >"$tmp/ping" ||
            fail "ping -s $size $to: $(cat "$tmp/ping")"
        grep -q '3 packets transmitted, 3 received' "$tmp/ping" || fail "$(cat "$tmp/ping")"
    done
done
# To all hosts: nobody answers these, as on Linux, so that nobody can be hidden behind.
! ping -q -c 1 -W 1 -b "$net.255" >/dev/null 2>&1 || fail "an answer to a broadcast ping"

for url in "$base" "$base6" "http://[$local6]:$port"; do
    equal 200 "$(fetch "$tmp/page" "$url/")" "status of $url/"
    cmp "$content/index.html" "$tmp/page" || fail "$url/ differs"
done
for to in "$host" "$host6"; do
    printf 'GET / HTTP/1.0\r\n\r\n' | nc -N -w 10 "$to" "$port" | grep -q '^HTTP/1.1 200' ||
        fail "nc to $to"
    status=0
    nc -w 10 -z "$to" $((port % 60000 + 1)) || status=$?
    equal 1 "$status" "nc's exit status for a port where nobody listens"
done

for to in "$host" "$host6"; do
    ip neigh show "$to" dev "$device" >"$tmp/neigh"
    grep -Eq "lladdr $mac .*(REACHABLE|DELAY|STALE)" "$tmp/neigh" ||
        fail "neighbours: $(cat "$tmp/neigh")"
    # Asked again, it says so again.
    ip neigh change "$to" dev "$device" lladdr "$mac" nud probe
    poll 10 sh -c "ip neigh show $to dev $device | grep -q REACHABLE" ||
        fail "$to does not answer its neighbour: $(ip neigh show "$to" dev "$device")"
done
stop "$pid" website
