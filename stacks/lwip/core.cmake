# lwIP's own files that we use, as the library rung_lwip_core: our warnings off, our sanitizers on, but
# for two habits of lwIP's that the compilers we use define: unaligned words, and 255 << 24.
set(lwip_files core/init.c core/def.c core/dns.c core/inet_chksum.c core/ip.c core/mem.c core/memp.c
    core/netif.c core/pbuf.c core/tcp.c core/tcp_in.c core/tcp_out.c core/udp.c
    core/ipv4/dhcp.c core/ipv4/etharp.c core/ipv4/icmp.c core/ipv4/igmp.c core/ipv4/ip4_frag.c
    core/ipv4/ip4.c core/ipv4/ip4_addr.c core/ipv6/ethip6.c core/ipv6/icmp6.c core/ipv6/inet6.c
    core/ipv6/ip6.c core/ipv6/ip6_addr.c core/ipv6/ip6_frag.c core/ipv6/mld6.c core/ipv6/nd6.c
    netif/ethernet.c)
list(TRANSFORM lwip_files PREPEND ${LWIP_SOURCE_DIR}/src/)
add_library(rung_lwip_core STATIC ${lwip_files})
target_include_directories(rung_lwip_core SYSTEM PUBLIC ${LWIP_SOURCE_DIR}/src/include
                                                       ${CMAKE_CURRENT_SOURCE_DIR}/port)
# Six functions that lwIP's other files call by name are ours, around lwIP's own: lwip_demux.c,
# lwip_guard.c, lwip_loss.c, lwip_path.c and lwip_send.c say why.
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/tcp_in.c PROPERTIES
                            COMPILE_DEFINITIONS tcp_input=rung_lwip_real_tcp_input)
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/tcp.c PROPERTIES
    COMPILE_DEFINITIONS tcp_netif_ip_addr_changed=rung_lwip_real_tcp_netif_ip_addr_changed)
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/tcp_out.c PROPERTIES
    COMPILE_DEFINITIONS
        "tcp_rexmit_rto_prepare=rung_lwip_real_tcp_rexmit_rto_prepare;tcp_split_unsent_seg=rung_lwip_real_tcp_split_unsent_seg")
# DHCP asks for name servers too, and they go with its lease (lwip_dhcp.c); what dns.c sends and receives is looked at (lwip_dns_guard.c).
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/ipv4/dhcp.c PROPERTIES
    COMPILE_OPTIONS "-include;${CMAKE_CURRENT_SOURCE_DIR}/port/arch/dhcp_asks.h"
    OBJECT_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/port/arch/dhcp_asks.h
    COMPILE_DEFINITIONS
        "netif_set_addr=rung_lwip_port_dhcp_lease;udp_sendto_if_src=rung_lwip_port_dhcp_send")
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/dns.c PROPERTIES
    COMPILE_DEFINITIONS
        "udp_recv=rung_lwip_dns_guard_recv;udp_sendto=rung_lwip_dns_guard_sendto;udp_remove=rung_lwip_dns_guard_remove")
rung_get(hot_options hot_options)
foreach(file inet_chksum.c pbuf.c)
    set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/${file} PROPERTIES
                                COMPILE_OPTIONS "${hot_options}")
endforeach()
# An IPv6 datagram longer than lwIP's 16 bits can count makes an assertion of this file fail that a
# peer must not be able to reach; without assertions the datagram is dropped.
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/ipv6/ip6_frag.c PROPERTIES
                            COMPILE_DEFINITIONS "LWIP_NOASSERT;ip6_frag=rung_lwip_real_ip6_frag")
set(lwip_cache 1048576) # bytes of small blocks kept for later, lwip_port.c
if(RUNG_SANITIZE)
    set(lwip_cache 0)
endif()
target_compile_definitions(rung_lwip_core INTERFACE RUNG_LWIP_CACHE=${lwip_cache}u)
set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/ipv6/icmp6.c PROPERTIES
                            COMPILE_DEFINITIONS icmp6_input=rung_lwip_real_icmp6_input)
if(RUNG_SANITIZE) # &p->member of a p that is NULL
    set_source_files_properties(${LWIP_SOURCE_DIR}/src/core/ipv6/icmp6.c PROPERTIES
                                COMPILE_OPTIONS -fno-sanitize=null)
endif()
target_link_libraries(rung_lwip_core PRIVATE rung_base_flags)
target_compile_options(rung_lwip_core PRIVATE -std=c11 -w -ffunction-sections -fdata-sections)
if(RUNG_SANITIZE)
    target_compile_options(rung_lwip_core PRIVATE -fsanitize=${RUNG_SANITIZE} -fno-sanitize=alignment,shift
                                                  -fno-omit-frame-pointer)
endif()
