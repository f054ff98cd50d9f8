#!/bin/sh
# SPDX-License-Identifier: ISC
# What cannot be done: one line each that says why, the right exit status, and no file is changed.
. "$(dirname "$0")/lib.sh"

well "$kv" create s 256K
well "$kv" set s key value
for i in 1 2 3 4 5; do well "$kv" set s "key$i" "value $i"; done

# Misuse.
refused 64 'give a command' "$kv"
refused 64 "no command 'shout'" "$kv" shout s
refused 64 "name the store's file" "$kv" get
refused 64 'too few or too many' "$kv" get s
refused 64 'too few or too many' "$kv" get s key key
refused 64 'too few or too many' "$kv" check s x
refused 64 "no option '--loud'" "$kv" get --loud s key
refused 64 "no size 'big'" "$kv" create new big
refused 64 "no size '-1'" "$kv" create new -- -1
refused 64 "no size '0'" "$kv" create new 0
refused 64 'sectors' "$kv" create new 100001
refused 64 'salvage only reads' "$kv" set --salvage s key value
[ ! -e new ] || fail "a file was made"

# No store, or none that can be used; for commands that read, and for those that write.
head -c 262144 /dev/zero >zeros
head -c 262144 /dev/urandom >noise
head -c 512 /dev/urandom >small
: >nothing
mkdir folder
mkfifo pipe
cp s version && for at in 8 4104; do printf '\002' | dd of=version bs=1 seek=$at conv=notrunc 2>/dev/null; done
cp s supers && for at in 20 4116; do printf '\377' | dd of=supers bs=1 seek=$at conv=notrunc 2>/dev/null; done
head -c 199680 s >cut
head -c 19968 s >stump
well "$kv" create big 2M --sector-size=4096
head -c 1M big >bigcut
for command in "get FILE key" "set FILE key x" "remove FILE key" "list FILE" "dump FILE" "load FILE" \
    "check FILE" "compact FILE"; do
    # use FILE: the command on it
    use() {
        # shellcheck disable=SC2046 # words
        set -- $(printf '%s' "$command" | sed "s,FILE,$1,")
        "$kv" "$@"
    }
    refused 1 'none: No such file|none.*not exist' use none
    refused 1 'holds no store: choose another, or make one \(rung-kv create makes' use zeros
    refused 1 'holds no store' use noise
    refused 1 'small' use small
    refused 1 'holds 0 bytes' use nothing
    refused 1 'is a folder: name a file or a block device' use folder
    refused 1 'pipe' use pipe
    refused 1 'version 2, and this program knows version 1: use a newer program' use version
    refused 1 'both superblocks are damaged: restore' use supers
    refused 1 'cut off: the store takes 262144 bytes, and there are 199680' use cut
    refused 1 'too small' use stump
    refused 1 'cut off' use bigcut
done
# What is there already is no place for a new one.
refused 1 'is not empty' "$kv" create noise 256K
refused 1 's holds a store already' "$kv" create s 256K
refused 1 'supers holds a store already' "$kv" create supers 256K
well "$kv" create zeros 1M # as an empty device: its own size counts
equal 262144 "$(wc -c <zeros | tr -d ' ')" "the size of a file that was there"
refused 1 'too small' "$kv" create tiny 32K
refused 1 'give a smaller SIZE' "$kv" create huge $((1 << 60))
[ ! -e huge ] || fail "a file was left that is too big"
[ ! -e tiny ] || fail "a file was left that is too small"
for round in $(seq 30); do # of several at once one makes it, and the others do not take it away
    made=0
    others=
    for size in 1M 2M 3M; do
        "$kv" create race "$size" 2>/dev/null &
        others="$others $!"
    done
    for other in $others; do ! wait "$other" || made=$((made + 1)); done
    equal 1 "$made" "stores made by three at once, in round $round"
    "$kv" check race >/dev/null || fail "no store is there in round $round"
    rm race
done
ln -s nowhere/x link
refused 1 'link: is a link that leads nowhere: correct its name' "$kv" create link 256K
[ -L link ] || fail "a link was removed"
rm link

