/* SPDX-License-Identifier: ISC */
/* backends/common/err.c - the texts of errors. */
#include "rung/err.h"

const char *rung_err_text(int result)
{
    switch (result) {
#define RUNG_ERR_TEXT(name, number, text) \
    case (number): return text;
        RUNG_ERR_TABLE(RUNG_ERR_TEXT)
#undef RUNG_ERR_TEXT
    default:
        return result >= 0 ? "ok" : "unknown error";
    }
}
