/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite_model.c - requests of chance, many in flight, against the oracle. The
 * seed is printed by test_platform_new(); RUNG_TEST_SEED plays a run again. */
#include "suite.h"

enum { MODEL_SECTORS = 96, MODEL_FLIGHT = 32, MODEL_LONGEST = 24, MODEL_REQUESTS = 6000 };

struct model;
struct model_io {
    struct block_io io;
    struct model *model;
    uint64_t number; /* the oracle's */
    uint64_t count;  /* sectors */
    char *memory;
    struct rung_vec vec[MODEL_LONGEST * 8];
};

struct model {
    struct block_test t;
    struct oracle *oracle;
    unsigned left; /* requests still to be submitted */
    bool discards;
    struct model_io io[MODEL_FLIGHT];
};

static uint64_t model_stamp(const struct model_io *m, uint64_t sector)
{
    return m->number << 16 | sector;
}

static void model_check_read(struct model_io *m)
{
    struct oracle *o = m->model->oracle;
    for (uint64_t i = 0; i < m->count; i++) {
        uint64_t sector = m->io.req.sector + i, stamp;
        const char *found = m->memory + (size_t)i * block_sector_size;
        memcpy(&stamp, found, sizeof(stamp));
        if (!oracle_allows(o, sector, m->number, ORACLE_ANYTHING)) {
            if (!oracle_allows(o, sector, m->number, stamp))
                fail_msg("sector %u holds %#llx, which it may not any more", (unsigned)sector,
                         (unsigned long long)stamp);
            block_expect(found, block_sector_size, stamp);
        }
        oracle_read(o, sector, -1);
    }
}

/* Cuts the request's memory into segments of chance, some of them empty. */
static unsigned model_cut(struct model_io *m, size_t len)
{
    struct block_test *t = &m->model->t;
    unsigned n = 0;
    size_t at = 0;
    while (at < len) {
        size_t part = (1 + block_chance(t, 16)) * (size_t)RUNG_BLOCK_ALIGN;
        if (n + 1 >= RUNG_ARRAY_LEN(m->vec) || part > len - at)
            part = len - at;
        m->vec[n++] = (struct rung_vec){m->memory + at, part};
        at += part;
        if (n + 1 < RUNG_ARRAY_LEN(m->vec) && block_chance(t, 8) == 0)
            m->vec[n++] = (struct rung_vec){m->memory, 0};
    }
    return n;
}

static enum rung_block_kind model_kind(struct model *model)
{
    uint32_t dice = block_chance(&model->t, 100);
    if (dice < 5)
        return RUNG_BLOCK_FLUSH;
    if (dice < 10 && model->discards)
        return RUNG_BLOCK_DISCARD;
    return dice < 55 ? RUNG_BLOCK_WRITE : RUNG_BLOCK_READ;
}

static void model_note(struct model_io *m, enum rung_block_kind kind, uint64_t sector)
{
    struct oracle *o = m->model->oracle;
    for (uint64_t i = 0; i < m->count; i++) {
        uint64_t stamp = model_stamp(m, sector + i);
        if (kind == RUNG_BLOCK_READ)
            oracle_read(o, sector + i, 1);
        else
            oracle_change(o, sector + i, m->number,
                          kind == RUNG_BLOCK_DISCARD ? ORACLE_ANYTHING : stamp);
        if (kind != RUNG_BLOCK_DISCARD)
            block_fill(m->memory + (size_t)i * block_sector_size, block_sector_size, stamp);
    }
}

static void model_submit(struct model_io *m)
{
    struct model *model = m->model;
    enum rung_block_kind kind = model_kind(model);
    uint64_t sector = block_chance(&model->t, MODEL_SECTORS);
    m->count = kind == RUNG_BLOCK_FLUSH ? 0 : block_chance(&model->t, MODEL_LONGEST);
    if (m->count > MODEL_SECTORS - sector)
        m->count = MODEL_SECTORS - sector;
    for (uint64_t i = 0; i < m->count; i++) {
        if (!oracle_has_room(model->oracle, sector + i))
            m->count = i; /* too much is uncertain there for now */
    }
    m->number = oracle_begin(model->oracle);
    model_note(m, kind, sector);
    unsigned n = model_cut(m, (size_t)m->count * block_sector_size);
    m->io.req.count = m->count;
    m->io.req.flags = kind == RUNG_BLOCK_WRITE && block_chance(&model->t, 16) == 0
                      ? RUNG_BLOCK_FUA : 0u;
    m->io.done_count = 0;
    block_submit(&model->t, &m->io, kind, sector, m->vec, n);
}

static void model_done(struct block_io *io)
{
    struct model_io *m = rung_container_of(io, struct model_io, io);
    struct model *model = m->model;
    assert_int_equal(io->result, RUNG_OK);
    if (io->req.kind == RUNG_BLOCK_READ)
        model_check_read(m);
    for (uint64_t i = 0; i < m->count && io->req.kind == RUNG_BLOCK_WRITE; i++)
        block_expect(m->memory + (size_t)i * block_sector_size, block_sector_size,
                     model_stamp(m, io->req.sector + i)); /* a write leaves its memory alone */
    for (uint64_t i = 0; i < m->count && io->req.kind != RUNG_BLOCK_READ; i++)
        oracle_changed(model->oracle, io->req.sector + i, m->number);
    if (model->left > 0) {
        model->left--;
        model_submit(m);
    }
}

static void model_check_all(struct model *model)
{
    for (uint64_t s = 0; s < MODEL_SECTORS; s++) {
        struct model_io *m = &model->io[0];
        m->number = oracle_begin(model->oracle);
        m->io.req.sector = s;
        m->count = 1;
        oracle_read(model->oracle, s, 1);
        int err = block_rw(&model->t, RUNG_BLOCK_READ, 0, s, m->memory, block_sector_size);
        assert_int_equal(err, RUNG_OK);
        model_check_read(m);
    }
}

static void requests_of_chance(void **state)
{
    struct model *model = calloc(1, sizeof(*model));
    (void)state;
    assert_non_null(model);
    block_begin(&model->t, MODEL_SECTORS, false);
    model->discards = (model->t.block->info.caps & RUNG_BLOCK_CAN_DISCARD) != 0;
    model->oracle = oracle_new(MODEL_SECTORS);
    for (unsigned i = 0; i < MODEL_FLIGHT; i++) {
        model->io[i].model = model;
        model->io[i].memory = block_memory(MODEL_LONGEST * (size_t)block_sector_size);
        model->io[i].io.then = model_done;
    }
    for (unsigned round = 0; round < 3; round++) {
        model->left = block_rounds(MODEL_REQUESTS) / 3;
        for (unsigned i = 0; i < MODEL_FLIGHT; i++)
            model_submit(&model->io[i]);
        block_wait(&model->t);
        assert_int_equal(model->left, 0);
        if (block_fixture.keeps)
            block_reopen(&model->t, false);
        model_check_all(model);
    }
    for (unsigned i = 0; i < MODEL_FLIGHT; i++)
        block_free_memory(model->io[i].memory);
    oracle_free(model->oracle);
    block_end(&model->t);
    free(model);
}

const struct CMUnitTest block_model_cases[] = {
    cmocka_unit_test(requests_of_chance),
    {.name = NULL},
};
