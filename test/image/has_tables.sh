#!/bin/sh
# SPDX-License-Identifier: ISC
# has_tables.sh IMAGE MODULE...: the counterpart of no_tables.sh. With two KV modules bound, both tables
# must be there; it also shows that no_tables.sh would see one.
set -u
image=$1
shift
for module; do
    nm "$image" | grep -q " rung_${module}_kv_ops" || {
        echo "$image: no table rung_${module}_kv_ops"
        exit 1
    }
done
