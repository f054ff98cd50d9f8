# Puts a folder into an image at build time.
#
# rung_crunch_generate(target name out_dir), with the folder in RUNG_KEY_path: adds to target a
# source that defines `const struct rung_crunch_image rung_crunch_image_<name>` (crunch_image.h). It
# is made anew when a file or a folder in there changes, appears or goes away. The target must
# belong to the folder whose CMakeLists.txt is being read. The resolver calls it for each instance.
include_guard()

function(rung_crunch_generate target name out_dir)
    set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
    cmake_path(ABSOLUTE_PATH RUNG_KEY_path BASE_DIRECTORY ${CMAKE_SOURCE_DIR} NORMALIZE
               OUTPUT_VARIABLE folder)
    execute_process(COMMAND sh ${here}/crunch.sh check ${folder}
                    RESULT_VARIABLE status ERROR_VARIABLE said OUTPUT_QUIET)
    if(NOT status EQUAL 0)
        string(STRIP "${said}" said)
        message(FATAL_ERROR "${name}: ${said}")
    endif()
    set(image ${out_dir}/crunch_${name})
    file(MAKE_DIRECTORY ${out_dir})
    add_custom_command(
        OUTPUT ${image}.c
        BYPRODUCTS ${image}.bin
        COMMAND sh ${here}/crunch.sh make ${folder} ${image} ${name}
        DEPENDS ${here}/crunch.sh ${here}/crunch.awk ${here}/types.txt
        DEPFILE ${image}.d
        COMMENT "Crunching ${folder}"
        VERBATIM)
    target_sources(${target} PRIVATE ${image}.c)
    # The bytes come in by an assembler directive: link-time optimisation does not see through it.
    set_source_files_properties(${image}.c TARGET_DIRECTORY ${target} PROPERTIES
        COMPILE_OPTIONS -fno-lto INCLUDE_DIRECTORIES ${here})
endfunction()
