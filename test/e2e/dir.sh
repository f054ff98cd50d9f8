#!/bin/sh
# SPDX-License-Identifier: ISC
# A website whose content is a folder: it shows what is there now, and says so if there is none.
. "$(dirname "$0")/lib.sh"

ground "$website"
refused 1 "$tmp/nowhere" "$website" --port=0 --content.path="$tmp/nowhere"
grep -q -- 'content' "$tmp/err" || fail "the key is not named: $(cat "$tmp/err")"

mkdir -p "$tmp/site/sub"
echo secret >"$tmp/secret"
echo one >"$tmp/site/index.html"
echo deep >"$tmp/site/sub/index.html"
echo odd >"$tmp/site/a b%.txt"
ln -s ../secret "$tmp/site/escape.txt"
ln -s .. "$tmp/site/up"
serve website "$website" --content.path="$tmp/site"
equal one "$(curl -s "$base/")" "the first page"
equal deep "$(curl -s "$base/sub/")" "a folder's page"
equal 301 "$(code "$base/sub")" "a folder without its slash"
equal odd "$(curl -s "$base/a%20b%25.txt")" "a name with a blank and a percent sign"
equal 404 "$(code "$base/escape.txt")" "a link out of the folder"
equal 404 "$(code "$base/up/secret")" "a link to the folder above"
equal 400 "$(code --path-as-is "$base/../secret")" "dots"
equal 400 "$(code --path-as-is "$base/%2e%2e/secret")" "escaped dots"

curl -s -D "$tmp/head" -o /dev/null "$base/index.html"
etag=$(header "$tmp/head" etag)
echo "two, which is longer" >"$tmp/site/new"
mv "$tmp/site/new" "$tmp/site/index.html"
equal "two, which is longer" "$(curl -s "$base/index.html")" "a page that was replaced"
equal 200 "$(code -H "If-None-Match: $etag" "$base/index.html")" "a replaced page for its old ETag"
rm "$tmp/site/index.html"
equal 404 "$(code "$base/index.html")" "a page that was removed"

# A file of 50 MB, which is more than may be held in memory at once.
head -c 50000000 /dev/urandom >"$tmp/site/big"
before=$(rss "$pid")
curl -s --max-time 120 -o "$tmp/big" "$base/big"
cmp "$tmp/site/big" "$tmp/big" || fail "a big file differs"
limit=8192
[ -z "$sanitized" ] || limit=32768
[ $(($(rss "$pid") - before)) -le "$limit" ] || fail "a big file cost $(($(rss "$pid") - before)) KiB"
stop "$pid" website

# A client that takes something all the time is not one that takes nothing.
serve website "$website" --content.path="$tmp/site" --http.send-timeout=3s
equal alive "$("$client" sip "$port" /big 65536 10 | cut -d' ' -f1)" "a slow but steady client"
stop "$pid" website

# SIGTERM while many are at it: what they are sent is the store's until the last of them has gone.
serve website "$website" --content.path="$tmp/site"
clients=
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    curl -s --max-time 60 -o "$tmp/big.$n" "$base/big" &
    clients="$clients $!"
done
pids="$pids $clients"
poll 60 test -s "$tmp/big.1" || fail "no big file comes"
stop "$pid" website
for client in $clients; do
    wait "$client" || : # cut, or through
done
