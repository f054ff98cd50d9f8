/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkback_io.c - requests of the disks' back end: taken, looked at with suspicion,
 * carried out when they are answered. */
#include "blkback.h"

#include <stdlib.h>

enum {
    IO_HEAD = offsetof(struct blkif_sring, ring),
    IO_ENTRY = sizeof(union blkif_sring_entry),
};

/* Copies between the ring's entry index and memory of ours; an entry may cross pages. */
static void io_entry(struct blkback *back, uint32_t index, void *entry, size_t len, bool put)
{
    size_t at = IO_HEAD + (size_t)(index % back->size) * IO_ENTRY;
    for (size_t i = 0; i < len; i++, at++) {
        uint8_t *byte = back->page[at / RUNG_XEN_PAGE] + at % RUNG_XEN_PAGE;
        if (put)
            *byte = ((uint8_t *)entry)[i];
        else
            ((uint8_t *)entry)[i] = *byte;
    }
}

static bool io_writes(uint8_t operation)
{
    return operation == BLKIF_OP_WRITE || operation == BLKIF_OP_DISCARD;
}

static void io_check_apart(struct blkback *back, const struct blkback_request *request)
{
    for (const struct blkback_request *r = back->first; r; r = r->next) {
        if (r->id == request->id)
            blkback_wrong(back, "id %#llx is in flight already", (unsigned long long)r->id);
        if (r->sectors && request->sectors && r->sector < request->sector + request->sectors
            && request->sector < r->sector + r->sectors
            && (io_writes(r->operation) || io_writes(request->operation)))
            blkback_wrong(back, "requests for sectors %llu and %llu overlap",
                          (unsigned long long)r->sector, (unsigned long long)request->sector);
    }
}

static bool io_check_segments(struct blkback *back, const struct blkback_request *request)
{
    uint32_t size = back->config.sector_size ? back->config.sector_size : 512;
    for (unsigned i = 0; i < request->count; i++) {
        const struct blkif_request_segment *s = &request->segment[i];
        unsigned sectors = s->last_sect - s->first_sect + 1u;
        if (s->first_sect > s->last_sect || s->last_sect > 7)
            return !blkback_wrong(back, "segment of sectors %u to %u", s->first_sect, s->last_sect);
        if (sectors * 512 % size)
            blkback_wrong(back, "%u sectors in a segment, on a disk with sectors of %u bytes",
                          sectors, size);
    }
    if (request->sector * 512 % size)
        blkback_wrong(back, "sector %llu, on a disk with sectors of %u bytes",
                      (unsigned long long)request->sector, size);
    return true;
}

static void io_keep(struct blkback *back, uint32_t ref, uint8_t *page)
{
    back->kept[back->kept_count] = ref;
    back->kept_page[back->kept_count++] = page;
}

/* A grant as strong as it must be and no stronger. */
static uint8_t *io_map(struct blkback *back, const struct blkif_request_segment *s, bool write)
{
    for (unsigned i = 0; back->persistent && i < back->kept_count; i++) {
        if (back->kept[i] == s->gref)
            return back->kept_page[i];
    }
    if (!back->careless && !write && !back->persistent && fake_map(back->fake, 0, s->gref, true))
        blkback_wrong(back, "a page to be read is lent for writing");
    uint8_t *page = fake_map(back->fake, 0, s->gref, write || back->persistent);
    if (!page)
        blkback_wrong(back, "grant %u cannot be mapped", s->gref);
    if (page && back->persistent) {
        if (back->kept_count == BLKBACK_PERSISTENT)
            abort();
        io_keep(back, s->gref, page);
    }
    return page;
}

/* A page of which a part is asked for is the front end's own, and shows nothing else: neither what
 * lies beside the request in the program's memory, nor an earlier request's bytes. */
static void io_check_clean(struct blkback *back, const struct blkif_request_segment *s,
                           const uint8_t *page, uint8_t operation)
{
    for (size_t i = 0; i < RUNG_XEN_PAGE; i++) {
        bool written = (operation == BLKIF_OP_WRITE || back->persistent)
                       && i / 512 >= s->first_sect && i / 512 <= s->last_sect;
        if (!written && page[i])
            blkback_wrong(back, "byte %zu of a page that is lent is not the request's", i);
    }
}

