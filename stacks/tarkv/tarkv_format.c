/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_format.c - bytes to facts; see tarkv_format.h. */
#include "tarkv_format.h"

#include <string.h>

enum { /* a header's fields: where they begin */
    AT_NAME = 0, AT_SIZE = 124, AT_SUM = 148, AT_TYPE = 156, AT_LINK = 157, AT_MAGIC = 257,
    AT_PREFIX = 345,
    NAME_BYTES = 100, NUMBER_BYTES = 12, SUM_BYTES = 8, PREFIX_BYTES = 155,
};

/* Octal digits, perhaps behind blanks, up to a blank, a NUL or the field's end. */
static bool format_octal(const uint8_t *field, size_t len, uint64_t *number)
{
    size_t i = 0;
    *number = 0;
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        *number = *number << 3 | (uint64_t)(field[i] - '0'); /* 36 bits at most */
    for (; i < len; i++) {
        if (field[i] != ' ' && field[i] != 0)
            return false;
    }
    return true;
}

/* Octal, or GNU's: the first bit, and the number behind it, big-endian. */
static bool format_number(const uint8_t *field, size_t len, uint64_t *number)
{
    if (!(field[0] & 0x80))
        return format_octal(field, len, number);
    if (field[0] & 0x7f) /* negative, or too big */
        return false;
    *number = 0;
    for (size_t i = 1; i < len; i++) {
        if (*number >> 55)
            return false;
        *number = *number << 8 | field[i];
    }
    return true;
}

static void format_text(struct rung_tarkv_text *text, const uint8_t *field, size_t len)
{
    const uint8_t *end = memchr(field, 0, len);
    text->len = end ? (size_t)(end - field) : len;
    memcpy(text->bytes, field, text->len);
}

/* The sum of all bytes with blanks for itself. Old programs added signed bytes. */
bool rung_tarkv_is_header(const uint8_t *block)
{
    uint64_t stored;
    int64_t sum = 0, sum_signed = 0;
    for (size_t i = 0; i < TARKV_BLOCK; i++) {
        uint8_t byte = i >= AT_SUM && i < AT_SUM + SUM_BYTES ? ' ' : block[i];
        sum += byte;
        sum_signed += byte < 128 ? byte : byte - 256;
    }
    return format_octal(block + AT_SUM, SUM_BYTES, &stored) && !rung_tarkv_is_zero(block)
           && (stored == (uint64_t)sum || stored == (uint64_t)sum_signed);
}

bool rung_tarkv_is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TARKV_BLOCK; i++) {
        if (block[i])
            return false;
    }
    return true;
}

const char *rung_tarkv_get_header(const uint8_t *block, struct rung_tarkv_header *header)
{
    struct rung_tarkv_text name;
    header->type = block[AT_TYPE] ? (char)block[AT_TYPE] : '0';
    if (!format_number(block + AT_SIZE, NUMBER_BYTES, &header->size))
        return "its size is no number";
    format_text(&header->path, block + AT_NAME, NAME_BYTES);
    format_text(&header->link, block + AT_LINK, NAME_BYTES);
    if (memcmp(block + AT_MAGIC, "ustar", 6) == 0 && block[AT_PREFIX]) {
        name = header->path;
        format_text(&header->path, block + AT_PREFIX, PREFIX_BYTES);
        header->path.bytes[header->path.len++] = '/';
        memcpy(header->path.bytes + header->path.len, name.bytes, name.len);
        header->path.len += name.len;
    }
    return NULL;
}

static bool format_decimal(const uint8_t *bytes, size_t len, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < '0' || bytes[i] > '9' || *number > (UINT64_C(1) << 63) / 10 - 1)
            return false;
        *number = *number * 10 + (uint64_t)(bytes[i] - '0');
    }
    return len > 0;
}

static const char *format_path(struct rung_tarkv_text *text, const uint8_t *bytes, size_t len)
{
    if (len > sizeof(text->bytes))
        return "a name in it is too long";
    if (len && memchr(bytes, 0, len))
        return "a name in it holds a NUL";
    text->len = len; /* 0: takes back what was said before */
    if (len)
        memcpy(text->bytes, bytes, len);
    return NULL;
}

static bool format_is(const uint8_t *bytes, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(bytes, word, len) == 0;
}

static const char *format_pair(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
                               struct rung_tarkv_extra *extra)
{
    static const char sparse[] = "GNU.sparse.";
    if (format_is(key, key_len, "path"))
        return format_path(&extra->path, value, len);
    if (format_is(key, key_len, "linkpath"))
        return format_path(&extra->link, value, len);
    if (format_is(key, key_len, "size")) {
        extra->has_size = len > 0;
        if (len && !format_decimal(value, len, &extra->size))
            return "a size in it is no number";
    }
    if (key_len > sizeof(sparse) - 1 && memcmp(key, sparse, sizeof(sparse) - 1) == 0)
        extra->sparse = true;
    return NULL;
}

/* Each record is "<length of the record> <key>=<value>" and a line feed. */
const char *rung_tarkv_get_pax(const uint8_t *bytes, size_t len, struct rung_tarkv_extra *extra)
{
    while (len > 0) {
        size_t most = len < 20 ? len : 20;
        const uint8_t *blank = memchr(bytes, ' ', most);
        uint64_t whole;
        if (!blank || !format_decimal(bytes, (size_t)(blank - bytes), &whole) || whole > len
            || whole < (size_t)(blank - bytes) + 4 || bytes[whole - 1] != '\n')
            return "a record in it has a wrong length";
        const uint8_t *key = blank + 1, *end = bytes + whole - 1;
        const uint8_t *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals || equals == key)
            return "a record in it has no key";
        const char *wrong = format_pair(key, (size_t)(equals - key), equals + 1,
                                        (size_t)(end - equals) - 1, extra);
        if (wrong)
            return wrong;
        bytes += whole;
        len -= (size_t)whole;
    }
    return NULL;
}

const char *rung_tarkv_get_long(const uint8_t *bytes, size_t len, struct rung_tarkv_text *text)
{
    const uint8_t *end = len ? memchr(bytes, 0, len) : NULL;
    return format_path(text, bytes, end ? (size_t)(end - bytes) : len);
}
