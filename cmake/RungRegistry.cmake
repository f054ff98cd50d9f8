# The registry: what modules, apps and platforms exist. Nothing is built here; rung_finish() in
# RungResolve.cmake reads it once every folder has spoken. Reference: docs/reference/modules.md.
include_guard()

# Every interface, how one of it is closed, and whether modules share one instance of it.
set(RUNG_INTERFACES net tcp udp dns block kv http)
set(RUNG_SHARED_INTERFACES net tcp udp dns http)
set(RUNG_CLOSE_net rung_net_close)
set(RUNG_CLOSE_tcp rung_tcp_stop)
set(RUNG_CLOSE_udp rung_udp_stop)
set(RUNG_CLOSE_dns rung_dns_stop)
set(RUNG_CLOSE_block rung_block_close)
set(RUNG_CLOSE_kv rung_kv_close)
set(RUNG_CLOSE_http rung_http_close)

# Variables that people may set. Any other RUNG_... in the cache stops configuration.
macro(rung_option name default help)
    set(${name} "${default}" CACHE STRING "${help}")
    set_property(GLOBAL APPEND PROPERTY rung.options ${name})
endmacro()

function(rung_set key)
    set_property(GLOBAL PROPERTY "rung.${key}" "${ARGN}")
endfunction()

function(rung_add key)
    set_property(GLOBAL APPEND PROPERTY "rung.${key}" ${ARGN})
endfunction()

function(rung_get out key)
    get_property(value GLOBAL PROPERTY "rung.${key}")
    set(${out} "${value}" PARENT_SCOPE)
endfunction()

# A semicolon in the text of a key would part it in CMake's lists: it travels as <semicolon>, and
# rung_c_string() turns it back.
macro(rung_protect variable)
    string(REPLACE "\\;" "<semicolon>" ${variable} "${${variable}}")
endmacro()

# The name as it stands in C.
function(rung_c_name out name)
    string(REGEX REPLACE "[-.]" "_" c "${name}")
    set(${out} "${c}" PARENT_SCOPE)
endfunction()

function(rung_absolute out)
    set(all)
    foreach(file IN LISTS ARGN)
        cmake_path(ABSOLUTE_PATH file NORMALIZE)
        list(APPEND all "${file}")
    endforeach()
    set(${out} "${all}" PARENT_SCOPE)
endfunction()

# Stops at a word that is no word of the command's, such as NEED: CMake would take it for one more value
# of the word before it. free: the text that may be any.
function(rung_check_words_ what known free)
    foreach(word IN LISTS ARGN)
        if(word MATCHES "^[A-Z]+$" AND NOT word IN_LIST known AND NOT word STREQUAL free)
            rung_nearest(near ${word} ${known})
            if(near)
                set(near "; did you mean ${near}?")
            else()
                set(near ".")
            endif()
            rung_words(words ${known})
            message(FATAL_ERROR "${what}: there is no ${word}${near} Its words are ${words}.")
        endif()
    endforeach()
endfunction()

