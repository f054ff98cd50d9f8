#!/bin/sh
# SPDX-License-Identifier: ISC
# What `./rung run` does about the tap device (backends/unix-tap/run.sh), with a program that only
# says what it is told, in a network namespace: run_tap_test.sh ROOT FOLDER
set -eu
root=$1
if [ "${3-}" != inside ]; then
    skip() {
        echo "SKIP: $*"
        exit 77
    }
    unshare --net true 2>/dev/null || skip "no right to make a network namespace"
    [ -w /dev/net/tun ] || skip "no /dev/net/tun"
    exec unshare --net sh "$0" "$1" "$2" inside
fi
rm -rf "$2"
mkdir -p "$2"
cd "$2"
here=$(pwd -P)
export root here

fail() {
    printf '%s\n' "$*" >&2
    head -n 50 -- *.log >&2
    exit 1
}

# Fifty tries, five seconds.
poll() {
    for _ in $(seq 50); do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

# What the front-end has: the folder's own cmake tells what the program is made of.
cat >front.sh <<'END'
set -eu
preset=unix-tap app=site program=./site
fail() { echo "rung: $*" >&2; exit 1; }
show() { echo "+ $*" >&2; }
cmake() { cat "$here/made-of"; }
. "$root/backends/unix-tap/run.sh"
ground_run "$@"
END
cat >tap-made-of <<'END'
slot              interface module        source folder             lines  bytes
site              app       site          apps/site                 59     887
  http            http      http1         stacks/http               2552   90269
    my.tcp        tcp,udp   lwip          stacks/lwip               819    13850
      net.capture net       net-capture   stacks/capture            200    2000
        net       net       net-tap       backends/unix-tap         819    13850
END
cat >site <<'END'
#!/bin/sh
[ "$*" != --help ] || {
    echo '  --port=NUMBER                            TCP port to listen on; 0 picks a free one [8080]'
    echo '  --net.device=TEXT                        Tap device'
    echo '  --my.tcp.ipv4=ADDRESS/PREFIX             Address'
    exit 0
}
trap 'echo told; exit 5' TERM
echo "words: $*"
read -r status && exit "$status"
while :; do sleep 0.1; done
END
chmod +x site

# start NAME WORD...: runs the front-end beside this script; what it says is in NAME.log. Sets pid.
start() {
    name=$1
    shift
    : >"$name.log"
    sh front.sh "$@" >"$name.log" 2>&1 </dev/null &
    pid=$!
    poll grep -qs words: "$name.log" || fail "$name: the program did not start"
}

# ended NAME PID STATUS: NAME ends with it, and nothing is left of it.
ended() {
    status=0
    wait "$2" || status=$?
    [ $status -eq "$3" ] || fail "$1: status $status"
    poll gone || fail "$1: left behind: $(ip -br address)"
}

gone() {
    [ "$(ip -br link | grep -c rung)" -eq 0 ]
}

# says NAME TEXT
says() {
    grep -qF -- "$2" "$1.log" || fail "$1: does not say: $2"
}

cp tap-made-of made-of
status=0
echo 3 | sh front.sh --x=1 --port=80 >first.log 2>&1 || status=$?
[ $status -eq 3 ] || fail "first: status $status"
gone || fail "first: left behind: $(ip -br address)"
says first "words: --net.device=rung0 --my.tcp.ipv4=10.88.0.2/24 --my.tcp.gateway=10.88.0.1 --my.tcp.ipv6=fd88::2/64 --x=1 --port=80"
says first "rung: site is at http://10.88.0.2:80/ and http://[fd88::2]:80/"
says first "+ ip tuntap add dev rung0 mode tap user"

start sized --net.mtu=9000 --my.tcp.ipv6=fd99::2/64
says sized "words: --net.device=rung0 --my.tcp.ipv4=10.88.0.2/24 --my.tcp.gateway=10.88.0.1 --net.mtu=9000 --my.tcp.ipv6=fd99::2/64"
ip link show dev rung0 | grep -q 'mtu 9000' || fail "sized: $(ip link show dev rung0)"
! ip -br address | grep -q fd88 || fail "sized: a second network for IPv6"
kill "$pid"
ended sized "$pid" 5

start stopped
ip -br address | grep -q '^rung0 .*10.88.0.1/24 fd88::1/64' || fail "stopped: $(ip -br address)"
kill -TERM "$pid"
ended stopped "$pid" 5
says stopped told

start killed
kill -KILL "$pid"
ended killed "$pid" 137
poll grep -q told killed.log || fail "killed: the program goes on"

start one
one=$pid
start two
says two "words: --net.device=rung1 --my.tcp.ipv4=10.88.1.2/24 --my.tcp.gateway=10.88.1.1 --my.tcp.ipv6=fd88:0:0:1::2/64"
kill "$one"
only() {
    [ "$(ip -br link | grep -c rung)" -eq 1 ]
}
poll only || fail "one took two's device along: $(ip -br address)"
kill "$pid"
ended one "$one" 5
ended two "$pid" 5

# Networks that are taken, and a kernel without IPv6.
ip link add taken type veth
ip address add 10.88.3.4/16 dev taken
ip link set dev taken up
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
start elsewhere
says elsewhere "words: --net.device=rung0 --my.tcp.ipv4=10.188.0.2/24 --my.tcp.gateway=10.188.0.1"
! grep -q fd88 elsewhere.log || fail "elsewhere: IPv6 where there is none"
kill "$pid"
ended elsewhere "$pid" 5

# No device is made for those who name theirs, or for programs without a tap.
plain() {
    start plain "$@"
    gone || fail "plain: a device for $*"
    kill "$pid"
    ended plain "$pid" 5
}
plain --net.device=mine
plain my.tcp.ipv4=192.0.2.1/24
plain --my.tcp.gateway=192.0.2.1
grep -v net-tap tap-made-of >made-of
plain
grep -v lwip tap-made-of >made-of
plain
