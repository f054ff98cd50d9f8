# cmocka's source folder, for those who compile it against another C library than the build machine's:
# sets CMOCKASOURCE_SOURCE_DIR. -DRUNG_CMOCKASOURCE_DIR=<folder or tarball> names one; else it is fetched
# (FetchSource.cmake).
include(${CMAKE_CURRENT_LIST_DIR}/FetchSource.cmake)

rung_source(CmockaSource TITLE cmocka VERSION 1.1.5 DEBIAN cmocka 1.1.5 TARBALL tar.xz
    SHA256 f0ccd8242d55e2fd74b16ba518359151f6f8383ff8aef4976e48393f77bba8b6
    HOLDS src/cmocka.c include/cmocka.h)
