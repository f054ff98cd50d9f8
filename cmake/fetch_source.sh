#!/bin/sh
# SPDX-License-Identifier: ISC
# Fetches the original tarball of a Debian source package.
# Usage: fetch_source.sh NAME VERSION FOLDER: leaves FOLDER/NAME_VERSION.orig.tar.*; VERSION is
# upstream's, without Debian's revision. apt looks it up, by a state of its own under FOLDER: the
# system's package lists stay as they are, and nobody needs to be root for it.
set -eu
export LC_ALL=C

name=$1
version=$2
mkdir -p -- "$3/parts" "$3/lists/partial" "$3/cache/archives/partial"
cd -- "$3"
here=$(pwd -P)

give_up() {
    printf '%s\n' "$*" >&2
    exit 1
}

command -v apt-get >/dev/null || give_up "this system has no apt-get to fetch it with"

# The system's own sources, asked for source packages.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -r "$file" ] || sed -n -e '/cdrom:/d' -e 's/^[[:blank:]]*deb[[:blank:]]/deb-src /p' "$file"
done | sort -u >sources.list
for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -r "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"parts/${file##*/}"
done

# Read after the system's settings, so that a proxy in them holds. The hooks by which desktops follow
# the system's own lists are none of our business.
cat >apt.conf <<END
Dir::Etc::sourcelist "$here/sources.list";
Dir::Etc::sourceparts "$here/parts";
Dir::State::lists "$here/lists";
Dir::Cache "$here/cache";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END

# reason LOG: the first line of a log that tells what went wrong.
reason() {
    sed -n -e 's/^[EW]: //' -e '/^Failed\|^The\|^Unable\|^You/{p;q;}' "$1"
}

# One source of many that does not answer is no reason to stop: what counts is what is known after.
apt-get -qq -c apt.conf update >apt.log 2>&1 || true
known=$(apt-cache -c apt.conf showsrc --only-source "$name" 2>>apt.log |
    sed -n 's/^Version: //p' | sort -uV)
[ -n "$known" ] || give_up "apt finds no source package $name ($(reason apt.log))"
debian=$(printf '%s\n' "$known" | grep -F -- "$version-" | tail -n 1)
[ -n "$debian" ] || give_up "apt has $name only as $(printf '%s\n' "$known" | tr '\n' ' ')"
apt-get -qq -c apt.conf source --download-only --tar-only "$name=$debian" >apt.log 2>&1 ||
    give_up "apt did not fetch $name $debian ($(reason apt.log))"
