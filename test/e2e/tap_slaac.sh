#!/bin/sh
# SPDX-License-Identifier: ISC
# IPv6 by autoconfiguration: a router announces a prefix, and the program is at an address of it,
# for this network and for others.
. "$(dirname "$0")/lib.sh"

tap_make 1500
ip address add fd99::1/64 dev "$device" nodad
launch router dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user= --group= \
    --port=0 --interface="$device" --bind-interfaces --log-facility=- \
    --enable-ra --ra-param="$device,4" \
    --dhcp-range=fd99::,ra-only,64,10m --dhcp-leasefile="$tmp/leases"
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ground="--net.device=$device --tcp.ipv4=$host/24"
start website "$website"
poll 30 says website 'address fd99::[0-9a-f:]*$' || fail "no address of the announced prefix"
own=$(sed -n 's/.*address \(fd99::[0-9a-f:]*\)$/\1/p' "$tmp/website.log")
equal 200 "$(fetch "$tmp/page" "http://[$own]:$port/")" "status of the page at $own"
cmp "$content/index.html" "$tmp/page" || fail "the page differs"
ping -q -c 2 -i 0.1 -W 5 -s 4000 "$own" >/dev/null || fail "ping $own"

# The router of the announcement leads to other networks.
world
world_link far
ip address add fd98::1/64 dev to-far nodad
$in_world ip address add fd98::2/64 dev to-test nodad
$in_world ip route add default via fd98::1
equal 200 "$(world_fetch "$tmp/page" "http://[$own]:$port/")" "a page for another network"
cmp "$content/index.html" "$tmp/page" || fail "the page for another network differs"
stop "$pid" website
