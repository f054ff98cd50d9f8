# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154
# How ./rung starts a program on this rung: read by it, for its root, here, preset, app, program, show
# and fail. The image boots on a real Xen, which QEMU emulates here (test/xen/lab); the address at
# which a server in it can be reached from this machine is printed. Ctrl-C asks the guest to end.

# ground_run WORD...: boots the program with these words; does not return.
ground_run() {
    lab=test/xen/lab
    [ "$here" = "$root" ] || lab=$root/$lab
    xl=
    [ ! -f "$program.xl" ] || xl=$program.xl
    set -- python3 "$lab" run ${xl:+--xl "$xl"} "$program" -- "$@"
    show "$@"
    exec "$@"
}
