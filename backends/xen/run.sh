# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154
# How ./rung starts a program on this rung: read by it, for its root, here, preset, app, program, log
# (whether to show Xen's own), show and fail. The image boots on a real Xen, which QEMU emulates here
# (test/xen/lab); the address at which a server in it can be reached from this machine is printed.
# Ctrl-C asks the guest to end. A disk that its .xl file names is a file here, kept from run to run in
# build/<preset>/disks.

# disk FILE: makes an empty one unless it is there, and says which it is.
disk() {
    if [ -e "$1" ]; then
        printf 'rung: its disk is %s\n' "$1" >&2
    else
        { mkdir -p "${1%/*}" && truncate -s 1G "$1"; } || fail "the disk $1 cannot be made"
        printf 'rung: its disk is %s, made now: an empty one of 1 GiB\n' "$1" >&2
    fi
}

# ground_run WORD...: boots the program with these words; does not return.
ground_run() {
    lab=test/xen/lab
    [ "$here" = "$root" ] || lab=$root/$lab
    xl=
    [ ! -f "$program.xl" ] || xl=$program.xl
    set -- "$program" -- "$@"
    # From the last to the first, since each goes in front.
    # shellcheck disable=SC2013 # words are meant
    for name in $(grep -s '^disk = ' "$xl" | grep -o 'vdev=[a-z]*' | sort -r); do
        name=${name#vdev=}
        file=${program%/bin/*}/disks/$app-$name.img
        disk "$file"
        set -- --disk "$file" "$@"
    done
    set -- python3 "$lab" run ${log:+--log} ${xl:+--xl "$xl"} "$@"
    show "$@"
    exec "$@"
}
