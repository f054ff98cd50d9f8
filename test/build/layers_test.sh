#!/bin/sh
# SPDX-License-Identifier: ISC
# The layers: who may include what, no #if on the ground in portable code, no writable statics there;
# and files of a size that can be read.
# Prints each offence and ends with 1 if there was one.
statics=$(cd "$(dirname "$0")" && pwd)/statics.awk
cd "$1" || exit 2
status=0

# offences TITLE: prints standard input, if any, under the title.
offences() {
    found=$(cat)
    [ -z "$found" ] || {
        printf '%s:\n%s\n' "$1" "$found"
        status=1
    }
}

includes() { # includes FOLDER...: "file:line:#include ..." of every C file below
    find "$@" -name '*.[ch]' -exec grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null {} +
}

all_c() { # all_c TEST...: find's TESTs on every C file of ours
    for folder in apps backends bench docs interfaces stacks test tools; do
        [ ! -d "$folder" ] || find "$folder" -name '*.[ch]' "$@"
    done
}

portable='<(assert|ctype|errno|inttypes|limits|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string)\.h>'

offences 'interfaces know nobody' <<EOT
$(includes interfaces | grep -vE '#include ("rung/[a-z]+\.h"|<(assert|stdbool|stddef|stdint|string)\.h>)')
EOT
offences 'stacks and apps include only interfaces, their own headers, their library and portable C' <<EOT
$(includes stacks apps | grep -vE "#include (\"rung/[a-z]+\\.h\"|\"[a-z0-9_]+\\.h\"|$portable|<cmocka\\.h>|<xxhash\\.h>|[<\"]llhttp\\.h[>\"]|<setjmp\\.h>)" |
    grep -vE '^stacks/lwip/[a-z_/]+\.[ch]:[0-9]+:#include "(lwip|arch)/[a-z0-9_/]+\.h"')
EOT
offences 'portable code does not ask where it runs' <<EOT
$(find stacks apps -name '*.[ch]' -exec grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|elif)\b' /dev/null {} + |
    grep -vE '#[[:space:]]*ifndef [A-Z0-9_]+_H$')
EOT
offences 'portable code has no state of its own: keep it in a structure (the one of lwIP apart)' <<EOT
$(find stacks apps docs/guide -name '*.[ch]' ! -name '*_test.c' -exec awk -f "$statics" {} + |
    grep -vF 'stacks/lwip/lwip_port.c:')
EOT
offences 'nobody climbs into a sibling folder' <<EOT
$(includes interfaces stacks apps backends | grep -E '"\.\./|"(stacks|apps|backends)/')
EOT
offences 'backends/common knows only interfaces and libc' <<EOT
$(includes backends/common | grep -E '"(unix|virtual|xen)/|<uv\.h>')
EOT
offences 'backends/virtual knows no other ground' <<EOT
$(includes backends/virtual | grep -E '"(unix|xen)/|<uv\.h>')
EOT
offences 'backends/unix knows none of the grounds above it' <<EOT
$(includes backends/unix | grep -E '"(unix-|virtual|xen)')
EOT

offences 'lines of C have at most 100 columns' <<EOT
$(all_c -exec awk 'length > 100 { print FILENAME ":" FNR ": " length }' {} +)
EOT
offences 'a file of C tells one story, in at most 400 lines' <<EOT
$(all_c -exec awk 'FNR == 401 { print FILENAME }' {} +)
EOT

# A header of one stack or app must not be included by another.
for folder in stacks/* apps/*; do
    [ -d "$folder" ] || continue
    for header in "$folder"/*.h; do
        [ -e "$header" ] || continue
        name=$(basename "$header")
        offences "$name belongs to $folder" <<EOT
$(includes stacks apps | grep "\"$name\"" | grep -v "^$folder/")
EOT
    done
done
exit $status
