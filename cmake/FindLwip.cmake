# lwIP's source folder, 2.1.3 or newer, for those who compile it with options of their own: sets
# LWIP_SOURCE_DIR, the folder that holds src/core/tcp.c.
#
# -DRUNG_LWIP_DIR=<folder or tarball> names one. Otherwise the distribution's source package is
# fetched, once, when the build is configured: the original tarball, pinned by its SHA-256. Debian's
# patches are left out: they touch PPP, the sockets API with its thread, and Debian's own library
# build and port, of which we compile nothing.
set(lwip_version 2.1.3)
set(lwip_debian 2.1.3+dfsg1)
set(lwip_tarball lwip_${lwip_debian}.orig.tar.xz)
set(lwip_sha256 0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24)

# The folder below (or at) `where` that holds lwIP, or "".
function(rung_lwip_in out where)
    set(${out} "" PARENT_SCOPE)
    file(GLOB folders LIST_DIRECTORIES TRUE "${where}/*")
    foreach(folder IN LISTS where folders)
        if(EXISTS "${folder}/src/core/tcp.c" AND EXISTS "${folder}/src/include/lwip/init.h")
            set(${out} "${folder}" PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

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

# Unpacks a tarball as lwip/<name> in the build folder; `out` is the folder that holds lwIP, or "".
# It gets its name last, so that what has it is whole.
function(rung_lwip_unpack out tarball name)
    set(folder "${CMAKE_BINARY_DIR}/lwip/${name}")
    set(part "${CMAKE_BINARY_DIR}/lwip/part")
    if(NOT EXISTS "${folder}")
        file(REMOVE_RECURSE "${part}")
        file(MAKE_DIRECTORY "${part}")
        execute_process(COMMAND ${CMAKE_COMMAND} -E tar xf "${tarball}" WORKING_DIRECTORY "${part}"
                        RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
        if(status EQUAL 0)
            file(RENAME "${part}" "${folder}")
        endif()
    endif()
    rung_lwip_in(found "${folder}")
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Sees to it that the pinned tarball is at `tarball`; `why` says what went wrong, or is empty.
function(rung_lwip_fetch why tarball)
    set(${why} "" PARENT_SCOPE)
    if(EXISTS "${tarball}")
        file(SHA256 "${tarball}" sum)
        if(sum STREQUAL lwip_sha256)
            return()
        endif()
    endif()
    message(STATUS "Fetching lwIP ${lwip_version} (Debian source package lwip ${lwip_debian}) ...")
    set(part "${CMAKE_BINARY_DIR}/lwip/fetch")
    file(REMOVE_RECURSE "${part}")
    execute_process(COMMAND sh "${RUNG_ROOT}/cmake/fetch_source.sh" lwip ${lwip_debian} "${part}"
                    RESULT_VARIABLE status ERROR_VARIABLE text ERROR_STRIP_TRAILING_WHITESPACE)
    if(status EQUAL 0)
        file(SHA256 "${part}/${lwip_tarball}" sum)
        if(sum STREQUAL lwip_sha256)
            cmake_path(GET tarball PARENT_PATH folder)
            file(MAKE_DIRECTORY "${folder}")
            file(RENAME "${part}/${lwip_tarball}" "${tarball}")
            set(text)
        else()
            set(text "what came has the SHA-256 ${sum}, not ${lwip_sha256}")
        endif()
    endif()
    file(REMOVE_RECURSE "${part}")
    set(${why} "${text}" PARENT_SCOPE)
endfunction()

# The source that RUNG_LWIP_DIR names.
function(rung_lwip_given out why)
    set(found)
    cmake_path(ABSOLUTE_PATH RUNG_LWIP_DIR BASE_DIRECTORY "${RUNG_ROOT}" NORMALIZE
               OUTPUT_VARIABLE given)
    if(IS_DIRECTORY "${given}")
        rung_lwip_in(found "${given}")
    elseif(EXISTS "${given}")
        file(SHA256 "${given}" sum)
        string(SUBSTRING ${sum} 0 12 sum)
        rung_lwip_unpack(found "${given}" given-${sum})
    endif()
    set(${out} "${found}" PARENT_SCOPE)
    set(${why} "RUNG_LWIP_DIR=${RUNG_LWIP_DIR} holds no src/core/tcp.c: name lwIP's source folder or \
tarball, or leave it out to have it fetched." PARENT_SCOPE)
endfunction()

# The source that is pinned. The build folders of one checkout share its tarball.
function(rung_lwip_pinned out why)
    set(text)
    rung_lwip_in(found "${CMAKE_BINARY_DIR}/lwip/${lwip_debian}")
    if(NOT found)
        set(downloads "${CMAKE_BINARY_DIR}/downloads")
        cmake_path(IS_PREFIX RUNG_ROOT "${CMAKE_BINARY_DIR}" NORMALIZE inside)
        if(inside)
            set(downloads "${RUNG_ROOT}/build/downloads")
        endif()
        rung_lwip_fetch(text "${downloads}/${lwip_tarball}")
    endif()
    if(NOT found AND NOT text)
        rung_lwip_unpack(found "${downloads}/${lwip_tarball}" ${lwip_debian})
        set(text "${downloads}/${lwip_tarball} cannot be unpacked")
    endif()
    set(${out} "${found}" PARENT_SCOPE)
    set(${why} "lwIP ${lwip_version} could not be fetched: ${text}. Name its source folder or \
tarball, ${lwip_version} or newer, with -DRUNG_LWIP_DIR=..." PARENT_SCOPE)
endfunction()

if(RUNG_LWIP_DIR)
    rung_lwip_given(LWIP_SOURCE_DIR why)
else()
    rung_lwip_pinned(LWIP_SOURCE_DIR why)
endif()
set(Lwip_FOUND FALSE)
if(LWIP_SOURCE_DIR)
    rung_lwip_version(Lwip_VERSION "${LWIP_SOURCE_DIR}")
    if(Lwip_VERSION VERSION_GREATER_EQUAL lwip_version)
        set(Lwip_FOUND TRUE)
    else()
        set(why "RUNG_LWIP_DIR=${RUNG_LWIP_DIR} holds lwIP ${Lwip_VERSION}; ${lwip_version} or \
newer is needed.")
    endif()
endif()
if(NOT Lwip_FOUND AND Lwip_FIND_REQUIRED)
    message(FATAL_ERROR "${why}")
endif()
