/* SPDX-License-Identifier: ISC */
/* backends/unix/err.c - the one place where errno and libuv's errors become ours. */
#include <errno.h>
#include <uv.h>

#include "unix/unix.h"

static const struct {
    int code;
    enum rung_err err;
} err_table[] = {
    {EAGAIN, RUNG_E_AGAIN}, {EINTR, RUNG_E_AGAIN}, {EINPROGRESS, RUNG_E_AGAIN},
    {EINVAL, RUNG_E_INVAL}, {EBADF, RUNG_E_INVAL}, {EFAULT, RUNG_E_INVAL},
    {EISDIR, RUNG_E_INVAL}, {ENOTDIR, RUNG_E_NOTFOUND}, {EDESTADDRREQ, RUNG_E_INVAL},
    {ENOTSOCK, RUNG_E_INVAL}, {EISCONN, RUNG_E_INVAL}, {ESPIPE, RUNG_E_INVAL},
    {ENOMEM, RUNG_E_NOMEM}, {ENOBUFS, RUNG_E_NOMEM},
    {ENOSYS, RUNG_E_NOTSUP}, {EOPNOTSUPP, RUNG_E_NOTSUP}, {ENOTTY, RUNG_E_NOTSUP},
    {EPROTONOSUPPORT, RUNG_E_NOTSUP}, {EAFNOSUPPORT, RUNG_E_NOTSUP}, {ENOPROTOOPT, RUNG_E_NOTSUP},
    {EXDEV, RUNG_E_NOTSUP},
    {ENOENT, RUNG_E_NOTFOUND}, {ESRCH, RUNG_E_NOTFOUND},
    {EEXIST, RUNG_E_EXISTS}, {ENOTEMPTY, RUNG_E_EXISTS}, {EALREADY, RUNG_E_EXISTS},
    {EACCES, RUNG_E_ACCESS}, {EPERM, RUNG_E_ACCESS}, {ELOOP, RUNG_E_ACCESS},
    {EROFS, RUNG_E_READONLY},
    {ERANGE, RUNG_E_RANGE}, {EOVERFLOW, RUNG_E_RANGE}, {EDOM, RUNG_E_RANGE},
    {EFBIG, RUNG_E_TOOBIG}, {E2BIG, RUNG_E_TOOBIG}, {EMSGSIZE, RUNG_E_TOOBIG},
    {ENAMETOOLONG, RUNG_E_TOOBIG},
    {ENOSPC, RUNG_E_FULL}, {EDQUOT, RUNG_E_FULL},
    {EIO, RUNG_E_IO}, {ENOTBLK, RUNG_E_IO}, {EPROTO, RUNG_E_IO},
    {EILSEQ, RUNG_E_CORRUPT}, {EBADMSG, RUNG_E_CORRUPT}, {EUCLEAN, RUNG_E_CORRUPT},
    {EBUSY, RUNG_E_BUSY}, {ETXTBSY, RUNG_E_BUSY}, {EDEADLK, RUNG_E_BUSY},
    {EMFILE, RUNG_E_LIMIT}, {ENFILE, RUNG_E_LIMIT}, {EMLINK, RUNG_E_LIMIT},
    {ENODEV, RUNG_E_DOWN}, {ENXIO, RUNG_E_DOWN}, {ENETDOWN, RUNG_E_DOWN},
    {ENOTCONN, RUNG_E_DOWN}, {ESHUTDOWN, RUNG_E_DOWN},
    {ECANCELED, RUNG_E_CANCELED},
    {ETIMEDOUT, RUNG_E_TIMEDOUT},
    {ECONNREFUSED, RUNG_E_REFUSED},
    {ECONNRESET, RUNG_E_RESET}, {ECONNABORTED, RUNG_E_RESET}, {EPIPE, RUNG_E_RESET},
    {ENETRESET, RUNG_E_RESET},
    {EHOSTUNREACH, RUNG_E_UNREACH}, {ENETUNREACH, RUNG_E_UNREACH}, {EHOSTDOWN, RUNG_E_UNREACH},
    {EADDRINUSE, RUNG_E_ADDRINUSE},
    {EADDRNOTAVAIL, RUNG_E_ADDRNOTAVAIL},
    {ESTALE, RUNG_E_CHANGED},
};

enum rung_err rung_err_from_errno(int errno_value)
{
    if (errno_value == 0)
        return RUNG_OK;
    for (size_t i = 0; i < RUNG_ARRAY_LEN(err_table); i++)
        if (err_table[i].code == errno_value)
            return err_table[i].err;
    return RUNG_E_UNKNOWN;
}

/* On Unix libuv's numbers are negated errnos, but for the few that have none. */
enum rung_err rung_err_from_uv(int uv_error)
{
    if (uv_error >= 0)
        return RUNG_OK;
    switch (uv_error) {
    case UV_EOF: return RUNG_E_EOF;
    case UV_ECHARSET: return RUNG_E_INVAL;
    case UV_EAI_MEMORY: return RUNG_E_NOMEM;
    case UV_EAI_AGAIN: return RUNG_E_AGAIN;
    case UV_EAI_CANCELED: return RUNG_E_CANCELED;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY: return RUNG_E_NOTFOUND;
    case UV_EAI_FAMILY:
    case UV_EAI_SERVICE:
    case UV_EAI_SOCKTYPE: return RUNG_E_NOTSUP;
    default: return rung_err_from_errno(-uv_error);
    }
}
