#!/bin/sh
# SPDX-License-Identifier: ISC
# More clients than descriptors: the rest waits, nothing spins, and all are served in the end:
# descriptors.sh http|echo [word...], the words for the program.
. "$(dirname "$0")/lib.sh"

kind=$1
shift
program=$website
[ "$kind" = http ] || program=$echo_app
# shellcheck disable=SC3045 # every sh here has ulimit -n
small() {
    ulimit -n 64
    exec "$@"
}
serve "$kind" small "$program" "$@"
before=$(descriptors "$pid")
mkfifo "$tmp/go"
"$client" crowd "$kind" "$port" 300 <"$tmp/go" >"$tmp/crowd" 2>"$tmp/crowd.log" &
crowd=$!
pids="$pids $crowd"
exec 3>"$tmp/go"
poll 60 grep -qs '^stalled' "$tmp/crowd" || fail "the crowd never came to a halt"
first=$(ticks "$pid")
sleep 2
spent=$(($(ticks "$pid") - first))
[ "$spent" -le 20 ] || fail "waiting for descriptors cost $spent ticks in two seconds"
lines=$(wc -l <"$tmp/$kind.log")
[ "$lines" -le 50 ] || fail "$lines lines of log: $(tail -n 3 "$tmp/$kind.log")"
echo >&3
wait "$crowd" || fail "not all of the crowd were answered: $(cat "$tmp/crowd.log")"
exec 3>&-
all_closed() {
    [ "$(descriptors "$pid")" -le "$before" ]
}
poll 60 all_closed || fail "$(($(descriptors "$pid") - before)) descriptors are left over"
"$client" many "$kind" "$port" 1000 10 || fail "connections afterwards"
stop "$pid" "$kind"
echo "$(tr '\n' ' ' <"$tmp/crowd"): $spent ticks in two seconds of waiting"
