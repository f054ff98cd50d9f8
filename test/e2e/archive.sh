#!/bin/sh
# SPDX-License-Identifier: ISC
# A website whose content is a tar archive on a disk: made with tar, served as it is, and refused with one
# line where it is none or means harm.
. "$(dirname "$0")/lib.sh"

ground "$website"
block=--content.block
cp -R "$content" "$tmp/site"
cp "$tmp/site/index.html" "$tmp/site/odd name%.html"
ln -s index.html "$tmp/site/link.html"
tar -C "$tmp/site" -cf "$tmp/site.tar" .

refused 1 "$tmp/nowhere" "$website" --port=0 $block.path="$tmp/nowhere"
head -c 65536 /dev/zero >"$tmp/zeros"
refused 1 'content: the disk holds no tar archive' "$website" --port=0 $block.path="$tmp/zeros"
head -c 10240 "$tmp/site.tar" >"$tmp/cut"
refused 1 'content: .*cut off' "$website" --port=0 $block.path="$tmp/cut"
tar -P -cf "$tmp/absolute" "$tmp/zeros"
refused 1 'leads out of the archive' "$website" --port=0 $block.path="$tmp/absolute"
refused 1 'do not fit into 100 bytes: set content.memory' "$website" --port=0 --content.memory=100 \
    $block.path="$tmp/site.tar"

serve website "$website" $block.path="$tmp/site.tar" $block.read-only=on
curl -s -D "$tmp/head" -o "$tmp/page" "$base/"
cmp "$content/index.html" "$tmp/page" || fail "the first page differs"
equal "text/html; charset=utf-8" "$(header "$tmp/head" content-type)" "the first page's type"
etag=$(header "$tmp/head" etag)
curl -s "$base/link.html" | cmp - "$content/index.html" || fail "a link differs"
curl -s "$base/odd%20name%25.html" | cmp - "$content/index.html" || fail "an odd name differs"
equal 404 "$(code "$base/nothing")" "what is not there"
equal 400 "$(code --path-as-is "$base/../zeros")" "dots"
stop "$pid" website

# The same bytes have the same ETag in another archive, and others another one.
tar -C "$tmp/site" --format=pax --mtime=@0 -cf "$tmp/again.tar" .
serve website "$website" $block.path="$tmp/again.tar"
equal 304 "$(code -H "If-None-Match: $etag" "$base/")" "the old ETag in a new archive"
stop "$pid" website
echo more >>"$tmp/site/index.html"
tar -C "$tmp/site" --mtime=@0 -cf "$tmp/again.tar" .
serve website "$website" $block.path="$tmp/again.tar"
equal 200 "$(code -H "If-None-Match: $etag" "$base/")" "the old ETag of a page that changed"
stop "$pid" website

# Without versions nothing is read that nobody asks for, and there is no ETag.
serve website "$website" $block.path="$tmp/again.tar" --content.versions=off
curl -s -D "$tmp/head" -o "$tmp/page" "$base/"
cmp "$tmp/site/index.html" "$tmp/page" || fail "the first page differs without versions"
equal "" "$(header "$tmp/head" etag)" "an ETag without versions"
stop "$pid" website
