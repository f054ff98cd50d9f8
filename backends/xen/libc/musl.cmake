# What an image may call of the C library; what it does not call is not in it.
#
# None of it takes part in link-time optimisation, even where the rest does: the compiler itself makes
# calls of memcpy(), strlen(), puts() and others after that has begun, and cannot make them of what it
# has not seen yet. It would save 400 bytes.
set(libc_string bcmp memccpy memchr memcmp memmem mempcpy memrchr stpcpy stpncpy strcasecmp strcat
    strchr strchrnul strcmp strcpy strcspn strlcat strlcpy strlen strncasecmp strncat strncmp strncpy
    strnlen strpbrk strrchr strsep strspn strstr strtok strtok_r)
set(libc_ctype isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper
    isxdigit tolower toupper)
set(libc_stdio fflush fprintf fputc fputs fwrite ofl printf putc putchar puts snprintf sprintf stderr
    stdout vfprintf vprintf vsnprintf vsprintf __overflow __towrite)
set(libc_stdlib abs atoi atol atoll bsearch div imaxabs imaxdiv labs ldiv llabs lldiv qsort qsort_nr
    strtol)
set(libc_time difftime gmtime gmtime_r timegm __month_to_secs __secs_to_tm __tm_to_secs
    __year_to_secs)
set(libc_rest errno/strerror internal/intscan internal/shgetc locale/__lctrans locale/c_locale
    math/__fpclassifyl math/__signbitl math/frexpl network/htonl network/htons network/inet_ntop
    network/inet_pton network/ntohl network/ntohs stdio/__uflow stdio/__toread)
set(libc_assembly string/x86_64/memcpy.s string/x86_64/memmove.s string/x86_64/memset.s
    setjmp/x86_64/longjmp.s setjmp/x86_64/setjmp.s)

set(libc_files)
foreach(folder string ctype stdio stdlib time)
    foreach(name IN LISTS libc_${folder})
        list(APPEND libc_files ${MUSL_SOURCE_DIR}/src/${folder}/${name}.c)
    endforeach()
endforeach()
list(TRANSFORM libc_rest REPLACE "(.+)" "${MUSL_SOURCE_DIR}/src/\\1.c")
list(TRANSFORM libc_assembly PREPEND ${MUSL_SOURCE_DIR}/src/)
set_source_files_properties(${libc_assembly} PROPERTIES LANGUAGE ASM)
# The message of %m, which C does not know, is not worth strerror()'s table.
set(libc_vfprintf ${MUSL_SOURCE_DIR}/src/stdio/vfprintf.c)
set_source_files_properties(${libc_vfprintf} PROPERTIES
                            COMPILE_DEFINITIONS strerror=rung_xen_libc_strerror)
if(NOT RUNG_XEN_PRINTF_FLOAT)
    set_source_files_properties(${libc_vfprintf} PROPERTIES COMPILE_OPTIONS
                                "-include;${CMAKE_CURRENT_SOURCE_DIR}/port/no_float.h")
endif()

add_library(rung_xen_libc STATIC ${libc_files} ${libc_rest} ${libc_assembly} system.c thread.c console.c stdout.c)
set_target_properties(rung_xen_libc PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
# The order is musl's: private headers in front of the public ones of the same name.
target_include_directories(rung_xen_libc PRIVATE port ${MUSL_SOURCE_DIR}/arch/x86_64
    ${MUSL_SOURCE_DIR}/arch/generic ${MUSL_SOURCE_DIR}/src/include ${MUSL_SOURCE_DIR}/src/internal
    PUBLIC ${RUNG_ROOT}/backends)
target_link_libraries(rung_xen_libc PUBLIC rung_xen_libc_headers
                                    PRIVATE $<TARGET_NAME_IF_EXISTS:rung_xen_flags>)
# musl's own flags. For size: what works on many bytes is assembly, or goes by words.
target_compile_options(rung_xen_libc PRIVATE
    $<$<COMPILE_LANGUAGE:C>:-std=c99 -Oz -w -ffreestanding -fno-strict-aliasing -frounding-math>
    $<$<COMPILE_LANGUAGE:ASM>:-Wa,--noexecstack>
    $<$<COMPILE_LANG_AND_ID:ASM,Clang>:-Wno-unused-command-line-argument>
    -ffunction-sections -fdata-sections)
target_compile_definitions(rung_xen_libc PRIVATE _XOPEN_SOURCE=700)
