/* SPDX-License-Identifier: ISC */
/* test/support/test_netns.c - see test_netns.h. Spoken to the kernel: rtnetlink(7). */
#include "test_netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

/* A request as it grows: the header, one structure, attributes. */
struct nl_request {
    struct nlmsghdr head;
    char body[1000];
};

static void *nl_begin(struct nl_request *r, uint16_t type, uint16_t flags, size_t body_len)
{
    memset(r, 0, sizeof(*r));
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    r->head.nlmsg_len = NLMSG_LENGTH((uint32_t)body_len);
    return NLMSG_DATA(&r->head);
}

/* Appends an attribute; with value NULL the room for it is left zero. */
static struct rtattr *nl_add(struct nl_request *r, uint16_t type, const void *value, size_t len)
{
    size_t at = NLMSG_ALIGN(r->head.nlmsg_len);
    assert_true(at + RTA_SPACE(len) <= sizeof(*r));
    struct rtattr *attr = (struct rtattr *)(void *)((char *)r + at);
    attr->rta_type = type;
    attr->rta_len = (uint16_t)RTA_LENGTH(len);
    if (value && len > 0)
        memcpy(RTA_DATA(attr), value, len);
    r->head.nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
    return attr;
}

/* Ends an attribute that has others inside. */
static void nl_nest_end(struct nl_request *r, struct rtattr *attr)
{
    attr->rta_len = (uint16_t)((char *)r + r->head.nlmsg_len - (char *)attr);
}

/* 0, or the errno that the kernel answers with. */
static int nl_call(const struct nl_request *r)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr err;
        char rest[2000]; /* the request once more */
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return errno;
    int err = 0;
    if (send(fd, r, r->head.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
        err = errno;
    else if (answer.head.nlmsg_type == NLMSG_ERROR)
        err = -answer.err.error;
    close(fd);
    return err;
}

static void nl_must(const struct nl_request *r, const char *what, const char *name)
{
    int err = nl_call(r);
    if (err)
        fail_msg("%s %s: %s", what, name, strerror(err));
}

/* The same without cmocka, for enter: no test runs then. */
static bool netns_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Root of a namespace with one user in it, who is the one who started us outside. */
static bool netns_enter_as_user(const char **why)
{
    char uid_map[64], gid_map[64];
    snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        *why = "no right to make a network namespace: run it as root, or allow user namespaces";
        return false;
    }
    if (netns_write("/proc/self/setgroups", "deny") && netns_write("/proc/self/uid_map", uid_map)
        && netns_write("/proc/self/gid_map", gid_map))
        return true;
    *why = "no right to be root in a user namespace: run it as root";
    return false;
}

static bool netns_lo_up(void)
{
    struct ifreq ifr = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(ifr.ifr_name, "lo", sizeof("lo"));
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool test_netns_enter(const char **why)
{
    static bool inside;
    if (inside)
        return true;
    if (unshare(CLONE_NEWNET) && !netns_enter_as_user(why))
        return false;
    if (!netns_lo_up()) {
        *why = "no right to bring an interface up in a network namespace: run it as root";
        return false;
    }
    inside = true;
    return true;
}

bool test_netns_enter_with_tun(const char **why)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        *why = errno == EACCES ? "no permission to open /dev/net/tun: run it as root"
                               : "no /dev/net/tun: load the kernel's tun module";
        return false;
    }
    close(fd);
    return test_netns_enter(why);
}

void test_netns_enter_or_exit(void)
{
    const char *why = "";
    if (test_netns_enter(&why))
        return;
    printf("skipped: %s\n", why);
    exit(TEST_NETNS_SKIP);
}

bool test_link_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

unsigned test_link_index(const char *name)
{
    unsigned index = if_nametoindex(name);
    if (!index)
        fail_msg("no interface %s", name);
    return index;
}

static struct ifinfomsg *link_change(struct nl_request *r, const char *name)
{
    struct ifinfomsg *link = nl_begin(r, RTM_NEWLINK, 0, sizeof(*link));
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = (int)test_link_index(name);
    return link;
}

