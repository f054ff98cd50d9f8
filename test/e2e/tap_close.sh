#!/bin/sh
# SPDX-License-Identifier: ISC
# Ends of connections, seen in a capture: the client's side first, the server's first, and both at
# the same time, on a link that is slow enough for both FINs to be on their way at once.
. "$(dirname "$0")/lib.sh"

# recorded NAME PROGRAM WORD...: a server whose capture is $tmp/NAME.cap.
recorded() {
    serve "$@" "--net.capture.file=$tmp/$1.cap" --net.capture.delay=1ms
    cap=$tmp/$1.cap
}
fins() {
    packets "$cap" "tcp.flags.fin == 1" ip.src | uniq | tr '\n' ' '
}
fins_are() {
    [ "$(fins)" = "$1 " ]
}
no_resets() {
    [ -z "$(packets "$cap" "tcp.flags.reset == 1" frame.number)" ] || fail "$1: a reset"
}

# The client says first that it has said all: it still gets everything.
head -c 2000000 /dev/urandom >"$tmp/data"
recorded client-first "$echo_app" --net.fault.delay=20ms
with_echo "$host" "$tmp/data"
poll 10 fins_are "$near $host" || fail "FINs of a client that ends first: $(fins)"
packets "$cap" "tcp.flags.fin == 1 || (tcp.len > 0 && ip.src == $host)" ip.src tcp.len |
    awk -v near="$near" '$1 == near { ended = 1 } $1 != near && $2 > 0 && ended { after++ }
                         END { exit !after }' || fail "nothing came behind the client's FIN"
no_resets client-first
stop "$pid" echo

# The server ends first; the client only later.
recorded server-first "$website" --net.fault.delay=20ms
mkfifo "$tmp/in"
timeout 60 nc -N "$host" "$port" <"$tmp/in" >"$tmp/answer" &
nc=$!
pids="$pids $nc"
exec 3>"$tmp/in"
printf 'GET / HTTP/1.0\r\n\r\n' >&3
poll 10 fins_are "$host" || fail "the server does not end an HTTP/1.0 connection: $(fins)"
exec 3>&-
wait "$nc" || fail "nc"
poll 10 fins_are "$host $near" || fail "FINs of a server that ends first: $(fins)"
sed '1,/^.$/d' "$tmp/answer" | cmp - "$content/index.html" || fail "the page differs"
no_resets server-first
stop "$pid" website

# Both: the server's FIN is on its way for a second when the client ends.
recorded both "$website" --net.fault.delay=1s/0ms
{
    printf 'GET / HTTP/1.0\r\n\r\n'
    poll 10 fins_are "$host" || :
} | timeout 60 nc -N "$host" "$port" >"$tmp/answer" || fail "nc"
sed '1,/^.$/d' "$tmp/answer" | cmp - "$content/index.html" || fail "the page differs"
poll 10 fins_are "$host $near" || fail "FINs of both at once: $(fins)"
end=$(packets "$cap" "tcp.flags.fin == 1 && ip.src == $host" tcp.seq tcp.len |
    awk '{ print $1 + $2; exit }')
packets "$cap" "tcp.flags.fin == 1 && ip.src == $near" tcp.ack |
    awk -v end="$end" '$1 > end { exit 1 }' ||
    fail "the client had the server's FIN when it sent its own"
no_resets both
equal 1 "$(ss -Htan state time-wait dst "$host" dport = "$port" | wc -l)" \
    "connections in TIME-WAIT at the client"
equal 200 "$(code "$base/")" "a page afterwards"
stop "$pid" website
