/* SPDX-License-Identifier: ISC */
/* test/e2e/client_answer.c - finds where HTTP/1.1 answers begin and end. It is strict: what the
 * server says must be in the one form that this reads, with a Content-Length. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* Reads status and length once the whole head is there. */
static void answer_head(struct client_answer *answer)
{
    static const char version[] = "HTTP/1.1 ";
    answer->head[answer->head_len] = '\0';
    if (strncmp(answer->head, version, strlen(version)) != 0)
        client_die("an answer that begins with '%.40s'", answer->head);
    answer->status = (unsigned)strtoul(answer->head + strlen(version), NULL, 10);
    if (answer->status < 100 || answer->status > 599)
        client_die("an answer with status %u", answer->status);
    const char *length = strcasestr(answer->head, "\r\ncontent-length:");
    answer->body_left = 0;
    if (length && !answer->bodiless && answer->status != 304)
        answer->body_left = strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
    else if (!length && answer->status != 304 && answer->status != 204 && answer->status >= 200)
        client_die("an answer without Content-Length:\n%s", answer->head);
    answer->in_body = true;
}

size_t client_answer_feed(struct client_answer *answer, const char *data, size_t len, bool *done)
{
    size_t took = 0;
    while (!answer->in_body && took < len) {
        if (answer->head_len + 1 >= sizeof(answer->head))
            client_die("the head of an answer exceeds %zu bytes", sizeof(answer->head));
        answer->head[answer->head_len++] = data[took++];
        if (answer->head_len >= 4
            && memcmp(answer->head + answer->head_len - 4, "\r\n\r\n", 4) == 0)
            answer_head(answer);
    }
    *done = false;
    if (answer->in_body) {
        size_t n = len - took;
        if (n > answer->body_left)
            n = (size_t)answer->body_left;
        took += n;
        answer->body_left -= n;
        if (answer->body_left == 0) {
            *done = true;
            answer->in_body = false;
            answer->head_len = 0;
        }
    }
    return took;
}
