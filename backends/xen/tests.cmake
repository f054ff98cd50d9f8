# What of the kernel is arithmetic, tested on the build machine; included by test/CMakeLists.txt.
set(here ${CMAKE_CURRENT_LIST_DIR})
rung_test(unit-xen-args PLATFORM virtual LABELS unit SOURCES ${here}/args.c ${here}/args_test.c)
rung_test(unit-xen-frames PLATFORM virtual LABELS unit
          SOURCES ${here}/tool/frames.c ${here}/tool/frames_test.c)
rung_test(unit-xen-names PLATFORM virtual LABELS unit
          SOURCES ${here}/boot/names.c ${here}/boot/names_test.c ${here}/tool/pack.c)
rung_test(unit-xen-pvclock PLATFORM virtual LABELS unit SOURCES ${here}/pvclock_test.c)
rung_test(unit-xen-ram PLATFORM virtual LABELS unit
          SOURCES ${here}/boot/ram.c ${here}/boot/ram_test.c)
rung_test(unit-xen-ranges PLATFORM virtual LABELS unit
          SOURCES ${here}/boot/ranges.c ${here}/boot/ranges_test.c)
