#!/bin/sh
# SPDX-License-Identifier: ISC
# What people do wrong with devices and addresses: one line that says what and how to mend it, and
# the right exit status.
. "$(dirname "$0")/lib.sh"

# Devices: one that another program has, one of another kind, names that are none.
serve website "$website"
refused 1 "$device is in use by another program.*--net\.device=" "$website"
stop "$pid" website
ground=
refused 1 "lo is no tap device.*--net\.device=" "$website" --net.device=lo
refused 64 "'a/b' is no name for a device" "$website" --net.device=a/b
refused 64 "'a-name-that-is-too-long' is no name" "$website" --net.device=a-name-that-is-too-long
refused 64 "no Ethernet address" "$website" --net.mac=nonsense
refused 64 "no Ethernet address of a station" "$website" --net.mac=01:00:5e:00:00:01
refused 64 "the host itself has the address" "$website" "--net.device=$device" \
    "--net.mac=$(ip link show dev "$device" | sed -n 's,.*link/ether \([0-9a-f:]*\).*,\1,p')"
refused 64 "mtu of 100 is too small" "$website" --net.mtu=100

# Addresses and routes.
ground="--net.device=$device"
refused 64 "ipv4=300\.1\.2\.3/24" "$website" --tcp.ipv4=300.1.2.3/24
refused 64 "ipv4=10\.0\.0\.2/33" "$website" --tcp.ipv4=10.0.0.2/33
refused 64 "tcp\.ipv4 is no address of a host" "$website" --tcp.ipv4=10.0.0.0/24
refused 64 "tcp\.ipv4 is no address of a host" "$website" --tcp.ipv4=10.0.0.255/24
refused 64 "tcp\.ipv4 is no address of a host" "$website" --tcp.ipv4=224.0.0.1/24
refused 64 "tcp\.ipv4 takes an IPv4 address" "$website" --tcp.ipv4=fd88::2/64
refused 64 "tcp\.gateway.*a router must be on this link" "$website" --tcp.ipv4=10.0.0.2/24 \
    --tcp.gateway=10.0.1.1
refused 64 "tcp\.gateway.*a router must be on this link" "$website" --tcp.ipv4=10.0.0.2/24 \
    --tcp.gateway=10.0.0.255
refused 64 "tcp\.gateway takes an IPv4 address without a port" "$website" \
    --tcp.ipv4=10.0.0.2/24 --tcp.gateway=fd88::1
refused 64 "tcp\.gateway goes with a static address" "$website" --tcp.gateway=10.0.0.1
refused 64 "tcp\.ipv6 takes an IPv6 address" "$website" --tcp.ipv4=10.0.0.2/24 \
    --tcp.ipv6=10.0.0.2/24
refused 64 "tcp\.ipv6 takes a prefix of 64" "$website" --tcp.ipv4=10.0.0.2/24 --tcp.ipv6=fd88::2/48
for dns in 0.0.0.0 :: 255.255.255.255 10.0.0.0 10.0.0.255 224.0.0.251 ff02::fb 127.0.0.1:53 ::1 10.0.0.2 fd88::2; do
    refused 64 "tcp\.dns is no address of another host" "$website" --tcp.ipv4=10.0.0.2/24 \
        --tcp.ipv6=fd88::2/64 "--tcp.dns=$dns"
done
refused 64 "tcp\.mtu=9000 is outside 576 to 1500" "$website" --tcp.ipv4=10.0.0.2/24 --tcp.mtu=9000
refused 64 "tcp\.memory=1 is too small" "$website" --tcp.ipv4=10.0.0.2/24 --tcp.memory=1
refused 64 "tcp\.max-connections=0 is too small" "$website" --tcp.ipv4=10.0.0.2/24 \
    --tcp.max-connections=0
refused 1 "does not have that address" "$website" --tcp.ipv4=10.0.0.2/24 --address=10.0.0.3
refused 1 "does not have that address" "$website" --tcp.ipv4=10.0.0.2/24 --address=127.0.0.1

# Somebody without rights: makes no device, and does not get another's.
grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map || {
    echo "not root of the machine: what nobody may do was not tried"
    exit 0
}
cp "$website" "$tmp/program"
chmod 755 "$tmp" "$tmp/program"
mkdir -m 777 "$tmp/gcov" # where a build that counts lines may write as anybody
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all"
nobody_refused() {
    pattern_=$1
    shift
    # shellcheck disable=SC2086 # a list of words
    refused 1 "$pattern_" $as_nobody env "GCOV_PREFIX=$tmp/gcov" "$tmp/program" "$@"
}
ground=
if $as_nobody test -w /dev/net/tun; then
    nobody_refused "no permission to make a tap device.*ip tuntap add" --net.device=new0
    ip tuntap add dev theirs mode tap user root vnet_hdr
    nobody_refused "theirs belongs to another user" --net.device=theirs
    # Its own it may use, but not change.
    ip tuntap add dev own mode tap user 65534 vnet_hdr
    nobody_refused "no permission to set the mtu of own" --net.device=own --net.mtu=9000
else
    nobody_refused "no permission to open /dev/net/tun" --net.device=new0
fi
