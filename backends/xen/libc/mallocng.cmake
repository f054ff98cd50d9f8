# musl's allocator, mallocng, as the library rung_xen_mallocng. Tests on the build machine link it too:
# then it has that machine's headers.
add_library(rung_xen_mallocng STATIC
    ${MUSL_SOURCE_DIR}/src/malloc/mallocng/aligned_alloc.c
    ${MUSL_SOURCE_DIR}/src/malloc/mallocng/free.c
    ${MUSL_SOURCE_DIR}/src/malloc/mallocng/malloc.c
    ${CMAKE_CURRENT_LIST_DIR}/mallocng_pages.c)
target_include_directories(rung_xen_mallocng PRIVATE ${MUSL_SOURCE_DIR}/src/malloc/mallocng
                                             PUBLIC ${RUNG_ROOT}/backends)
target_compile_options(rung_xen_mallocng PRIVATE -std=gnu11 -Oz -w -ffreestanding -fno-strict-aliasing
    -ffunction-sections -fdata-sections "SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/mallocng_glue.h")
target_link_libraries(rung_xen_mallocng PRIVATE
    $<TARGET_NAME_IF_EXISTS:rung_xen_libc_headers> $<TARGET_NAME_IF_EXISTS:rung_xen_flags>)
