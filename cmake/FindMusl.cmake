# musl's source folder, 1.2.3 or newer, for the C library of images without an operating system: sets
# MUSL_SOURCE_DIR. -DRUNG_MUSL_DIR=<folder or tarball> names one; else it is fetched
# (FetchSource.cmake).
include(${CMAKE_CURRENT_LIST_DIR}/FetchSource.cmake)

function(rung_musl_version out folder)
    file(STRINGS "${folder}/VERSION" version LIMIT_COUNT 1)
    set(${out} "${version}" PARENT_SCOPE)
endfunction()

rung_source(Musl TITLE musl VERSION 1.2.3 DEBIAN musl 1.2.3 TARBALL tar.gz
    SHA256 7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
    HOLDS src/malloc/mallocng/malloc.c tools/mkalltypes.sed)
