#!/bin/sh
# crunch_test.sh CRUNCH CONTENT CC - the generator of stacks/crunch: the same folder gives the same
# bytes, a change in the folder a new image, and what cannot go into an image one line that says
# why.
set -eu
crunch=$1/crunch.sh content=$2 cc=$3
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
mkdir "$here/content"
cp -R "$content/." "$here/content"

fail() {
    echo "crunch_test: $*" >&2
    exit 1
}

make() { # the folder, the image's name
    sh "$crunch" make "$1" "$here/$2" test
    "$cc" -std=c11 -Wall -Wextra -Wconversion -Werror -I"$(dirname "$crunch")" -c "$here/$2.c" \
        -o "$here/$2.o"
}

sum() { # what the image holds; the C file also names the image
    { cat "$here/$1.bin"; sed 's/incbin.*//' "$here/$1.c"; } | sha256sum
}

refuses() { # a part of the line that is expected
    if said=$(sh "$crunch" check "$here/content" 2>&1); then
        fail "no complaint: $1"
    fi
    case $said in
    *"$1"*) ;;
    *) fail "expected '$1', got '$said'" ;;
    esac
    [ "$(printf '%s\n' "$said" | wc -l)" -eq 1 ] || fail "more than one line: $said"
}

# The same content at another place and time.
make "$content" one
make "$here/content" two
[ "$(sum one)" = "$(sum two)" ] || fail "two runs differ"

# Nothing changed: the files of the image are left alone.
touch -d '2001-01-01' "$here/two.c" "$here/two.bin"
make "$here/content" two
[ -z "$(find "$here/two.c" -newermt 2002-01-01)" ] || fail "an unchanged image was written again"

# A file that changes, one that appears, one that goes away.
before=$(sum two)
for change in 'printf more >> "$here/content/index.html"' 'printf new > "$here/content/a/new"' \
    'rm "$here/content/one"' 'mv "$here/content/a0" "$here/content/a1"'; do
    eval "$change"
    make "$here/content" two
    after=$(sum two)
    [ "$before" != "$after" ] || fail "not noticed: $change"
    before=$after
done
grep -q '"a/new", 5' "$here/two.c" || fail "the new file is missing"
if grep -q '"one", 3' "$here/two.c"; then fail "the removed file is still there"; fi

# What the image depends on names files and folders, with their spaces escaped.
for dep in 'content/index.html' 'content/a' 'content/with\ space/a\ file.txt'; do
    grep -Fqx " $here/$dep \\" "$here/two.d" || grep -Fqx " $here/$dep" "$here/two.d" ||
        fail "$dep is not in the list of dependencies"
done

# Links inside count as what they lead to; reserved names and fifos are left out.
ln -s a.b "$here/content/link"
ln -s a "$here/content/linked"
mkdir "$here/content/.rung-tmp"
: > "$here/content/.rung-tmp/1-0"
mkfifo "$here/content/fifo"
make "$here/content" two
grep -q '"link", 4' "$here/two.c" || fail "a link to a file inside is missing"
grep -q '"linked/b", 8' "$here/two.c" || fail "a link to a folder inside is missing"
if grep -q 'fifo\|rung-tmp' "$here/two.c"; then fail "fifo or reserved name in the image"; fi

# Empty: still an image.
mkdir "$here/empty"
make "$here/empty" three
grep -q 'rung_crunch_image_test = {0, 0}' "$here/three.c" ||
    fail "an empty folder has no empty image"

ln -s /etc/passwd "$here/content/out"
refuses "link '$here/content/out' leads out of the folder"
rm "$here/content/out"
ln -s ../../.. "$here/content/a/up"
refuses "link '$here/content/a/up' leads out of the folder"
rm "$here/content/a/up"
ln -s nowhere "$here/content/dangling"
refuses "link '$here/content/dangling' leads nowhere"
rm "$here/content/dangling"
ln -s .. "$here/content/a/loop"
refuses "leads back to a folder that it is in"
rm "$here/content/a/loop"
: > "$here/content/line
break"
refuses "holds a line break"
rm "$here/content/line
break"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 "$here/content/index.html"
    refuses "'$here/content/index.html' cannot be read"
    chmod 644 "$here/content/index.html"
fi
sh "$crunch" check "$here/content" || fail "the mended folder is refused"
rm -rf "$here/content"
refuses "folder '$here/content' does not exist"
: > "$here/content"
refuses "'$here/content' is no folder"
echo "crunch_test: passed"
