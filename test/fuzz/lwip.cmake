# What a name server can answer, and a router advertise; included by this folder's CMakeLists.txt. dns.c is compiled here as
# stacks/lwip/core.cmake does it.
rung_get(lwip lwip.source)
rung_get(folder module.lwip.FOLDER)
set(dns ${lwip}/src/core/dns.c)
set_source_files_properties(${dns} PROPERTIES COMPILE_OPTIONS -w COMPILE_DEFINITIONS
    "udp_recv=rung_lwip_dns_guard_recv;udp_sendto=rung_lwip_dns_guard_sendto;udp_remove=rung_lwip_dns_guard_remove")
set(glue ${folder}/lwip_dns.c ${folder}/lwip_dns_guard.c ${folder}/lwip_dns_servers.c)
# With GNU's extensions on, lwIP takes it that somebody has made ssize_t known.
set_source_files_properties(${glue} PROPERTIES COMPILE_OPTIONS "-include;sys/types.h")
rung_fuzz(dns SOURCES dns_fuzz.c ${support}/forger.c ${support}/dns_zone.c
          SUBJECT ${dns} ${glue}
          MODULE rung_module_lwip
          LINK rung_module_lwip rung_module_net-pair rung_test_support_virtual rung_platform_virtual
          INCLUDE ${folder} RUNS 20000 MAX_LEN 1024)
