#!/bin/sh
# SPDX-License-Identifier: ISC
# With one module bound to each interface, link-time optimisation resolves every access to its table
# and then drops the table. An interface table that is not in the image cannot be called through: the
# proof is that the symbol table names none.
set -u
symbols=$(nm "$1") || exit 2
echo "$symbols" | grep -q ' main$' || {
    echo "$1 has no symbols to look at (stripped?)"
    exit 2
}
tables=$(echo "$symbols" | grep -E ' rung_[a-z0-9_]+_(net|tcp|udp|dns|block|kv|http)_ops')
[ -z "$tables" ] && exit 0
echo "interface tables left in $1, so calls may go through them:"
echo "$tables"
exit 1
