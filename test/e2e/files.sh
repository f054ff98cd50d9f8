#!/bin/sh
# SPDX-License-Identifier: ISC
# Every file of the content arrives as it is, plain and compressed, whole and in pieces:
# files.sh [key of website...]
. "$(dirname "$0")/lib.sh"

serve website "$website" "$@"
count=0
(cd "$content" && find . -type f | sed 's,^\./,,' | sort) >"$tmp/list"
while read -r file; do
    # The content's own names need no escaping; what does is tested below and in http.sh.
    url=$base/$file
    equal 200 "$(fetch "$tmp/plain" -D "$tmp/head" "$url")" "status of /$file"
    cmp "$content/$file" "$tmp/plain" || fail "/$file differs"
    equal "$(wc -c <"$content/$file" | tr -d ' ')" "$(header "$tmp/head" content-length)" "length of /$file"
    [ -n "$(header "$tmp/head" content-type)" ] || fail "/$file has no Content-Type"
    [ -n "$(header "$tmp/head" date)" ] || fail "/$file has no Date"

    curl -s --max-time 60 --compressed -D "$tmp/head-gzip" -o "$tmp/gzip" "$url"
    cmp "$content/$file" "$tmp/gzip" || fail "/$file differs when it comes compressed"
    if [ "$(header "$tmp/head-gzip" content-encoding)" = gzip ]; then
        header "$tmp/head-gzip" vary | grep -qi accept-encoding || fail "/$file: no Vary"
        header "$tmp/head" vary | grep -qi accept-encoding || fail "/$file: no Vary when plain"
        [ "$(header "$tmp/head" etag)" != "$(header "$tmp/head-gzip" etag)" ] ||
            fail "/$file has the same ETag plain and compressed"
        [ "$(header "$tmp/head-gzip" content-length)" -lt "$(header "$tmp/head" content-length)" ] ||
            fail "/$file is longer compressed"
    fi

    etag=$(header "$tmp/head" etag)
    case $etag in '"'*'"') ;; *) fail "/$file: ETag '$etag' is not strong" ;; esac
    equal 304 "$(code -H "If-None-Match: $etag" "$url")" "status of /$file with its ETag"

    size=$(wc -c <"$content/$file")
    if [ "$size" -gt 1 ]; then
        half=$((size / 2))
        curl -s --max-time 60 -r "0-$((half - 1))" -o "$tmp/one" "$url"
        curl -s --max-time 60 -r "$half-" -o "$tmp/two" "$url"
        cat "$tmp/one" "$tmp/two" | cmp - "$content/$file" || fail "/$file differs in two ranges"
    fi
    count=$((count + 1))
done <"$tmp/list"
[ "$count" -gt 0 ] || fail "the content is empty"

if [ -f "$content/index.html" ]; then
    curl -s --max-time 60 "$base/" | cmp - "$content/index.html" || fail "/ is not index.html"
    curl -s --max-time 60 "$base/%69ndex.html" | cmp - "$content/index.html" ||
        fail "%69 is not i"
fi
# A folder without its slash is told the right name.
while read -r file; do
    case $file in
    */index.html)
        folder=${file%/index.html}
        equal 301 "$(code -D "$tmp/head" "$base/$folder")" "status of /$folder"
        case $(header "$tmp/head" location) in
        */"$folder"/) ;;
        *) fail "/$folder leads to '$(header "$tmp/head" location)'" ;;
        esac ;;
    esac
done <"$tmp/list"
stop "$pid" website
echo "$count files"
