/* SPDX-License-Identifier: ISC */
/* test/contract/dns/fixture_dns_system.c - dns-system in the DNS suite. The program has a
 * network of its own, and an /etc of its own that names the loopback as the host's name server:
 * a socket there is the server. Its files are read by getaddrinfo() in each process once, so
 * they stay as they are; without a server means that nobody listens. */
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_system.h"
#include "dns_zone.h"
#include "test_netns.h"

struct dns_rig {
    struct rung_platform *p;
    struct rung_dns_system resolver;
    struct rung_dns_system_keys keys;
    int fd; /* -1: nobody listens */
    unsigned asked;
};

static bool fix_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool fix_enter(const char **why)
{
    if (!test_netns_enter(why))
        return false;
    *why = "no right to mount a folder of its own over /etc: run this as root";
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0
           && mount("none", "/etc", "tmpfs", 0, NULL) == 0
           && fix_write("/etc/resolv.conf", "nameserver 127.0.0.1\n"
                                            "options timeout:1 attempts:2\n")
           && fix_write("/etc/nsswitch.conf", "hosts: files dns\n")
           && fix_write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
}

static struct dns_rig *fix_make(struct rung_platform *p)
{
    struct dns_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->p = p;
    rig->fd = -1;
    return rig;
}

static void fix_listen(struct dns_rig *rig)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(RUNG_DNS_PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    rig->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(rig->fd >= 0);
    assert_int_equal(bind(rig->fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

static enum rung_err fix_open(struct dns_rig *rig, bool no_server, struct rung_dns **dns)
{
    struct rung_dns_system_needs none = {0};
    if (!no_server)
        fix_listen(rig);
    rig->keys = (struct rung_dns_system_keys){.slot = "dns"};
    *dns = &rig->resolver.dns;
    return rung_dns_system_open(&rig->resolver, rig->p, &rig->keys, &none);
}

static void fix_free(struct dns_rig *rig)
{
    if (rig->fd >= 0)
        close(rig->fd);
    free(rig);
}

static unsigned fix_pump(struct dns_rig *rig, bool silent)
{
    uint8_t query[ZONE_MAX], answer[ZONE_MAX];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t len;
    while (rig->fd >= 0
           && (len = recvfrom(rig->fd, query, sizeof(query), 0, (struct sockaddr *)&from,
                              &from_len)) >= 0) {
        size_t n = dns_zone_answer(query, (size_t)len, answer);
        rig->asked++;
        if (n > 0 && !silent)
            sendto(rig->fd, answer, n, 0, (struct sockaddr *)&from, from_len);
    }
    return rig->asked;
}

const struct dns_fixture dns_fixture = {
    .module = "dns-system", .enter = fix_enter, .make = fix_make, .free = fix_free,
    .open = fix_open, .pump = fix_pump, .failed = RUNG_E_TIMEDOUT, .no_server = RUNG_E_TIMEDOUT,
    .all = true,
};
