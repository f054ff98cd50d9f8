#!/bin/sh
# SPDX-License-Identifier: ISC
# echo gives back what it gets: streams of any length with half-close, and datagrams.
. "$(dirname "$0")/lib.sh"

serve echo "$echo_app"
# nc -N shuts its sending side at the end of its input: the whole stream must still come back.
head -c 20000000 /dev/urandom >"$tmp/data"
timeout 120 nc -N "$host" "$port" <"$tmp/data" >"$tmp/back" || fail "nc"
cmp "$tmp/data" "$tmp/back" || fail "20 MB came back different"
timeout 60 nc -N "$host" "$port" </dev/null >"$tmp/back" || fail "nc with nothing to say"
[ ! -s "$tmp/back" ] || fail "an echo of nothing"
equal hello "$(echo hello | timeout 60 nc -N "$host6" "$port")" "echo over IPv6"

# Someone who sends and never reads holds up nobody, and costs a bounded amount of memory.
before=$(rss "$pid")
mkfifo "$tmp/go"
"$client" mute "$port" /never-read 20 <"$tmp/go" >"$tmp/mute" &
mute=$!
pids="$pids $mute"
exec 3>"$tmp/go"
poll 120 grep -qs '^stuck' "$tmp/mute" || fail "echo takes bytes for ever"
equal hello "$(echo hello | timeout 60 nc -N "$host" "$port")" "echo beside mute clients"
after=$(rss "$pid")
limit=20480
[ -z "$sanitized" ] || limit=65536
[ $((after - before)) -le "$limit" ] || fail "memory grew from $before to $after KiB"
exec 3>&-
wait "$mute"

seed=${E2E_SEED:-$(date +%s)}
echo "seed $seed (E2E_SEED=$seed repeats this run)"
"$client" udp "$port" 5000 "$seed" || fail "datagrams, seed $seed"
stop "$pid" echo
echo "memory grew by $((after - before)) KiB with 20 clients that never read"
