# blkfront on the fake hypervisor: contract suite, tests, fuzzer. Included by this folder's
# CMakeLists.txt; rung_xen_fake is the bus and the fake.
rung_get(sources module.blkfront.SOURCES)
rung_get(folder module.blkfront.FOLDER)
rung_module_header(${RUNG_GENERATED}/modules/blkfront_module.h blkfront "")
set(blkback blkback.c blkback_io.c)
set(suite ${RUNG_ROOT}/test/contract/block)

add_library(rung_blkfront_fake STATIC ${sources} ${blkback})
target_include_directories(rung_blkfront_fake PUBLIC ${folder} ${RUNG_GENERATED}/modules
                                                     ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(rung_blkfront_fake PUBLIC rung_xen_fake PRIVATE rung_ground_flags)
# A test stands in for the reads of shared pages (below), which an optimiser would have inlined.
set_target_properties(rung_blkfront_fake PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)

rung_test(contract-block-blkfront PLATFORM virtual LABELS contract LINK rung_blkfront_fake
          SOURCES ${suite}/suite.c ${suite}/suite_requests.c ${suite}/suite_limits.c
                  ${suite}/suite_life.c ${suite}/suite_faults.c ${suite}/suite_model.c
                  ${suite}/suite_oracle.c ${suite}/fixture_blkfront.c)
target_include_directories(contract-block-blkfront PRIVATE ${suite})

foreach(story memory scarce kinds state liar)
    rung_test(unit-blkfront-${story} PLATFORM virtual LABELS unit LINK rung_blkfront_fake
              SOURCES blkfront_${story}_test.c blkfront_testing.c)
endforeach()
target_link_options(unit-blkfront-liar PRIVATE -Wl,--wrap=rung_blkfront_read64)
target_link_options(unit-blkfront-memory PRIVATE -Wl,--wrap=rung_xen_grant)

set(corpus ${RUNG_ROOT}/test/fuzz/corpus/blkfront)
add_executable(fuzz-blkfront-corpus ${RUNG_ROOT}/test/fuzz/corpus_main.c blkfront_fuzz.c)
set_target_properties(fuzz-blkfront-corpus PROPERTIES
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
target_link_libraries(fuzz-blkfront-corpus PRIVATE rung_blkfront_fake rung_platform_virtual
                                                   rung_ground_flags)
add_test(NAME fuzz-blkfront-corpus COMMAND fuzz-blkfront-corpus ${corpus})
set_tests_properties(fuzz-blkfront-corpus PROPERTIES LABELS fuzz TIMEOUT 300)

if(RUNG_FUZZ)
    # The module's sources once more, so that the fuzzer sees which of their branches are taken.
    add_executable(fuzz-blkfront blkfront_fuzz.c ${sources} ${blkback})
    set_target_properties(fuzz-blkfront PROPERTIES
                          RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
    target_include_directories(fuzz-blkfront PRIVATE ${folder} ${RUNG_GENERATED}/modules)
    target_compile_options(fuzz-blkfront PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(fuzz-blkfront PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz-blkfront PRIVATE rung_xen_fake rung_platform_virtual
                                                rung_ground_flags)
    set(found ${CMAKE_CURRENT_BINARY_DIR}/found-blkfront)
    file(MAKE_DIRECTORY ${found})
    add_test(NAME fuzz-blkfront COMMAND fuzz-blkfront -runs=10000 -seed=1 -max_len=512 -timeout=20
                                        ${found} ${corpus})
    set_tests_properties(fuzz-blkfront PROPERTIES LABELS fuzz TIMEOUT 600)
endif()