# No permission: to read only, or not at all. Root may all, so it becomes nobody.
as=
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 777 gcov # where a build that counts lines may write as anybody
    as="setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all
        env GCOV_PREFIX=$here/gcov"
    chmod 755 .
    cp "$kv" kv
    kv_nobody=./kv
else
    kv_nobody=$kv
fi
mkdir -m 755 closed
if [ "$(id -u)" -eq 0 ]; then
    refused 1 "no permission to make it: change its folder's owner or mode, or correct its name$" $as "$kv_nobody" create closed/new 256K
fi
chmod 444 s
refused 1 'no permission to write: change its owner or mode$' $as "$kv_nobody" set s key other
refused 1 'ermission|read-only' $as "$kv_nobody" compact s
well $as "$kv_nobody" get s key
equal value "$(cat out)" "a value of a file that may only be read"
chmod 000 s
refused 1 'ermission' $as "$kv_nobody" get s key
chmod 644 s

# No room for worker threads; libuv would end the process where it first needs them.
scarce() (
    # shellcheck disable=SC3045 # every sh here has ulimit -v
    ulimit -v 20000
    exec "$@"
)
if [ -z "${RUNG_SANITIZE:-}" ]; then # whose shadow has none either
    refused 1 'worker threads cannot be had' scarce "$kv" get s key
    refused 1 'worker threads cannot be had' scarce "$kv" create scarce 256K
    [ ! -e scarce ] || fail "a file was made that is no store"
fi

# A file system that is read-only.
if [ "$(id -u)" -eq 0 ]; then
    mkdir rom
    read_only() {
        unshare -m sh -c 'mount -t tmpfs none rom && cp s rom && mount -o remount,ro rom && exec "$@"' sh "$@"
    }
    refused 1 'rom/s: its file system is read-only: mount it for writing$' read_only "$kv" set rom/s key other
    refused 1 'rom/new: its file system is read-only: correct its name' read_only "$kv" create rom/new 1M
    well read_only "$kv" get rom/s key
fi

# In use: a writer is alone; readers are with each other.
mkfifo in
"$kv" load s <in >load.out 2>load.err &
pids="$pids $!"
loader=$!
exec 3>in
# More than a pipe holds: when it is written, load has begun to read, and so has opened the store.
seq 4000 | awk '{ printf "+4,30:fill->%030d\n", $1 }' >&3
changing=yes
refused 1 'another program has this disk open: stop it, or name another file' "$kv" get s key
refused 1 'another program has this disk open' "$kv" set s key other
refused 1 'another program has this disk open' "$kv" check s
changing=
printf '+5,5:while->there\n\n' >&3
exec 3>&-
wait "$loader" || fail "load said: $(cat load.err)"
well "$kv" get s while
equal there "$(cat out)" "what was loaded meanwhile"
head -c 150000 /dev/urandom | "$kv" set s2 big 2>/dev/null || :
well "$kv" create s2 2M
head -c 200000 /dev/urandom | "$kv" set s2 big
mkfifo slow
"$kv" get s2 big >slow &
pids="$pids $!"
reader=$!
exec 4<slow
head -c 1 <&4 >/dev/null # the rest is more than a pipe holds: the reader is still there
refused 1 'another program has this disk open' "$kv" set s2 x y
well "$kv" list s2
equal big "$(cat out)" "a list while another reads"
cat <&4 >/dev/null
exec 4<&-
wait "$reader" || fail "the reader failed"

# Dumps that are none, or are cut off: what came whole is kept.
printf '+3,5:one->first\n+3,6:two->sec' >cutdump
status=0
"$kv" load s2 <cutdump >out 2>err || status=$?
equal 1 "$status" "exit status for a dump that is cut off"
equal 1 "$(wc -l <err | tr -d ' ')" "lines: $(cat err)"
grep -q 'cut off or no dump behind 1 key; what came before was loaded' err || fail "it said: $(cat err)"
well "$kv" get s2 one
for text in '' 'x' '+1,1:a->b' '+1,1:a-b' '+0,1:->b' '+2000,1:a->b' '+1,99999999999:a->b' '+a,1:a->b'; do
    status=0
    printf '%s' "$text" | "$kv" load s2 >out 2>err || status=$?
    equal 1 "$status" "exit status for the dump '$text'"
    equal 1 "$(wc -l <err | tr -d ' ')" "lines for the dump '$text': $(cat err)"
