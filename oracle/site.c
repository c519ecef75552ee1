/* site: sorted once, and made one of equals. */
#include "oracle/site.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker's: the section of all sites. */
extern const struct hak_site __start_hak_sites[], __stop_hak_sites[];

static const char *const kinds[HAK_SITE_KIND_COUNT] = {
#define KIND_NAME(id, name) [HAK_SITE_##id] = name,
    HAK_SITE_KIND_TABLE(KIND_NAME)
#undef KIND_NAME
};

enum { COPIES_MAX = 16384 };
static const struct hak_site *sites[SITES_MAX];
static uint16_t number_of[COPIES_MAX];
static uint32_t count;

static int compare(const void *a, const void *b) {
    const struct hak_site *x = *(const struct hak_site *const *)a, *y = *(const struct hak_site *const *)b;
    int order = strcmp(x->file, y->file);
    if (order == 0) {
        order = (x->line > y->line) - (x->line < y->line);
    }
    return order != 0 ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

void site_open(void) {
    static const struct hak_site *all[COPIES_MAX];
    size_t copies = (size_t)(__stop_hak_sites - __start_hak_sites);
    if (copies > COPIES_MAX) {
        abort(); /* the sources have grown: so must the table */
    }
    static const char layer[] = "allocator/";
    size_t used = 0;
    for (size_t i = 0; i < copies; i++) {
        if (strncmp(__start_hak_sites[i].file, layer, sizeof layer - 1) == 0) {
            all[used++] = &__start_hak_sites[i];
        }
    }
    copies = used; /* what the oracle and tests look at themselves is nobody's site */
    qsort(all, copies, sizeof all[0], compare);
    count = 0;
    for (size_t i = 0; i < copies; i++) {
        if (count == 0 || compare(&sites[count - 1], &all[i]) != 0) {
            if (count == SITES_MAX) {
                abort();
            }
            sites[count++] = all[i];
        }
        number_of[all[i] - __start_hak_sites] = (uint16_t)(count - 1);
    }
}

uint32_t site_count(void) {
    return count;
}

const struct hak_site *site_at(uint32_t number) {
    return sites[number];
}

uint32_t site_number(const struct hak_site *site) {
    return number_of[site - __start_hak_sites];
}

const char *site_kind_name(const struct hak_site *site) {
    return kinds[site->kind];
}

void site_text(const struct hak_site *site, char *text, size_t capacity) {
    const char *slash = strrchr(site->file, '/');
    snprintf(text, capacity, "%s:%" PRIu32 " %s", slash == NULL ? site->file : slash + 1, site->line,
             site_kind_name(site));
}

const char *site_order_name(uint8_t order) {
    switch (order) {
    case memory_order_relaxed:
        return "relaxed";
    case memory_order_acquire:
        return "acquire";
    case memory_order_release:
        return "release";
    case memory_order_acq_rel:
        return "acq_rel";
    default:
        return "seq_cst";
    }
}
