#!/bin/sh
# SPDX-License-Identifier: ISC
# Proves that layers_test.sh (given as $1) refuses what it should: each offence, planted alone in an
# empty tree, must be found, and the empty tree must pass.
set -u
tree=$(mktemp -d) || exit 2
trap 'rm -rf "$tree"' EXIT
status=0

try() { # try FILE LINE: the tree with that one line must be refused
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/interfaces/rung" "$tree/stacks/a" "$tree/stacks/b" "$tree/apps/x" \
        "$tree/backends/common" "$tree/backends/virtual" "$tree/backends/unix"
    : >"$tree/stacks/b/b.h"
    sh "$script" "$tree" >/dev/null || {
        echo "the clean tree is refused"
        status=1
    }
    printf '%s\n' "$2" >"$tree/$1"
    if sh "$script" "$tree" >/dev/null; then
        echo "not caught: $2 in $1"
        status=1
    fi
}

script=$1
try interfaces/rung/n.h '#include <uv.h>'
try interfaces/rung/n.h '#include "b.h"'
try stacks/a/a.c '#include <sys/socket.h>'
try stacks/a/a.c '#include "unix/unix.h"'
try stacks/a/a.c '#include "b.h"'
try stacks/a/a.c '#include "../b/b.h"'
try stacks/a/a.c '#ifdef __linux__'
try stacks/a/a.c '#if defined(__XEN__)'
try apps/x/x.c '#include <unistd.h>'
try apps/x/x.c '#ifdef __unix__'
try backends/common/c.c '#include <uv.h>'
try backends/virtual/v.c '#include "unix/unix.h"'
try backends/unix/u.c '#include "unix-socket/tcp.h"'
exit $status
