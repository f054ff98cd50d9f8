#!/bin/sh
# SPDX-License-Identifier: ISC
# The same program with -DRUNG_NET=pcap, on one end of a veth pair: a page, ping, a big answer.
. "$(dirname "$0")/lib.sh"

# Its interface is one without addresses, in this namespace; the neighbour is at the other end.
world
world_link peer
host=10.88.1.2
host6=fd88:0:0:1::2
$in_world ip address add 10.88.1.1/24 dev to-test
$in_world ip address add fd88:0:0:1::1/64 dev to-test nodad
for made in on off; do
    ground="--net.device=to-peer --net.offload=$made --tcp.dad=off"
    ground="$ground --tcp.ipv4=$host/24 --tcp.ipv6=$host6/64"
    # Unfinished checksums and super-frames are not for those who say that they take none.
    [ "$made" = on ] || command -v ethtool >/dev/null || break
    [ "$made" = on ] || $in_world ethtool -K to-test tx off >/dev/null
    start "website-$made" "$website"
    for to in "$host" "[$host6]"; do
        equal 200 "$(world_fetch "$tmp/page" "http://$to:$port/")" \
            "a page at $to with offload=$made"
        cmp "$content/index.html" "$tmp/page" || fail "the page differs"
    done
    $in_world ping -q -c 2 -i 0.1 -W 5 -s 4000 "$host" >/dev/null || fail "ping -s 4000"
    $in_world ping -q -c 2 -i 0.1 -W 5 -s 4000 "$host6" >/dev/null || fail "ping -s 4000 over IPv6"
    stop "$pid" "website-$made"
done
"$website" --help | grep -q -- '--net\.promisc' || fail "this is not the module on libpcap"
