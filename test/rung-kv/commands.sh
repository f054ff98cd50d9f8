#!/bin/sh
# SPDX-License-Identifier: ISC
# Every command, and that what one writes another finds.
guide=$(cd "$(dirname "$0")/../../docs/guide" && pwd)/storage.md
. "$(dirname "$0")/lib.sh"

well "$kv" --help
grep -q '^Usage: rung-kv COMMAND FILE' out || fail "no usage in --help"
for command in create get set remove list dump load check compact; do
    grep -q "^  $command " out || fail "--help does not list $command"
done

well "$kv" create s 1M
equal 1048576 "$(wc -c <s | tr -d ' ')" "the size of a store"
well "$kv" list s
[ ! -s out ] || fail "an empty store lists $(cat out)"
well "$kv" set s greeting hello
well "$kv" get s greeting
equal hello "$(cat out)" "a value"
well "$kv" check s
grep -q '^1 key, .* read 1 group with 1 record: sound$' out || fail "check said: $(cat out)"
printf 'from\0standard\ninput' >value
"$kv" set s input <value
well "$kv" get s input
cmp value out || fail "a value from standard input"
: >empty
"$kv" set s empty <empty
well "$kv" get s empty
[ ! -s out ] || fail "an empty value"
well "$kv" set s -- --dashes yes
well "$kv" get s -- --dashes
equal yes "$(cat out)" "a key with dashes"
for i in 1 2 3; do well "$kv" set s "many/$i" "$i"; done
well "$kv" list s many/
equal "many/1 many/2 many/3" "$(tr '\n' ' ' <out | sed 's/ $//')" "a list by prefix"
well "$kv" list s
equal 7 "$(wc -l <out | tr -d ' ')" "keys"
sort -c out || fail "the list is not in order"

# A dump is cdbmake's format, holds any bytes, and makes the same store again.
well "$kv" dump s
cp out dump
grep -qa '^+8,5:greeting->hello$' dump || fail "no cdbmake line in the dump"
well "$kv" create s2 1M
"$kv" load s2 <dump
well "$kv" dump s2
cmp dump out || fail "a dump that was loaded dumps differently"
well "$kv" create s3 2M --sector-size=4096
"$kv" load s3 <dump
well "$kv" dump s3
cmp dump out || fail "a dump that was loaded onto other sectors dumps differently"

well "$kv" remove s many/1 many/3
well "$kv" list s many/
equal many/2 "$(cat out)" "what is left"
refused 1 "there is no key 'many/1'" "$kv" get s many/1
! "$kv" remove s many/1 many/2 2>err || fail "removing what is not there went well"
grep -q "^rung-kv: there is no key 'many/1'$" err || fail "remove said: $(cat err)"
well "$kv" list s many/
[ ! -s out ] || fail "the other key was not removed"
well "$kv" set s many/2 2

# More than the store holds, written over and over: the space comes back.
head -c 100000 /dev/urandom >big
for i in $(seq 30); do "$kv" set s big <big; done
well "$kv" get s big
cmp big out || fail "a big value"
well "$kv" compact s
well "$kv" check s
grep -q '^6 keys, .*: sound$' out || fail "check said: $(cat out)"
grep -Eq ' with [6-9] records' out || fail "compact left more than is needed: $(cat out)"
well "$kv" get s big
cmp big out || fail "a big value that was compacted"

# A whole store is a file: copied, it is one.
cp s copy
well "$kv" get copy greeting
equal hello "$(cat out)" "a value of a copy"

# Progress: asked for, it is told where nobody sits.
seq 20000 | awk '{ k = "key-" $1; printf "+%d,%d:%s->%s\n", length(k), length($1), k, $1 } END { print "" }' >dump
well "$kv" create p 8M
for command in load dump check compact; do
    status=0
    "$kv" --progress "$command" p <dump >out 2>err || status=$?
    equal 0 "$status" "$command --progress"
    case $command in
    load) words='rung-kv: loading: [0-9]* keys' ;;
    dump) words='rung-kv: dumping: [0-9]* %' ;;
    check) words='rung-kv: checking: [0-9]* %' ;;
    compact) continue ;; # too quick to tell
    esac
    grep -q "^$words$" err || fail "$command --progress said: $(cat err)"
