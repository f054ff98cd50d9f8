/* SPDX-License-Identifier: ISC */
/* backends/xen/entropy.c - entropy.h on BearSSL's HMAC-DRBG; see xen/entropy.h. */
#include <string.h>

#include "rung/log.h"
#include "xen/entropy.h"
#include "xen/jitter.h"
#include "xen/libc/libc.h"

#define ENTROPY_VALUES 8u  /* of 64 bits, in a seed: twice what the generator holds */
#define ENTROPY_TESTED 16u /* at the start, per feature */
#define ENTROPY_TRIES 100u /* for one value; Intel asks for 10 of RDRAND, and RDSEED dries up */
#define ENTROPY_ONES_MIN 400u /* of 1,024 bits; a good source is outside once in 10^12 starts */
#define ENTROPY_ONES_MAX 624u
#define ENTROPY_JITTER_ALONE 2048u /* samples that count: 512 bits at a quarter of a bit each */
#define ENTROPY_JITTER_PATIENCE 512u /* batches to find them in */
#define ENTROPY_AGE_BYTES ((uint64_t)1 << 20)
#define ENTROPY_AGE_TICKS ((uint64_t)1 << 39) /* 3 minutes at 3 GHz */
#define ENTROPY_REQUEST ((size_t)1 << 16)     /* SP 800-90A: bytes in one request, at most */

static const struct {
    unsigned bit;
    const char *name;
} entropy_feature[2] = {{RUNG_XEN_CPU_RDSEED, "RDSEED"}, {RUNG_XEN_CPU_RDRAND, "RDRAND"}};

static void entropy_wipe(void *secret, size_t len)
{
    memset(secret, 0, len);
    __asm__ volatile("" : : "r"(secret) : "memory"); /* it is read: not to be left out */
}

/* One value, or false: the feature gives none, or what broken processors are known to give. */
static bool entropy_value(struct rung_xen_entropy *e, unsigned i, uint64_t *value)
{
    bool (*get)(void *arg, uint64_t *value) = i == 0 ? e->cpu->rdseed : e->cpu->rdrand;
    unsigned tries = ENTROPY_TRIES;
    while (!get(e->cpu->arg, value))
        if (--tries == 0)
            return false;
    if (*value == 0 || *value == UINT64_MAX || *value == e->last[i])
        return false;
    e->last[i] = *value;
    return true;
}

/* Whether a feature works, as far as some values tell. */
static bool entropy_feature_works(struct rung_xen_entropy *e, unsigned i)
{
    uint64_t value[ENTROPY_TESTED];
    unsigned ones = 0;
    bool good = true;

    for (unsigned k = 0; good && k < ENTROPY_TESTED; k++) {
        good = entropy_value(e, i, &value[k]);
        if (!good)
            break;
        for (uint64_t bits = value[k]; bits; bits &= bits - 1)
            ones++;
        for (unsigned m = 0; m < k; m++)
            good &= value[m] != value[k];
    }
    entropy_wipe(value, sizeof(value));
    return good && ones >= ENTROPY_ONES_MIN && ones <= ENTROPY_ONES_MAX;
}

/* Values of one feature, which is not asked again once it has gone bad. */
static void entropy_from_feature(struct rung_xen_entropy *e, unsigned i,
                                 uint64_t value[ENTROPY_VALUES])
{
    for (unsigned k = 0; k < ENTROPY_VALUES; k++)
        if (!entropy_value(e, i, &value[k])) {
            e->features &= ~entropy_feature[i].bit;
            rung_log(e->p, RUNG_LOG_WARN, "entropy",
                     "%s gives values that cannot be random: not used any more",
                     entropy_feature[i].name);
            return;
        }
}

/* Adds samples until so many have counted; false: they do not come. */
static bool entropy_from_jitter(struct rung_xen_entropy *e, unsigned wanted)
{
    struct rung_xen_jitter j = {.ticks = e->cpu->ticks, .arg = e->cpu->arg};
    uint32_t sample[RUNG_XEN_JITTER_BATCH];
    unsigned counted = 0, patience = ENTROPY_JITTER_PATIENCE;
    do {
        counted += rung_xen_jitter_batch(&j, sample);
        br_hmac_drbg_update(&e->drbg, sample, sizeof(sample));
    } while (!j.failed && counted < wanted && --patience > 0);
    entropy_wipe(sample, sizeof(sample));
    entropy_wipe(&j, sizeof(j));
    return !j.failed && counted >= wanted;
}

