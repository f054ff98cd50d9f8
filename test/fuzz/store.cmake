# Disks that somebody made to do harm: an archive for tarkv, a store for kvlog. Included by this folder's
# CMakeLists.txt. The sum that kvlog takes of everything is left out for it (kvlog_no_sum.c): a fuzzer that
# must guess sums tries nothing else.
function(rung_fuzz_store name module source leave_out)
    set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    rung_get(sources module.${module}.SOURCES)
    rung_get(folder module.${module}.FOLDER)
    list(FILTER sources EXCLUDE REGEX "${leave_out}")
    set(all ${source} ${ARGN} ${support}/test_disk.c ${sources})
    add_executable(fuzz-${name}-corpus corpus_main.c ${all})
    rung_fuzz_program(fuzz-${name}-corpus)
    target_include_directories(fuzz-${name}-corpus PRIVATE ${folder} ${RUNG_GENERATED}/modules)
    target_link_libraries(fuzz-${name}-corpus PRIVATE rung_xxhash rung_platform_virtual rung_ground_flags)
    add_test(NAME fuzz-${name}-corpus COMMAND fuzz-${name}-corpus ${corpus})
    # What is freed need not be kept for long: each input opens a store, with buffers of 100 KiB.
    set_tests_properties(fuzz-${name}-corpus PROPERTIES LABELS fuzz TIMEOUT 300
                         ENVIRONMENT ASAN_OPTIONS=quarantine_size_mb=2)
    if(RUNG_FUZZ)
        add_executable(fuzz-${name} ${all})
        rung_fuzz_program(fuzz-${name})
        target_include_directories(fuzz-${name} PRIVATE ${folder} ${RUNG_GENERATED}/modules)
        target_compile_options(fuzz-${name} PRIVATE -fsanitize=fuzzer-no-link)
        target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(fuzz-${name} PRIVATE rung_xxhash rung_platform_virtual rung_ground_flags)
        set(found ${CMAKE_CURRENT_BINARY_DIR}/found-${name})
        file(MAKE_DIRECTORY ${found})
        add_test(NAME fuzz-${name} COMMAND fuzz-${name} -runs=20000 -seed=1 -max_len=65536 -timeout=20
                                           ${found} ${corpus})
        set_tests_properties(fuzz-${name} PROPERTIES LABELS fuzz TIMEOUT 600
                             ENVIRONMENT ASAN_OPTIONS=quarantine_size_mb=2)
    endif()
endfunction()

rung_fuzz_store(tarkv tarkv tarkv_fuzz.c "^$")
rung_fuzz_store(kvlog kvlog kvlog_fuzz.c "kvlog_sum.c$" kvlog_no_sum.c)
