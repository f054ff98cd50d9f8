#!/bin/sh
# SPDX-License-Identifier: ISC
# Archives as the host's tar makes them, in all formats it has, hold what was put into them; and become
# stores.
. "$(dirname "$0")/lib.sh"

long=$(head -c 150 /dev/zero | tr '\0' l)
deep=a
for part in bb ccc dddd eeeee ffffff; do deep=$deep/$part$long; done
mkdir -p site/sub/empty "site/$deep" "site/with space"
head -c 100000 /dev/urandom >site/noise.bin
echo home >site/index.html
: >site/empty.txt
echo deep >"site/$deep/$long.txt"
echo odd >'site/with space/schön "quoted" \ back.txt'
echo middle >"site/sub/$(head -c 120 /dev/zero | tr '\0' m)"
ln -s index.html site/link.html
ln -s ../index.html site/sub/up.html
ln site/noise.bin site/sub/hard.bin
mkfifo site/fifo
(cd site && find . \( -type f -o -type l \) | sed 's,^\./,,' | LC_ALL=C sort) >names

# same ARCHIVE: it holds all files, no others, byte by byte.
same() {
    well "$kv" list "$1"
    cmp names out || fail "$1 lists: $(cat out)"
    while IFS= read -r name; do
        well "$kv" get "$1" "$name"
        cmp "site/$name" out || fail "$1: $name differs"
    done <names
    well "$kv" check "$1"
    grep -q 'its headers are sound' out || fail "check said: $(cat out)"
}

for format in gnu oldgnu pax posix; do
    tar "--format=$format" -C site -cf "$format.tar" .
    same "$format.tar"
done
(cd site && tar --format=pax --pax-option=exthdr.name=%d/pax/%f,comment=anything -cf ../named.tar -- *)
same named.tar
tar --format=gnu --blocking-factor=1 -C site -cf narrow.tar .
same narrow.tar
cp gnu.tar behind.tar
head -c 30208 /dev/urandom >>behind.tar # an archive on a disk that held something before
same behind.tar

# ustar has names of up to 256 bytes, V7 of 100.
rm -r site/a site/sub/mmm*
mkdir "site/sub/$(head -c 90 /dev/zero | tr '\0' x)"
echo split >"site/sub/$(head -c 90 /dev/zero | tr '\0' x)/$(head -c 90 /dev/zero | tr '\0' y)"
(cd site && find . \( -type f -o -type l \) | sed 's,^\./,,' | LC_ALL=C sort) >names
tar --format=ustar -C site -cf ustar.tar .
same ustar.tar

# Other archivers, where there are any.
if command -v bsdtar >/dev/null; then
    for format in ustar pax gnutar; do
        bsdtar "--format=$format" -C site -cf "bsd-$format.tar" .
        same "bsd-$format.tar"
    done
fi
if command -v python3 >/dev/null; then
    for format in USTAR GNU PAX; do
        python3 -c "import tarfile; t = tarfile.open('py.tar', 'w', format=tarfile.${format}_FORMAT); t.add('site', '.'); t.close()"
        same py.tar
    done
fi

# Files that were appended, and one that was replaced: the last counts.
echo "second home" >site/index.html
echo more >site/more.txt
tar -C site -rf gnu.tar ./index.html ./more.txt 2>/dev/null
well "$kv" get gnu.tar index.html
equal "second home" "$(cat out)" "a file that was replaced"
well "$kv" get gnu.tar more.txt

# From an archive to a store, and to a disk of a store.
well "$kv" create store 4M
"$kv" dump gnu.tar | "$kv" load store
well "$kv" dump gnu.tar
cp out dump
well "$kv" dump store
cmp dump out || fail "a store from an archive differs from it"

# Archives that are none, or not whole: one line, and nothing else.
refused 1 'only read' "$kv" set gnu.tar index.html x
refused 1 'only read' "$kv" compact gnu.tar
refused 1 'only read' "$kv" load gnu.tar
refused 1 "no key 'fifo'" "$kv" get gnu.tar fifo
refused 1 "no key './index.html': the keys of an archive have no ./ in front" "$kv" get gnu.tar ./index.html
echo one >one
tar -cf one.tar one
well "$kv" check one.tar
equal '1 key in a tar archive: its headers are sound' "$(cat out)" "a check of one key"
tar -cf empty.tar -T /dev/null
refused 1 'empty.tar holds nothing but zeros: an archive without files' "$kv" list empty.tar
size=$(wc -c <ustar.tar)
for bytes in 512 1024 5120 51200 $((size / 1024 * 512)); do
    head -c "$bytes" ustar.tar >cut.tar
    refused 1 'cut off' "$kv" list cut.tar
done
cp ustar.tar damaged.tar
at=$(grep -abo index.html damaged.tar | head -n 1 | cut -d: -f1)
printf X | dd of=damaged.tar bs=1 seek="$at" conv=notrunc 2>/dev/null
refused 1 'checksum' "$kv" list damaged.tar
tar -P -C site -cf absolute.tar "$here/names" 2>/dev/null
refused 1 'leads out' "$kv" list absolute.tar
(cd site && tar -P -cf ../dots.tar ../names)
refused 1 'leads out' "$kv" list dots.tar
ln -s ../../etc/passwd site/out.html
tar -C site -cf out.tar .
refused 1 "'out.html' is a link that leads out" "$kv" list out.tar
tar -C site --dereference --exclude=out.html -cf dereferenced.tar .
well "$kv" get dereferenced.tar link.html
rm site/out.html
ln -s sub site/folder-link
tar -C site -cf folder.tar .
refused 1 "'folder-link' is a link that leads nowhere, or to a folder" "$kv" list folder.tar
rm site/folder-link
ln -s gone.html site/dangling
tar -C site -cf dangling.tar .
refused 1 "'dangling' is a link that leads nowhere" "$kv" list dangling.tar
rm site/dangling
truncate -s 10M site/sparse
tar --sparse --format=gnu -C site -cf sparse.tar .
refused 1 'sparse' "$kv" list sparse.tar
tar --sparse --format=pax -C site -cf sparse.tar .
refused 1 'sparse' "$kv" list sparse.tar
