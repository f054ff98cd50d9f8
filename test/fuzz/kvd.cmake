# kvd: what a client can send it.
set(kvd_fuzz kvd_fuzz.c ${support}/tcp_loop.c ${support}/tcp_loop_pump.c)
add_executable(fuzz-kvd-corpus corpus_main.c ${kvd_fuzz})
rung_fuzz_program(fuzz-kvd-corpus)
target_link_libraries(fuzz-kvd-corpus PRIVATE rung_kvd_core rung_module_kv-memory
                                              rung_platform_virtual rung_ground_flags)
add_test(NAME fuzz-kvd-corpus COMMAND fuzz-kvd-corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/kvd)
set_tests_properties(fuzz-kvd-corpus PROPERTIES LABELS fuzz TIMEOUT 300)

if(RUNG_FUZZ)
    # Its sources once more, so that the fuzzer sees which of their branches are taken.
    rung_get(kvd_sources app.kvd.SOURCES)
    list(FILTER kvd_sources EXCLUDE REGEX "kvd_main")
    add_executable(fuzz-kvd ${kvd_fuzz} ${kvd_sources})
    rung_fuzz_program(fuzz-kvd)
    target_include_directories(fuzz-kvd PRIVATE ${RUNG_ROOT}/apps/kvd)
    target_compile_options(fuzz-kvd PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(fuzz-kvd PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz-kvd PRIVATE rung_module_kv-memory rung_platform_virtual
                                           rung_ground_flags)
    set(scratch ${CMAKE_CURRENT_BINARY_DIR}/found-kvd)
    file(MAKE_DIRECTORY ${scratch})
    add_test(NAME fuzz-kvd COMMAND fuzz-kvd -runs=20000 -seed=1 -max_len=1024 -timeout=20
                                   ${scratch} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/kvd)
    set_tests_properties(fuzz-kvd PROPERTIES LABELS fuzz TIMEOUT 600)
endif()
