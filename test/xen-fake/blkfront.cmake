# blkfront on the fake hypervisor: contract suite, tests, fuzzer. Included by this folder's
# CMakeLists.txt.
rung_fake_driver(blkfront blkback.c blkback_io.c FUZZ RUNS 10000 MAX_LEN 512)

set(suite ${RUNG_ROOT}/test/contract/block)
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
