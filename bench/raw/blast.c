/* SPDX-License-Identifier: ISC */
/* bench/raw/blast.c - frames through a tap with no TCP at either end: the ceiling for any TCP.
 *   bench-blast write|read DEVICE super|plain MS    the side of the file descriptor
 *   bench-blast feed DEVICE super|plain             the kernel's side, for a reader; does not end
 * super: TCP segments of 64 KiB that the other side would have to cut; plain: of an MTU of 1,500.
 * Written frames go to an address that this host does not have: the kernel drops them in IP. write
 * and read print {"bytes": N, "seconds": S, "cpu_seconds": C}, bytes being TCP payload. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BLAST_MSS 1448u
#define BLAST_SUPER (45u * BLAST_MSS) /* as many segments as fit in 64 KiB */
#define BLAST_TURN 64                 /* frames between two looks at the clock */

struct __attribute__((packed)) blast_frame {
    struct virtio_net_hdr vnet;
    struct ether_header ether;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t stamps[12]; /* the options that a usual connection has */
    uint8_t payload[BLAST_SUPER];
};

#define BLAST_HEADERS (sizeof(struct blast_frame) - BLAST_SUPER)
#define BLAST_ETHER (BLAST_HEADERS - sizeof(struct virtio_net_hdr))

static void die(const char *what)
{
    fprintf(stderr, "bench-blast: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint16_t ip_sum(const void *header)
{
    const uint8_t *bytes = header;
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof(struct iphdr); i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t) ~(sum + (sum >> 16)));
}

/* Sums of TCP are left to the other side, which never comes to them. */
static struct blast_frame *frame_new(const char *device, size_t payload)
{
    struct ifreq ifr = {0};
    struct blast_frame *f = calloc(1, sizeof(*f));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strncpy(ifr.ifr_name, device, sizeof(ifr.ifr_name) - 1);
    if (!f || fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
        die(device);
    close(fd);
    f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    f->vnet.csum_start = sizeof(struct ether_header) + sizeof(struct iphdr);
    f->vnet.csum_offset = offsetof(struct tcphdr, check);
    f->vnet.hdr_len = BLAST_ETHER;
    if (payload > BLAST_MSS) {
        f->vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        f->vnet.gso_size = BLAST_MSS;
    }
    memcpy(f->ether.ether_dhost, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
    memcpy(f->ether.ether_shost, "\x02\0\0\0\0\1", ETH_ALEN);
    f->ether.ether_type = htons(ETHERTYPE_IP);
    f->ip.version = 4;
    f->ip.ihl = 5;
    f->ip.ttl = 64;
    f->ip.protocol = IPPROTO_TCP;
    f->ip.tot_len = htons((uint16_t)(BLAST_ETHER - sizeof(struct ether_header) + payload));
    f->ip.saddr = inet_addr("203.0.113.2"); /* TEST-NET-3: nobody's */
    f->ip.daddr = inet_addr("203.0.113.1");
    f->ip.check = ip_sum(&f->ip);
    f->tcp.source = f->tcp.dest = htons(7);
    f->tcp.doff = 8;
    f->tcp.ack = 1;
    f->tcp.window = htons(1000);
    memcpy(f->stamps, "\1\1\10\12", 4);
    return f;
}

static int tap_open(const char *device, bool super)
{
    struct ifreq ifr = {0};
    unsigned offload = super ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    strncpy(ifr.ifr_name, device, sizeof(ifr.ifr_name) - 1);
    ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETOFFLOAD, offload) < 0)
        die(device);
    return fd;
}

static void report(uint64_t bytes, double seconds, double cpu)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
           (unsigned long long)bytes, seconds, cpu);
}

static int blast_write(const char *device, bool super, double seconds)
{
    size_t payload = super ? BLAST_SUPER : BLAST_MSS;
    int fd = tap_open(device, super);
    struct blast_frame *frame = frame_new(device, payload);
    double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), end;
    uint64_t bytes = 0;
    do {
        for (int i = 0; i < BLAST_TURN; i++) {
            if (write(fd, frame, BLAST_HEADERS + payload) < 0)
                die("write");
            bytes += payload;
        }
        end = now(CLOCK_MONOTONIC);
    } while (end - begin < seconds);
    report(bytes, end - begin, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    free(frame);
    return 0;
}

static int blast_read(const char *device, bool super, double seconds)
{
    static uint8_t space[sizeof(struct blast_frame) + 4096];
    struct pollfd fd = {.fd = tap_open(device, super), .events = POLLIN};
    if (fcntl(fd.fd, F_SETFL, O_NONBLOCK) < 0)
        die("tap");
    double begin = 0, cpu = 0, end;
    uint64_t bytes = 0;
    do {
        if (poll(&fd, 1, 10000) != 1)
            die("no frames come; poll");
        for (int i = 0; i < BLAST_TURN; i++) {
            ssize_t n = read(fd.fd, space, sizeof(space));
            if (n < 0)
                break;
            if (begin > 0 && (size_t)n > BLAST_HEADERS)
                bytes += (size_t)n - BLAST_HEADERS;
        }
        end = now(CLOCK_MONOTONIC);
        if (begin <= 0) { /* the clock starts with the first frame */
            begin = end;
            cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        }
    } while (end - begin < seconds);
    report(bytes, end - begin, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    return 0;
}

/* A full device drops what it is given, and the sender is told ENOBUFS: then the reader shall have
 * its turn. */
static _Noreturn void blast_feed(const char *device, bool super)
{
    size_t payload = super ? BLAST_SUPER : BLAST_MSS;
    struct blast_frame *frame = frame_new(device, payload);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    int on = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    to.sll_ifindex = (int)if_nametoindex(device);
    if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0
        || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
        die("packet socket");
    for (;;) {
        if (send(fd, frame, BLAST_HEADERS + payload, 0) >= 0)
            continue;
        if (errno != ENOBUFS && errno != ENETDOWN && errno != EAGAIN)
            die("send");
        usleep(errno == ENETDOWN ? 10000 : 50);
    }
}

int main(int argc, char **argv)
{
    bool super = argc > 3 && strcmp(argv[3], "super") == 0;
    if (argc == 5 && strcmp(argv[1], "write") == 0)
        return blast_write(argv[2], super, strtod(argv[4], NULL) / 1e3);
    if (argc == 5 && strcmp(argv[1], "read") == 0)
        return blast_read(argv[2], super, strtod(argv[4], NULL) / 1e3);
    if (argc == 4 && strcmp(argv[1], "feed") == 0)
        blast_feed(argv[2], super);
    fputs("usage: bench-blast write|read DEVICE super|plain MS\n"
          "       bench-blast feed DEVICE super|plain\n", stderr);
    return 64;
}
