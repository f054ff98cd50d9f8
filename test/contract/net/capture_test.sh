#!/bin/sh
# SPDX-License-Identifier: ISC
# What net-capture writes, read by Wireshark's own reader: no complaint, right checksums, direction, comments,
# what is missing. The files are those that its unit test leaves.
# usage: capture_test.sh <unit-net-capture-test> <unit-net-capture-flow-test>
for tool in tshark capinfos; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not installed (Debian package tshark)"
        exit 77
    }
done
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export RUNG_TEST_CAPTURE_DIR="$folder" HOME="$folder"
for test in "$@"; do
    "$test" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
done
status=0

# expect WHAT GOT WANTED
expect() {
    [ "$2" = "$3" ] || {
        printf '%s: "%s", and not "%s"\n' "$1" "$2" "$3"
        status=1
    }
}

# shark FILE ARGUMENT...: its standard output; what it says beside that it runs as root goes to $folder/said.
shark() {
    file=$1
    shift
    tshark -r "$folder/$file.pcapng" "$@" 2>"$folder/all"
    expect "tshark on $file.pcapng ends with" $? 0
    grep -v '^Running as user' "$folder/all" >>"$folder/said"
}

: >"$folder/said"
for file in plain sums super snaplen lost; do
    shark $file >/dev/null
    capinfos "$folder/$file.pcapng" >"$folder/info" 2>>"$folder/said"
    expect "capinfos on $file.pcapng ends with" $? 0
    expect "statistics in $file.pcapng" "$(sed -n 's/.*Number of stat entries = //p' "$folder/info")" 1
done
expect 'complaints' "$(cat "$folder/said")" ''

sums='-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE'
bad='tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || ip.checksum.status == "Bad"'
good='tcp.checksum.status == "Good" || udp.checksum.status == "Good"'
for file in sums super; do
    # shellcheck disable=SC2086 # several words
    expect "bad checksums in $file.pcapng" "$(shark $file $sums -Y "$bad" | wc -l)" 0
done
# shellcheck disable=SC2086
expect 'good checksums' "$(shark sums $sums -Y "$good" | wc -l)" 20
# shellcheck disable=SC2086
expect 'good checksums of super-frames' "$(shark super $sums -Y "$good" | wc -l)" 1

expect 'a comment' "$(shark super -T fields -e frame.comment)" \
    'super-frame: 45 segments of up to 1460 bytes each'
expect 'malformed super-frames' "$(shark super -Y '_ws.malformed || _ws.short' | wc -l)" 0
expect 'the interface' "$(shark plain -T fields -e frame.interface_name | sort -u)" net.capture
expect 'directions' "$(shark plain -T fields -e frame.packet_flags_direction |
    while read -r way; do printf '%d ' "$way"; done)" '2 1 1 1 1 '
expect 'lengths' "$(shark snaplen -T fields -E separator=, -e frame.len -e frame.cap_len | tr '\n' ' ')" \
    '200,100 99,99 '
lost=$(shark lost -T fields -e frame.drop_count | awk '{n += $1} END {print n}')
expect 'frames and what is missing' $((lost + $(shark lost | wc -l))) 400
exit $status
