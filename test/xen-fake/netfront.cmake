# netfront on the fake hypervisor: its contract suite, its tests, its fuzzer. Included by this folder's
# CMakeLists.txt.
rung_fake_driver(netfront netback.c netback_io.c FUZZ RUNS 20000 MAX_LEN 1024)

set(suite ${RUNG_ROOT}/test/contract/net)
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
