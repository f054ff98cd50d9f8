# The heap and the generator of random bytes of an image, tested on the build machine with its C
# library; included by test/CMakeLists.txt in builds that fetch sources anyway.
find_package(Musl REQUIRED)
include(${CMAKE_CURRENT_LIST_DIR}/mallocng.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/crypto.cmake)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH xen)
rung_test(unit-xen-heap PLATFORM virtual LABELS unit LINK rung_xen_mallocng
          SOURCES ${xen}/heap.c ${xen}/heap_test.c ${xen}/heap_testing.c)
rung_test(unit-xen-console PLATFORM virtual LABELS unit LINK rung_xen_crypto # ground.h names its types
          SOURCES ${xen}/console.c ${xen}/console_test.c)
rung_test(unit-xen-entropy PLATFORM virtual LABELS unit LINK rung_xen_crypto
          SOURCES ${xen}/entropy.c ${xen}/entropy_cpu.c ${xen}/jitter.c ${xen}/entropy_test.c
                  ${xen}/entropy_testing.c)
