#!/bin/sh
# SPDX-License-Identifier: ISC
# A scan of all ports finds those that are open and no others, and does no harm.
. "$(dirname "$0")/lib.sh"

serve echo "$echo_app"
before=$(rss "$pid")
nmap -n -sS -p- -T5 --min-rate 20000 --max-retries 2 -oG "$tmp/tcp" "$host" >"$tmp/nmap" ||
    fail "nmap -sS: $(cat "$tmp/nmap")"
equal "$port" "$(sed -n 's,.*Ports: \([0-9]*\)/open/tcp.*,\1,p' "$tmp/tcp")" "open TCP ports"
! grep -q 'open.*, .*open' "$tmp/tcp" || fail "more than one open TCP port: $(cat "$tmp/tcp")"
# Every way of nmap's to ask: what comes back of them is not told apart here, but nothing breaks.
for way in -sN -sF -sX -sA -sW; do
    nmap -n "$way" -p "1-1024,$port" -T5 --max-retries 1 "$host" >"$tmp/nmap" ||
        fail "nmap $way: $(cat "$tmp/nmap")"
done
nmap -n -sU -p "1-200,$port" -T5 --min-rate 2000 --max-retries 2 -oG "$tmp/udp" "$host" \
    >"$tmp/nmap" ||
    fail "nmap -sU: $(cat "$tmp/nmap")"
grep -q "[ ,]$port/open/udp" "$tmp/udp" || fail "the UDP port is not found: $(cat "$tmp/udp")"
nmap -n -6 -sS -p "1-1024,$port" -T5 "$host6" -oG "$tmp/six" >"$tmp/nmap" ||
    fail "nmap -6: $(cat "$tmp/nmap")"
grep -q "[ ,]$port/open/tcp" "$tmp/six" || fail "the port is not found over IPv6: $(cat "$tmp/six")"
nmap -n -sO -T5 --max-retries 1 "$host" >"$tmp/nmap" || fail "nmap -sO: $(cat "$tmp/nmap")"
nmap -n -O -p "$port,$((port - 1))" --osscan-guess --max-os-tries 1 "$host" >"$tmp/nmap" ||
    fail "nmap -O: $(cat "$tmp/nmap")"

alive "$pid" || fail "a scan ended the program"
equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo after the scans"
"$client" udp "$port" 200 1 >/dev/null || fail "datagrams after the scans"
grown=$(($(rss "$pid") - before))
limit=4096
[ -z "$sanitized" ] || limit=32768
[ "$grown" -le "$limit" ] || fail "memory grew by $grown KiB"
stop "$pid" echo
echo "memory grew by $grown KiB"
