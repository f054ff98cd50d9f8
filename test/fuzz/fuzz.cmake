# Fuzz targets. Every build replays their corpora; RUNG_FUZZ=ON (clang) builds the fuzzers as well, to be
# run as <build>/test/bin/fuzz-<name> <scratch folder> test/fuzz/corpus/<name>.
if(RUNG_FUZZ AND NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "RUNG_FUZZ=ON needs clang: configure with -DCMAKE_C_COMPILER=clang.")
endif()

# rung_fuzz(NAME SOURCES file... SUBJECT file... [MODULE target...] [LINK target...] [INCLUDE folder...]
#           RUNS n MAX_LEN bytes [ENVIRONMENT text])
# SOURCES are the test's own; SUBJECT is what is attacked, and compiled for the fuzzer once more, so that
# it sees which branches are taken there. MODULE has the subject too, for the replay; without one that is
# compiled from SUBJECT as well. LINK is for both. RUNS and MAX_LEN are those of the test.
function(rung_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 f "" "RUNS;MAX_LEN;ENVIRONMENT"
                          "SOURCES;SUBJECT;MODULE;LINK;INCLUDE")
    set(corpus ${RUNG_ROOT}/test/fuzz/corpus/${name})
    set(programs fuzz-${name}-corpus)
    add_executable(fuzz-${name}-corpus ${RUNG_ROOT}/test/fuzz/corpus_main.c ${f_SOURCES})
    target_link_libraries(fuzz-${name}-corpus PRIVATE ${f_MODULE})
    if(NOT f_MODULE)
        target_sources(fuzz-${name}-corpus PRIVATE ${f_SUBJECT})
    endif()
    add_test(NAME fuzz-${name}-corpus COMMAND fuzz-${name}-corpus ${corpus})
    set_tests_properties(fuzz-${name}-corpus PROPERTIES LABELS fuzz TIMEOUT 300
                         ENVIRONMENT "${f_ENVIRONMENT}")
    if(RUNG_FUZZ)
        list(APPEND programs fuzz-${name})
        add_executable(fuzz-${name} ${f_SOURCES} ${f_SUBJECT})
        target_compile_options(fuzz-${name} PRIVATE -fsanitize=fuzzer-no-link)
        target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
        set(found ${CMAKE_CURRENT_BINARY_DIR}/found-${name})
        file(MAKE_DIRECTORY ${found})
        add_test(NAME fuzz-${name} COMMAND fuzz-${name} -runs=${f_RUNS} -seed=1 -max_len=${f_MAX_LEN}
                                           -timeout=20 ${found} ${corpus})
        set_tests_properties(fuzz-${name} PROPERTIES LABELS fuzz TIMEOUT 600
                             ENVIRONMENT "${f_ENVIRONMENT}")
    endif()
    foreach(program IN LISTS programs)
        target_include_directories(${program} PRIVATE ${f_INCLUDE} ${RUNG_ROOT}/test/support
                                                      ${RUNG_GENERATED}/modules)
        target_link_libraries(${program} PRIVATE ${f_LINK} rung_ground_flags)
        set_target_properties(${program} PROPERTIES
                              RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
    endforeach()
endfunction()
