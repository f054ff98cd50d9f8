/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_date.c - dates as HTTP writes them, without the C library's time zones. */
#include <stdio.h>

#include "http1_text.h"

void rung_http1_date(uint64_t unix_s, char out[HTTP1_DATE_TEXT])
{
    static const char day_name[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char month_name[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
    unsigned second = (unsigned)(unix_s % 86400);
    uint64_t days = unix_s / 86400;
    const char *weekday = day_name + days % 7 * 3;

    /* Years that start in March put the leap day last; 400 of them are 146,097 days. */
    days += 719468; /* from 0000-03-01 */
    uint64_t era = days / 146097, day = days % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    unsigned month = (unsigned)(5 * day + 2) / 153;
    unsigned in_month = (unsigned)day - (153 * month + 2) / 5 + 1;
    year += era * 400 + (month >= 10);

    char text[64];
    snprintf(text, sizeof text, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", weekday, in_month,
             month_name + month * 3, (unsigned)year % 10000, second / 3600, second / 60 % 60,
             second % 60);
    memcpy(out, text, HTTP1_DATE_TEXT);
}