/* Adds what there is; whether it is enough to begin with. */
static bool entropy_gather(struct rung_xen_entropy *e)
{
    struct {
        uint64_t now;
        uint64_t value[RUNG_ARRAY_LEN(entropy_feature)][ENTROPY_VALUES];
    } seed = {.now = e->cpu->ticks(e->cpu->arg)};
    bool jitters;

    for (unsigned i = 0; i < RUNG_ARRAY_LEN(entropy_feature); i++)
        if (e->features & entropy_feature[i].bit)
            entropy_from_feature(e, i, seed.value[i]);
    e->given = 0;
    e->seeded_at = seed.now;
    br_hmac_drbg_update(&e->drbg, &seed, sizeof(seed));
    entropy_wipe(&seed, sizeof(seed));
    /* A batch of jitter comes on top in any case, good or not. */
    jitters = entropy_from_jitter(e, e->features || !e->allow_jitter ? 1 : ENTROPY_JITTER_ALONE);
    return e->features || (e->allow_jitter && jitters);
}

static enum rung_err entropy_seed(struct rung_xen_entropy *e)
{
    bool enough = entropy_gather(e);
    if (enough && !e->features)
        rung_log(e->p, RUNG_LOG_WARN, "entropy",
                 "no RDRAND or RDSEED that works: keys come from the jitter of the clock alone, "
                 "as xen.entropy=jitter allows");
    if (enough)
        return RUNG_OK;
    rung_log(e->p, RUNG_LOG_ERROR, "entropy", "no RDRAND or RDSEED that works%s: give the guest "
             "RDRAND (cpuid= in its configuration)%s",
             e->allow_jitter ? ", and the clock does not jitter" : "",
             e->allow_jitter ? "" : ", or let the clock's jitter do with xen.entropy=jitter");
    e->cpu = NULL;
    return RUNG_E_NOTSUP;
}

enum rung_err rung_xen_entropy_start(struct rung_xen_entropy *e, struct rung_platform *p,
                                     const struct rung_xen_cpu *cpu, bool allow_jitter)
{
    unsigned offered = cpu->features(cpu->arg);
    *e = (struct rung_xen_entropy){.p = p, .cpu = cpu, .allow_jitter = allow_jitter};
    br_hmac_drbg_init(&e->drbg, &br_sha256_vtable, "rung", 4);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(entropy_feature); i++) {
        if (!(offered & entropy_feature[i].bit))
            continue;
        if (entropy_feature_works(e, i))
            e->features |= entropy_feature[i].bit;
        else
            rung_log(p, RUNG_LOG_WARN, "entropy", "%s fails its test: not used",
                     entropy_feature[i].name);
    }
    return entropy_seed(e);
}

enum rung_err rung_xen_entropy_reseed(struct rung_xen_entropy *e)
{
    return entropy_seed(e);
}

/* A generator that was seeded once stays good: whether there is anything new to add, it goes on. */
static void entropy_renew(struct rung_xen_entropy *e, size_t len)
{
    e->given += len;
    if (e->given > ENTROPY_AGE_BYTES
        || e->cpu->ticks(e->cpu->arg) - e->seeded_at > ENTROPY_AGE_TICKS)
        (void)entropy_gather(e);
}

void rung_entropy_fill(struct rung_platform *p, void *buf, size_t len)
{
    struct rung_xen_entropy *e = rung_xen_entropy_of(p);
    unsigned char *out = buf;
    if (!e->cpu) /* rather an end than keys that can be guessed */
        rung_xen_crash("entropy: asked for before there is any");
    while (len > 0) {
        size_t n = len < ENTROPY_REQUEST ? len : ENTROPY_REQUEST;
        entropy_renew(e, n);
        br_hmac_drbg_generate(&e->drbg, out, n);
        out += n;
        len -= n;
    }
}
