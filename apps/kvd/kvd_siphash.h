/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_siphash.h - SipHash, by J.-P. Aumasson and D. J. Bernstein: "SipHash: a fast
 * short-input PRF" (INDOCRYPT 2012).
 * Model    Who does not know the key finds no two texts that collide but by chance. each is the
 *          rounds for a word of the text and last those at the end: the paper's SipHash-2-4 is
 *          2 and 4; 1 and 3, which the paper's names allow for, is what hash tables take.
 * Units    Bytes.
 * Owner    Nothing is kept.
 * Context  Any.
 * Errors   None. */
#ifndef KVD_SIPHASH_H
#define KVD_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct kvd_sip {
    uint64_t a, b, c, d; /* the paper's v0 to v3 */
};

static inline uint64_t kvd_sip_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void kvd_sip_rounds(struct kvd_sip *v, unsigned count)
{
    while (count-- > 0) {
        v->a += v->b;
        v->c += v->d;
        v->b = kvd_sip_turn(v->b, 13) ^ v->a;
        v->d = kvd_sip_turn(v->d, 16) ^ v->c;
        v->a = kvd_sip_turn(v->a, 32) + v->d;
        v->c += v->b;
        v->d = kvd_sip_turn(v->d, 21) ^ v->a;
        v->b = kvd_sip_turn(v->b, 17) ^ v->c;
        v->c = kvd_sip_turn(v->c, 32);
    }
}

static inline void kvd_sip_word(struct kvd_sip *v, uint64_t word, unsigned each)
{
    v->d ^= word;
    kvd_sip_rounds(v, each);
    v->a ^= word;
}

/* Of eight bytes, the first of which is the least. */
static inline uint64_t kvd_sip_read(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24
           | (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48
           | (uint64_t)at[7] << 56;
}

static inline uint64_t kvd_siphash(const uint64_t key[2], const uint8_t *at, size_t len,
                                   unsigned each, unsigned last)
{
    struct kvd_sip v = {key[0] ^ UINT64_C(0x736f6d6570736575),
                        key[1] ^ UINT64_C(0x646f72616e646f6d),
                        key[0] ^ UINT64_C(0x6c7967656e657261),
                        key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t rest = (uint64_t)len << 56;
    for (; len >= 8; len -= 8, at += 8)
        kvd_sip_word(&v, kvd_sip_read(at), each);
    for (size_t i = 0; i < len; i++)
        rest |= (uint64_t)at[i] << 8 * i;
    kvd_sip_word(&v, rest, each);
    v.c ^= 0xff;
    kvd_sip_rounds(&v, last);
    return v.a ^ v.b ^ v.c ^ v.d;
}

#endif
