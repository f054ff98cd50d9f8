# SPDX-License-Identifier: ISC
# test/e2e/tap.sh - the rung unix-tap, for lib.sh: the test runs in a network namespace of its own,
# which ends with it. Each program has a tap device there; the namespace is its only neighbour, or
# passes its packets on to others (world).
# shellcheck shell=sh disable=SC2034,SC2154 # variables are used by the tests, and by lib.sh

if [ "${E2E_INSIDE:-}" != yes ]; then
    { [ -c /dev/net/tun ] && (: <>/dev/net/tun) 2>/dev/null; } ||
        skip "no use of /dev/net/tun: load the kernel's tun module, or run this as root"
    export E2E_INSIDE=yes
    for how in --net -rn; do
        ! unshare $how true 2>/dev/null || exec unshare $how sh "$0" "$@"
    done
    skip "no right to make a network namespace: run this as root"
fi
ip link set dev lo up
# As on the loopback, ports may be used again at once: many tests open more connections than there
# are ports.
echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse
echo 10000 65000 >/proc/sys/net/ipv4/ip_local_port_range
taps=0

# tap_make MTU [up|down]: one more tap device, $device, where the namespace is $near and $near6 and
# a program can be $host and $host6, in the network $net.0/24.
tap_make() {
    taps=$((taps + 1)) # from 1 on: IPv6 addresses have one way to be written then
    device=rung$taps
    net=10.88.$taps
    near=$net.1
    host=$net.2
    near6=fd88:0:0:$taps::1
    host6=fd88:0:0:$taps::2
    ip tuntap add dev "$device" mode tap vnet_hdr
    ip link set dev "$device" mtu "$1" "${2:-up}"
    ip address add "$near/24" dev "$device"
    # A link that is too small for IPv6 has none.
    [ ! -d "/proc/sys/net/ipv6/conf/$device" ] ||
        ip address add "$near6/64" dev "$device" nodad
    ground="--net.device=$device --tcp.ipv4=$host/24 --tcp.ipv6=$host6/64 --tcp.dad=off"
    export E2E_HOST=$host E2E_HOST6=$host6 # for the client
}

ground() {
    ground=
    [ "$1" = "$hello" ] || tap_make 1500
}

# world: makes another network namespace; `$in_world COMMAND...` runs something there. world_link
# NAME [ADDRESS/N THERE/N]: a cable between this one and that; the ends are called to-NAME and to-
# test.
world() {
    unshare --net sleep 10000 </dev/null &
    world=$!
    pids="$pids $world"
    in_world="nsenter --net=/proc/$world/ns/net"
    poll 10 world_apart || fail "no other namespace"
    $in_world ip link set dev lo up
}
world_apart() {
    there=$(readlink "/proc/$world/ns/net") && [ "$there" != "$(readlink /proc/self/ns/net)" ]
}
world_link() {
    ip link add "to-$1" type veth peer name to-test netns "/proc/$world/ns/net"
    ip link set dev "to-$1" up
    $in_world ip link set dev to-test up
    [ $# -eq 1 ] || {
        ip address add "$2" dev "to-$1"
        $in_world ip address add "$3" dev to-test
    }
}

# world_fetch FILE URL: lib.sh's fetch, by somebody in the other namespace.
world_fetch() {
    $in_world curl -s -o "$1" -w '%{http_code}' --max-time 120 "$2" || :
}

# The hardware address by which the kernel knows a program.
mac_of() {
    ping -c 1 -W 5 "$1" >/dev/null || fail "$1 does not answer"
    ip neigh show "$1" | sed -n 's/.* lladdr \([0-9a-f:]*\) .*/\1/p'
}

# Whether a program's log has a line that matches.
says() {
    grep -Eq -- "$2" "$tmp/$1.log"
}

# packets FILE FILTER FIELD...: the fields of those packets of a capture that pass a filter.
packets() {
    file_=$1
    filter_=$2
    shift 2
    for field_; do
        set -- "$@" -e "$field_"
        shift
    done
    tshark -n -r "$file_" -Y "$filter_" -T fields "$@" 2>>"$tmp/tshark.err"
}

# longest FILE: the longest TCP segment that the program at $host or $host6 put on the wire, by a
# capture of the program's own (its super-frames have a comment that says how they are cut).
longest() {
    packets "$1" "tcp.len > 0 && (ip.src == $host || ipv6.src == $host6)" tcp.len frame.comment |
        awk -F '\t' '{
            len = $1
            if (match($2, /up to [0-9]+/))
                len = substr($2, RSTART + 6, RLENGTH - 6)
            if (len + 0 > longest)
                longest = len + 0
        } END { print longest + 0 }'
}

# with_echo TO FILE [NC-WORD...]: a file goes to echo and comes back as it was.
with_echo() {
    to_=$1
    data_=$2
    shift 2
    timeout "${patience:-120}" nc -N "$@" "$to_" "$port" <"$data_" >"$tmp/back" || fail "nc $* $to_"
    cmp "$data_" "$tmp/back" || fail "$(wc -c <"$data_") bytes came back different from $to_ ($*)"
}
