# Tests of modules: the contract suite of each interface, run for every module that provides it, and
# the unit tests beside the code. The libraries here are built without bindings (calls through tables).
include_guard()

# The module as a library for tests: rung_module_<name>.
function(rung_module_library_ module)
    rung_c_name(c ${module})
    rung_get(sources module.${module}.SOURCES)
    rung_get(folder module.${module}.FOLDER)
    rung_get(link module.${module}.LINK)
    rung_get(platforms module.${module}.PLATFORMS)
    rung_module_header(${RUNG_GENERATED}/modules/${c}_module.h ${module} "")
    add_library(rung_module_${module} STATIC ${sources})
    target_include_directories(rung_module_${module} PUBLIC ${folder} ${RUNG_GENERATED}/modules)
    set(flags rung_portable_flags)
    if(platforms)
        set(flags rung_ground_flags)
        target_include_directories(rung_module_${module} PUBLIC ${RUNG_ROOT}/backends)
    endif()
    target_link_libraries(rung_module_${module} PUBLIC ${link} PRIVATE ${flags})
endfunction()

# A test program on a platform, registered with ctest, and once more under valgrind if asked for.
# rung_test(NAME PLATFORM p SOURCES file... [LINK target...] [LABELS label...] [ARGS word...])
function(rung_test name)
    cmake_parse_arguments(PARSE_ARGV 1 t "" "PLATFORM" "SOURCES;LINK;LABELS;ARGS")
    add_executable(${name} ${t_SOURCES})
    target_include_directories(${name} PRIVATE ${RUNG_ROOT}/test/support)
    target_compile_definitions(${name} PRIVATE RUNG_TEST_SOURCE_DIR="${RUNG_ROOT}/test")
    target_link_libraries(${name} PRIVATE ${t_LINK} rung_test_support_${t_PLATFORM}
                                          rung_platform_${t_PLATFORM} rung_cmocka
                                          rung_ground_flags)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
    add_test(NAME ${name} COMMAND ${name} ${t_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS "${t_LABELS}" TIMEOUT 300 SKIP_RETURN_CODE 77)
    if(RUNG_VALGRIND)
        add_test(NAME valgrind.${name}
                 COMMAND ${RUNG_VALGRIND_PROGRAM} -q --error-exitcode=99 --leak-check=full
                         --errors-for-leak-kinds=definite,indirect,possible $<TARGET_FILE:${name}> ${t_ARGS})
        set_tests_properties(valgrind.${name} PROPERTIES LABELS "valgrind;${t_LABELS}" TIMEOUT 900
                             SKIP_RETURN_CODE 77 ENVIRONMENT "RUNG_TEST_SLOW=1")
    endif()
endfunction()

# rung_contract_fixture(INTERFACE MODULE [PLATFORM p] [SOURCES file...] [LINK target...]), before
# rung_contract_suite(): what a module's fixture needs beyond the module. A portable module runs on
# the platform p instead of the virtual one, where nothing comes from outside; without that platform
# there is no program, for what the fixture links may exist only there.
function(rung_contract_fixture iface module)
    cmake_parse_arguments(PARSE_ARGV 2 f "" "PLATFORM" "SOURCES;LINK")
    rung_get(platforms module.${module}.PLATFORMS)
    if(f_UNPARSED_ARGUMENTS OR (f_PLATFORM AND platforms AND NOT f_PLATFORM IN_LIST platforms))
        message(FATAL_ERROR "rung_contract_fixture(${iface} ${module}): '${f_UNPARSED_ARGUMENTS}' is "
                            "unknown, or the module does not run on '${f_PLATFORM}'.")
    endif()
    rung_absolute(f_SOURCES ${f_SOURCES})
    foreach(field PLATFORM SOURCES LINK)
        rung_set(fixture.${iface}.${module}.${field} ${f_${field}})
    endforeach()
endfunction()

# The platform that a module's fixture runs on; empty: none that this build has.
function(rung_contract_platform_ out iface module)
    rung_get(platforms module.${module}.PLATFORMS)
    rung_get(platform fixture.${iface}.${module}.PLATFORM)
    if(NOT platform)
        set(platform virtual)
        if(platforms)
            set(platform ${RUNG_PLATFORM})
        endif()
    endif()
    rung_get(absent module.${module}.ABSENT)
    if(absent OR (platforms AND NOT RUNG_PLATFORM IN_LIST platforms)
       OR NOT platform MATCHES "^(virtual|${RUNG_PLATFORM})$")
        set(platform)
    endif()
    set(${out} ${platform} PARENT_SCOPE)
endfunction()

# The suite of one interface, run for every module that provides it: called in
# test/contract/<interface>/CMakeLists.txt, after all modules are known.
function(rung_contract_suite iface)
    cmake_parse_arguments(PARSE_ARGV 1 s "" "" "SOURCES;LINK")
    rung_get(modules modules)
    foreach(module IN LISTS modules)
        rung_get(provides module.${module}.PROVIDES)
        rung_get(sources fixture.${iface}.${module}.SOURCES)
        rung_get(link fixture.${iface}.${module}.LINK)
        rung_contract_platform_(platform ${iface} ${module})
        if(NOT iface IN_LIST provides OR NOT platform)
            continue()
        endif()
        rung_c_name(c ${module})
        rung_test(contract-${iface}-${module} PLATFORM ${platform} LABELS contract
                  SOURCES ${s_SOURCES} fixture_${c}.c ${sources}
                  LINK rung_module_${module} ${link} ${s_LINK})
        target_include_directories(contract-${iface}-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    endforeach()
endfunction()

# Unit tests that modules list beside their code.
function(rung_unit_tests_)
    rung_get(modules modules)
    foreach(module IN LISTS modules)
        rung_get(tests module.${module}.TESTS)
        rung_get(platforms module.${module}.PLATFORMS)
        rung_get(absent module.${module}.ABSENT)
        if(absent)
            continue()
        endif()
        set(platform virtual)
        if(platforms)
            set(platform unix)
        endif()
        foreach(file IN LISTS tests)
            get_filename_component(stem ${file} NAME_WE)
            string(REPLACE "_" "-" stem ${stem})
            rung_test(unit-${stem} PLATFORM ${platform} LABELS unit SOURCES ${file}
                      LINK rung_module_${module})
        endforeach()
    endforeach()
endfunction()

function(rung_tests_begin)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
    if(NOT cmocka_FOUND)
        message(FATAL_ERROR "cmocka is not installed: run './rung deps test', or configure with "
                            "-DRUNG_TESTS=OFF.")
    endif()
    add_library(rung_cmocka INTERFACE)
    target_link_libraries(rung_cmocka INTERFACE PkgConfig::cmocka)
    if(RUNG_VALGRIND)
        find_program(RUNG_VALGRIND_PROGRAM valgrind REQUIRED)
        mark_as_advanced(RUNG_VALGRIND_PROGRAM)
    endif()
    rung_get(modules modules)
    foreach(module IN LISTS modules)
        rung_get(platforms module.${module}.PLATFORMS)
        rung_get(absent module.${module}.ABSENT)
        if(NOT absent AND (NOT platforms OR RUNG_PLATFORM IN_LIST platforms))
            rung_module_library_(${module})
        endif()
    endforeach()
    rung_unit_tests_()
endfunction()