/* False: a page is not lent (any more); count is how many are mapped. */
static bool io_map_all(struct blkback *back, struct blkback_request *request)
{
    unsigned all = request->count;
    for (request->count = 0; request->count < all; request->count++) {
        const struct blkif_request_segment *s = &request->segment[request->count];
        uint8_t *page = io_map(back, s, request->operation == BLKIF_OP_READ);
        if (!page)
            return false;
        request->page[request->count] = page;
        if (s->first_sect > 0 || s->last_sect < 7)
            io_check_clean(back, s, page, request->operation);
        request->sectors += s->last_sect - s->first_sect + 1u;
    }
    return true;
}

/* The list of an indirect request lies in pages of its own, read-only ones. */
static bool io_indirect(struct blkback *back, const struct blkif_request_indirect *raw,
                        struct blkback_request *request)
{
    if (raw->nr_segments > back->config.max_segments || raw->nr_segments > BLKBACK_SEGMENTS
        || !raw->nr_segments)
        if (blkback_wrong(back, "%u indirect segments", raw->nr_segments))
            return false;
    struct blkif_request_segment list = {.gref = raw->indirect_grefs[0]};
    const uint8_t *page = io_map(back, &list, false);
    if (!page)
        return false;
    request->operation = raw->indirect_op;
    request->count = raw->nr_segments;
    memcpy(request->segment, page, request->count * sizeof(*request->segment));
    for (size_t i = request->count * sizeof(*request->segment); i < RUNG_XEN_PAGE; i++) {
        if (page[i])
            blkback_wrong(back, "byte %zu behind a list of segments is not clean", i);
    }
    if (!back->persistent)
        fake_unmap(back->fake, list.gref);
    return true;
}

static void io_check_discard(struct blkback *back, const struct blkif_request_discard *raw)
{
    uint64_t granule = back->config.granularity ? back->config.granularity / 512 : 1;
    uint64_t offset = back->config.alignment / 512;
    if (!raw->nr_sectors || raw->flag || raw->nr_sectors % granule
        || (raw->sector_number + granule - offset % granule) % granule)
        blkback_wrong(back, "discard of %llu sectors at %llu", (unsigned long long)raw->nr_sectors,
                      (unsigned long long)raw->sector_number);
}

