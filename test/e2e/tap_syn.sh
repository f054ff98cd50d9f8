#!/bin/sh
# SPDX-License-Identifier: ISC
# 10,000 SYNs from nobody: memory stays bounded, and whoever is honest is served meanwhile and
# afterwards, over both families.
. "$(dirname "$0")/lib.sh"

seed=${E2E_SEED:-$(date +%s)}
echo "seed $seed (E2E_SEED=$seed repeats this run)"
tap_make 1500
ground="$ground --tcp.gateway=$near"
start website "$website"
equal 200 "$(code "$base/")" "a page before"
before=$(rss "$pid")
"$client" syn "$device" "$(mac_of "$host")" "$port" "${RUNG_TEST_SYNS:-10000}" "$seed" >"$tmp/syn" &
flood=$!
pids="$pids $flood"
served=0
while alive "$flood"; do
    equal 200 "$(code "$base/")" "a page in the flood"
    equal 200 "$(code "$base6/")" "a page over IPv6 in the flood"
    served=$((served + 2))
done
wait "$flood" || fail "the flood"
most=$(rss "$pid")
for _ in 1 2 3 4 5; do
    equal 200 "$(code "$base/")" "a page after the flood"
done
"$client" many http "$port" 2000 50 >"$tmp/many" || fail "2,000 connections after the flood"
limit=4096
[ -z "$sanitized" ] || limit=65536
[ $((most - before)) -le "$limit" ] || fail "memory grew from $before to $most KiB"
lines=$(wc -l <"$tmp/website.log")
[ "$lines" -le 20 ] || fail "$lines lines of log: $(tail -n 3 "$tmp/website.log")"
stop "$pid" website
echo "$served served in the flood; memory grew by $((most - before)) KiB"
