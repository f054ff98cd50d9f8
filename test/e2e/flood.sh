#!/bin/sh
# SPDX-License-Identifier: ISC
# Clients that pipeline as fast as they can: all of it is answered, and others get their turn.
. "$(dirname "$0")/lib.sh"

serve website "$website"
"$client" flood "$port" 50 4000 >"$tmp/flood" &
flood=$!
pids="$pids $flood"
served=0
while alive "$flood"; do
    equal 200 "$(code "$base/")" "a request in the flood"
    served=$((served + 1))
done
wait "$flood" || fail "the flood was not answered"
[ "$served" -ge 10 ] || fail "only $served others were served in four seconds of flood"
# With its own TCP/IP: 512 KiB on its way for each of the 50, 16 MiB of frames, 16 MiB of copies of them.
limit=32768
[ "$rung" = unix-sockets ] || limit=61440
[ -z "$sanitized" ] || limit=262144
[ "$(rss "$pid")" -le "$limit" ] || fail "memory grew to $(rss "$pid") KiB"
stop "$pid" website
echo "$(cat "$tmp/flood") in the flood; $served others served"
