/* SPDX-License-Identifier: ISC */
/* backends/xen/tool/pack.c - byte-pair encoding: while there are codes left, the pair of codes that
 * stands side by side most often becomes a code of its own. */
#include "xen/tool/pack.h"

#include <stdlib.h>
#include <string.h>

#define CODES 256u
#define NUMBERS_MAX 20u /* bytes of two numbers of 64 bits in base 128 */
#define WORTH 3u         /* times a pair must occur: its place in the list takes two bytes */

struct pack {
    uint8_t *codes; /* all names, one after the other, each with its zero */
    size_t len;
    uint8_t letters[CODES], pairs[CODES][2];
    unsigned letter_count, pair_count;
    bool ends[CODES];             /* codes with the zero in them: nothing is paired behind it */
    unsigned times[CODES][CODES]; /* of each pair */
};

static void pack_letters(struct pack *pack)
{
    uint8_t code[CODES] = {0};
    pack->letter_count = 1;
    pack->ends[0] = true;
    for (size_t i = 0; i < pack->len; i++) {
        uint8_t letter = pack->codes[i];
        if (letter && !code[letter]) {
            code[letter] = (uint8_t)pack->letter_count;
            pack->letters[pack->letter_count++] = letter;
        }
        pack->codes[i] = code[letter];
    }
}

/* Finds the pair that occurs most often; returns how often. */
static unsigned pack_best(struct pack *pack, uint8_t best[2])
{
    unsigned most = 0;
    memset(pack->times, 0, sizeof(pack->times));
    for (size_t i = 0; i + 1 < pack->len; i++) {
        uint8_t left = pack->codes[i], right = pack->codes[i + 1];
        if (pack->ends[left] || ++pack->times[left][right] <= most)
            continue;
        most = pack->times[left][right];
        best[0] = left;
        best[1] = right;
    }
    return most;
}

static void pack_replace(struct pack *pack, const uint8_t pair[2], uint8_t code)
{
    size_t kept = 0;
    for (size_t i = 0; i < pack->len; i++) {
        bool both = i + 1 < pack->len && pack->codes[i] == pair[0] && pack->codes[i + 1] == pair[1];
        pack->codes[kept++] = both ? code : pack->codes[i];
        i += both;
    }
    pack->len = kept;
}

static void pack_pairs(struct pack *pack)
{
    uint8_t best[2];
    while (pack->letter_count + pack->pair_count < CODES && pack_best(pack, best) >= WORTH) {
        unsigned code = pack->letter_count + pack->pair_count;
        memcpy(pack->pairs[pack->pair_count++], best, sizeof(best));
        pack->ends[code] = pack->ends[best[1]];
        pack_replace(pack, best, (uint8_t)code);
    }
}

static uint8_t *pack_number(uint8_t *p, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        *p++ = (uint8_t)(number | 0x80);
    *p++ = (uint8_t)number;
    return p;
}

static size_t pack_write(const struct pack *pack, const struct rung_xen_name *names, size_t count,
                         uint8_t *table)
{
    const uint8_t *code = pack->codes;
    uint8_t *p = table;
    uint64_t before = 0;
    *p++ = (uint8_t)pack->letter_count;
    memcpy(p, pack->letters, pack->letter_count);
    p += pack->letter_count;
    *p++ = (uint8_t)pack->pair_count;
    memcpy(p, pack->pairs, 2 * pack->pair_count);
    p += 2 * pack->pair_count;
    for (size_t i = 0; i < count; i++) {
        p = pack_number(p, names[i].place - before);
        p = pack_number(p, names[i].frame / sizeof(uint64_t));
        before = names[i].place;
        while (!pack->ends[*code])
            *p++ = *code++;
        *p++ = *code++;
    }
    return (size_t)(p - table);
}

uint8_t *pack_names(const struct rung_xen_name *names, size_t count, size_t *size)
{
    size_t most = count * (RUNG_XEN_NAME + NUMBERS_MAX) + 4 * CODES;
    struct pack *pack = calloc(1, sizeof(*pack));
    uint8_t *codes = malloc(most), *table = malloc(most);
    if (pack && codes && table) {
        pack->codes = codes;
        for (size_t i = 0; i < count; i++) {
            size_t len = strlen(names[i].text) + 1;
            memcpy(codes + pack->len, names[i].text, len);
            pack->len += len;
        }
        pack_letters(pack);
        pack_pairs(pack);
        *size = pack_write(pack, names, count, table);
    } else {
        free(table);
        table = NULL;
    }
    free(codes);
    free(pack);
    return table;
}
