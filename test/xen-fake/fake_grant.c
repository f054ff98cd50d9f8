/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_grant.c - the grant table from the other side: mapping, copying, and a watch
 * over what the guest does with entries that are in use. */
#include <stdlib.h>

#include "fake_impl.h"

struct fake_entry { /* of either version */
    uint16_t *flags; /* the guest's */
    uint16_t *used;  /* where Xen says that it is in use; version 1: the same */
    uint16_t domid;
    uint64_t frame;
};

static uint32_t grants_room(const struct fake *fake)
{
    return FAKE_TABLE_MAX * (fake->version == 2 ? FAKE_PER_V2 : FAKE_PER_V1);
}

static bool grant_find(const struct fake *fake, uint32_t ref, struct fake_entry *entry)
{
    if (ref >= grants_room(fake))
        return false;
    if (fake->version == 2) {
        union grant_entry_v2 *table = (void *)fake->table[ref / FAKE_PER_V2];
        const uint32_t per = RUNG_XEN_PAGE / sizeof(grant_status_t);
        if (!table || !fake->status[ref / per])
            return false;
        union grant_entry_v2 *v2 = &table[ref % FAKE_PER_V2];
        *entry = (struct fake_entry){&v2->hdr.flags,
                                     (grant_status_t *)(void *)fake->status[ref / per] + ref % per,
                                     v2->hdr.domid, v2->full_page.frame};
    } else {
        struct grant_entry_v1 *table = (void *)fake->table[ref / FAKE_PER_V1];
        if (!table)
            return false;
        struct grant_entry_v1 *v1 = &table[ref % FAKE_PER_V1];
        *entry = (struct fake_entry){&v1->flags, &v1->flags, v1->domid, v1->frame};
    }
    return true;
}

static struct fake_mapping **mapping_slot(struct fake *fake, uint32_t ref)
{
    struct fake_mapping **at = &fake->mappings;
    while (*at && (*at)->ref != ref)
        at = &(*at)->next;
    return at;
}

void fake_grants_check(struct fake *fake)
{
    struct fake_entry entry;
    for (struct fake_mapping *m = fake->mappings; m; m = m->next) {
        if (!grant_find(fake, m->ref, &entry) || entry.frame != m->frame || entry.domid != m->domid
            || (*entry.flags & GTF_type_mask) != GTF_permit_access
            || !(*entry.used & GTF_reading))
            fake_die("grant %u was changed while domain %u had it mapped", m->ref, m->domid);
    }
}

void fake_grants_check_page(struct fake *fake, uint64_t frame)
{
    struct fake_entry entry;
    for (uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES; ref < grants_room(fake); ref++) {
        if (!grant_find(fake, ref, &entry)) {
            ref |= FAKE_PER_V2 - 1; /* the frame is not there: on to the next */
            continue;
        }
        if ((*entry.flags & GTF_type_mask) != GTF_invalid && entry.frame == frame)
            fake_die("a page is given back while grant %u lends it", ref);
    }
    for (const struct fake_mapping *m = fake->mappings; m; m = m->next)
        if (m->frame == frame)
            fake_die("a page is given back while it is mapped by grant %u", m->ref);
}

/* The grant, if domain domid may use it so. */
static struct fake_frame *grant_use(struct fake *fake, uint16_t domid, uint32_t ref, bool write,
                                    struct fake_entry *entry)
{
    fake_grants_check(fake);
    if (!grant_find(fake, ref, entry) || entry->domid != domid)
        return NULL;
    if ((*entry->flags & GTF_type_mask) != GTF_permit_access)
        return NULL;
    if (write && (*entry->flags & GTF_readonly))
        return NULL;
    return fake_frame_find(fake, entry->frame);
}

void *fake_map(struct fake *fake, uint16_t domid, uint32_t ref, bool write)
{
    struct fake_entry entry;
    struct fake_frame *frame = grant_use(fake, domid, ref, write, &entry);
    struct fake_mapping **at = mapping_slot(fake, ref);
    if (!frame)
        return NULL;
    if (!*at) {
        *at = fake_alloc(sizeof(**at));
        **at = (struct fake_mapping){.ref = ref, .frame = entry.frame, .domid = domid};
    }
    (*at)->count++;
    uint16_t bits = write ? GTF_reading | GTF_writing : GTF_reading;
    *entry.used = (uint16_t)(*entry.used | bits);
    return frame->page;
}