done

# Two dumps in one, or anything else behind its end: the first is loaded, and it is an error.
printf '+3,6:two->second\n\n' >first
printf '+5,5:three->third\n\n' >second
for behind in second small zeros; do
    status=0
    cat first "$behind" | "$kv" load s2 >out 2>err || status=$?
    equal 1 "$status" "exit status for a dump with more behind it"
    equal 1 "$(wc -l <err | tr -d ' ')" "lines: $(cat err)"
    grep -q 'ends behind 1 key, and more bytes follow: those keys were loaded, the rest was not' err ||
        fail "it said: $(cat err)"
done
well "$kv" get s2 two
refused 1 "no key 'three'" "$kv" get s2 three

# A value that this store does not take: what came before it is loaded.
status=0
{ printf '+4,6:four->fourth\n+3,600000:big->' && head -c 600000 /dev/zero && printf '\n\n'; } |
    "$kv" load s2 >out 2>err || status=$?
equal 1 "$status" "exit status for a dump with a value that is too big"
equal 1 "$(wc -l <err | tr -d ' ')" "lines: $(cat err)"
grep -q 'behind 1 key: a value of 600000 bytes comes, and a store of this size takes at most' err ||
    fail "it said: $(cat err)"
well "$kv" get s2 four

# Keys and values that are too long.
long=$(head -c 1025 /dev/zero | tr '\0' k)
refused 1 'a key is of 1 to 1024 bytes, not' "$kv" get s2 "$long"
refused 1 'a key is of 1 to 1024 bytes, not 0' "$kv" get s2 ''
status=0
head -c 600000 /dev/zero | "$kv" set s2 toobig >out 2>err || status=$?
equal 1 "$status" "exit status for a value that is too big"
grep -q 'too big' err || fail "it said: $(cat err)"
status=0 # of one without an end no more is read than that takes
timeout 60 "$kv" set s2 endless </dev/zero 2>err || status=$?
equal 1 "$status" "exit status for a value without an end"
grep -q 'too big' err || fail "it said: $(cat err)"

# A reader that goes away; a disk that is full behind standard output.
status=0
"$kv" get s2 big >/dev/full 2>err || status=$?
equal 1 "$status" "exit status with a full disk behind standard output"
grep -q 'standard output cannot be written to' err || fail "it said: $(cat err)"

# Standard output or input that is closed: nothing is said to be done, and nothing is changed.
closed_output() { "$kv" "$@" >&-; }
closed_input() { "$kv" "$@" <&-; }
for command in "get s key" "list s" "dump s" "check s"; do
    # shellcheck disable=SC2086 # words
    refused 1 "standard output is closed, and ${command%% *} writes to it: give it one" closed_output $command
done
refused 1 'standard input is closed, and set reads from it: give it one' closed_input set s key
refused 1 'standard input is closed, and load reads from it' closed_input load s
well "$kv" get s key
equal value "$(cat out)" "a value that was to be set from nowhere"
well closed_output set s key other # needs neither
well closed_input set s key value
well closed_input get s key
equal value "$(cat out)" "a value that was set with standard input closed"

# A damaged value: all others are saved, as docs/guide/storage.md says.
cp s damaged
at=$(grep -abo 'value 3' damaged | head -n 1 | cut -d: -f1)
printf X | dd of=damaged bs=1 seek="$at" conv=notrunc 2>/dev/null
status=0
"$kv" dump --salvage damaged >rest 2>err || status=$?
equal 1 "$status" "exit status of a dump without a value"
grep -q '1 of 8 keys could not be read; the dump has the others' err || fail "it said: $(cat err)"
well "$kv" create saved 256K
well "$kv" load saved <rest
well "$kv" list s
grep -v '^key3$' out >expected
well "$kv" list saved
equal "$(cat expected)" "$(cat out)" "the keys that were saved"

