# SPDX-License-Identifier: ISC
# test/support/children.sh - ends what a test's script has started. A number of a process that is gone
# may be another's by now, of another test or another user: only children of this shell are ended.
# shellcheck shell=sh

# mine PID: it is a child of this script, and not gone.
mine() {
    [ "$(sed -n 's/.*) [A-Za-z] \([0-9]*\) .*/\1/p' "/proc/$1/stat" 2>/dev/null)" = $$ ]
}

# end_children PID...
end_children() {
    for pid in "$@"; do
        if mine "$pid"; then
            kill -9 "$pid" 2>/dev/null || :
        fi
    done
}
