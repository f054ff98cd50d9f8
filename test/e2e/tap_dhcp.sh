#!/bin/sh
# SPDX-License-Identifier: ISC
# The address comes by DHCP, from a server that is late: until then a line now and then, then the
# service, for this network and for others. RUNG_TEST_LONG=1: a lease is renewed, and lost.
. "$(dirname "$0")/lib.sh"

tap_make 1500
ground="--net.device=$device"
start website "$website"
poll 5 says website 'asking for an address by DHCP' || fail "it does not say that it asks"
poll 20 says website 'no DHCP answer for .* asking on.*tcp\.ipv4' ||
    fail "it does not say that it waits"

# dhcp FIRST LAST: a server for those addresses.
dhcp() {
    launch dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user= --group= \
        --port=0 --interface="$device" --bind-interfaces --dhcp-authoritative \
        --log-facility=- --log-dhcp \
        --dhcp-range="$1,$2,255.255.255.0,2m" --dhcp-option="option:router,$near" \
        --dhcp-leasefile="$tmp/leases"
    dnsmasq=$pid
}
website_pid=$pid
dhcp "$net.50" "$net.59"
poll 60 says website "address $net\.5[0-9] by DHCP, router $near" || fail "no lease"
leased=$(sed -n 's/.*address \([0-9.]*\) by DHCP.*/\1/p' "$tmp/website.log")
equal 200 "$(code "http://$leased:$port/")" "a page at the leased address"

# Another network, whose host this namespace passes packets to.
world
world_link far 192.0.2.1/24 192.0.2.2/24
$in_world ip route add default via 192.0.2.1
echo 1 >/proc/sys/net/ipv4/ip_forward
equal 200 "$(world_fetch "$tmp/page" "http://$leased:$port/")" "a page for another network"
cmp "$content/index.html" "$tmp/page" || fail "the page for another network differs"

if [ -n "${RUNG_TEST_LONG:-}" ]; then
    acks() {
        [ "$(grep -c 'DHCPACK' "$tmp/dnsmasq.log")" -gt "$1" ]
    }
    poll 130 acks 1 || fail "the lease was not renewed"
    kill "$dnsmasq"
    wait "$dnsmasq" || :
    poll 260 says website 'address is gone; asking for one again' || fail "an expired lease is kept"
    equal 000 "$(code --connect-timeout 2 "http://$leased:$port/")" \
        "a page at an address that is gone"
    rm -f "$tmp/leases"
    dhcp "$net.70" "$net.79"
    poll 90 says website "address $net\.7[0-9] by DHCP" || fail "no new lease"
    leased=$(sed -n 's/.*address \([0-9.]*\) by DHCP.*/\1/p' "$tmp/website.log" | tail -n 1)
    equal 200 "$(code "http://$leased:$port/")" "a page at the new address"
fi

# It gives the address back.
stop "$website_pid" website
poll 5 grep -q DHCPRELEASE "$tmp/dnsmasq.log" || fail "the lease was not given back"