# A damaged name: the key is lost, the others are not, and whoever does not read the words sees it by the status.
well "$kv" create names 256K
for i in 1 2 3 4 5; do well "$kv" set names "key$i" "value $i"; done
at=$(grep -abo 'key3' names | cut -d: -f1)
printf X | dd of=names bs=1 seek="$at" conv=notrunc 2>/dev/null
refused 1 'damaged at byte' "$kv" list names
for command in dump list; do
    status=0
    "$kv" "$command" --salvage names >rest 2>err || status=$?
    equal 1 "$status" "exit status of $command without a key"
    grep -q 'not all of the damaged store could be read: keys may be missing' err || fail "$command said: $(cat err)"
done
equal "key1 key2 key4 key5" "$(tr '\n' ' ' <rest | sed 's/ $//')" "the keys that are left"

# check goes on behind the damage for which a store does not open, inside its group and behind it.
well "$kv" create many 1M
for i in 1 2 3 4 5 6; do printf '+4,7:key%d->value %d\n' "$i" "$i"; done >dump
echo >>dump
"$kv" load many <dump 2>/dev/null
well "$kv" set many other else
for word in key2 'value 4' key5 else; do
    at=$(grep -abo "$word" many | head -n 1 | cut -d: -f1)
    printf X | dd of=many bs=1 seek="$at" conv=notrunc 2>/dev/null
done
status=0
"$kv" check many >out 2>err || status=$?
equal 1 "$status" "exit status of check"
equal 1 "$(wc -l <err)" "lines on standard error: $(cat err)"
equal 2 "$(grep -c '^byte [0-9]*: a record.s header is damaged$' out)" "headers in: $(cat out)"
equal 2 "$(grep -c '^byte [0-9]*: a value is damaged$' out)" "values in: $(cat out)"
grep -q ': 4 damages$' out || fail "check said: $(cat out)"
status=0
"$kv" dump --salvage many >rest 2>err || status=$?
equal 1 "$status" "exit status of dump"
for line in 'not all of the damaged store' '2 of 5 keys could not be read'; do
    grep -q "$line" err || fail "not said: $line"
done

# A program that was killed within its last write: check says that it is not there.
well "$kv" create killed 1M
mkfifo keys
"$kv" load killed <keys 2>load.err &
pids="$pids $!"
loader=$!
exec 3>keys
seq 4000 | awk '{ printf "+4,30:fill->%030d\n", $1 }' >&3
head -c 8192 killed >superblocks
echo >&3
exec 3>&-
wait "$loader" || fail "load said: $(cat load.err)"
dd if=superblocks of=killed conv=notrunc 2>/dev/null
well "$kv" check killed
! grep -q 'not whole' out || fail "check said: $(cat out)"
at=$(grep -abo 'rvkg' killed | tail -n 1 | cut -d: -f1)
printf X | dd of=killed bs=1 seek=$((at + 60)) conv=notrunc 2>/dev/null
dd if=superblocks of=killed conv=notrunc 2>/dev/null
well "$kv" check killed
grep -q '^the last write is not whole, and counts as never finished$' out || fail "check said: $(cat out)"
well "$kv" list killed
status=0
"$kv" list --salvage killed >rest 2>err || status=$?
equal 1 "$status" "exit status of salvage without the last write"
grep -q '^rung-kv: warning: the last write, at byte .* is not whole, and left out' err || fail "salvage said: $(cat err)"
grep -q 'values may be older' err || fail "salvage said: $(cat err)"

# Cut off, and made as long as it was: what is there is read.
cp s damaged
truncate -s 131072 damaged
refused 1 'cut off' "$kv" list damaged
truncate -s 262144 damaged
"$kv" list --salvage damaged >rest 2>err || grep -q 'not all' err || fail "it said: $(cat err)"
[ -s rest ] || fail "nothing is left"
refused 64 "a sector has 512 or 4096 bytes, not '--sector-size=1024'" "$kv" create none 1M --sector-size=1024
refused 64 "there is no option '--sector'" "$kv" create none 1M --sector
