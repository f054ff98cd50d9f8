#!/bin/sh
# SPDX-License-Identifier: ISC
# The right status for what is asked, and for what is wrong; pipelining; a clean end.
. "$(dirname "$0")/lib.sh"

serve website "$website" --http.max-header=4K --http.max-body=1K --http.header-timeout=60s

# raw TEXT: what the server sends back for these bytes before it closes; printf's escapes work.
raw() {
    # shellcheck disable=SC2059 # the text is a format: \r and \n
    printf "$1" | nc -N -w 10 "$host" "$port" | tr -d '\r'
}
raw_status() {
    raw "$1" | sed -n '1s,^HTTP/1\.1 \([0-9]*\).*,\1,p'
}
# repeat N TEXT
repeat() {
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'
}

index=$(wc -c <"$content/index.html" | tr -d ' ')

equal 200 "$(code "$base/")" "GET /"
equal 200 "$(code -I -D "$tmp/head" "$base/")" "HEAD /"
equal "$index" "$(header "$tmp/head" content-length)" "the length that HEAD tells"
equal 404 "$(code "$base/no/such/page")" "a page that is not there"
equal 400 "$(code --path-as-is "$base/../../../etc/passwd")" "a path out of the content"
for method in POST PUT DELETE PATCH; do
    equal 405 "$(code -X "$method" -D "$tmp/head" "$base/")" "$method /"
    case $(header "$tmp/head" allow) in *GET*HEAD*) ;; *) fail "$method: no Allow" ;; esac
done
equal 416 "$(code -r "$index-" -D "$tmp/head" "$base/index.html")" "a range past the end"
equal "bytes */$index" "$(header "$tmp/head" content-range)" "Content-Range of a 416"
equal 206 "$(code -r 0-0 -D "$tmp/head" "$base/index.html")" "the first byte"
equal "bytes 0-0/$index" "$(header "$tmp/head" content-range)" "Content-Range of the first byte"
equal 206 "$(code -r -1 "$base/index.html")" "the last byte"
etag=$(code -D "$tmp/head" "$base/" >/dev/null; header "$tmp/head" etag)
equal 304 "$(code -H "If-None-Match: \"x\", $etag" "$base/")" "If-None-Match with a list"
equal 200 "$(code -H 'If-None-Match: "x"' "$base/")" "If-None-Match with another ETag"
equal 412 "$(code -H 'If-Match: "x"' "$base/")" "If-Match with another ETag"
equal 200 "$(code -H "If-Match: $etag" "$base/")" "If-Match"
equal 206 "$(code -r 0-3 -H "If-Range: $etag" "$base/")" "If-Range"
equal 200 "$(code -r 0-3 -H 'If-Range: "x"' "$base/")" "If-Range with another ETag"
equal 413 "$(code -d "$(repeat 2000 x)" "$base/")" "a body that is too long"
equal 414 "$(code "$base/$(repeat 5000 x)")" "a target that is too long"
equal 431 "$(code -H "X-Long: $(repeat 5000 x)" "$base/")" "a head that is too long"
equal 505 "$(raw_status 'GET / HTTP/2.0\r\nHost: a\r\n\r\n')" "HTTP/2.0"
equal 501 "$(raw_status 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n')" "an unknown method"
equal 501 "$(raw_status 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n')" \
    "an unknown transfer coding"
equal 400 "$(raw_status 'GET / HTTP/1.1\r\n\r\n')" "no Host"
equal 400 "$(raw_status 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')" "two Hosts"
equal 400 "$(raw_status 'GET / HTTP/1.1\r\nHost : a\r\n\r\n')" "a blank before the colon"
equal 400 "$(raw_status 'rubbish\r\n\r\n')" "rubbish"
equal 400 "$(raw_status 'GET /%%00 HTTP/1.1\r\nHost: a\r\n\r\n')" "an escaped NUL"
equal 400 "$(raw_status 'GET /%%zz HTTP/1.1\r\nHost: a\r\n\r\n')" "a broken escape"
equal 400 "$(raw_status 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx')" \
    "two lengths"
equal 400 "$(raw_status 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')" \
    "a length and chunks"

# HTTP/1.0 closes unless asked not to; Connection: close is honoured.
equal 1 "$(raw 'GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n' | grep -c '^HTTP/1.1 200')" "answers to HTTP/1.0"
equal 1 "$(raw 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n' |
    grep -c '^HTTP/1.1 200')" "answers after Connection: close"

# A client that shuts its sending side still gets all its answers.
equal 3 "$(raw 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n' |
    grep -c '^HTTP/1.1 200')" "answers to a client that shut its side"

# The same three requests twice, over one connection of curl's.
curl -s --max-time 60 -w '%{num_connects}\n' -o /dev/null -o /dev/null -o /dev/null \
    "$base/" "$base/index.html" "$base/no" >"$tmp/connects"
equal "1 0 0" "$(tr '\n' ' ' <"$tmp/connects" | sed 's/ $//')" "connections for three requests"

for seed in 1 2 3; do
    "$client" pipeline "$port" 2000 "$seed" >"$tmp/pipeline" || fail "pipelining, seed $seed"
done
stop "$pid" website

# More connections than it is told to serve get 503.
serve few "$website" --http.max-connections=4
mkfifo "$tmp/go"
"$client" idle http "$port" 4 <"$tmp/go" >"$tmp/idle" &
idle=$!
pids="$pids $idle"
exec 3>"$tmp/go"
poll 30 grep -qs '^held 4$' "$tmp/idle" || fail "four connections were not served"
equal 503 "$(code "$base/")" "the fifth connection"
echo >&3
wait "$idle" || fail "the four were not served again"
exec 3>&-
poll 30 sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' '$base/')\" = 200 ]" ||
    fail "no room after the four have left"
stop "$pid" website
