/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_request.c - what xenstored does for each request of the guest's. A transaction
 * works on a copy of the tree, and fails if the tree itself has changed in the meantime. */
#include <stdio.h>
#include <stdlib.h>

#include "fake_impl.h"

struct request {
    struct fake *fake;
    struct xsd_sockmsg header;
    const char *payload; /* header.len bytes, and a NUL */
    char path[XENSTORE_ABS_PATH_MAX + 1];
    bool relative;
    struct fake_transaction *transaction; /* NULL: none */
    struct fake_node *root;
};

static void answer(const struct request *r, const void *payload, size_t len)
{
    fake_xenstored_reply(r->fake, r->header.type, r->header.req_id, r->header.tx_id, payload, len);
}

static void answer_error(const struct request *r, const char *name)
{
    fake_xenstored_reply(r->fake, XS_ERROR, r->header.req_id, r->header.tx_id, name,
                         strlen(name) + 1);
}

static struct fake_transaction **transaction_slot(struct fake *fake, uint32_t id)
{
    struct fake_transaction **at = &fake->store.transactions;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void transaction_free(struct fake_transaction **at)
{
    struct fake_transaction *transaction = *at;
    *at = transaction->next;
    while (transaction->log) {
        struct fake_log *log = transaction->log;
        transaction->log = log->next;
        free(log->path);
        free(log);
    }
    fake_tree_free(transaction->root);
    free(transaction);
}

void fake_transactions_end(struct fake *fake)
{
    while (fake->store.transactions)
        transaction_free(&fake->store.transactions);
}

static void request_begin(const struct request *r)
{
    struct fake_store *store = &r->fake->store;
    struct fake_transaction *transaction = fake_alloc(sizeof(*transaction));
    char number[16];
    transaction->id = ++store->next_transaction;
    transaction->generation = store->generation;
    transaction->root = fake_tree_copy(store->root, NULL);
    transaction->log_end = &transaction->log;
    transaction->next = store->transactions;
    store->transactions = transaction;
    snprintf(number, sizeof(number), "%u", transaction->id);
    answer(r, number, strlen(number) + 1);
}

static void request_end(const struct request *r)
{
    struct fake_store *store = &r->fake->store;
    struct fake_transaction **at = transaction_slot(r->fake, r->header.tx_id);
    bool commit = r->payload[0] == 'T', conflict = (*at)->generation != store->generation;
    if (commit && (conflict || store->faults.conflicts > 0)) {
        store->faults.conflicts -= store->faults.conflicts > 0;
        answer_error(r, "EAGAIN");
    } else {
        answer(r, "OK", 3);
        if (commit) {
            struct fake_node *old = store->root;
            store->root = (*at)->root;
            (*at)->root = old;
            for (const struct fake_log *log = (*at)->log; log; log = log->next)
                fake_store_fire(r->fake, log->path);
        }
    }
    transaction_free(at);
}

/* In a transaction watches fire when it has gone through. */
static void request_changed(const struct request *r)
{
    if (!r->transaction) {
        fake_store_fire(r->fake, r->path);
        return;
    }
    struct fake_log *log = fake_alloc(sizeof(*log));
    log->path = fake_text(r->path, strlen(r->path));
    *r->transaction->log_end = log;
    r->transaction->log_end = &log->next;
}

static void request_watch(const struct request *r, const char *token)
{
    struct fake_store *store = &r->fake->store;
    for (struct fake_guest_watch *w = store->watches; w; w = w->next) {
        if (strcmp(w->path, r->path) == 0 && strcmp(w->token, token) == 0) {
            answer_error(r, "EEXIST");
            return;
        }
    }
    struct fake_guest_watch *watch = fake_alloc(sizeof(*watch));
    watch->path = fake_text(r->path, strlen(r->path));
    watch->token = fake_text(token, strlen(token));
    watch->relative = r->relative;
    watch->next = store->watches;
    store->watches = watch;
    answer(r, "OK", 3);
    fake_xenstored_event(r->fake, watch, r->path);
}

static void request_unwatch(const struct request *r, const char *token)
{
    struct fake_guest_watch **at = &r->fake->store.watches, *watch;
    while (*at && (strcmp((*at)->path, r->path) != 0 || strcmp((*at)->token, token) != 0))
        at = &(*at)->next;
    watch = *at;
    if (!watch) {
        answer_error(r, "ENOENT");
        return;
    }
    *at = watch->next;
    free(watch->path);
    free(watch->token);
    free(watch);
    answer(r, "OK", 3);
}

static void request_list(const struct request *r, const struct fake_node *node)
{
    char names[XENSTORE_PAYLOAD_MAX];
    size_t len = 0;
    for (const struct fake_node *child = node->child; child; child = child->next) {
        size_t name = strlen(child->name) + 1;
        if (len + name > sizeof(names)) {
            answer_error(r, "E2BIG");
            return;
        }
        memcpy(names + len, child->name, name);
        len += name;
    }
    answer(r, names, len);
}

/* The guest may write below its own home, and nowhere else. */
static bool request_may_write(const struct request *r)
{
    char home[64];
    snprintf(home, sizeof(home), "/local/domain/%u", r->fake->config.domid);
    return fake_path_below(r->path, home);
}

static void request_on_path(struct request *r)
{
    const char *rest = r->payload + strlen(r->payload) + 1; /* of the message */
    size_t rest_len = r->header.len - (size_t)(rest - r->payload);
    struct fake_node *node = fake_tree_find(r->root, r->path);
    uint32_t type = r->header.type;
    if (type == XS_WATCH) {
        request_watch(r, rest);
    } else if (type == XS_UNWATCH) {
        request_unwatch(r, rest);
    } else if (type == XS_WRITE && request_may_write(r)) {
        fake_tree_write(r->root, r->path, rest, rest_len);
        answer(r, "OK", 3);
        request_changed(r);
    } else if (type == XS_WRITE || (type == XS_RM && !request_may_write(r))) {
        answer_error(r, "EACCES");
    } else if (!node) {
        answer_error(r, "ENOENT");
    } else if (type == XS_READ) {
        answer(r, node->value, node->len);
    } else if (type == XS_DIRECTORY) {
        request_list(r, node);
    } else if (type == XS_RM) {
        fake_tree_remove(r->root, r->path);
        answer(r, "OK", 3);
        request_changed(r);
    } else {
        answer_error(r, "ENOSYS");
    }
}

/* The path of the message, absolute; false: it has none that is fit. */
static bool request_path(struct request *r)
{
    if (!memchr(r->payload, '\0', r->header.len))
        return false;
    r->relative = r->payload[0] != '/';
    int n = r->relative ? snprintf(r->path, sizeof(r->path), "/local/domain/%u/%s",
                                   r->fake->config.domid, r->payload)
                        : snprintf(r->path, sizeof(r->path), "%s", r->payload);
    return n > 0 && (size_t)n < sizeof(r->path);
}

void fake_request(struct fake *fake)
{
    struct fake_store *store = &fake->store;
    struct request r = {.fake = fake, .payload = (const char *)store->in + sizeof(r.header)};
    memcpy(&r.header, store->in, sizeof(r.header));
    store->requests++;
    r.transaction = *transaction_slot(fake, r.header.tx_id);
    r.root = r.transaction ? r.transaction->root : store->root;
    struct fake_store_faults *faults = &store->faults;
    bool fault = faults->errors > 0
                 && (faults->error_type == 0 || faults->error_type == r.header.type);
    if (fault) {
        faults->errors--;
        answer_error(&r, faults->error ? faults->error : "EIO");
    } else if (r.header.tx_id != 0 && !r.transaction) {
        answer_error(&r, "ENOENT");
    } else if (r.header.type == XS_TRANSACTION_START) {
        request_begin(&r);
    } else if (r.header.type == XS_TRANSACTION_END && r.transaction && r.header.len == 2) {
        request_end(&r);
    } else if (request_path(&r)) {
        request_on_path(&r);
    } else {
        answer_error(&r, "EINVAL");
    }
}
