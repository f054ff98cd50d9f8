#!/bin/sh
# SPDX-License-Identifier: ISC
# What a router with a short queue drops is sent again, by the segment, and nothing else: the peer
# gets hardly a byte twice, although super-frames are what leaves the program.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/site"
head -c 20000000 /dev/urandom >"$tmp/site/big"
tap_make 1500
ground="$ground --tcp.gateway=$near"
start website "$website" --content.path="$tmp/site" "--net.capture.file=$tmp/cap" \
    --net.capture.snaplen=128

# The router: this namespace. Its way to the client is slower than the tap, and it keeps 20
# segments.
world
world_link far 192.0.2.1/24 192.0.2.2/24
$in_world ip route add default via 192.0.2.1
echo 1 >/proc/sys/net/ipv4/ip_forward
tc qdisc add dev to-far root tbf rate 200mbit burst 4000 limit 30000 2>"$tmp/tc" ||
    skip "no queue of a fixed rate (sch_tbf): $(cat "$tmp/tc")"

equal 200 "$(world_fetch "$tmp/got" "http://$host:$port/big")" "status"
cmp "$tmp/site/big" "$tmp/got" || fail "the file differs"
dropped=$(tc -s qdisc show dev to-far | sed -n 's/.*dropped \([0-9]*\).*/\1/p')
twice=$($in_world nstat -asz TcpExtTCPDSACKOldSent TcpExtTCPDSACKOfoSent |
    awk '/DSACK/ { n += $2 } END { print n }')
stop "$pid" website

# What it sent: bytes, bytes sent again, the longest frame among those, and the longest of all.
packets "$tmp/cap" "ip.src == $host && tcp.len > 0" tcp.seq tcp.len | awk '{
    end = $1 + $2
    if ($2 > longest)
        longest = $2
    if ($1 < last) {
        again += (end < last ? end : last) - $1
        if ($2 > again_longest)
            again_longest = $2
    }
    if (end > last)
        last = end
} END { print again + 0, again_longest + 0, longest + 0 }' >"$tmp/sums"
read -r again again_longest longest <"$tmp/sums"
echo "$dropped dropped; $again bytes sent again, in frames of up to $again_longest;" \
    "$twice came twice"
[ "$dropped" -gt 0 ] || fail "the router dropped nothing"
[ "$again" -gt 0 ] || fail "nothing was sent again"
[ "$longest" -gt 14480 ] || fail "no super-frames: the longest frame has $longest bytes"
# The router drops up to 20 segments in a row when its queue is full; what follows in a row may
# leave in one frame again.
[ "$again" -le $((dropped * 2 * 1448 + 28960)) ] ||
    fail "$again bytes sent again for $dropped drops"
[ "$twice" -le $((dropped / 10 + 10)) ] || fail "$twice segments came twice"
