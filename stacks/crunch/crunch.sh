#!/bin/sh
# crunch.sh - puts a folder into C, for stacks/crunch. Called by crunch.cmake:
#   crunch.sh check FOLDER             stops with one line if the folder cannot be put into an image
#   crunch.sh make FOLDER IMAGE NAME   writes IMAGE.bin (all bytes), IMAGE.c (the table that finds
#                                      them) and IMAGE.d (what they depend on)
# The same folder gives the same bytes: names are sorted as bytes, and gzip keeps no time.
# Needs GNU find, coreutils and gzip, and any awk.
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    printf 'crunch: %s\n' "$*" >&2
    exit 1
}

# All but names that no key can have.
every() {
    find -L . -name '.rung-*' -prune -o "$@" -print
}

check_links() {
    find . -name '.rung-*' -prune -o -type l -print 2>/dev/null | while IFS= read -r link; do
        target=$(readlink -e -- "$link") ||
            fail "link '$1/${link#./}' leads nowhere; mend it or remove it"
        case "$target/" in
        "$root"/*) ;;
        *) fail "link '$1/${link#./}' leads out of the folder; put a copy there, or remove it" ;;
        esac
    done
}

check() {
    [ -e "$1" ] || fail "folder '$1' does not exist; make it, or give another path"
    [ -d "$1" ] || fail "'$1' is no folder; give the path of one"
    [ -r "$1" ] && [ -x "$1" ] || fail "folder '$1' cannot be read: give yourself the permission"
    cd "$1"
    root=$(pwd -P)
    check_links "$1"
    bad=$(find . \( -type d \( ! -readable -o ! -executable \) -print -prune \) -o \
               \( -type f ! -readable -print \) | head -n 1)
    [ -z "$bad" ] ||
        fail "'$1/${bad#./}' cannot be read: give yourself the permission, or remove it"
    every -false >/dev/null 2>&1 ||
        fail "a link in '$1' leads back to a folder that it is in: remove it"
    line_break='
'
    bad=$(find . -name "*$line_break*" | head -n 1)
    [ -z "$bad" ] || fail "a name in '$1' holds a line break: give it another ('${bad#./}')"
    bad=$(every -type f | awk 'length($0) > 1024 + 2' | head -n 1)
    [ -z "$bad" ] || fail "'$1/${bad#./}': a name of more than 1024 bytes fits no key: shorten it"
}

# A file of names, one to a line, as arguments to a command.
on_each() {
    names=$1
    shift
    tr '\n' '\0' < "$names" | xargs -0 -r "$@"
}

sums() {
    on_each "$1" sha256sum -z | tr '\0' '\n' | cut -c 1-64
}

# For each line "+|- size sum name" the size of its gzip variant, or 0: none. Variants stay in the
# cache under the sum of what they hold.
variants() {
    while IFS= read -r line; do
        try=${line%% *} line=${line#* }
        size=${line%% *} line=${line#* }
        sum=${line%% *} name=${line#* }
        got=0
        if [ "$try" = + ] && [ "$size" -gt 0 ]; then
            if [ ! -e "$cache/$sum" ]; then
                gzip -9nc < "$name" > "$cache/new"
                mv "$cache/new" "$cache/$sum"
            fi
            got=$(wc -c < "$cache/$sum")
            [ $((got * 10)) -le $((size * 9)) ] || got=0
        fi
        [ "$got" -eq 0 ] || printf '%s\n' "$cache/$sum" >> "$work/gzipped"
        echo "$got"
    done
}

replace() {
    if [ -e "$2" ] && cmp -s "$1" "$2"; then
        return 0 # an image that is as it was is not compiled and linked again
    fi
    mv "$1" "$2"
}

make() {
    folder=$1 image=$2 symbol=$3
    work=$image.work cache=$image.gz
    rm -rf "$work"
    mkdir -p "$work" "$cache"
    check "$folder"
    every -type f | sort > "$work/names"
    : > "$work/gzipped"
    on_each "$work/names" stat -L -c %s > "$work/sizes"
    sums "$work/names" > "$work/sums"
    awk -f "$here/crunch.awk" -v task=try "$here/types.txt" "$work/names" > "$work/try"
    paste -d ' ' "$work/try" "$work/sizes" "$work/sums" "$work/names" > "$work/files"
    variants < "$work/files" > "$work/gzip_sizes"
    sums "$work/gzipped" > "$work/gzip_sums"
    on_each "$work/names" cat > "$work/bin"
    on_each "$work/gzipped" cat >> "$work/bin"
    paste -d ' ' "$work/gzip_sizes" "$work/sizes" "$work/sums" "$work/names" > "$work/table"
    awk -f "$here/crunch.awk" -v task=table -v name="$symbol" -v bytes="$(wc -c < "$work/bin")" \
        -v sums="$work/gzip_sums" "$here/types.txt" "$work/table" > "$work/c" ||
        fail "a file in '$folder' changed while it was read: build again"
    printf '%s\n' "$image.bin" |
        awk -f "$here/crunch.awk" -v task=incbin -v name="$symbol" - >> "$work/c"
    { every \( -type d -o -type f \); } | awk -f "$here/crunch.awk" -v task=depends \
        -v image="$image" -v root="$root" - > "$work/d"
    replace "$work/bin" "$image.bin"
    replace "$work/c" "$image.c"
    replace "$work/d" "$image.d"
    rm -rf "$work"
}

case "${1-}:$#" in
check:2) check "$2" ;;
make:4) make "$2" "$3" "$4" ;;
*) fail "usage: crunch.sh check FOLDER | make FOLDER IMAGE NAME" ;;
esac
