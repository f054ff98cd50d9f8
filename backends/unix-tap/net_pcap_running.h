/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_pcap_running.h - for the tests of net-pcap on a veth pair: waits until an
 * interface that is up carries frames. */
#ifndef RUNG_NET_PCAP_RUNNING_H
#define RUNG_NET_PCAP_RUNNING_H

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "test_netns.h"

/* The kernel sees a cable in a thread of its own, and silently drops what is sent before. It
 * holds the lock of all changes meanwhile: so the change of nothing at the end waits for that. */
static inline void await_running(const char *name)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    struct ifreq ifr = {.ifr_flags = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    for (unsigned i = 0; !(ifr.ifr_flags & IFF_RUNNING); i++) {
        assert_true(i < 10000);
        nanosleep(&pause, NULL);
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
    }
    close(fd);
    test_link_up(name, true);
}

#endif
