#!/bin/sh
# SPDX-License-Identifier: ISC
# Links and peers with packets of other sizes: what goes out is as long as agreed, never longer, and
# arrives as it was.
. "$(dirname "$0")/lib.sh"

head -c 3000000 /dev/urandom >"$tmp/data"

# through TO: a stream to echo at this address and back, recorded from SYN to FIN.
through() {
    case $1 in *:*) from="ipv6.src == $1" ;; *) from="ip.src == $1" ;; esac
    with_echo "$1" "$tmp/data"
    poll 10 fin_recorded || fail "no FIN in the capture"
}
fin_recorded() {
    [ -n "$(packets "$tmp/cap" "tcp.flags.fin == 1 && $from" frame.number)" ]
}

# sizes LINK-MTU MTU WORD...: both families on a link, the program told so.
sizes() {
    link=$1
    mtu=$2
    shift 2
    tap_make "$link"
    for family in 4 6; do
        [ "$family" -eq 4 ] || [ "$mtu" -ge 1280 ] || continue
        start echo "$echo_app" "--net.capture.file=$tmp/cap" --net.capture.snaplen=160 \
            --net.capture.delay=1ms "$@"
        to=$host
        headers=40 # and 12 of time stamps
        [ "$family" -eq 4 ] || {
            to=$host6
            headers=60
        }
        through "$to"
        offered=$(packets "$tmp/cap" "tcp.flags.syn == 1 && $from" tcp.options.mss_val)
        equal $((mtu - headers)) "$offered" "the MSS it offers to $to with an MTU of $mtu"
        equal $((mtu - headers - 12)) "$(longest "$tmp/cap")" \
            "the longest segment to $to with an MTU of $mtu"
        stop "$pid" echo
        rm "$tmp/echo.log"
    done
}

sizes 576 576
sizes 1500 1500
sizes 1500 1500 --net.fault.offload=off
sizes 9000 9000
sizes 9000 9000 --net.fault.offload=off
sizes 1500 576 --tcp.mtu=576
sizes 9000 1500 --tcp.mtu=1500

# A peer that takes little segments only gets little ones, with offloads and without.
tap_make 1500
for kind in on off; do
    for to in "$host" "$host6"; do
        ip route replace "$to" dev "$device" advmss 200
        start echo "$echo_app" "--net.capture.file=$tmp/cap" --net.capture.snaplen=160 \
            --net.capture.delay=1ms "--net.fault.offload=$kind"
        through "$to"
        equal 188 "$(longest "$tmp/cap")" "the longest segment to a peer with an MSS of 200 ($to)"
        stop "$pid" echo
        rm "$tmp/echo.log"
    done
done
