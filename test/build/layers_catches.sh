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
        "$tree/backends/common" "$tree/backends/virtual" "$tree/backends/unix" "$tree/docs/guide"
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

keep() { # keep FILE: the tree with standard input in that file must pass
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/interfaces" "$tree/stacks" "$tree/apps/x" "$tree/backends/common" \
        "$tree/backends/virtual" "$tree/backends/unix" "$tree/docs/guide"
    cat >"$tree/$1"
    sh "$script" "$tree" || status=1
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
try apps/x/x.c 'static int count;'
try apps/x/x.c '    static char room[64];'
try apps/x/x.c 'static struct x x = {0};'
try apps/x/x.c 'static const char *name = "x";'
try apps/x/x.c 'static void (*hook)(int);'
try apps/x/x.c 'static void (*hooks[2])(int);'
try apps/x/x.c 'int count;'
try apps/x/x.c 'struct x x = {0};'
try apps/x/x.c '_Thread_local int count;'
try stacks/a/a.h 'static int count;'
try stacks/a/a.c '/* why */ static int count; /* and more'
keep apps/x/x.c <<'CLEAN'
/* static int count; */
// static int count;
#define X \
static int count;
typedef int count;
extern const struct x x;
struct x;
struct x { int y; };
enum { A, B };
static const int many = 3;
static const char *const names[] = {"static int a;"};
static const struct x
    y = {0};
static void (*const hook)(int) = 0;
static struct x *x_of(int *y);
static void x_end(struct x *x, void (*done)(int))
{
    int count;
    struct x *z = 0;
out:
    return;
}
const struct x z = {0};
RUNG_ASSERT(1);
int main(void)
{
}
CLEAN
try backends/common/c.c "$(printf '/* %094d */ %s' 0 x)"
try backends/common/c.c "$(seq 401 | sed 's,.*,/* & */,')"
try backends/common/c.c '#include <uv.h>'
try backends/virtual/v.c '#include "unix/unix.h"'
try backends/unix/u.c '#include "unix-socket/tcp.h"'
exit $status
