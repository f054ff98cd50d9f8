# netfront on the fake hypervisor: its contract suite, its tests, its fuzzer. Included by this folder's
# CMakeLists.txt; rung_xen_fake is the bus and the fake.
rung_get(sources module.netfront.SOURCES)
rung_get(folder module.netfront.FOLDER)
rung_module_header(${RUNG_GENERATED}/modules/netfront_module.h netfront "")
set(netback netback.c netback_io.c)
set(suite ${RUNG_ROOT}/test/contract/net)

add_library(rung_netfront_fake STATIC ${sources} ${netback})
target_include_directories(rung_netfront_fake PUBLIC ${folder} ${RUNG_GENERATED}/modules)
target_link_libraries(rung_netfront_fake PUBLIC rung_xen_fake PRIVATE rung_ground_flags)
# A test stands in for the reads of shared pages (below), which an optimiser would have inlined.
set_target_properties(rung_netfront_fake PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)

rung_test(contract-net-netfront PLATFORM virtual LABELS contract LINK rung_netfront_fake
          SOURCES ${suite}/suite.c ${suite}/suite_wire.c ${suite}/suite_send.c ${suite}/suite_recv.c
                  ${suite}/suite_offload.c ${suite}/suite_life.c ${suite}/suite_faults.c
                  ${suite}/suite_model.c ${suite}/fixture_netfront.c)
target_include_directories(contract-net-netfront PRIVATE ${suite})

foreach(story tx offload rx state mcast liar)
    rung_test(unit-netfront-${story} PLATFORM virtual LABELS unit LINK rung_netfront_fake
              SOURCES netfront_${story}_test.c netfront_testing.c)
endforeach()
target_link_options(unit-netfront-liar PRIVATE
                    -Wl,--wrap=rung_netfront_read32,--wrap=rung_netfront_read64)

set(corpus ${RUNG_ROOT}/test/fuzz/corpus/netfront)
add_executable(fuzz-netfront-corpus ${RUNG_ROOT}/test/fuzz/corpus_main.c netfront_fuzz.c)
set_target_properties(fuzz-netfront-corpus PROPERTIES
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
target_link_libraries(fuzz-netfront-corpus PRIVATE rung_netfront_fake rung_platform_virtual
                                                   rung_ground_flags)
add_test(NAME fuzz-netfront-corpus COMMAND fuzz-netfront-corpus ${corpus})
set_tests_properties(fuzz-netfront-corpus PROPERTIES LABELS fuzz TIMEOUT 300)

if(RUNG_FUZZ)
    # The module's sources once more, so that the fuzzer sees which of their branches are taken.
    add_executable(fuzz-netfront netfront_fuzz.c ${sources} ${netback})
    set_target_properties(fuzz-netfront PROPERTIES
                          RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/bin)
    target_include_directories(fuzz-netfront PRIVATE ${folder} ${RUNG_GENERATED}/modules)
    target_compile_options(fuzz-netfront PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(fuzz-netfront PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz-netfront PRIVATE rung_xen_fake rung_platform_virtual
                                                rung_ground_flags)
    set(found ${CMAKE_CURRENT_BINARY_DIR}/found-netfront)
    file(MAKE_DIRECTORY ${found})
    add_test(NAME fuzz-netfront COMMAND fuzz-netfront -runs=20000 -seed=1 -max_len=1024 -timeout=20
                                        ${found} ${corpus})
    set_tests_properties(fuzz-netfront PROPERTIES LABELS fuzz TIMEOUT 600)
endif()
