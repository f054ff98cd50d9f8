#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes a tap device for a user, and holds it for as long as standard input is open: whatever
# becomes of the one that asked for it, it is removed. To be run as root.
# Usage: tap.sh NAME USER MTU ADDRESS/PREFIX...
set -eu

try() {
    printf '+ %s\n' "$*" >&2
    "$@"
}

name=$1
user=$2
mtu=$3
shift 3
try ip tuntap add dev "$name" mode tap user "$user" vnet_hdr
trap 'ip link delete dev "$name"' EXIT
[ "$mtu" = 1500 ] || try ip link set dev "$name" mtu "$mtu"
for address; do
    # Nobody else is there to have the same address: IPv6 need not wait and ask.
    case $address in *:*) nodad=nodad ;; *) nodad= ;; esac
    try ip address add "$address" dev "$name" $nodad
done
try ip link set dev "$name" up
trap - EXIT

# No signal to the terminal's group ends this one, nor the end of the terminal.
exec 3<&0
(
    trap '' HUP INT PIPE QUIT TERM
    while read -r _; do :; done
    ! ip link show dev "$name" >/dev/null 2>&1 || {
        printf '+ ip link delete dev %s\n' "$name" >&2 || :
        ip link delete dev "$name"
    }
) <&3 3<&- &
