# SPDX-License-Identifier: ISC
# Prints each object of static storage that can be written, as file:line:declaration. Reads C as this
# tree writes it: what stands at the first column is at file scope.

FNR == 1 { comment = directive = 0; decl = "" }

{
    line = $0
    if (comment) {
        if (!sub(/^.*\*\//, "", line)) next
        comment = 0
    }
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
    comment = sub(/\/\*.*$/, "", line)
    sub(/\/\/.*$/, "", line)
}

directive || line ~ /^[ \t]*#/ { directive = line ~ /\\$/; next }

decl == "" && line ~ /^[ \t]*(static|_Thread_local)[ \t]/ || decl == "" && line ~ /^[A-Za-z_]/ {
    decl = line
    start = FNR
    shown = $0
    if (line !~ /[;={}(\[:]/) next
    judge()
    next
}

decl != "" {
    decl = decl " " line
    if (line ~ /[;={}(\[:]/) judge()
}

function judge(    head) {
    head = decl
    decl = ""
    sub(/[;={\[].*$/, "", head)
    sub(/^[ \t]+/, "", head)
    if (head ~ /^(typedef|extern)[ \t]/ || head ~ /^(struct|union|enum)([ \t]+[a-z0-9_]+)?[ \t]*$/)
        return
    if (head ~ /[:]/ || head !~ /[A-Za-z0-9_*][ \t]+[*(]*[A-Za-z_]/)
        return # a label, a macro's use
    if (head ~ /^[^(]*\([^*]/ || head ~ /\($/)
        return # a function: its first parenthesis holds no pointer to one
    if (head ~ /\*/) # the last pointer is the object
        sub(/^.*\*/, "", head)
    if (head !~ /(^|[^A-Za-z0-9_])const([^A-Za-z0-9_]|$)/)
        printf "%s:%d:%s\n", FILENAME, start, shown
}
