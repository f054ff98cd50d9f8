#!/bin/sh
# SPDX-License-Identifier: ISC
# Names on lwIP, with a real server: known by DHCP, by a router's advertisement, or by the key. bulk is the
# client; nc is whom it calls.
. "$(dirname "$0")/lib.sh"

bulk=${E2E_BULK:?}
tap_make 1500
device_only="--net.device=$device"
static=$ground
head -c 3000000 /dev/zero | tr '\0' 'x' >"$tmp/stream"

# name_server WORD...: dnsmasq with the domain "test": peer is this namespace, two is too, but nobody
# listens at its first address, gone is nowhere on the link.
name_server() {
    launch dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user= --group= \
        --port=53 --interface="$device" --bind-interfaces --no-resolv --no-hosts --local=/test/ \
        --host-record="peer.test,$near" --host-record="two.test,$near,$near6" \
        --host-record="any.test,0.0.0.0" --cname=alias.test,peer.test --host-record="six.test,$near6" \
        --log-facility=- --log-dhcp --dhcp-leasefile="$tmp/leases" "$@"
    dnsmasq=$pid
    poll 10 grep -q 'started' "$tmp/dnsmasq.log" || fail "no name server"
}

listens() {
    ss -Hltn "sport = :$1" | grep -q .
}

# call STATUS PATTERN WORD...: bulk ends with the status, and a line that matches.
call() {
    wanted=$1
    pattern=$2
    shift 2
    status=0
    timeout 60 "$bulk" "$@" >"$tmp/call.log" 2>&1 </dev/null || status=$?
    equal "$wanted" "$status" "bulk $*: $(cat "$tmp/call.log")"
    grep -Eq -- "$pattern" "$tmp/call.log" || fail "bulk $* said: $(cat "$tmp/call.log")"
}

# serve_stream FAMILY: launch() has its input from /dev/null, so a shell feeds nc.
serve_stream() {
    launch listener sh -c 'exec nc -N "$1" -l 7100 <"$2"' sh "$1" "$tmp/stream"
    poll 10 listens 7100 || fail "nc does not listen"
}

# By DHCP: the address comes first, then the server with it, and the name is waited for meanwhile.
name_server --dhcp-authoritative --dhcp-range="$net.50,$net.59,255.255.255.0,2m" \
    --dhcp-option="option:router,$near"
serve_stream -4
call 0 "$near:7100 sent: 3000000 bytes" --to=peer.test "$device_only"
grep -q 'by DHCP' "$tmp/call.log" || fail "no lease"

# shellcheck disable=SC2086 # $static is a list of words
{
    # By the key, with a static address; an alias; an address of either family; the second address.
    serve_stream -4
    call 0 "$near:7100 sent: 3000000 bytes" --to=alias.test "--tcp.dns=$near" $static
    serve_stream -6
    call 0 "\[$near6\]:7100 sent: 3000000 bytes" --to=six.test "--tcp.dns=[$near6]" $static
    serve_stream -4
    call 0 "$near:7100 sent: 3000000 bytes" --to=two.test "--tcp.dns=$near" $static
    grep -q "\[$near6\]:7100: connection refused; trying the next address" "$tmp/call.log" ||
        fail "the first address was not tried"

    # The other way.
    launch taker sh -c 'exec nc -N -l 7101 >"$1"' sh "$tmp/taken"
    poll 10 listens 7101 || fail "nc does not listen"
    call 0 "$near:7101 handed to TCP: 2097152 bytes" --to=peer.test --send=on --bytes=2M \
        "--tcp.dns=$near" $static
    wait "$pid" || :
    equal 2097152 "$(wc -c <"$tmp/taken" | tr -d ' ')" "bytes taken"

    # lwIP keeps buffers until they are acknowledged: a reset before that is told of, though it has all.
    launch breaker nc -I 8192 -W 1 -l 7101
    poll 10 listens 7101 || fail "nc does not listen"
    call 1 "the connection to peer.test broke before its end" --to=peer.test --send=on --bytes=300K \
        "--tcp.dns=$near" $static

    # What is not there.
    call 1 "name not found: no host is called nothing.test" --to=nothing.test \
        "--tcp.dns=$near" $static
    call 1 "$near:7100: connection refused; start a bulk there" --to=peer.test \
        "--tcp.dns=$near" $static
    call 1 "the name servers refuse other.example, or failed; give an address with --to" \
        --to=other.example "--tcp.dns=$near" $static
    for to in 0.0.0.0 :: 255.255.255.255 224.0.0.1 any.test "$host" "$host6"; do
        call 1 "is no other host's address.*give another with --to" "--to=$to" "--tcp.dns=$near" \
            $static
        ! grep -q 'trying for' "$tmp/call.log" || fail "it tries again: $(cat "$tmp/call.log")"
    done
    call 1 "'a b' is no name" "--to=a b" $static
    call 1 "no name server is known.*tcp\.dns" --log=error --to=peer.test $static
    grep -q "cannot find peer.test: no name server is known here" "$tmp/call.log" || fail "no reason"
    kill "$dnsmasq"
    wait "$dnsmasq" || :
    call 1 "no answer from the name servers about peer.test" --to=peer.test \
        "--tcp.dns=$near" $static

    # By a router's advertisement.
    name_server --enable-ra --dhcp-range="$near6,ra-only,64,10m"
    serve_stream -4
    call 0 "$near:7100 sent: 3000000 bytes" --to=peer.test $static
}
