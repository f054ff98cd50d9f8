#!/bin/sh
# SPDX-License-Identifier: ISC
# kvd under a mixed load for a while, among clients that never read: its memory is bounded. Ten
# minutes of it: RUNG_TEST_LONG=1 ctest --preset unix-sockets -R e2e-kvd-soak
. "$(dirname "$0")/lib.sh"

kvd=${E2E_KVD:?names the program}
command -v redis-benchmark >/dev/null || skip "redis-benchmark is not installed (redis-tools)"
seconds=8
[ -z "${RUNG_TEST_LONG:-}" ] || seconds=600
serve kvd "$kvd" "--store.block.path=$tmp/store" --store.block.size=256M --memory=64M \
    --max-query=16M --max-value=8M --stall-timeout=5s
load() {
    timeout 300 redis-benchmark -h "$host" -p "$port" -q -r 20000 "$@" >>"$tmp/load" 2>&1 ||
        fail "redis-benchmark $*: $(tail -n 3 "$tmp/load")"
}
deaf() { # asks for 40 MB and takes nothing
    { yes 'GET big' | head -n 20; sleep 7; } | timeout 8 nc "$host" "$port" | sleep 7 || :
}

head -c 2000000 /dev/zero | redis-cli -h "$host" -p "$port" -x set big >/dev/null
load -c 50 -n 2000 -d 500 -P 8 -t set,get,incr,mset
before=$(rss "$pid")
end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$end" ]; do
    for _ in 1 2 3 4; do
        deaf >/dev/null 2>&1 &
        pids="$pids $!"
    done
    load -c 50 -n 4000 -d 500 -P 16 -t set,get,incr,mset
    load -c 20 -n 2000 SET key:__rand_int__ value-of-some-length PX 100
    load -c 20 -n 500 -d 20000 -t set,get
    load -c 5 -n 200 DEL key:__rand_int__ key:__rand_int__
    load -c 2 -n 5 KEYS 'key:00000000001*'
done
after=$(rss "$pid")
commands=$(redis-cli -h "$host" -p "$port" info stats | tr -d '\r' |
    sed -n 's/^total_commands_processed://p')
echo "resident: $before KiB before, $after KiB after $seconds s and $commands commands"
limit=$((before + 160 * 1024))
[ -z "$sanitized" ] || limit=$((before * 2 + 512 * 1024))
[ "$after" -lt "$limit" ] || fail "memory grew from $before to $after KiB"
equal PONG "$(redis-cli -h "$host" -p "$port" ping)" "PING after all that"
stop "$pid" kvd
