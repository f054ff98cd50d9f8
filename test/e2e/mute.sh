#!/bin/sh
# SPDX-License-Identifier: ISC
# Clients that ask and never read: the server's memory stays bounded and others are served.
. "$(dirname "$0")/lib.sh"

# A stack of our own is told how much to keep of what nobody takes.
bounds=
[ "$rung" = unix-sockets ] ||
    bounds="--tcp.tx-buffer=16K --tcp.rx-memory=1M --net.rx-memory=2M"
# shellcheck disable=SC2086 # a list of words
serve website "$website" $bounds
largest=/$(find "$content" -type f -printf '%s %P\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
equal 200 "$(code "$base$largest")" "$largest"
before=$(rss "$pid")
mkfifo "$tmp/go"
"$client" mute "$port" "$largest" 50 <"$tmp/go" >"$tmp/mute" &
mute=$!
pids="$pids $mute"
exec 3>"$tmp/go"
poll 120 grep -qs '^stuck' "$tmp/mute" || fail "the server reads requests for ever"
after=$(rss "$pid")
equal 200 "$(code "$base/")" "a request beside mute clients"
# 50 connections with what was read ahead of each. Without a bound this would be hundreds of MiB.
limit=8192
[ -z "$sanitized" ] || limit=65536
[ $((after - before)) -le "$limit" ] || fail "memory grew from $before to $after KiB"
exec 3>&-
wait "$mute"
equal 200 "$(code "$base/")" "a request when they have gone"
stop "$pid" website
read -r _ bytes <"$tmp/mute"
echo "memory grew by $((after - before)) KiB; $bytes bytes of requests went out"
