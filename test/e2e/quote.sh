#!/bin/sh
# SPDX-License-Identifier: ISC
# The example of the guide does what the guide says.
. "$(dirname "$0")/lib.sh"

quote=${E2E_QUOTE:?names the program}
serve quote "$quote"
line=$(timeout 60 nc -d "$host" "$port")
case $line in
Simplicity*Dijkstra*) ;;
*) fail "the guide's app said '$line'" ;;
esac
stop "$pid" quote
serve quote "$quote" --name=nothing.txt
equal "" "$(timeout 60 nc -d "$host" "$port")" "a line that is not there"
grep -q 'no line: not found' "$tmp/quote.log" || fail "the log does not say what is missing"
stop "$pid" quote
