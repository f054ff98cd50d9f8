#!/bin/sh
# SPDX-License-Identifier: ISC
# Frames as no honest host sends them: nothing breaks, memory stays bounded, the log stays short,
# and service goes on.
. "$(dirname "$0")/lib.sh"

seed=${E2E_SEED:-$(date +%s)}
echo "seed $seed (E2E_SEED=$seed repeats this run)"
count=${RUNG_TEST_FRAMES:-100000}
[ -z "${RUNG_TEST_LONG:-}" ] || count=3000000
serve echo "$echo_app" --tcp.dad=on
poll 20 says echo "address $host6\$" || fail "no IPv6 address"
mac=$(mac_of "$host")
equal hello "$(echo hello | timeout 60 nc -N "$host6" "$port")" "echo over IPv6"
before=$(rss "$pid")
"$client" garbage "$device" "$mac" "$port" "$count" "$seed" >"$tmp/garbage" ||
    fail "garbage, seed $seed"
alive "$pid" || fail "garbage ended the program, seed $seed"

# Forged neighbours may have changed what it knows of us: we say it anew.
ip neigh flush dev "$device"
poll 20 ping -q -c 1 -W 1 "$host" >/dev/null || fail "no ping afterwards, seed $seed"
for _ in 1 2 3; do
    equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo afterwards, seed $seed"
done
"$client" udp "$port" 500 "$seed" >/dev/null || fail "datagrams afterwards, seed $seed"
"$client" many echo "$port" 1000 20 >/dev/null || fail "connections afterwards, seed $seed"
grown=$(($(rss "$pid") - before))
limit=8192
[ -z "$sanitized" ] || limit=131072
[ "$grown" -le "$limit" ] || fail "memory grew by $grown KiB, seed $seed"
lines=$(wc -l <"$tmp/echo.log")
[ "$lines" -le 100 ] || fail "$lines lines of log: $(tail -n 3 "$tmp/echo.log")"
stop "$pid" echo
echo "$(cat "$tmp/garbage"); memory grew by $grown KiB; $lines lines of log"