done
well "$kv" list p
equal 20000 "$(wc -l <out | tr -d ' ')" "keys that were loaded"

# A full store says so, keeps what it has, and takes things away.
well "$kv" create full 64K
n=0
while head -c 3000 /dev/urandom | "$kv" set full "k$n" 2>err; do
    n=$((n + 1))
    [ "$n" -lt 100 ] || fail "64 KiB hold $n times 3000 bytes"
done
grep -q 'no space left' err || fail "a full store said: $(cat err)"
well "$kv" check full
well "$kv" list full
equal "$n" "$(wc -l <out | tr -d ' ')" "keys of a full store"
well "$kv" get full k0
equal 3000 "$(wc -c <out | tr -d ' ')" "a value of a full store"
well "$kv" remove full k0 k1
well "$kv" set full new small

# entries COUNT BYTES: a dump of so many keys with values of so many bytes.
entries() {
    awk -v n="$1" -v len="$2" 'BEGIN {
        for (value = "x"; length(value) < len;) value = value value
        for (i = 1; i <= n; i++) printf "+11,%d:key-%07d->%s\n", len, i, substr(value, 1, len)
        print "" }'
}

# What fits is loaded, in smaller pieces if need be, and without a warning.
entries 120 3000 >dump
well "$kv" create fits 1M
"$kv" load fits <dump >out 2>err || fail "360 KB do not go into 1 MiB: $(cat err)"
[ ! -s err ] || fail "loading what fits said: $(cat err)"
well "$kv" dump fits
cmp dump out || fail "a dump that was loaded into a small store dumps differently"

# More than fits: it is full to the last key, as if each had been set, and says what it took.
# A backup of a full store goes into a new one of its size.
for case in 64K:300 64K:3000 1M:10 1M:3000 4M:30000 4M:100000; do
    size=${case%:*} bytes=${case#*:}
    entries 9999 "$bytes" | head -c 12000000 >dump
    rm -f s s2
    well "$kv" create s "$size"
    status=0
    "$kv" load s <dump 2>full.err || status=$?
    equal 1 "$status" "$case: exit status of a load that does not fit"
    equal 1 "$(wc -l <full.err | tr -d ' ')" "$case: lines: $(cat full.err)"
    well "$kv" list s
    n=$(wc -l <out | tr -d ' ')
    grep -q "^rung-kv: the store is full: the first $n keys of the dump were loaded; load" full.err ||
        fail "$case: with $n keys it said: $(cat full.err)"
    ! head -c "$bytes" dump | "$kv" set s key-0000000 2>err || fail "$case: there was room for one more"
    well "$kv" check s
    "$kv" dump s >backup
    well "$kv" create s2 "$size"
    "$kv" load s2 <backup 2>err || fail "$case: a backup of $n keys was not loaded: $(cat err)"
    well "$kv" dump s2
    cmp backup out || fail "$case: a full store that was loaded dumps differently"
done

# What the guide says of sizes: its table, and its rule where it holds.
grep '^| [0-9]* bytes |' "$guide" | tr -d '|' >table
equal 5 "$(wc -l <table | tr -d ' ')" "rows of the guide's table of sizes"
takes() { # COUNT BYTES SIZE: so many go in
    rm -f s
    well "$kv" create s "$3"
    entries "$1" "$2" | "$kv" load s 2>err || fail "$1 values of $2 bytes do not go into $3: $(cat err)"
}
while read -r bytes _ k256 m1 m4 m16 _; do
    [ "$k256" = 0 ] || takes "$k256" "$bytes" 256K
    takes "$m1" "$bytes" 1M
    takes "$m4" "$bytes" 4M
    takes "$m16" "$bytes" 16M
    for mega in 4 16; do
        takes "$(awk -v m="$mega" -v b="$bytes" 'BEGIN {
            print int(((m - 2) * 1048576 - 2.5 * b) / 1.15 / (b + 80 + 3.25 * 11)) }')" "$bytes" "${mega}M"
    done
done <table
