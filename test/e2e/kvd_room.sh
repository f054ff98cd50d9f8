#!/bin/sh
# SPDX-License-Identifier: ISC
# kvd on a file system that is full: writes are refused, all else goes on, and when there is room
# again writes do; nothing that was acknowledged is lost by it.
. "$(dirname "$0")/lib.sh"

kvd=${E2E_KVD:?names the program}
command -v redis-cli >/dev/null || skip "redis-cli is not installed (redis-tools)"
mkdir "$tmp/disk"
small() { # COMMAND...: becomes it, with a file system of its own
    exec unshare -rm sh -c 'mount -t tmpfs -o size=4m none "$0" && exec "$@"' "$tmp/disk" "$@"
}
(small true) 2>/dev/null || skip "no file system can be mounted here"

cli() {
    timeout 60 redis-cli -h "$host" -p "$port" "$@"
}
serve room small "$kvd" "--store.block.path=$tmp/disk/store" --store.block.size=64M
inside=/proc/$pid/root/$tmp/disk
[ -e "$inside/store" ] || fail "the store is not where it should be"
head -c 2000000 /dev/zero >"$inside/filler"
head -c 300000 /dev/urandom | base64 -w 0 | head -c 300000 >"$tmp/value"
n=0
while [ "$(cli -x set "v$n" <"$tmp/value")" = OK ]; do
    n=$((n + 1))
    [ "$n" -lt 30 ] || fail "the file system never becomes full"
done
[ "$n" -gt 2 ] || fail "only $n values went in"
cli -x set "v$n" <"$tmp/value" | grep -q '^ERR the store is full, or its disk' ||
    fail "a full file system is not said to be one: $(cli -x set "v$n" <"$tmp/value")"
grep -q 'store: the disk has no room left' "$tmp/room.log" || fail "the log does not say so"
equal 1 "$(grep -c 'no room left' "$tmp/room.log")" "lines about it"
equal 300000 "$(cli strlen v0)" "a value that is there"
equal "0" "$(cli exists "v$n")" "a value that was refused"

rm "$inside/filler"
equal OK "$(cli -x set "v$n" <"$tmp/value")" "SET with room again"
equal OK "$(cli set small 1)" "another"
equal 1 "$(cli del v0)" "DEL"
# Killed, and started anew on what the file system holds.
cp "$inside/store" "$tmp/store"
kill -9 "$pid"
wait "$pid" || :
serve after "$kvd" "--store.block.path=$tmp/store"
for i in $(seq 1 "$n"); do
    cli get "v$i" | head -c 300000 | cmp - "$tmp/value" || fail "v$i is lost"
done
equal "1" "$(cli get small)" "the last value"
equal "0" "$(cli exists v0)" "a key that was removed"
stop "$pid" after
