#!/bin/sh
# SPDX-License-Identifier: ISC
# With hardly any memory for received frames, and clients that read late: each of them gets all in
# the end, and others are answered meanwhile.
. "$(dirname "$0")/lib.sh"

head -c 3000000 /dev/urandom >"$tmp/data"

# late_reader NAME: sends all of it, and reads nothing for a while.
late_reader() {
    mkfifo "$tmp/$1.pipe"
    timeout 100 nc -N "$host" "$port" <"$tmp/data" >"$tmp/$1.pipe" &
    pids="$pids $!"
    { sleep 2; cat; } <"$tmp/$1.pipe" >"$tmp/$1" &
    late="$late $!"
}

for offload in on off; do
    serve "echo-$offload" "$echo_app" "--net.offload=$offload" --net.rx-memory=256K
    late=
    for i in 1 2 3 4 5 6 7 8; do late_reader "$offload-$i"; done
    sleep 1
    equal hello "$(echo hello | timeout 20 nc -N "$host" "$port")" "echo beside late readers"
    for reader in $late; do wait "$reader"; done
    for i in 1 2 3 4 5 6 7 8; do
        cmp "$tmp/data" "$tmp/$offload-$i" || fail "a late reader got something else ($offload)"
    done
    stop "$pid" "echo-$offload"
done
