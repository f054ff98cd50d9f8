#!/bin/sh
# SPDX-License-Identifier: ISC
# SIGTERM while a client has not taken the answer that TCP holds for it: the program gives it a
# moment and ends, without waiting for as long as TCP would.
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/site"
head -c 200000 /dev/urandom >"$tmp/site/page"
serve website "$website" --content.path="$tmp/site" --http.access-log=info --tcp.linger=300s
"$client" sip "$port" /page 1 200 >"$tmp/sip" &
pids="$pids $!"
poll 30 says website '"GET /page" 200' || fail "nobody has asked"
kill -TERM "$pid"
ended() {
    ! alive "$pid"
}
poll 60 ended || fail "still there a minute after SIGTERM"
wait "$pid" || fail "exit status $?"
