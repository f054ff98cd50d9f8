# lwIP's source folder, 2.1.3 or newer, for those who compile it with options of their own: sets
# LWIP_SOURCE_DIR, the folder that holds src/core/tcp.c (rung_get(... lwip.source) elsewhere).
# -DRUNG_LWIP_DIR=<folder or tarball> names one; else it is fetched (FetchSource.cmake). Debian's
# patches are left out: they touch PPP, the sockets API with its thread, and Debian's own library
# build and port, of which we compile nothing.
include(${CMAKE_CURRENT_LIST_DIR}/FetchSource.cmake)

function(rung_lwip_version out folder)
    set(version)
    foreach(part MAJOR MINOR REVISION)
        file(STRINGS "${folder}/src/include/lwip/init.h" line
             REGEX "^#define LWIP_VERSION_${part} +[0-9]+" LIMIT_COUNT 1)
        string(REGEX MATCH "[0-9]+" number "${line}")
        list(APPEND version "${number}")
    endforeach()
    list(JOIN version . version)
    set(${out} "${version}" PARENT_SCOPE)
endfunction()

rung_source(Lwip TITLE lwIP VERSION 2.1.3 DEBIAN lwip 2.1.3+dfsg1 TARBALL tar.xz
    SHA256 0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24
    HOLDS src/core/tcp.c src/include/lwip/init.h)
if(Lwip_FOUND)
    set_property(GLOBAL PROPERTY rung.lwip.source "${LWIP_SOURCE_DIR}")
endif()
