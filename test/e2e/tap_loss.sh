#!/bin/sh
# SPDX-License-Identifier: ISC
# Streams over a link that loses, reorders, doubles and corrupts arrive as they were sent, both
# ways. RUNG_TEST_LONG=1: 100 MiB each time, else only where that takes seconds.
. "$(dirname "$0")/lib.sh"

seed=${E2E_SEED:-$(date +%s)}
echo "seed $seed (E2E_SEED=$seed repeats the faults)"
mkdir "$tmp/site"
head -c 104857600 /dev/urandom >"$tmp/site/data"
patience=3600

# lossy MIB WORD...: so much to echo and back, and from website, at these faults.
lossy() {
    mib=$1
    [ -z "${RUNG_TEST_LONG:-}" ] || mib=100
    shift
    begun=$(date +%s%3N)
    head -c $((mib << 20)) "$tmp/site/data" >"$tmp/site/part"
    serve echo "$echo_app" "--net.fault.seed=$seed" "$@"
    with_echo "$host" "$tmp/site/part"
    stop "$pid" echo
    echoed=$(date +%s%3N)
    serve website "$website" "--content.path=$tmp/site" "--net.fault.seed=$seed" "$@"
    equal 200 "$(fetch "$tmp/back" --max-time 3600 "$base6/part")" "status at $*"
    cmp "$tmp/site/part" "$tmp/back" || fail "$mib MiB came different at $*"
    stop "$pid" website
    echo "$mib MiB in $((echoed - begun)) ms to and from echo," \
        "in $(($(date +%s%3N) - echoed)) ms from website: $*"
    rm "$tmp/echo.log" "$tmp/website.log" "$tmp/back"
}

# Plain frames, so that each segment takes its chance; then super-frames as they are.
lossy 100 --net.fault.offload=on
lossy 100 --net.fault.offload=off
lossy 20 --net.fault.loss=1% --net.fault.reorder=1% --net.fault.offload=off
lossy 20 --net.fault.loss=1% --net.fault.reorder=1%
lossy 2 --net.fault.loss=5% --net.fault.reorder=5% --net.fault.offload=off
lossy 2 --net.fault.loss=5% --net.fault.reorder=5%
lossy 2 --net.fault.loss=1% --net.fault.duplicate=2% --net.fault.reorder=2% --net.fault.corrupt=1% \
    --net.fault.delay=2ms --net.fault.jitter=1ms