void test_link_up(const char *name, bool up)
{
    struct nl_request r;
    struct ifinfomsg *link = link_change(&r, name);
    link->ifi_change = IFF_UP;
    link->ifi_flags = up ? IFF_UP : 0;
    nl_must(&r, up ? "ip link set up" : "ip link set down", name);
}

void test_link_mtu(const char *name, unsigned mtu)
{
    struct nl_request r;
    uint32_t value = mtu;
    link_change(&r, name);
    nl_add(&r, IFLA_MTU, &value, sizeof(value));
    nl_must(&r, "ip link set mtu", name);
}

void test_link_queue(const char *name, unsigned frames)
{
    struct nl_request r;
    uint32_t value = frames;
    link_change(&r, name);
    nl_add(&r, IFLA_TXQLEN, &value, sizeof(value));
    nl_must(&r, "ip link set txqueuelen", name);
}

void test_link_set_mac(const char *name, const uint8_t mac[6])
{
    struct nl_request r;
    link_change(&r, name);
    nl_add(&r, IFLA_ADDRESS, mac, 6);
    nl_must(&r, "ip link set address", name);
}

void test_link_move(const char *name, int pid)
{
    struct nl_request r;
    uint32_t value = (uint32_t)pid;
    link_change(&r, name);
    nl_add(&r, IFLA_NET_NS_PID, &value, sizeof(value));
    nl_must(&r, "ip link set netns", name);
}

void test_link_get_mac(const char *name, uint8_t mac[6])
{
    struct ifreq ifr = {.ifr_flags = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    bool ok = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &ifr) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok)
        fail_msg("the hardware address of %s: %s", name, strerror(errno));
    memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
}

void test_link_addr(const char *name, const char *cidr)
{
    struct nl_request r;
    uint8_t ip[16];
    char text[64];
    uint32_t flags = IFA_F_NODAD | IFA_F_PERMANENT;
    snprintf(text, sizeof(text), "%s", cidr);
    char *slash = strchr(text, '/');
    if (!slash)
        fail_msg("%s has no prefix length", cidr);
    *slash = '\0';
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    size_t len = family == AF_INET6 ? 16 : 4;
    if (inet_pton(family, text, ip) != 1)
        fail_msg("%s is no address", cidr);
    struct ifaddrmsg *addr = nl_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*addr));
    addr->ifa_family = (uint8_t)family;
    addr->ifa_prefixlen = (uint8_t)atoi(slash + 1);
    addr->ifa_index = test_link_index(name);
    nl_add(&r, IFA_LOCAL, ip, len);
    nl_add(&r, IFA_ADDRESS, ip, len);
    if (family == AF_INET6)
        nl_add(&r, IFA_FLAGS, &flags, sizeof(flags));
    nl_must(&r, "ip address add", cidr);
}

void test_link_veth(const char *name, const char *peer)
{
    struct nl_request r;
    struct ifinfomsg far = {.ifi_family = AF_UNSPEC};
    nl_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    nl_add(&r, IFLA_IFNAME, name, strlen(name) + 1);
    struct rtattr *info = nl_add(&r, IFLA_LINKINFO, NULL, 0);
    nl_add(&r, IFLA_INFO_KIND, "veth", 4);
    struct rtattr *data = nl_add(&r, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *end = nl_add(&r, VETH_INFO_PEER, &far, sizeof(far));
    nl_add(&r, IFLA_IFNAME, peer, strlen(peer) + 1);
    nl_nest_end(&r, end);
    nl_nest_end(&r, data);
    nl_nest_end(&r, info);
    nl_must(&r, "ip link add type veth", name);
    test_link_quiet(name);
    test_link_quiet(peer);
}

void test_link_delete(const char *name)
{
    struct nl_request r;
    struct ifinfomsg *link = nl_begin(&r, RTM_DELLINK, 0, sizeof(*link));
    link->ifi_index = (int)test_link_index(name);
    nl_must(&r, "ip link delete", name);
}

void test_sysctl(const char *path, const char *value)
{
    char full[256];
    snprintf(full, sizeof(full), "/proc/sys/%s", path);
    if (!netns_write(full, value))
        fail_msg("%s = %s: %s", full, value, strerror(errno));
}

void test_link_quiet(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", name);
    if (access("/proc/sys/net/ipv6", F_OK) == 0)
        test_sysctl(path, "1");
}
