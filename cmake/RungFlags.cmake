# The compiler's flags, in two targets: portable code is ISO C11, grounds may use GNU extensions.
include_guard()

# What all code of this build needs, ours or not: a ground adds to it (backends/xen/flags.cmake).
add_library(rung_base_flags INTERFACE)

add_library(rung_flags INTERFACE)
target_link_libraries(rung_flags INTERFACE rung_base_flags)
target_compile_options(rung_flags INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wcast-qual -Werror
    -ffunction-sections -fdata-sections)
# The link-time optimiser makes the code, so it must part the sections too.
target_link_options(rung_flags INTERFACE -Wl,--gc-sections -ffunction-sections -fdata-sections)
target_include_directories(rung_flags INTERFACE ${RUNG_ROOT}/interfaces)
if(RUNG_SANITIZE)
    target_compile_options(rung_flags INTERFACE
        -fsanitize=${RUNG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(rung_flags INTERFACE -fsanitize=${RUNG_SANITIZE})
endif()
if(RUNG_COVERAGE)
    target_compile_options(rung_flags INTERFACE --coverage)
    target_link_options(rung_flags INTERFACE --coverage)
endif()

add_library(rung_portable_flags INTERFACE)
target_link_libraries(rung_portable_flags INTERFACE rung_flags)
target_compile_options(rung_portable_flags INTERFACE -std=c11)

add_library(rung_ground_flags INTERFACE)
target_link_libraries(rung_ground_flags INTERFACE rung_flags)
target_compile_options(rung_ground_flags INTERFACE -std=gnu11 -D_GNU_SOURCE)
