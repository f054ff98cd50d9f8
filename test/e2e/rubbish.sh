#!/bin/sh
# SPDX-License-Identifier: ISC
# Damaged input in 2,000 connections: each is answered as HTTP or closed, none does harm.
. "$(dirname "$0")/lib.sh"

seed=${E2E_SEED:-$(date +%s)}
echo "seed $seed (E2E_SEED=$seed repeats this run)"
serve website "$website"
before=$(descriptors "$pid")
"$client" fuzz "$port" 2000 "$seed" || fail "rubbish, seed $seed"
alive "$pid" || fail "rubbish ended the server, seed $seed"
equal 200 "$(code "$base/")" "an honest request afterwards"
all_closed() {
    [ "$(descriptors "$pid")" -le "$before" ]
}
poll 30 all_closed || fail "$(($(descriptors "$pid") - before)) connections are left over, seed $seed"
stop "$pid" website
