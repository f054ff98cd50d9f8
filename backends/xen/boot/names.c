/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/names.c - see names.h. */
#include "xen/boot/names.h"

struct names_reader {
    const uint8_t *letters, *pairs, *at, *end;
    unsigned letter_count, pair_count;
};

/* Takes a number, and that many things of so many bytes. */
static const uint8_t *names_list(struct names_reader *reader, unsigned *count, size_t bytes)
{
    const uint8_t *list = reader->at + 1;
    if (reader->at == reader->end)
        return NULL;
    *count = *reader->at;
    if ((size_t)(reader->end - list) < *count * bytes)
        return NULL;
    reader->at = list + *count * bytes;
    return list;
}

static bool names_number(struct names_reader *reader, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
        uint8_t byte = *reader->at++;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Writes the letters of one code; n: how many there are already, and then are. */
static bool names_code(const struct names_reader *reader, uint8_t code, char *text, unsigned *n)
{
    uint8_t todo[RUNG_XEN_NAME]; /* each waits for a letter of its own at least */
    unsigned count = 1;
    todo[0] = code;
    while (count > 0) {
        unsigned next = todo[--count];
        if (next < reader->letter_count) {
            if (*n == RUNG_XEN_NAME)
                return false;
            text[(*n)++] = (char)reader->letters[next];
            continue;
        }
        next -= reader->letter_count;
        if (next >= reader->pair_count || count + 2 > RUNG_XEN_NAME)
            return false;
        todo[count++] = reader->pairs[2 * next + 1];
        todo[count++] = reader->pairs[2 * next];
    }
    return true;
}

/* The entry after *name, which is written over; false: there is none. */
static bool names_next(struct names_reader *reader, struct rung_xen_name *name)
{
    uint64_t distance, words;
    unsigned n = 0;
    if (!names_number(reader, &distance) || !names_number(reader, &words))
        return false;
    do {
        if (reader->at == reader->end || !names_code(reader, *reader->at++, name->text, &n))
            return false;
    } while (name->text[n - 1] != '\0');
    name->place += distance;
    name->frame = words * sizeof(uint64_t);
    return true;
}

bool rung_xen_names_find(const uint8_t *table, size_t size, uint64_t place,
                         struct rung_xen_name *found)
{
    struct names_reader reader = {.at = table, .end = table + size};
    struct rung_xen_name next = {.place = 0};
    bool any = false;
    reader.letters = names_list(&reader, &reader.letter_count, 1);
    reader.pairs = reader.letters ? names_list(&reader, &reader.pair_count, 2) : NULL;
    while (reader.pairs && names_next(&reader, &next) && next.place <= place) {
        if (next.text[0])
            *found = next;
        else if (any)
            found->frame = next.frame;
        any |= next.text[0] != '\0';
    }
    return any;
}
