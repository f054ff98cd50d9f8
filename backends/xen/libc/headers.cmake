# musl's headers, two of which its own Makefile makes; after them the compiler's own (intrinsics,
# stdatomic.h), and the build machine's not at all.
set(libc_made ${CMAKE_BINARY_DIR}/musl/include)
set(libc_arch ${MUSL_SOURCE_DIR}/arch/x86_64/bits)
execute_process(COMMAND sed -f ${MUSL_SOURCE_DIR}/tools/mkalltypes.sed ${libc_arch}/alltypes.h.in
                        ${MUSL_SOURCE_DIR}/include/alltypes.h.in
                OUTPUT_VARIABLE libc_types COMMAND_ERROR_IS_FATAL ANY)
file(CONFIGURE OUTPUT ${libc_made}/bits/alltypes.h CONTENT "${libc_types}" @ONLY)
file(READ ${libc_arch}/syscall.h.in libc_calls)
string(REPLACE "__NR_" "SYS_" libc_names "${libc_calls}")
file(CONFIGURE OUTPUT ${libc_made}/bits/syscall.h CONTENT "${libc_calls}${libc_names}" @ONLY)
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include OUTPUT_VARIABLE libc_compiler
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

add_library(rung_xen_libc_headers INTERFACE)
target_include_directories(rung_xen_libc_headers SYSTEM INTERFACE
    ${libc_made} ${MUSL_SOURCE_DIR}/arch/x86_64 ${MUSL_SOURCE_DIR}/arch/generic
    ${MUSL_SOURCE_DIR}/include)
target_compile_options(rung_xen_libc_headers INTERFACE
    -nostdinc "SHELL:-idirafter ${libc_compiler}")
