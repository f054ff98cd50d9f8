#!/bin/sh
# SPDX-License-Identifier: ISC
# The capture of a session opens in tshark without a word of complaint: nothing malformed, checksums
# right, and streams that come back from it as they were.
. "$(dirname "$0")/lib.sh"

head -c 1000000 /dev/urandom >"$tmp/data"
serve echo "$echo_app" "--net.capture.file=$tmp/echo.pcapng"
with_echo "$host" "$tmp/data"
equal hello "$(echo hello | timeout 60 nc -N "$host6" "$port")" "echo over IPv6"
ping -q -c 2 -i 0.1 -s 4000 "$host" >/dev/null || fail ping
ping -q -c 2 -i 0.1 -s 4000 "$host6" >/dev/null || fail ping6
"$client" udp "$port" 100 1 >/dev/null || fail "datagrams"
stop "$pid" echo
cap=$tmp/echo.pcapng

# capinfos and tshark say nothing but that they are root.
capinfos "$cap" >"$tmp/infos" 2>"$tmp/err" || fail "capinfos: $(cat "$tmp/err")"
[ ! -s "$tmp/err" ] || fail "capinfos says: $(cat "$tmp/err")"
grep -q 'Encapsulation = Ethernet' "$tmp/infos" || fail "capinfos: $(cat "$tmp/infos")"
tshark -n -r "$cap" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
    -o udp.check_checksum:TRUE \
    -Y '_ws.malformed || _ws.expert.severity == error || ip.checksum.status == 0 ||
        tcp.checksum.status == 0 || udp.checksum.status == 0' >"$tmp/bad" 2>"$tmp/err" ||
    fail "tshark: $(cat "$tmp/err")"
[ ! -s "$tmp/bad" ] || fail "tshark complains of: $(head -n 5 "$tmp/bad")"
! grep -v 'Running as user' "$tmp/err" || fail "tshark says: $(cat "$tmp/err")"

# All is there, to the last byte.
for what in arp icmp icmpv6 'tcp.flags.syn == 1' 'tcp.flags.fin == 1' udp \
    'frame.comment contains "super-frame"'; do
    [ -n "$(packets "$cap" "$what" frame.number)" ] || fail "the capture has no $what"
done
tshark -n -r "$cap" -q -z follow,tcp,raw,0 2>/dev/null |
    sed -n 's/^\t\([0-9a-f]*\)$/\1/p' | tr -d '\n' >"$tmp/hex"
od -An -v -tx1 "$tmp/data" | tr -d ' \n' | cmp - "$tmp/hex" ||
    fail "the stream in the capture differs"
bytes=$(packets "$cap" "tcp.stream == 0 && tcp.len > 0" tcp.len | awk '{ n += $1 } END { print n }')
[ "$bytes" -ge 2000000 ] || fail "the capture has $bytes bytes of a stream of 2,000,000"
