# llhttp, the HTTP parser, compiled from its generated C sources: as Debian's node-llhttp ships them
# (header and sources in two folders), or as upstream releases and npm do, with
# -DRUNG_LLHTTP_DIR=<folder> (looked through with its include/, src/, llhttp/ and build/ folders).
# Makes the target rung_llhttp. Strict mode, always: it is what refuses bare CR and LF.
set(where /usr /usr/local)
if(RUNG_LLHTTP_DIR)
    set(where ${RUNG_LLHTTP_DIR})
endif()
set(suffixes include include/llhttp share/include/llhttp share/llhttp src src/native llhttp build build/c)
foreach(file llhttp.h llhttp.c api.c http.c)
    string(MAKE_C_IDENTIFIER "RUNG_${file}" var)
    unset(${var})
    find_file(${var} ${file} NO_CACHE PATHS ${where} PATH_SUFFIXES ${suffixes}
              NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
endforeach()

if(NOT RUNG_llhttp_h OR NOT RUNG_llhttp_c OR NOT RUNG_api_c OR NOT RUNG_http_c)
    set(Llhttp_FOUND FALSE)
    if(Llhttp_FIND_REQUIRED)
        if(RUNG_LLHTTP_DIR)
            message(FATAL_ERROR "RUNG_LLHTTP_DIR=${RUNG_LLHTTP_DIR} does not hold llhttp.h, llhttp.c, "
                                "api.c and http.c: name a folder that does, or leave it out and install "
                                "the package node-llhttp.")
        endif()
        message(FATAL_ERROR "llhttp's C sources are missing: install the package node-llhttp, or name "
                            "the folder of llhttp.h, llhttp.c, api.c and http.c with "
                            "-DRUNG_LLHTTP_DIR=...")
    endif()
    return()
endif()

set(Llhttp_FOUND TRUE)
if(NOT TARGET rung_llhttp)
    cmake_path(GET RUNG_llhttp_h PARENT_PATH llhttp_include)
    # What is wrong with a request is a code; the sentence to each of 200, which nobody reads here, is 4 KB.
    set(llhttp_c ${CMAKE_BINARY_DIR}/llhttp/llhttp.c)
    file(READ ${RUNG_llhttp_c} llhttp_text)
    string(REGEX REPLACE "state->reason = \"[^\"]*\"[;]" "" llhttp_text "${llhttp_text}")
    file(CONFIGURE OUTPUT ${llhttp_c} CONTENT "${llhttp_text}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${RUNG_llhttp_c})
    add_library(rung_llhttp STATIC ${llhttp_c} ${RUNG_api_c} ${RUNG_http_c})
    target_include_directories(rung_llhttp SYSTEM PUBLIC ${llhttp_include})
    target_compile_definitions(rung_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_link_libraries(rung_llhttp PRIVATE rung_base_flags)
    # Not our code: our warnings are off, our sanitizers and sections on.
    target_compile_options(rung_llhttp PRIVATE -w -ffunction-sections -fdata-sections)
    if(RUNG_SANITIZE)
        target_compile_options(rung_llhttp PRIVATE -fsanitize=${RUNG_SANITIZE}
                                                   -fno-omit-frame-pointer)
    endif()
endif()
