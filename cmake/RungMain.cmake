# The main of an app: its keys, its modules opened in order, its look at its keys on the way, the app
# itself, and all of it closed in reverse. RungGenerate.cmake calls it.
include_guard()

# The rows of the key table that boot can set, and the list of those fixed at build time.
function(rung_key_rows_ out_rows out_fixed app path member keys)
    rung_defaults(defaults ${app})
    rung_instance_fixed_(fixed ${app} "${path}" "${keys}")
    set(rows "")
    set(fixed_rows "")
    foreach(spec IN LISTS keys)
        rung_key_parse(key "${app}" "${spec}")
        set(at "${key_name}")
        if(path)
            set(at "${path}.${key_name}")
        endif()
        rung_fixed_value(given value "${key_name}" "${fixed}")
        if(given)
            rung_c_string(text "${value}")
            string(APPEND fixed_rows "    {\"${at}\", ${text}},\n")
        else()
            rung_fixed_value(given value "${at}" "${defaults}")
            if(given)
                rung_key_constant(unused "${app}: key '${at}', DEFAULTS" "${key_type}" "${value}")
            endif()
            rung_key_row(row "${at}" "${member}" "${spec}" "${defaults}")
            string(APPEND rows "${row}")
        endif()
    endforeach()
    set(${out_rows} "${rows}" PARENT_SCOPE)
    set(${out_fixed} "${fixed_rows}" PARENT_SCOPE)
endfunction()

# One instance's share of main: the state, how it is opened, how it is closed.
macro(rung_main_instance_ path)
    rung_get(module bound.${app}.at.${path})
    rung_get(keys module.${module}.KEYS)
    rung_get(provides module.${module}.PROVIDES)
    rung_get(requires module.${module}.REQUIRES)
    rung_get(generate module.${module}.GENERATE)
    rung_c_name(m ${module})
    rung_c_name(i ${path})
    string(APPEND includes "#include \"${m}.h\"\n")
    string(APPEND states "    struct rung_${m} ${i};\n    struct rung_${m}_keys ${i}_keys;\n")
    string(APPEND opens "    g.${i}_keys.slot = \"${path}\";\n")
    if(generate)
        string(APPEND externs "extern const struct rung_${m}_image rung_${m}_image_${app_c}_${i};\n")
        string(APPEND opens "    g.${i}_keys.generated = &rung_${m}_image_${app_c}_${i};\n")
    endif()
    set(needs "")
    foreach(need IN LISTS requires)
        rung_get(dep bound.${app}.dep.${path}.${need})
        rung_c_name(d ${dep})
        string(APPEND needs ".${need} = &g.${d}.${need}, ")
    endforeach()
    string(REGEX REPLACE ", $" "" needs "${needs}")
    if(needs STREQUAL "")
        set(needs "0")
    endif()
    string(APPEND opens
        "    status = rung_boot_opened(rung_${m}_open(&g.${i}, p, &g.${i}_keys,\n"
        "                                             &(struct rung_${m}_needs){${needs}}));\n"
        "    if (status != RUNG_BOOT_GO)\n        goto ${last};\n")
    set(close "")
    foreach(iface IN LISTS provides)
        string(APPEND close
            "    ${RUNG_CLOSE_${iface}}(&g.${i}.${iface}, rung_boot_closing(&closer, p, \"${path}\"));\n"
            "    status = rung_boot_wait(&closer, status);\n")
    endforeach()
    if(closes)
        string(PREPEND closes "${last}:\n")
    endif()
    string(PREPEND closes "${close}")
    set(last ${i}_close)
    rung_key_rows_(more more_fixed ${app} "${path}" "${i}_keys." "${keys}")
    string(APPEND rows "${more}")
    string(APPEND fixed "${more_fixed}")
endmacro()

# The app's look at its keys, once what it wants for that is open.
macro(rung_main_check_)
    if(checks AND NOT unopened)
        set(checks OFF)
        foreach(slot IN LISTS check)
            rung_main_fill_(opens ${slot})
        endforeach()
        string(APPEND opens "    status = ${app_c}_check(p, &g.slots);\n"
                            "    if (status != 0)\n        goto ${last};\n")
    endif()
endmacro()

macro(rung_main_fill_ out slot)
    rung_get(path_ bound.${app}.slot.${slot})
    rung_get(iface_ app.${app}.slot.${slot})
    rung_c_name(i_ ${path_})
    string(APPEND ${out} "    g.slots.${slot} = &g.${i_}.${iface_};\n")
endmacro()

function(rung_main_ file app)
    rung_c_name(app_c ${app})
    rung_get(order bound.${app}.order)
    rung_get(slots app.${app}.SLOTS)
    rung_get(keys app.${app}.KEYS)
    rung_get(about app.${app}.ABOUT)
    rung_c_string(about "${about}")
    set(includes "")
    set(externs "")
    set(states "")
    set(opens "")
    set(closes "")
    set(last "out")
    set(fill "")
    rung_key_rows_(rows fixed ${app} "" "slots.keys." "${keys}")
    rung_get(check app.${app}.CHECK)
    rung_get(checks app.${app}.CHECKS)
    set(unopened)
    foreach(slot IN LISTS check)
        list(REMOVE_ITEM slots ${slot})
        rung_get(path bound.${app}.slot.${slot})
        list(APPEND unopened ${path})
    endforeach()
    rung_main_check_()
    foreach(path IN LISTS order)
        rung_main_instance_(${path})
        list(REMOVE_ITEM unopened ${path})
        rung_main_check_()
    endforeach()
    foreach(slot IN LISTS slots)
        rung_main_fill_(fill ${slot})
    endforeach()
    if(closes)
        set(closer "    struct rung_boot_closer closer;\n")
    endif()
    rung_get(checks app.${app}.CHECKS)
    if(order OR checks)
        set(out_label "out:\n")
    endif()
    file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT
"/* ${RUNG_GENERATED_NOTE}
 * The main of '${app}' on ${RUNG_PLATFORM}: keys, modules in order, the app, and back. */
#include <stddef.h>

#include \"rung/program.h\"

#include \"boot.h\"
${includes}#include \"${app_c}_app.h\"

${externs}
struct program {
    struct ${app_c}_slots slots;
${states}};

static const struct rung_boot_key program_keys[] = {
${rows}    {0},
};

static const struct rung_boot_fixed program_fixed[] = {
${fixed}    {0},
};

static const struct rung_boot_about program_about = {
    .name = \"${app}\", .about = ${about}, .keys = program_keys, .fixed = program_fixed,
};

int rung_program(struct rung_platform *p)
{
    struct program g = {0};
${closer}    int status = rung_boot_keys(p, &program_about, &g);
    if (status != RUNG_BOOT_GO)
        return status;
${opens}${fill}    status = ${app_c}_main(p, &g.slots);
${closes}${out_label}    return status;
}
")
endfunction()
