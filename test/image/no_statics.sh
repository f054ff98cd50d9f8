#!/bin/sh
# SPDX-License-Identifier: ISC
# no_statics.sh ARCHIVE...: our code keeps no writable statics, so that several instances live in one
# process. Prints every object in a .data or .bss section (constants with addresses in them are in
# .data.rel.ro, which is made read-only) and ends with 1 if there is one. The one exception is lwIP's:
# stacks/lwip/lwip_port.c says why.
set -u
status=0
for archive; do
    found=$(objdump -t "$archive" | awk '
        $NF != "" && / O / && match($0, /[.](data|bss|tdata|tbss)[^ \t]*/) {
            section = substr($0, RSTART, RLENGTH)
            if (section !~ /^[.]data[.]rel[.]ro/ && $NF != "port_core")
                print $NF " in " section
        }')
    [ -z "$found" ] || {
        printf '%s keeps writable statics:\n%s\n' "$archive" "$found"
        status=1
    }
done
exit $status
