# The C library of an image, tested in a program of the build machine that has no other; included by
# the tests of the preset xen.
add_executable(unit-xen-libc ${CMAKE_CURRENT_LIST_DIR}/libc_test.c)
target_compile_options(unit-xen-libc PRIVATE -std=gnu11 -Wall -Wextra -Werror -UNDEBUG
                       -fno-builtin)
target_compile_definitions(unit-xen-libc PRIVATE
                           LIBC_TEST_FLOAT=$<IF:$<BOOL:${RUNG_XEN_PRINTF_FLOAT}>,1,0>)
target_link_options(unit-xen-libc PRIVATE -nostdlib -static -no-pie -Wl,-e,go -Wl,--gc-sections)
target_link_libraries(unit-xen-libc PRIVATE rung_xen_libc
                                            $<TARGET_NAME_IF_EXISTS:rung_xen_flags>)
set_target_properties(unit-xen-libc PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
add_test(NAME unit-xen-libc COMMAND unit-xen-libc)
set_tests_properties(unit-xen-libc PROPERTIES LABELS unit TIMEOUT 60)
