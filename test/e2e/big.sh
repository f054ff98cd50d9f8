#!/bin/sh
# SPDX-License-Identifier: ISC
# Content of lengths around which something changes, made anew from fixed numbers: big.sh FOLDER
set -eu
rm -rf "$1"
mkdir -p "$1/sub"
# line NUMBER is 64 bytes with its newline, and no two are alike.
lines() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "%08d %054.0f\n", i, (i * 2654435761) % 4294967296 }'
}
lines 100000 >"$1/long.txt"
for bytes in 0 1 1023 4096 65535 65536 65537 102400 131072 131073 1000000; do
    head -c "$bytes" "$1/long.txt" >"$1/$bytes.txt"
done
cp "$1/65537.txt" "$1/sub/index.html"
cp "$1/1023.txt" "$1/index.html"
