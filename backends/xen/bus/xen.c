/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/xen.c - Xen's errors in our words, and who is told of a resume. */
#include "xen/bus/xen.h"

#include "xen/bus/abi.h"
#include <xen/errno.h>

static const struct xen_error {
    const char *name; /* as xenstored says it */
    int number;       /* as hypercalls give it */
    enum rung_err err;
} xen_errors[] = {
    {"EPERM", XEN_EPERM, RUNG_E_ACCESS},
    {"ENOENT", XEN_ENOENT, RUNG_E_NOTFOUND},
    {"EIO", XEN_EIO, RUNG_E_IO},
    {"ENXIO", XEN_ENXIO, RUNG_E_NOTFOUND},
    {"E2BIG", XEN_E2BIG, RUNG_E_LIMIT},
    {"EAGAIN", XEN_EAGAIN, RUNG_E_CHANGED},
    {"ENOMEM", XEN_ENOMEM, RUNG_E_NOMEM},
    {"EACCES", XEN_EACCES, RUNG_E_ACCESS},
    {"EFAULT", XEN_EFAULT, RUNG_E_INVAL},
    {"EBUSY", XEN_EBUSY, RUNG_E_BUSY},
    {"EEXIST", XEN_EEXIST, RUNG_E_EXISTS},
    {"ENODEV", XEN_ENODEV, RUNG_E_NOTFOUND},
    {"EISDIR", XEN_EISDIR, RUNG_E_INVAL},
    {"EINVAL", XEN_EINVAL, RUNG_E_INVAL},
    {"ENOSPC", XEN_ENOSPC, RUNG_E_LIMIT},
    {"EROFS", XEN_EROFS, RUNG_E_READONLY},
    {"ERANGE", XEN_ERANGE, RUNG_E_RANGE},
    {"ENOSYS", XEN_ENOSYS, RUNG_E_NOTSUP},
    {"ENOTEMPTY", XEN_ENOTEMPTY, RUNG_E_BUSY},
    {"EOPNOTSUPP", XEN_EOPNOTSUPP, RUNG_E_NOTSUP},
    {"EISCONN", XEN_EISCONN, RUNG_E_BUSY},
    {"ENOTCONN", XEN_ENOTCONN, RUNG_E_DOWN},
    {"ETIMEDOUT", XEN_ETIMEDOUT, RUNG_E_TIMEDOUT},
};

enum rung_err rung_xen_err(long xen_errno)
{
    if (xen_errno >= 0)
        return RUNG_OK;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(xen_errors); i++)
        if (xen_errors[i].number == -xen_errno)
            return xen_errors[i].err;
    return RUNG_E_UNKNOWN;
}

enum rung_err rung_xen_err_named(const char *name)
{
    for (size_t i = 0; i < RUNG_ARRAY_LEN(xen_errors); i++)
        if (strcmp(xen_errors[i].name, name) == 0)
            return xen_errors[i].err;
    return RUNG_E_UNKNOWN;
}

void rung_xen_resumer_add(struct rung_xen *x, struct rung_xen_resumer *resumer)
{
    struct rung_xen_resumer **at = &x->resumers;
    assert(resumer->resumed);
    while (*at)
        at = &(*at)->next;
    resumer->next = NULL;
    *at = resumer;
}

void rung_xen_resumer_remove(struct rung_xen *x, struct rung_xen_resumer *resumer)
{
    struct rung_xen_resumer **at = &x->resumers;
    while (*at && *at != resumer)
        at = &(*at)->next;
    if (*at)
        *at = resumer->next;
}

void rung_xen_suspending(struct rung_xen *x)
{
    for (struct rung_xen_resumer *r = x->resumers; r; r = r->next)
        if (r->suspending)
            r->suspending(r);
}

void rung_xen_resumed(struct rung_xen *x)
{
    struct rung_xen_resumer *next;
    for (struct rung_xen_resumer *r = x->resumers; r; r = next) {
        next = r->next;
        r->resumed(r);
    }
}
