#!/bin/sh
# SPDX-License-Identifier: ISC
# 1,000 connections that have been served and idle cost at most 4 KiB each, over all of the
# program's memory. RUNG_TEST_LONG=1: 10,000 of them.
. "$(dirname "$0")/lib.sh"

count=1000
[ -z "${RUNG_TEST_LONG:-}" ] || count=10000
# shellcheck disable=SC3045 # dash, bash and busybox have them
hard=$(ulimit -Hn)
[ "$hard" = unlimited ] || [ "$hard" -ge $((count + 200)) ] ||
    skip "the limit of open files is $hard"
# shellcheck disable=SC3045
ulimit -Sn "$hard"
serve website "$website" --http.idle-timeout=0s --http.max-connections=$((count + 100))
"$client" many http "$port" 100 10 >"$tmp/many" || fail "the first connections"
before=$(rss "$pid")
mkfifo "$tmp/go"
"$client" idle http "$port" "$count" <"$tmp/go" >"$tmp/idle" 2>"$tmp/idle.log" &
idle=$!
pids="$pids $idle"
exec 3>"$tmp/go"
poll 60 grep -qs "^held $count\$" "$tmp/idle" || fail "$count connections were not all answered"
grown=$(($(rss "$pid") - before))
echo "$((grown * 1024 / count)) bytes for each of $count idle connections"
limit=4
[ -z "$sanitized" ] || limit=16
[ "$grown" -le $((count * limit)) ] || fail "$count idle connections cost $grown KiB"
equal 200 "$(code "$base/")" "a page beside them"
echo >&3
wait "$idle" || fail "the idle ones were not served again: $(cat "$tmp/idle.log")"
exec 3>&-
stop "$pid" website
