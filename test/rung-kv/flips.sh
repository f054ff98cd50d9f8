#!/bin/sh
# SPDX-License-Identifier: ISC
# check finds every change of a byte that means something, and complains of no other. Which bytes mean
# something another reader of the format says (flips_map.c). RUNG_TEST_SEED and RUNG_TEST_FLIPS repeat a
# run or make it longer.
. "$(dirname "$0")/lib.sh"

count=${RUNG_TEST_FLIPS:-800}
[ -z "${RUNG_SANITIZE:-}" ] || count=${RUNG_TEST_FLIPS:-300}
for sector in 512 4096; do
    well "$kv" create s 512K "--sector-size=$sector"
    for i in $(seq 60); do
        head -c $((i * 97 % 5000)) /dev/urandom | "$kv" set s "key-$((i % 23))"
    done
    well "$kv" remove s key-3 key-5
    [ "$sector" = 512 ] || well "$kv" compact s # a checkpoint with pages in it
    head -c 30000 /dev/urandom | "$kv" set s several-chunks
    well "$kv" check s
    "$flips" "$kv" s "$count"
    well "$kv" check s
    rm s
done
