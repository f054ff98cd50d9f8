#!/bin/sh
# SPDX-License-Identifier: ISC
# More clients than a stack of our own has room for: the new ones wait outside, the old ones are
# served as before, nothing spins, and there is room again when some have left: slots.sh http|echo
. "$(dirname "$0")/lib.sh"

kind=$1
program=$website
[ "$kind" = http ] || program=$echo_app

# held NUMBER: that many clients are served, and stay until `echo >&3`.
held() {
    rm -f "$tmp/go" "$tmp/held"
    mkfifo "$tmp/go"
    "$client" idle "$kind" "$port" "$1" <"$tmp/go" >"$tmp/held" 2>"$tmp/held.log" &
    old=$!
    pids="$pids $old"
    exec 3>"$tmp/go"
    poll 60 grep -qs "^held $1\$" "$tmp/held" ||
        fail "$1 clients were not served: $(cat "$tmp/held.log")"
}
# Nobody answers a knock at the door.
nobody_answers() {
    status=0
    timeout 3 "$client" many "$kind" "$port" 1 1 >"$tmp/out" 2>&1 || status=$?
    equal 124 "$status" "exit status of a client that knocks ($(cat "$tmp/out"))"
}

# By number.
serve "$kind" "$program" --tcp.max-connections=64
held 64
nobody_answers
grep -q 'new ones wait outside.*tcp\.max-connections' "$tmp/$kind.log" || fail "no line says so"
first=$(ticks "$pid")
sleep 1
spent=$(($(ticks "$pid") - first))
[ "$spent" -le 10 ] || fail "being full cost $spent ticks in a second"
echo >&3
wait "$old" || fail "the 64 were not served again: $(cat "$tmp/held.log")"
exec 3>&-
mkfifo "$tmp/crowd-go"
"$client" crowd "$kind" "$port" 160 <"$tmp/crowd-go" >"$tmp/crowd" 2>"$tmp/crowd.log" &
crowd=$!
pids="$pids $crowd"
exec 4>"$tmp/crowd-go"
poll 60 grep -qs '^stalled 64$' "$tmp/crowd" ||
    fail "not 64 of a crowd were served: $(cat "$tmp/crowd")"
echo >&4
wait "$crowd" || fail "not all of the crowd were answered: $(cat "$tmp/crowd.log")"
exec 4>&-
"$client" many "$kind" "$port" 1000 10 || fail "connections afterwards"
lines=$(wc -l <"$tmp/$kind.log")
[ "$lines" -le 20 ] || fail "$lines lines of log: $(tail -n 3 "$tmp/$kind.log")"
stop "$pid" "$kind"

# By memory: so little that it does not suffice for a thousand.
serve "$kind-memory" "$program" --tcp.memory=128K
"$client" idle "$kind" "$port" 1000 >"$tmp/many" 2>&1 </dev/null &
many=$!
pids="$pids $many"
sleep 3
alive "$many" || fail "1,000 clients: $(cat "$tmp/many")"
! grep -q . "$tmp/many" || fail "128 KiB suffice for 1,000 connections: $(cat "$tmp/many")"
grep -q 'new ones wait outside.*tcp\.memory' "$tmp/$kind-memory.log" || fail "no line says so"
kill -9 "$many"
wait "$many" 2>/dev/null || :
held 50
lines=$(wc -l <"$tmp/$kind-memory.log")
[ "$lines" -le 20 ] || fail "$lines lines of log: $(tail -n 3 "$tmp/$kind-memory.log")"
echo >&3
wait "$old" || fail "the 50 were not served again: $(cat "$tmp/held.log")"
exec 3>&-
stop "$pid" "$kind-memory"