void fake_unmap(struct fake *fake, uint32_t ref)
{
    struct fake_mapping **at = mapping_slot(fake, ref), *mapping = *at;
    struct fake_entry entry;
    if (!mapping)
        fake_die("grant %u is unmapped that was not mapped (by the test's back end)", ref);
    fake_grants_check(fake);
    if (--mapping->count > 0)
        return;
    if (grant_find(fake, ref, &entry))
        *entry.used = (uint16_t)(*entry.used & ~(GTF_reading | GTF_writing));
    *at = mapping->next;
    free(mapping);
}

/* What lies in the lent page, or NULL. */
static const uint8_t *grant_at(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset,
                               uint32_t len)
{
    struct fake_entry entry;
    struct fake_frame *frame = grant_use(fake, domid, ref, false, &entry);
    if (!frame || offset > RUNG_XEN_PAGE || len > RUNG_XEN_PAGE - offset)
        return NULL;
    return frame->page + offset;
}

bool fake_copy_from(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset, void *to,
                    uint32_t len)
{
    const uint8_t *from = grant_at(fake, domid, ref, offset, len);
    if (from)
        memcpy(to, from, len);
    return from != NULL;
}

__attribute__((no_sanitize("address"))) bool
fake_peek(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset, void *to, uint32_t len)
{
    const volatile uint8_t *from = grant_at(fake, domid, ref, offset, len); /* no memcpy() here */
    for (uint32_t i = 0; from && i < len; i++)
        ((uint8_t *)to)[i] = from[i];
    return from != NULL;
}

bool fake_copy_to(struct fake *fake, uint16_t domid, uint32_t ref, uint32_t offset,
                  const void *from, uint32_t len)
{
    struct fake_entry entry;
    struct fake_frame *frame = grant_use(fake, domid, ref, true, &entry);
    if (!frame || offset > RUNG_XEN_PAGE || len > RUNG_XEN_PAGE - offset)
        return false;
    memcpy(frame->page + offset, from, len);
    return true;
}

uint32_t fake_grants_open(const struct fake *fake)
{
    struct fake_entry entry;
    uint32_t count = 0;
    for (uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES; ref < grants_room(fake); ref++)
        count += grant_find(fake, ref, &entry) && (*entry.flags & GTF_type_mask) != GTF_invalid;
    return count;
}

uint32_t fake_grants_mapped(const struct fake *fake)
{
    uint32_t count = 0;
    for (const struct fake_mapping *m = fake->mappings; m; m = m->next)
        count++;
    return count;
}

/* As the toolstack leaves them: the console's and the store's. The guest must not touch them. */
static bool grants_reserved(const struct fake *fake, bool set)
{
    struct fake_entry entry;
    bool same = true;
    for (uint32_t ref = 0; ref < GNTTAB_NR_RESERVED_ENTRIES; ref++) {
        if (!grant_find(fake, ref, &entry))
            return true;
        if (set)
            *entry.flags = ref < 2 ? GTF_permit_access : GTF_invalid;
        same = same && *entry.flags == (ref < 2 ? GTF_permit_access : GTF_invalid);
    }
    return same;
}

long fake_grants_place(struct fake *fake, uint64_t index, struct fake_frame *page)
{
    bool status = fake->version == 2 && (index & XENMAPIDX_grant_table_status) != 0;
    uint64_t at = status ? index & ~(uint64_t)XENMAPIDX_grant_table_status : index;
    if (!page || at >= fake->config.grant_frames)
        return -XEN_EINVAL;
    memset(page->page, 0, RUNG_XEN_PAGE);
    *(status ? &fake->status[at] : &fake->table[at]) = page->page;
    grants_reserved(fake, true);
    return 0;
}

void fake_grants_unplace(struct fake *fake, const uint8_t *page)
{
    if (fake->table[0] && !grants_reserved(fake, false))
        fake_die("the guest has changed grants that are not its own");
    for (uint32_t i = 0; i < FAKE_TABLE_MAX; i++) {
        if (fake->table[i] == page)
            fake->table[i] = NULL;
        if (fake->status[i] == page)
            fake->status[i] = NULL;
    }
}

void fake_grants_lose(struct fake *fake)
{
    while (fake->mappings) {
        struct fake_mapping *mapping = fake->mappings;
        fake->mappings = mapping->next;
        free(mapping);
    }
    memset(fake->table, 0, sizeof(fake->table));
    memset(fake->status, 0, sizeof(fake->status));
    fake->version = 1;
}
