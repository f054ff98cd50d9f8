#!/bin/sh
# SPDX-License-Identifier: ISC
# kvd is killed under load, again and again: after each start all that was acknowledged is there.
. "$(dirname "$0")/lib.sh"

kvd=${E2E_KVD:?names the program}
command -v redis-cli >/dev/null || skip "redis-cli is not installed (redis-tools)"
rounds=${1:-5}
store=$tmp/store
first=serve

# What is sent: one key after the other; each "OK" in a writer's file is one acknowledged.
sets() {
    seq 1 20000 | sed "s/.*/SET $2-$1-& value-&/" >"$tmp/sets.$1"
}
# What the kernel still does with the file for the dead program (io_uring) keeps its lock a while.
unlocked() {
    ! grep -q ":$(stat -c %i "$store") " /proc/locks
}
acked() {
    grep -c '^OK' "$tmp/acked.$1" || :
}
enough() {
    [ "$(acked 1)" -gt 50 ] && [ "$(acked 4)" -gt 50 ]
}

for round in $(seq "$rounds"); do
    $first "kvd$round" "$kvd" "--store.block.path=$store" --store.block.size=64M
    first=start
    victim=$pid
    writers=
    for n in 1 2 3 4; do
        sets "$n" "$round"
        redis-cli -h "$host" -p "$port" <"$tmp/sets.$n" >"$tmp/acked.$n" 2>/dev/null &
        writers="$writers $!"
        pids="$pids $!"
    done
    poll 60 enough || fail "nothing is acknowledged"
    kill -9 "$victim"
    wait "$victim" || :
    # shellcheck disable=SC2086 # a list; on a tap nobody is left to end their connections
    kill $writers 2>/dev/null || :
    for writer in $writers; do
        wait "$writer" || :
    done
    poll 30 unlocked || fail "the store of the dead program stays locked"
    start "again$round" "$kvd" "--store.block.path=$store"
    for n in 1 2 3 4; do
        count=$(acked "$n")
        seq 1 "$count" | sed "s/.*/GET $round-$n-&/" | redis-cli -h "$host" -p "$port" >"$tmp/found"
        seq 1 "$count" | sed 's/.*/value-&/' >"$tmp/wanted"
        cmp "$tmp/wanted" "$tmp/found" || fail "round $round: writer $n: acknowledged writes are lost"
        echo "round $round: writer $n: $count acknowledged, $count found"
    done
    stop "$pid" kvd
done
