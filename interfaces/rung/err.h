/* SPDX-License-Identifier: ISC */
/* interfaces/rung/err.h - the one table of errors.
 * Model    An operation answers 0 or a count when it went well, and a negative enum rung_err when
 *          it did not. Foreign codes (errno, UV_*, lwIP's, Xen's) are translated once, at the edge.
 * Owner    The texts are constants; nobody frees them.
 * Errors   An expected failure is returned. A caller's mistake is a bug and asserts. */
#ifndef RUNG_ERR_H
#define RUNG_ERR_H

/* X(name, number, text). Numbers are part of the interface and never given to another name. */
#define RUNG_ERR_TABLE(X) \
    X(AGAIN, -1, "not now; a ready event follows") \
    X(EOF, -2, "the peer has sent all it will send") \
    X(INVAL, -3, "bad argument") \
    X(NOMEM, -4, "out of memory") \
    X(NOTSUP, -5, "not supported by this module") \
    X(NOTFOUND, -6, "not found") \
    X(EXISTS, -7, "exists already") \
    X(ACCESS, -8, "permission denied") \
    X(READONLY, -9, "read-only") \
    X(RANGE, -10, "outside the allowed range") \
    X(TOOBIG, -11, "too big") \
    X(FULL, -12, "no space left") \
    X(IO, -13, "input/output error") \
    X(CORRUPT, -14, "data is damaged") \
    X(BUSY, -15, "in use") \
    X(LIMIT, -16, "a limit has been reached") \
    X(DOWN, -17, "the device or link is gone") \
    X(CANCELED, -18, "canceled") \
    X(TIMEDOUT, -19, "timed out") \
    X(REFUSED, -20, "connection refused") \
    X(RESET, -21, "connection reset") \
    X(UNREACH, -22, "no route to the host") \
    X(ADDRINUSE, -23, "address in use") \
    X(ADDRNOTAVAIL, -24, "address not available here") \
    X(CHANGED, -25, "changed in the meantime") \
    X(UNKNOWN, -26, "unknown error")

enum rung_err {
    RUNG_OK = 0,
#define RUNG_ERR_ENUM(name, number, text) RUNG_E_##name = (number),
    RUNG_ERR_TABLE(RUNG_ERR_ENUM)
#undef RUNG_ERR_ENUM
};

/* The text for a result; never NULL. Zero and positive numbers give "ok". */
const char *rung_err_text(int result);

/* The enumerator's name without RUNG_E_, for logs and tests; never NULL. */
static inline const char *rung_err_name(int result)
{
    switch (result) {
#define RUNG_ERR_NAME(name, number, text) \
    case (number): return #name;
        RUNG_ERR_TABLE(RUNG_ERR_NAME)
#undef RUNG_ERR_NAME
    default:
        return result >= 0 ? "OK" : "UNKNOWN";
    }
}

#endif
