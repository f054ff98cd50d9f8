# Configures the tree with CHOICES, and with those of BEFORE in the same folder first. REFUSES: it must stop with just that sentence. FILE: the
# generated file must hold every text in HAS and none in LACKS.
set(ENV{CLICOLOR_FORCE} 0)
file(REMOVE_RECURSE ${BINARY})
if(BEFORE)
    execute_process(
        COMMAND ${CMAKE_COMMAND} -S ${TREE} -B ${BINARY} -G ${GENERATOR}
                -DRUNG_CONTRACT_ROOT=${TREE}/contract ${CHOICES} ${BEFORE}
        OUTPUT_VARIABLE out ERROR_VARIABLE err COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${TREE} -B ${BINARY} -G ${GENERATOR}
            -DRUNG_CONTRACT_ROOT=${TREE}/contract ${CHOICES}
    RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE err)
# CMake folds messages at 77 columns and doubles the blank behind a full stop.
string(REGEX REPLACE "[ \n]+" " " folded "${err}")
if(REFUSES)
    string(FIND "${folded}" "${REFUSES}" at)
    if(status EQUAL 0)
        message(FATAL_ERROR "configuration went through; it should have said: ${REFUSES}")
    elseif(at LESS 0)
        message(FATAL_ERROR "expected: ${REFUSES}\ngot: ${err}")
    endif()
    return()
endif()
if(NOT status EQUAL 0)
    message(FATAL_ERROR "configuration stopped: ${err}")
endif()
file(READ ${BINARY}/generated/${FILE} text)
foreach(part IN LISTS HAS)
    string(FIND "${text}" "${part}" at)
    if(at LESS 0)
        message(FATAL_ERROR "${FILE} lacks: ${part}\n${text}")
    endif()
endforeach()
foreach(part IN LISTS LACKS)
    string(FIND "${text}" "${part}" at)
    if(NOT at LESS 0)
        message(FATAL_ERROR "${FILE} should not have: ${part}\n${text}")
    endif()
endforeach()
