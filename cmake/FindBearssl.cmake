# BearSSL's source folder, 0.6 or newer, for those who compile parts of it with options of their own:
# sets BEARSSL_SOURCE_DIR. -DRUNG_BEARSSL_DIR=<folder or tarball> names one; else it is fetched
# (FetchSource.cmake). The source does not tell its version.
include(${CMAKE_CURRENT_LIST_DIR}/FetchSource.cmake)

rung_source(Bearssl TITLE BearSSL VERSION 0.6 DEBIAN bearssl 0.6+dfsg.1 TARBALL tar.xz
    SHA256 102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004
    HOLDS src/rand/hmac_drbg.c inc/bearssl.h)
