/* SPDX-License-Identifier: ISC */
/* stacks/lwip/port/lwipopts.h - how lwIP is built for Rung; lwip/opt.h says what each option is.
 * Memory comes from the platform's heap and is bounded at run time by the module's keys, so the
 * MEMP_NUM_... counts below mean nothing unless a comment says so. */
#ifndef RUNG_LWIPOPTS_H
#define RUNG_LWIPOPTS_H

#include "arch/rung_port.h"

/* One loop, no threads, and timers of our own (lwip_timer.c). */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_SINGLE_NETIF 1
#define LWIP_RAW 0
#define LWIP_STATS 0

/* Memory. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define mem_clib_malloc rung_lwip_port_alloc
#define mem_clib_calloc rung_lwip_port_zalloc
#define mem_clib_free rung_lwip_port_free
#define MEM_ALIGNMENT 16
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_FREE_OOSEQ 0 /* no pool */
#define PBUF_NEEDS_COPY(p) 1 /* that waits for a neighbour: the app may get its bytes back first */

/* The link. Sums are made and checked as each frame says, see lwip_rx.c and lwip_tx.c. */
#define LWIP_ETHERNET 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NETIF_HWADDRHINT 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_EXT_STATUS_CALLBACK 0
#define LWIP_HAVE_LOOPIF 0

/* IPv4. */
#define LWIP_ARP 1
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 8
#define ARP_TABLE_SIZE 127
#define ETHARP_TABLE_MATCH_NETIF 0
#define IP_FORWARD 0
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 64 /* held by unfinished datagrams, at most */
#define IP_REASS_FREE_OLDEST 1
#define IP_FRAG 1
#define LWIP_ICMP 1
#define LWIP_MULTICAST_PING 0
#define LWIP_BROADCAST_PING 0
#define LWIP_IGMP 1
#define LWIP_DHCP 1
#define LWIP_DHCP_GET_NTP_SRV 0
#define LWIP_DHCP_MAX_DNS_SERVERS 0 /* see arch/dhcp_asks.h */
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, msg_type, option, len, pbuf, at) \
    rung_lwip_port_dhcp_option(msg_type, option, len, pbuf, at)
#define DHCP_DOES_ARP_CHECK 1
#define LWIP_AUTOIP 0

/* IPv6. */
#define LWIP_IPV6 1
#define LWIP_IPV6_NUM_ADDRESSES 4 /* link-local, a static one, two by autoconfiguration */
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 1
#define IPV6_FRAG_COPYHEADER 1 /* pointers of 64 bits do not fit over a fragment header */
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_MLD 1
#define LWIP_ICMP6 1
#define LWIP_ND6_NUM_NEIGHBORS 64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_NUM_PREFIXES 4
#define LWIP_ND6_NUM_ROUTERS 2

/* UDP. */
#define LWIP_UDP 1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define SO_REUSE 0

/* DNS: lwip_dns.c. The linker leaves it out of programs that do not ask for names. */
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 64 /* questions under way, and answers remembered, at most */
#define DNS_MAX_SERVERS 4
#define DNS_MAX_TTL 300 /* seconds that an answer is remembered, at most */
#define LWIP_DNS_SECURE \
    (LWIP_DNS_SECURE_RAND_XID | LWIP_DNS_SECURE_NO_MULTIPLE_OUTSTANDING \
     | LWIP_DNS_SECURE_RAND_SRC_PORT)

/* TCP. A window of 512 KiB covers 1 Gb/s over 4 ms, and eight frames of 64 KiB. */
#define LWIP_TCP 1
#define TCP_MSS 8960 /* at most; the link's mtu decides (TCP_CALCULATE_EFF_SEND_MSS) */
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 4
#define TCP_WND (512 * 1024)
/* Of the window that a connection has, which is far below TCP_WND if the peer knows no scale: else
 * it would never be opened again. tcp_recved() is the one place, and its pcb is called so. */
#define TCP_WND_UPDATE_THRESHOLD (TCP_WND_MAX(pcb) / 4)
#define TCP_SND_BUF (512 * 1024)
#define TCP_SND_QUEUELEN 4096 /* pbufs of one connection: 512 KiB in segments of 536 bytes */
#define TCP_SNDLOWAT 16384 /* of the sockets interface, which we leave out */
#define TCP_SNDQUEUELOWAT 2048
#define TCP_OVERSIZE 0 /* nothing is copied that could grow */
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 3
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES TCP_WND
#define TCP_OOSEQ_MAX_PBUFS 512
#define TCP_LISTEN_BACKLOG 0 /* lwip_listen.c keeps it: lwIP's counts to 255 only */
#define LWIP_TCP_KEEPALIVE 1
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define TCP_DEFAULT_LISTEN_BACKLOG 0xff
/* Time in steps of 50 ms, so that the least retransmission time-out is 300 ms, near RFC 6298's
 * usual practice, and not lwIP's 1.5 s; and delayed acknowledgements wait 50 ms at most (RFC
 * 1122 4.2.3.2 allows 500). */
#define TCP_TMR_INTERVAL 50
#define LWIP_TCP_RTO_TIME 1000 /* RFC 6298 2.1; set in lwip_conn.c, lwIP 2.1 does not know it */
#define TCP_MSL 30000          /* TIME-WAIT lasts twice that: 60 s, as on Linux */
#define TCP_SYNMAXRTX 12       /* a second each */
#define TCP_MAXRTX 12
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) rung_lwip_port_random()

#endif
