#!/bin/sh
# SPDX-License-Identifier: ISC
# Another host on the link has the program's address: it says so, once, and goes on.
. "$(dirname "$0")/lib.sh"

# A switch with three ports: this namespace, the program and the twin.
tap_make 1500
ip address flush dev "$device"
ip link add switch type bridge
ip link set dev "$device" master switch
ip link set dev switch up
ip address add "$near/24" dev switch
ip address add "$near6/64" dev switch nodad
world
world_link twin
ip link set dev to-twin master switch
ground="--net.device=$device --tcp.ipv4=$host/24 --tcp.ipv6=$host6/64"
$in_world ip address add "$host6/64" dev to-test nodad
twin=$($in_world ip link show dev to-test | sed -n 's,.*link/ether \([0-9a-f:]*\).*,\1,p')

# It asks before it uses an IPv6 address, and the twin says that it is taken.
start website "$website"
poll 20 says website "another host on this link has the address $host6" ||
    fail "no line about the IPv6 address that another host has"
! says website "address $host6\$" || fail "an IPv6 address in use by another host is used"

# It has its IPv4 address when the twin takes that too.
curl -s -o "$tmp/page" --max-time 10 "$base/" || fail "no page before the twin came"
! says website "$twin" || fail "a warning before there is a twin"
$in_world ip address add "$host/24" dev to-test
for _ in 1 2 3; do
    $in_world ip neigh flush dev to-test
    $in_world ping -q -c 1 -W 1 "$near" >/dev/null 2>&1 || : # asks for $near's address as $host
done
poll 10 says website "^warn: tcp: $twin on this link has the address $host too" ||
    fail "no line about the IPv4 address that another host has"
equal 1 "$(grep -c "$twin" "$tmp/website.log")" "lines about one trouble"

# Without the twin all is well again.
$in_world ip link set dev to-test down
ip neigh flush dev switch
equal 200 "$(code "$base/")" "a page when the twin has gone"
stop "$pid" website
