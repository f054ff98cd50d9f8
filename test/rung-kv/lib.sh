# SPDX-License-Identifier: ISC
# test/rung-kv/lib.sh - what the tests of rung-kv share; each begins with `. "$(dirname "$0")/lib.sh"`.
# They work in a scratch folder of their own, which goes with them.
# shellcheck shell=sh disable=SC2034 # variables are used by the tests
set -eu
. "$(dirname "$0")/../support/children.sh"
kv=${RUNG_KV:?run this by ctest}
flips=${KVLOG_FLIPS:?}

fail() {
    echo "FAILED: $*"
    exit 1
}

here=$(mktemp -d)
pids=
cleanup() {
    status=$?
    trap '' EXIT
    # shellcheck disable=SC2086 # words
    end_children $pids
    cd /
    rm -rf "$here"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP
cd "$here"

# equal WANTED GOT WHAT
equal() {
    [ "$1" = "$2" ] || fail "$3: wanted '$1', got '$2'"
}

# well COMMAND...: it ends with 0 and says nothing on standard error; what it prints is in $here/out.
well() {
    status=0
    "$@" >out 2>err || status=$?
    equal 0 "$status" "exit status of '$*': $(cat err)"
    [ ! -s err ] || fail "'$*' said: $(cat err)"
}

# sums: of all files but our own, and but what a build that counts lines writes.
sums() {
    find . -type f ! -name sums-\* ! -name out ! -name err ! -path './gcov/*' \
        -exec sha256sum {} + 2>/dev/null || :
}

# refused STATUS PATTERN COMMAND...: it ends with the status and one line that matches, prints nothing,
# and leaves every file as it was, unless somebody else is changing=yes.
refused() {
    wanted=$1
    pattern=$2
    shift 2
    status=0
    sums >sums-before
    "$@" >out 2>err </dev/null || status=$?
    sums >sums-after
    equal "$wanted" "$status" "exit status of '$*': $(cat err)"
    equal 1 "$(wc -l <err | tr -d ' ')" "lines from '$*': $(cat err)"
    [ ! -s out ] || fail "'$*' wrote to standard output: $(cat out)"
    grep -q '^rung-kv: ' err || fail "'$*' does not say who speaks: $(cat err)"
    ! grep -Eq '(disk|store)\.[a-z-]+' err || fail "'$*' names a key of an app: $(cat err)"
    grep -Eq -- "$pattern" err || fail "'$*' said: $(cat err)"
    [ -n "${changing:-}" ] || cmp -s sums-before sums-after || fail "'$*' changed a file"
    rm sums-before sums-after
}
