# What the generator of random bytes is made of, from BearSSL: HMAC-DRBG and SHA-256, as the library
# rung_xen_crypto. None of the machine's own instructions, which BearSSL would look for by itself.
find_package(Bearssl REQUIRED)
set(crypto_files rand/hmac_drbg.c mac/hmac.c hash/sha2small.c codec/dec32be.c codec/enc32be.c)
list(TRANSFORM crypto_files PREPEND ${BEARSSL_SOURCE_DIR}/src/)
add_library(rung_xen_crypto STATIC ${crypto_files})
target_include_directories(rung_xen_crypto SYSTEM PUBLIC ${BEARSSL_SOURCE_DIR}/inc
                                           PRIVATE ${BEARSSL_SOURCE_DIR}/src)
target_compile_definitions(rung_xen_crypto PRIVATE BR_AES_X86NI=0 BR_SSE2=0 BR_RDRAND=0
                           BR_USE_GETENTROPY=0 BR_USE_URANDOM=0 BR_USE_UNIX_TIME=0)
target_compile_options(rung_xen_crypto PRIVATE -std=c11 -Oz -w -ffunction-sections -fdata-sections)
if(RUNG_SANITIZE)
    target_compile_options(rung_xen_crypto PRIVATE -fsanitize=${RUNG_SANITIZE} -fno-omit-frame-pointer)
endif()
target_link_libraries(rung_xen_crypto PRIVATE
    $<TARGET_NAME_IF_EXISTS:rung_xen_libc_headers> $<TARGET_NAME_IF_EXISTS:rung_xen_flags>)
