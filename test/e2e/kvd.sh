#!/bin/sh
# SPDX-License-Identifier: ISC
# Redis's own clients drive kvd on a store in a file: commands, a restart, a short redis-benchmark,
# a full disk, and what people do wrong.
. "$(dirname "$0")/lib.sh"

kvd=${E2E_KVD:?names the program}
command -v redis-cli >/dev/null || skip "redis-cli is not installed (redis-tools)"

# cli WORD...: what redis-cli prints.
cli() {
    timeout 60 redis-cli -h "$host" -p "$port" "$@"
}
# says ANSWER WORD...
says() {
    wanted=$1
    shift
    equal "$wanted" "$(cli "$@")" "redis-cli $*"
}

store=$tmp/store
serve kvd "$kvd" "--store.block.path=$store" --store.block.size=64M
says PONG ping
says OK set a 1
says 2 incr a
says OK set b "two words" ex 1000
says "two words" get b
says OK mset x 1 y 2
says "1
2" mget x y
says 4 dbsize
printf 'multi\nset t 1\nincr t\nexec\n' | cli >"$tmp/multi"
equal "OK QUEUED QUEUED OK 2 " "$(tr '\n' ' ' <"$tmp/multi")" "a transaction"
cli -3 hello 3 | grep -q 'version' || fail "HELLO 3"
equal "a b t x y " "$(cli --scan | sort | tr '\n' ' ')" "redis-cli --scan"
cli info server | grep -q '^redis_version:' || fail "INFO has no version"
cli nonsense | grep -q '^ERR unknown command' || fail "an unknown command is not said to be one"
head -c 3000000 /dev/urandom >"$tmp/big"
cli -x set big <"$tmp/big" >/dev/null
cli get big >"$tmp/big.back"
tail -c +2000001 "$tmp/big" | head -c 100000 >"$tmp/part"
cli getrange big 2000000 2099999 | head -c 100000 >"$tmp/part.back"
cmp "$tmp/part" "$tmp/part.back" || fail "100 KB of these came back otherwise"
printf '\n' >>"$tmp/big" # redis-cli adds it
cmp "$tmp/big" "$tmp/big.back" || fail "3 MB came back otherwise"

stop "$pid" kvd
start kvd2 "$kvd" "--store.block.path=$store"
says 2 get a
says 3000000 strlen big
[ "$(cli ttl b)" -gt 900 ] || fail "the expiry is gone after a restart"
says 1 del big

# A store that another program has open.
served=$host
ground "$kvd"
refused 1 'store.*(in use|another)' "$kvd" "--store.block.path=$store" --port=0
host=$served

if command -v redis-benchmark >/dev/null; then
    timeout 300 redis-benchmark -h "$host" -p "$port" -c 20 -n 2000 -P 8 -r 1000 -q \
        -t ping,set,get,incr,mset >"$tmp/bench" 2>&1 || fail "redis-benchmark: $(cat "$tmp/bench")"
    equal 6 "$(tr '\r' '\n' <"$tmp/bench" | grep -c 'requests per second, p50')" \
        "results of redis-benchmark"
fi
stop "$pid" kvd2

# A full disk is a clear error, nothing is lost, and removing helps.
serve full "$kvd" "--store.block.path=$tmp/small" --store.block.size=4M
head -c 400000 /dev/zero >"$tmp/value"
n=0
while [ "$(cli -x set "v$n" <"$tmp/value")" = OK ]; do
    n=$((n + 1))
    [ "$n" -lt 100 ] || fail "a store of 4 MB never becomes full"
done
[ "$n" -gt 0 ] || fail "nothing goes into a store of 4 MB"
cli -x set "v$n" <"$tmp/value" | grep -q '^ERR the store is full' || fail "a full store does not say so"
says 400000 strlen v0
says 0 exists "v$n"
says 1 del v0
says OK set small 1
stop "$pid" full

# A store that can't be closed as it should ends the program with 1.
serve short "$kvd" "--store.block.path=$tmp/short" --store.block.size=1M
says OK set a 1
truncate -s 4096 "$tmp/short"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
equal 1 "$status" "the exit status after a close that failed"
grep -q 'store: closing: ' "$tmp/short.log" || fail "the log does not say that closing failed"

# What people do wrong: one line, and nothing is written.
head -c 1000000 /dev/urandom >"$tmp/other"
cp "$tmp/other" "$tmp/other.before"
refused 1 'store' "$kvd" "--store.block.path=$tmp/other" --port=0
cmp "$tmp/other" "$tmp/other.before" || fail "a file that is no store was written to"
refused 1 'store' "$kvd" "--store.block.path=$tmp/nowhere/store" --port=0
refused 1 'store' "$kvd" "--store.block.path=$tmp/none" --store.block.size=0 --port=0
[ ! -e "$tmp/none" ] || fail "a file was made"
refused 64 'busy-poll=1001 is out of range' "$kvd" --busy-poll=1001 "--store.block.path=$tmp/none"
refused 64 'max-value=1 is out of range' "$kvd" --max-value=1 "--store.block.path=$tmp/none"
refused 64 'max-query=67108864 is less than max-value: give --max-query=134217728' \
    "$kvd" --max-value=128M "--store.block.path=$tmp/none"
refused 64 'memory=1024 is less than twice max-query: give --memory=134217728' "$kvd" --memory=1K "--store.block.path=$tmp/none"
refused 64 'store.memory=1 is out of range' "$kvd" --store.memory=1 "--store.block.path=$tmp/none" --port=0
[ ! -e "$tmp/none" ] || fail "a file was made for an index without memory"
refused 64 'address has a port' "$kvd" --address=127.0.0.1:80 "--store.block.path=$tmp/none"
if [ "$rung" = unix-sockets ]; then
    refused 1 'does not have that address' "$kvd" --address=192.0.2.1 "--store.block.path=$tmp/none"
    serve one "$kvd" "--store.block.path=$store"
    refused 1 "port $port is in use" "$kvd" "--port=$port" "--store.block.path=$tmp/none"
    stop "$pid" one
fi
refused 1 'store.*too small' "$kvd" "--store.block.path=$tmp/none" --store.block.size=32K --port=0
[ ! -e "$tmp/none" ] || fail "a file was made for a server that did not start"
