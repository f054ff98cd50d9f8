#!/bin/sh
# SPDX-License-Identifier: ISC
# 20,000 connections opened and closed in several ways, then 1,000 idle ones: many.sh http|echo
. "$(dirname "$0")/lib.sh"

kind=$1
program=$website
[ "$kind" = http ] || program=$echo_app
# shellcheck disable=SC3045 # dash, bash and busybox have them
hard=$(ulimit -Hn)
[ "$hard" = unlimited ] || [ "$hard" -ge 1200 ] ||
    skip "the limit of open files is $hard; 1,200 are needed"
# shellcheck disable=SC3045
ulimit -Sn "$hard"

serve "$kind" "$program"
before=$(descriptors "$pid")
"$client" many "$kind" "$port" 20000 100 || fail "20,000 connections"
all_closed() {
    [ "$(descriptors "$pid")" -le "$before" ]
}
poll 60 all_closed || fail "$(($(descriptors "$pid") - before)) connections are left over"
settled=$(rss "$pid")
"$client" many "$kind" "$port" 2000 100 || fail "2,000 connections more"
poll 60 all_closed || fail "connections are left over"
limit=1024
[ -z "$sanitized" ] || limit=8192
[ $(($(rss "$pid") - settled)) -le "$limit" ] ||
    fail "2,000 connections more cost $(($(rss "$pid") - settled)) KiB"

mkfifo "$tmp/go"
"$client" idle "$kind" "$port" 1000 <"$tmp/go" >"$tmp/idle" &
idle=$!
pids="$pids $idle"
exec 3>"$tmp/go"
poll 60 grep -qs '^held 1000$' "$tmp/idle" || fail "1,000 connections were not all answered"
held=$(rss "$pid")
# While they idle the server sleeps, and others are served.
first=$(ticks "$pid")
sleep 1
idle_ticks=$(($(ticks "$pid") - first))
[ "$idle_ticks" -le 20 ] || fail "1,000 idle connections cost $idle_ticks% of a processor"
"$client" many "$kind" "$port" 100 10 || fail "others beside 1,000 idle connections"
echo >&3
wait "$idle" || fail "1,000 idle connections were not all served again"
exec 3>&-
poll 60 all_closed || fail "$(($(descriptors "$pid") - before)) connections are left over"
stop "$pid" "$kind"
echo "memory: $settled KiB after 20,000 connections, $held KiB with 1,000 idle ones"
