# XXH3, the sum on the disks of kvlog: the header xxhash.h of libxxhash (BSD), compiled into the module
# that includes it. It is copied, so that its folder brings no other header of the host into an image that
# has none of them. Another one: -DRUNG_XXHASH_DIR=<folder that holds xxhash.h>.
set(where /usr /usr/local)
if(RUNG_XXHASH_DIR)
    set(where ${RUNG_XXHASH_DIR})
endif()
unset(RUNG_xxhash_h)
find_file(RUNG_xxhash_h xxhash.h NO_CACHE PATHS ${where} PATH_SUFFIXES include src
          NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
set(Xxhash_FOUND FALSE)
if(RUNG_xxhash_h)
    file(STRINGS ${RUNG_xxhash_h} version REGEX "XXH_VERSION_(MINOR|MAJOR) +[0-9]")
    if(version MATCHES "MAJOR +0.*MINOR +([0-9]+)" AND CMAKE_MATCH_1 GREATER_EQUAL 8)
        set(Xxhash_FOUND TRUE)
    endif()
endif()
if(NOT Xxhash_FOUND)
    if(Xxhash_FIND_REQUIRED)
        message(FATAL_ERROR "xxhash.h 0.8 or later is missing: install the package libxxhash-dev, or name "
                            "its folder with -DRUNG_XXHASH_DIR=...")
    endif()
    return()
endif()
if(NOT TARGET rung_xxhash)
    file(COPY ${RUNG_xxhash_h} DESTINATION ${RUNG_GENERATED}/xxhash)
    add_library(rung_xxhash INTERFACE)
    target_include_directories(rung_xxhash SYSTEM INTERFACE ${RUNG_GENERATED}/xxhash)
endif()
