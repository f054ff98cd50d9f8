# Compiles FILE. REFUSES empty: it must compile; else it must not, and the message names REFUSES.
execute_process(
    COMMAND ${COMPILER} -std=c11 -Wall -Wextra -Werror -I${ROOT}/interfaces -fsyntax-only ${FILE}
    RESULT_VARIABLE status ERROR_VARIABLE err)
if(REFUSES STREQUAL "")
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${FILE} should compile: ${err}")
    endif()
elseif(status EQUAL 0)
    message(FATAL_ERROR "${FILE} compiled, and should not")
elseif(NOT err MATCHES "${REFUSES}")
    message(FATAL_ERROR "${FILE} failed for another reason than '${REFUSES}': ${err}")
endif()
