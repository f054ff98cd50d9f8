/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_impl.h - what the files of the fake hypervisor share. */
#ifndef FAKE_IMPL_H
#define FAKE_IMPL_H

#include "fake.h"
#include "xen/bus/abi.h"
#include "xen/hypercall.h"
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>

#define FAKE_BUCKETS 1024u
#define FAKE_TABLE_MAX 64u
#define FAKE_PER_V1 (RUNG_XEN_PAGE / (uint32_t)sizeof(struct grant_entry_v1))
#define FAKE_PER_V2 (RUNG_XEN_PAGE / (uint32_t)sizeof(union grant_entry_v2))

struct fake_frame {          /* a page of this process that has a frame number */
    struct fake_frame *next; /* of its bucket */
    uint8_t *page;
    uint64_t frame;
    uint32_t block;          /* pages in a row from here, if it was given out; else 0 */
    bool given;              /* by rung_xen_page(s)_get(); else some address of the heap */
};

struct fake_mapping {
    struct fake_mapping *next;
    uint32_t ref, count;
    uint64_t frame;
    uint16_t domid;
};

enum fake_channel_state { FAKE_FREE, FAKE_UNBOUND, FAKE_BOUND, FAKE_STORE };

struct fake_channel {
    enum fake_channel_state state;
    uint16_t remote;
    struct fake_port *peer;
};

struct fake_node { /* of the store's tree */
    struct fake_node *next, *child, *parent;
    char *name, *value;
    size_t len;    /* of value */
};

struct fake_log { /* what a transaction changed, for the watches */
    struct fake_log *next;
    char *path;
};

struct fake_transaction {
    struct fake_transaction *next;
    uint32_t id;
    uint64_t generation; /* of the tree when it began */
    struct fake_node *root;
    struct fake_log *log, **log_end;
};

struct fake_guest_watch {
    struct fake_guest_watch *next;
    char *path; /* absolute */
    char *token;
    bool relative; /* as the guest said it */
};

struct fake_message { /* to the guest */
    struct fake_message *next;
    uint32_t len, done;
    uint8_t *bytes;
};

struct fake_store {
    struct xenstore_domain_interface *ring;
    uint32_t port;
    struct fake_node *root;
    uint64_t generation;
    struct fake_transaction *transactions;
    struct fake_guest_watch *watches;
    struct fake_watch *test_watches;
    struct fake_message *out, **out_end;
    uint32_t next_transaction, in_len;
    uint8_t in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
    uint64_t requests;
    struct fake_store_faults faults;
    struct rung_task task;
    char paths[16][160];
    unsigned next_path;
};

struct fake {
    struct rung_xen x;
    struct fake_config config;
    struct shared_info *shared;
    struct fake_frame *buckets[FAKE_BUCKETS];
    struct fake_frame **frames; /* by frame - first_frame; NULL: nothing there any more */
    size_t frame_count, frame_room;
    uint32_t pages_out, pages_fail_after;
    uint8_t *table[FAKE_TABLE_MAX], *status[FAKE_TABLE_MAX]; /* NULL: not mapped by the guest */
    uint32_t version;
    struct fake_mapping *mappings;
    struct fake_channel *channels; /* [config.ports + 1] */
    struct fake_port *ports;
    struct rung_task guest_task, back_task;
    uint64_t notifications, hypercalls;
    struct fake_store store;
    struct fake_backend *backends;
};

extern struct fake *fake_current; /* hypercalls have no argument that says whose they are */

/* Ends the program: the guest has done what it must never do, or the host has no memory. */
__attribute__((noreturn, format(printf, 1, 2))) void fake_die(const char *format, ...);
void *fake_alloc(size_t size); /* zeroed; dies */
char *fake_text(const char *text, size_t len); /* a copy; dies */

/* fake_page.c */
struct fake_frame *fake_frame_find(struct fake *fake, uint64_t frame); /* NULL: none */
void fake_pages_end(struct fake *fake);

/* fake_grant.c */
void fake_grants_check(struct fake *fake);                     /* dies if a mapped one changed */
void fake_grants_check_page(struct fake *fake, uint64_t frame); /* dies if it is lent */
long fake_grants_place(struct fake *fake, uint64_t index, struct fake_frame *page);
void fake_grants_unplace(struct fake *fake, const uint8_t *page);
void fake_grants_lose(struct fake *fake); /* all, for a suspend */

/* fake_event.c */
long fake_channel_open(struct fake *fake, uint16_t remote, enum fake_channel_state state);
long fake_channel_close(struct fake *fake, uint32_t port);
long fake_channel_send(struct fake *fake, uint32_t port);
bool fake_channel_pending(const struct fake *fake, uint32_t port);
void fake_channels_begin(struct fake *fake);
void fake_channels_lose(struct fake *fake);

/* fake_tree.c: paths are absolute. */
struct fake_node *fake_tree_new(void);
struct fake_node *fake_tree_copy(const struct fake_node *from, struct fake_node *parent);
void fake_tree_free(struct fake_node *node); /* NULL: nothing */
struct fake_node *fake_tree_find(struct fake_node *root, const char *path);
void fake_tree_write(struct fake_node *root, const char *path, const void *value, size_t len);
bool fake_tree_remove(struct fake_node *root, const char *path);

/* fake_store.c: somebody has changed path: fires the watches of the guest and of the tests. */
void fake_store_fire(struct fake *fake, const char *path);
bool fake_path_below(const char *path, const char *top); /* or the same */

/* fake_xenstored.c */
void fake_xenstored_begin(struct fake *fake);
void fake_xenstored_lose(struct fake *fake); /* what belongs to the guest's connection */
void fake_xenstored_event(struct fake *fake, const struct fake_guest_watch *watch,
                          const char *path);
void fake_xenstored_reply(struct fake *fake, uint32_t type, uint32_t id, uint32_t tx,
                          const void *payload, size_t len);
void fake_xenstored_wake(struct fake *fake);

/* fake_request.c: one whole message of the guest's, at store.in. */
void fake_request(struct fake *fake);
void fake_transactions_end(struct fake *fake);

/* fake_device.c */
void fake_backends_lose(struct fake *fake);
void fake_backends_return(struct fake *fake);

#endif
