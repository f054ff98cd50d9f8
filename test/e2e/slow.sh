#!/bin/sh
# SPDX-License-Identifier: ISC
# A client that sends a byte a second is sent away at the header time-out; others do not notice.
. "$(dirname "$0")/lib.sh"

serve website "$website" --http.header-timeout=3s
"$client" slow "$port" 1000 >"$tmp/slow" &
slow=$!
pids="$pids $slow"
served=0
end=$(($(date +%s) + 60))
while [ ! -s "$tmp/slow" ]; do
    alive "$slow" || [ -s "$tmp/slow" ] || fail "the slow client ended without a word"
    equal 200 "$(code "$base/")" "a request beside the slow client"
    served=$((served + 1))
    [ "$(date +%s)" -lt "$end" ] || fail "the slow client is still there"
done
wait "$slow" || fail "the slow client"
read -r _ status ms <"$tmp/slow"
equal 408 "$status" "what the slow client was told"
[ "$ms" -ge 2900 ] || fail "closed after $ms ms, before the time-out"
[ "$ms" -lt 30000 ] || fail "closed after $ms ms, long after the time-out"
[ "$served" -gt 10 ] || fail "only $served others were served meanwhile"
stop "$pid" website
echo "closed after $ms ms; $served others served"
