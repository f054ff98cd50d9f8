#!/bin/sh
# SPDX-License-Identifier: ISC
# What cmake/FetchSource.cmake finds, fetches and refuses, with FindLwip.cmake as the example, in a
# tree of its own with a fetch script that does as it is told: lwip_find_test.sh ROOT FOLDER. Nothing
# is fetched from anywhere.
set -eu
root=$1
rm -rf "$2"
mkdir -p "$2"
cd "$2"
here=$(pwd -P)

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# lwip FOLDER REVISION: what FindLwip takes for lwIP 2.1.REVISION.
lwip() {
    mkdir -p "$1/src/core" "$1/src/include/lwip"
    : >"$1/src/core/tcp.c"
    printf '#define LWIP_VERSION_%s   %s\n' MAJOR 2 MINOR 1 REVISION "$2" >"$1/src/include/lwip/init.h"
}

# configure CHOICE...: configures the tree anew; its messages are in out, without line breaks.
configure() {
    rm -rf tree/build/b
    # CMake folds its messages at 77 columns.
    if cmake -S tree -B tree/build/b "$@" >log 2>&1; then status=0; else status=$?; fi
    out=$(tr -s ' \n' '  ' <log)
}

# found FOLDER CHOICE...: this is where lwIP is.
found() {
    want=$1
    shift
    configure "$@"
    [ $status -eq 0 ] || fail "$*: $out"
    case $out in *"lwIP is in $want."*) ;; *) fail "$*: not in $want: $out" ;; esac
}

# refused SENTENCE CHOICE...: configuration stops with it.
refused() {
    want=$1
    shift
    configure "$@"
    [ $status -ne 0 ] || fail "$*: not refused: $out"
    case $out in *"$want"*) ;; *) fail "$*: expected: $want; got: $out" ;; esac
}

mkdir -p "tree/cmake" "a folder"
cp "$root/cmake/FindLwip.cmake" "$root/cmake/FetchSource.cmake" tree/cmake
cat >tree/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(find LANGUAGES NONE)
set(RUNG_ROOT ${CMAKE_CURRENT_SOURCE_DIR})
list(APPEND CMAKE_MODULE_PATH ${RUNG_ROOT}/cmake)
find_package(Lwip REQUIRED)
message(STATUS "lwIP is in ${LWIP_SOURCE_DIR}.")
END

lwip "a folder/lwip-2.1.3" 3
lwip old 2
(cd "a folder" && cmake -E tar cJf ../good.tar.xz lwip-2.1.3)
cmake -E tar cf old.zip --format=zip old
head -c 100 good.tar.xz >torn.tar.xz
way_out="Name its source folder or tarball, 2.1.3 or newer, with -DRUNG_LWIP_DIR=..."
holds_none="holds no src/core/tcp.c: name lwIP's source folder or tarball, or leave it out to have it fetched."

found "$here/a folder/lwip-2.1.3" "-DRUNG_LWIP_DIR=$here/a folder/lwip-2.1.3"
found "$here/a folder/lwip-2.1.3" "-DRUNG_LWIP_DIR=../a folder"
sum=$(cmake -E sha256sum good.tar.xz | cut -c 1-12)
found "$here/tree/build/b/lwip/given-$sum/lwip-2.1.3" "-DRUNG_LWIP_DIR=$here/good.tar.xz"
refused "holds lwIP 2.1.2; 2.1.3 or newer is needed." "-DRUNG_LWIP_DIR=$here/old"
refused "holds lwIP 2.1.2; 2.1.3 or newer is needed." "-DRUNG_LWIP_DIR=$here/old.zip"
for wrong in torn.tar.xz log nothing tree; do
    refused "RUNG_LWIP_DIR=$here/$wrong $holds_none" "-DRUNG_LWIP_DIR=$here/$wrong"
done

echo 'echo "the line is cut" >&2; exit 1' >tree/cmake/fetch_source.sh
refused "lwIP 2.1.3 could not be fetched: the line is cut. $way_out"

# What comes is taken only with the sum that is pinned, and is then shared.
cat >tree/cmake/fetch_source.sh <<END
mkdir -p "\$3" && cp "$here/good.tar.xz" "\$3/\$1_\$2.orig.tar.xz" && echo fetched >>"$here/fetched"
END
refused "could not be fetched: what came has the SHA-256 $sum"
[ ! -e tree/build/downloads ] || fail "a wrong tarball was kept"
all=$(cmake -E sha256sum good.tar.xz | cut -d ' ' -f 1)
sed "s/SHA256 [0-9a-f]*/SHA256 $all/" "$root/cmake/FindLwip.cmake" >tree/cmake/FindLwip.cmake
: >fetched
found "$here/tree/build/b/lwip/2.1.3+dfsg1/lwip-2.1.3"
found "$here/tree/build/b/lwip/2.1.3+dfsg1/lwip-2.1.3"
[ "$(grep -c . fetched)" -eq 1 ] || fail "the download was not shared"
cp torn.tar.xz tree/build/downloads/lwip_2.1.3+dfsg1.orig.tar.xz
found "$here/tree/build/b/lwip/2.1.3+dfsg1/lwip-2.1.3"
[ "$(grep -c . fetched)" -eq 2 ] || fail "a torn download was not replaced"
