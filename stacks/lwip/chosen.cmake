# Whether anything in this configuration is bound to lwip: only then is its source fetched.
set(lwip_chosen FALSE)
get_cmake_property(variables CACHE_VARIABLES)
foreach(variable IN LISTS variables)
    if(variable MATCHES "^RUNG_" AND "${${variable}}" STREQUAL "lwip")
        set(lwip_chosen TRUE)
    endif()
endforeach()
