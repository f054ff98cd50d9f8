#!/bin/sh
# SPDX-License-Identifier: ISC
# kvd is killed under load, again and again: after each start all that was acknowledged is there.
. "$(dirname "$0")/lib.sh"

kvd=${E2E_KVD:?names the program}
command -v redis-cli >/dev/null || skip "redis-cli is not installed (redis-tools)"
rounds=${1:-5}
store=$tmp/store
first=serve

# writer N ROUND: sets one key after the other; each "OK" in its file is one acknowledged.
writer() {
    seq 1 100000 | sed "s/.*/SET $2-$1-& value-&/" |
        redis-cli -h "$host" -p "$port" >"$tmp/acked.$1" 2>/dev/null || :
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
        writer "$n" "$round" &
        writers="$writers $!"
    done
    poll 60 enough || fail "nothing is acknowledged"
    kill -9 "$victim"
    wait "$victim" || :
    for writer in $writers; do
        wait "$writer" || :
    done
    # On a tap the ground stays; the next program finds its address free again.
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
