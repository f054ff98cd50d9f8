# Disks that somebody made to do harm: an archive for tarkv, a store for kvlog. Included by this folder's
# CMakeLists.txt. The sum that kvlog takes of everything is left out for it (kvlog_no_sum.c): a fuzzer that
# must guess sums tries nothing else.
function(rung_fuzz_store name leave_out)
    rung_get(sources module.${name}.SOURCES)
    rung_get(folder module.${name}.FOLDER)
    list(FILTER sources EXCLUDE REGEX "${leave_out}")
    # What is freed need not be kept for long: each input opens a store, with buffers of 100 KiB.
    rung_fuzz(${name} SOURCES ${ARGN} ${support}/test_disk.c SUBJECT ${sources}
              LINK rung_xxhash rung_platform_virtual INCLUDE ${folder}
              RUNS 20000 MAX_LEN 65536 ENVIRONMENT ASAN_OPTIONS=quarantine_size_mb=2)
endfunction()

rung_fuzz_store(tarkv "^$" tarkv_fuzz.c)
rung_fuzz_store(kvlog "kvlog_sum.c$" kvlog_fuzz.c kvlog_no_sum.c)