# rung_module(NAME PROVIDES iface... [REQUIRES iface...] [PLATFORMS p...] SOURCES file...
#             [HOT file...] [LINK target...] [KEYS key...] [DEFAULTS iface.key=value...]
#             [GENERATE function] [TESTS file...])
# HOT are those of SOURCES that copy what packets and requests carry, or that each of them passes many
# times: where all else is compiled to be small (hot_options), these stay fast. DEFAULTS are those of
# keys that what it requires for itself alone may have; an app's own go before them.
function(rung_module name)
    rung_check_words_("rung_module(${name})"
                      "PROVIDES;REQUIRES;PLATFORMS;SOURCES;HOT;LINK;KEYS;DEFAULTS;GENERATE;TESTS" ""
                      ${ARGN})
    cmake_parse_arguments(PARSE_ARGV 1 m "" "GENERATE"
                          "PROVIDES;REQUIRES;PLATFORMS;SOURCES;HOT;LINK;KEYS;DEFAULTS;TESTS")
    if(m_UNPARSED_ARGUMENTS OR NOT m_PROVIDES OR NOT m_SOURCES)
        message(FATAL_ERROR "rung_module(${name}): give PROVIDES and SOURCES, and nothing unknown "
                            "('${m_UNPARSED_ARGUMENTS}').")
    endif()
    foreach(iface IN LISTS m_PROVIDES m_REQUIRES)
        if(NOT iface IN_LIST RUNG_INTERFACES)
            rung_words(words ${RUNG_INTERFACES})
            message(FATAL_ERROR "rung_module(${name}): '${iface}' is no interface; write ${words}.")
        endif()
    endforeach()
    rung_protect(m_KEYS)
    rung_check_keys_("rung_module(${name})" ${m_KEYS})
    foreach(pair IN LISTS m_DEFAULTS)
        if(NOT pair MATCHES "^([a-z]+)\\.[^=]+=" OR NOT CMAKE_MATCH_1 IN_LIST m_REQUIRES)
            message(FATAL_ERROR "rung_module(${name}): DEFAULTS '${pair}' does not read as "
                                "iface.key=value with an interface of REQUIRES.")
        elseif(CMAKE_MATCH_1 IN_LIST RUNG_SHARED_INTERFACES OR CMAKE_MATCH_1 IN_LIST m_PROVIDES)
            message(FATAL_ERROR "rung_module(${name}): DEFAULTS '${pair}' is for a module that is not its "
                                "alone; only an app may give that default.")
        endif()
    endforeach()
    rung_get(known modules)
    if(name IN_LIST known)
        message(FATAL_ERROR "rung_module(${name}) stands twice.")
    endif()
    set(sources ${m_SOURCES})
    rung_absolute(m_SOURCES ${m_SOURCES})
    foreach(file IN LISTS m_HOT)
        if(NOT file IN_LIST sources)
            message(FATAL_ERROR "rung_module(${name}): HOT names ${file}, which is not one of SOURCES.")
        endif()
    endforeach()
    rung_absolute(m_HOT ${m_HOT})
    rung_absolute(m_TESTS ${m_TESTS})
    rung_add(modules ${name})
    foreach(field PROVIDES REQUIRES PLATFORMS SOURCES HOT LINK KEYS DEFAULTS GENERATE TESTS)
        rung_set(module.${name}.${field} ${m_${field}})
    endforeach()
    rung_set(module.${name}.FOLDER "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

# The names of an app's slots; the interface that each wants goes into the registry.
function(rung_app_slots_ out name)
    set(slots)
    foreach(need IN LISTS ARGN)
        if(NOT need MATCHES "^([a-z][a-z0-9_]*):([A-Z]+)$")
            message(FATAL_ERROR "rung_app(${name}): '${need}' is no slot; write it as content:KV.")
        endif()
        string(TOLOWER ${CMAKE_MATCH_2} iface)
        if(NOT iface IN_LIST RUNG_INTERFACES)
            string(TOUPPER "${RUNG_INTERFACES}" words)
            rung_words(words ${words})
            message(FATAL_ERROR "rung_app(${name}): slot '${CMAKE_MATCH_1}' wants '${CMAKE_MATCH_2}', "
                                "which is no interface; write ${words}.")
        endif()
        if(CMAKE_MATCH_1 IN_LIST slots)
            message(FATAL_ERROR "rung_app(${name}): slot '${CMAKE_MATCH_1}' stands twice; give one another "
                                "name.")
        endif()
        list(APPEND slots ${CMAKE_MATCH_1})
        rung_set(app.${name}.slot.${CMAKE_MATCH_1} ${iface})
    endforeach()
    set(${out} "${slots}" PARENT_SCOPE)
endfunction()

# rung_app(NAME ABOUT text SOURCES file... [NEEDS slot:IFACE...] [KEYS key...] [DEFAULTS path=value...]
#          [CHOOSE slot=module...] [MEMORY mib] [CHECK [slot...]])
# CHOOSE is the app's own choice for a slot, which RUNG_<app>_<slot> overrides. MEMORY is what a machine
# has that runs nothing else, if 32 MiB are too little. CHECK: <app>_check() looks at the keys when
# these slots, the first of NEEDS, are open, and before any other is.
function(rung_app name)
    if(NOT name MATCHES "^[a-z][a-z0-9_-]*$")
        message(FATAL_ERROR "rung_app(${name}): that is no name for an app; write small letters, digits, "
                            "'-' and '_', a letter first.")
    endif()
    cmake_parse_arguments(PARSE_ARGV 1 a "" "ABOUT;MEMORY" "SOURCES;NEEDS;KEYS;DEFAULTS;CHOOSE;CHECK")
    rung_check_words_("rung_app(${name})"
                      "ABOUT;SOURCES;NEEDS;KEYS;DEFAULTS;CHOOSE;MEMORY;CHECK" "${a_ABOUT}" ${ARGN})
    if(a_UNPARSED_ARGUMENTS OR NOT a_SOURCES)
        message(FATAL_ERROR "rung_app(${name}): give SOURCES, and nothing unknown "
                            "('${a_UNPARSED_ARGUMENTS}').")
    endif()
    rung_get(known apps)
    if(name IN_LIST known)
        message(FATAL_ERROR "rung_app(${name}) stands twice; give one another name.")
    endif()
    rung_app_slots_(slots ${name} ${a_NEEDS})
    set(a_CHECKS OFF)
    if(a_CHECK OR "CHECK" IN_LIST a_KEYWORDS_MISSING_VALUES)
        set(a_CHECKS ON)
        list(LENGTH a_CHECK n)
        list(SUBLIST slots 0 ${n} first)
        if(NOT "${a_CHECK}" STREQUAL "${first}")
            rung_words(words ${a_CHECK})
            message(FATAL_ERROR "rung_app(${name}): CHECK names ${words}; these must be the first of "
                                "NEEDS, in that order.")
        endif()
    endif()
    if(NOT a_MEMORY)
        set(a_MEMORY 32)
    elseif(NOT a_MEMORY MATCHES "^[1-9][0-9]*$")
        message(FATAL_ERROR "rung_app(${name}): '${a_MEMORY}' is no MEMORY; give a number of MiB.")
    endif()
    rung_protect(a_KEYS)
    rung_check_keys_("rung_app(${name})" ${a_KEYS})
    foreach(spec IN LISTS a_KEYS)
        if(spec MATCHES "^(help|log):")
            message(FATAL_ERROR "rung_app(${name}): every program has a key '${CMAKE_MATCH_1}' already; "
                                "give this one another name.")
        endif()
    endforeach()
    rung_absolute(a_SOURCES ${a_SOURCES})
    rung_add(apps ${name})
    foreach(field ABOUT MEMORY SOURCES KEYS DEFAULTS CHOOSE CHECK CHECKS)
        rung_set(app.${name}.${field} ${a_${field}})
    endforeach()
    rung_set(app.${name}.SLOTS ${slots})
    rung_set(app.${name}.FOLDER "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

# rung_platform(NAME SOURCES file... [MAIN file] [IMAGE function] [LINK target...]): the platform services, as the
# library rung_platform_NAME; MAIN is linked into apps and not into tests. IMAGE is called with each app's
# target and its modules, to make of the linked program what this ground starts.
function(rung_platform name)
    cmake_parse_arguments(PARSE_ARGV 1 p "" "MAIN;IMAGE" "SOURCES;LINK")
    rung_absolute(p_SOURCES ${p_SOURCES})
    rung_absolute(p_MAIN ${p_MAIN})
    rung_add(platforms ${name})
    rung_set(platform.${name}.MAIN "${p_MAIN}")
    rung_set(platform.${name}.IMAGE "${p_IMAGE}")
    add_library(rung_platform_${name} STATIC ${p_SOURCES})
    target_include_directories(rung_platform_${name} PUBLIC ${RUNG_ROOT}/backends)
    target_link_libraries(rung_platform_${name} PUBLIC rung_ground_flags rung_platform_common
                                                       ${p_LINK})
endfunction()

function(rung_platform_common)
    cmake_parse_arguments(PARSE_ARGV 0 p "" "" "SOURCES")
    add_library(rung_platform_common STATIC ${p_SOURCES})
    target_include_directories(rung_platform_common PUBLIC ${RUNG_ROOT}/backends)
    target_link_libraries(rung_platform_common PUBLIC rung_ground_flags)
endfunction()

# The words people choose by: "dir" for kv-dir, "lwip" for lwip.
function(rung_short_name out module iface)
    string(REGEX REPLACE "^${iface}-" "" short ${module})
    set(${out} ${short} PARENT_SCOPE)
endfunction()

# "a, b or c"
function(rung_words out)
    list(JOIN ARGN ", " words)
    string(REGEX REPLACE ", ([^,]*)$" " or \\1" words "${words}")
    if(words STREQUAL "")
        set(words "nothing in this tree")
    endif()
    set(${out} "${words}" PARENT_SCOPE)
endfunction()

# Of the words in ARGN the one nearest to word by edit distance, or "" if none is near: a third of the
# letters may be wrong. stacks/boot/keys.c measures the same.
function(rung_nearest out word)
    string(LENGTH "${word}" n)
    math(EXPR best "(${n} + 2) / 3 + 1")
    set(found "")
    foreach(candidate IN LISTS ARGN)
        rung_edit_distance_(distance "${word}" "${candidate}")
        if(distance LESS best)
            set(best ${distance})
            set(found "${candidate}")
        endif()
    endforeach()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Levenshtein's, where two letters that changed places count as one mistake. a is not empty.
function(rung_edit_distance_ out a b)
    string(LENGTH "${a}" n)
    string(LENGTH "${b}" m)
    foreach(j RANGE ${m})
        set(cell_0_${j} ${j})
    endforeach()
    foreach(i RANGE 1 ${n})
        math(EXPR up "${i} - 1")
        string(SUBSTRING "${a}" ${up} 1 ca)
        set(cell_${i}_0 ${i})
        set(cb "")
        foreach(j RANGE 1 ${m})
            math(EXPR left "${j} - 1")
            set(cb_before "${cb}")
            string(SUBSTRING "${b}" ${left} 1 cb)
            set(cost ${cell_${up}_${left}})
            if(NOT ca STREQUAL cb)
                math(EXPR cost "${cost} + 1")
            endif()
            math(EXPR others "${cell_${up}_${j}} + 1")
            math(EXPR side "${cell_${i}_${left}} + 1")
            if(i GREATER 1 AND j GREATER 1 AND ca STREQUAL cb_before AND ca_before STREQUAL cb)
                math(EXPR twice_up "${i} - 2")
                math(EXPR twice_left "${j} - 2")
                math(EXPR swapped "${cell_${twice_up}_${twice_left}} + 1")
                list(APPEND others ${swapped})
            endif()
            foreach(other ${others} ${side})
                if(other LESS cost)
                    set(cost ${other})
                endif()
            endforeach()
            set(cell_${i}_${j} ${cost})
        endforeach()
        set(ca_before "${ca}")
    endforeach()
    set(${out} ${cell_${n}_${m}} PARENT_SCOPE)
endfunction()
