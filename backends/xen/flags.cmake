# How everything that goes into an image is compiled and linked: rung_xen_flags and rung_xen_link.
# All code of a build gets them through rung_base_flags; host tools do not.
find_path(XEN_HEADERS xen/arch-x86/hvm/start_info.h NO_CMAKE_FIND_ROOT_PATH)
mark_as_advanced(XEN_HEADERS)
if(NOT XEN_HEADERS)
    message(FATAL_ERROR "Xen's public headers are not installed: run './rung deps xen', or install the "
                        "package libxen-dev.")
endif()
# By themselves: beside them stand the build machine's own headers.
set(xen_headers ${CMAKE_BINARY_DIR}/xen-headers)
file(MAKE_DIRECTORY ${xen_headers})
file(CREATE_LINK ${XEN_HEADERS}/xen ${xen_headers}/xen SYMBOLIC)

# An image is to be small: -O2 is for the files that a module calls HOT, and adds a quarter elsewhere;
# and of -O2 not what makes copies of code. docs/decisions/0009-image-size.md has the figures.
set(hot -O2 -fjump-tables -fno-inline-functions -fno-inline-small-functions -fno-tree-ch
        -fno-tree-pre -fno-tree-vectorize -freorder-blocks-algorithm=simple)
rung_set(hot_options "$<$<CONFIG:Release>:${hot}>")

add_library(rung_xen_flags INTERFACE)
target_include_directories(rung_xen_flags SYSTEM INTERFACE ${xen_headers})
target_compile_options(rung_xen_flags INTERFACE
    # A table of jumps has eight bytes for each value of a switch; and to keep values over calls and
    # along branches takes more code here than to make them again.
    "$<$<CONFIG:Release>:-Oz;-fno-jump-tables;-fno-caller-saves;-fno-tree-dominator-opts>"
    # Gaps that would bring functions, loops and data to rounder addresses are 4 KiB of a website.
    -falign-functions=1 -falign-jumps=1 -falign-loops=1 -malign-data=abi
    -fno-pie -mcmodel=small -fmacro-prefix-map=${RUNG_ROOT}/=
    # One thread and no %fs behind which a canary could stand.
    $<$<COMPILE_LANGUAGE:C>:-fstack-protector-strong -mstack-protector-guard=global>
    # Backtraces need the sizes of frames alone, which rung-image takes out of .debug_frame.
    -fno-asynchronous-unwind-tables
    # No shadow stacks, no indirect-branch tracking: no Xen offers them to a guest yet.
    -fcf-protection=none)

# The linker script shares its numbers with C.
set(xen_script ${CMAKE_BINARY_DIR}/xen-image.lds)
add_custom_command(OUTPUT ${xen_script}
    COMMAND ${CMAKE_C_COMPILER} -E -P -undef -x assembler-with-cpp
            -o ${xen_script} ${CMAKE_CURRENT_LIST_DIR}/boot/image.lds
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/boot/image.lds ${CMAKE_CURRENT_LIST_DIR}/boot/layout.h
    COMMENT "Making the linker script" VERBATIM)
add_custom_target(rung_xen_script DEPENDS ${xen_script})

add_library(rung_xen_link INTERFACE)
target_link_options(rung_xen_link INTERFACE
    -nostdlib -static -Wl,-T,${xen_script} -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack
    -Wl,-z,norelro -Wl,--build-id=none -fstack-protector-strong -mstack-protector-guard=global
    -flto-partition=one -fno-asynchronous-unwind-tables
    # Functions keep what they were compiled with; this is for their strings and other data.
    "$<$<CONFIG:Release>:-Oz>" -malign-data=abi)

target_link_libraries(rung_base_flags INTERFACE rung_xen_flags rung_xen_libc_headers)