static bool io_parse(struct blkback *back, const struct blkif_request *raw,
                     struct blkback_request *request)
{
    struct blkif_request_indirect indirect;
    struct blkif_request_discard discard;
    memcpy(&indirect, raw, sizeof(indirect));
    memcpy(&discard, raw, sizeof(discard));
    request->id = raw->id;
    request->operation = raw->operation;
    request->sector = raw->sector_number;
    uint16_t handle = raw->operation == BLKIF_OP_INDIRECT ? indirect.handle : raw->handle;
    if (handle != (uint16_t)strtoul(back->id, NULL, 10))
        blkback_wrong(back, "handle %u", handle);
    if (raw->operation == BLKIF_OP_INDIRECT)
        return io_indirect(back, &indirect, request);
    if (raw->operation == BLKIF_OP_DISCARD) {
        io_check_discard(back, &discard);
        request->sectors = discard.nr_sectors;
        return true;
    }
    if (raw->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return !blkback_wrong(back, "%u segments", raw->nr_segments);
    request->count = raw->nr_segments;
    memcpy(request->segment, raw->seg, request->count * sizeof(*request->segment));
    return true;
}

static void io_check_kind(struct blkback *back, const struct blkback_request *request)
{
    const struct blkback_config *c = &back->config;
    bool flush = request->operation == BLKIF_OP_FLUSH_DISKCACHE
                 || request->operation == BLKIF_OP_WRITE_BARRIER;
    bool transfer = request->operation == BLKIF_OP_READ || request->operation == BLKIF_OP_WRITE;
    if ((request->operation == BLKIF_OP_FLUSH_DISKCACHE && !c->flush)
        || (request->operation == BLKIF_OP_WRITE_BARRIER && !c->barrier)
        || (request->operation == BLKIF_OP_DISCARD && !c->discard)
        || request->operation > BLKIF_OP_DISCARD || request->operation == BLKIF_OP_RESERVED_1)
        blkback_wrong(back, "operation %u was not offered", request->operation);
    if ((flush && request->count) || (transfer && !request->count))
        blkback_wrong(back, "operation %u with %u segments", request->operation, request->count);
    if (request->operation != BLKIF_OP_READ && (c->read_only || c->read_only_info))
        blkback_wrong(back, "operation %u on a read-only disk", request->operation);
}

static void io_take_one(struct blkback *back, uint32_t index)
{
    struct blkif_request raw;
    struct blkback_request *request = calloc(1, sizeof(*request));
    if (!request)
        abort();
    io_entry(back, index, &raw, sizeof(raw), false);
    if (!io_parse(back, &raw, request) || !io_check_segments(back, request))
        request->count = 0, request->bad = true;
    request->bad = !io_map_all(back, request) || request->bad;
    io_check_kind(back, request);
    io_check_apart(back, request);
    *back->last = request;
    back->last = &request->next;
    back->count[request->operation % 8]++;
    back->count[BLKIF_OP_INDIRECT] += raw.operation == BLKIF_OP_INDIRECT;
    back->segments += request->count;
    if (++back->flying > back->peak)
        back->peak = back->flying;
}

void blkback_take(struct blkback *back)
{
    if (!back->ring)
        return;
    do {
        if (back->ring->req_prod - back->taken > back->size
            && blkback_wrong(back, "more requests than the ring holds"))
            return;
        while (back->taken != back->ring->req_prod)
            io_take_one(back, back->taken++);
        back->ring->req_event = back->taken + 1;
    } while (back->taken != back->ring->req_prod);
}

/* Ends what it holds of the request's pages. */
static void io_unmap(struct blkback *back, const struct blkback_request *request)
{
    for (unsigned i = 0; i < request->count && !back->persistent; i++) {
        if (!back->keeps || back->kept_count == BLKBACK_PERSISTENT)
            fake_unmap(back->fake, request->segment[i].gref);
        else
            io_keep(back, request->segment[i].gref, request->page[i]);
    }
}

void blkback_drop(struct blkback *back, struct blkback_request *request)
{
    struct blkback_request **link = &back->first;
    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    if (!*link)
        back->last = link;
    io_unmap(back, request);
    back->flying--;
    free(request);
}

static int16_t io_perform(struct blkback *back, const struct blkback_request *request)
{
    uint64_t end = back->limit < back->config.sectors ? back->limit : back->config.sectors;
    if (back->status[request->operation % 8])
        return back->status[request->operation % 8];
    if (request->bad || request->sector > end || request->sectors > end - request->sector)
        return BLKIF_RSP_ERROR;
    uint8_t *at = back->bytes + request->sector * 512;
    size_t all = (size_t)request->sectors * 512;
    if (request->operation == BLKIF_OP_DISCARD)
        memset(at, 0xdd, all);
    for (unsigned i = 0; i < request->count; i++) {
        const struct blkif_request_segment *s = &request->segment[i];
        size_t len = (s->last_sect - s->first_sect + 1u) * 512u;
        uint8_t *memory = request->page[i] + s->first_sect * 512;
        if (request->operation == BLKIF_OP_READ)
            memcpy(memory, at, len);
        else
            memcpy(at, memory, len);
        at += len;
    }
    if (request->operation == BLKIF_OP_FLUSH_DISKCACHE
        || request->operation == BLKIF_OP_WRITE_BARRIER)
        memcpy(back->durable, back->bytes, (size_t)back->config.sectors * 512);
    return BLKIF_RSP_OKAY;
}

static void io_show(struct blkback *back, uint32_t old)
{
    back->ring->rsp_prod = back->answered;
    if (back->answered - back->ring->rsp_event < back->answered - old)
        fake_notify(back->fake, &back->port);
}

void blkback_say(struct blkback *back, const struct blkif_response *response)
{
    struct blkif_response copy = *response;
    uint32_t old = back->answered;
    if (!back->ring)
        return;
    io_entry(back, back->answered++, &copy, sizeof(copy), true);
    io_show(back, old);
}

void blkback_claim(struct blkback *back, uint32_t more)
{
    if (!back->ring)
        return;
    back->answered += more;
    back->ring->rsp_prod = back->answered;
    fake_notify(back->fake, &back->port);
}

void blkback_finish(struct blkback *back, struct blkback_request *request)
{
    struct blkif_response response;
    memset(&response, 0, sizeof(response));
    response.id = request->id;
    response.operation = request->operation;
    response.status = io_perform(back, request);
    blkback_drop(back, request);
    if (back->spoil)
        back->spoil(back, &response);
    blkback_say(back, &response);
}
