/* site: the places in the allocator where it touches shared memory, as a list.
 *
 * A site in a header stands in every file that uses it; here it is one. Numbers go from 0 in the order of file, line
 * and kind, and are the same for one build. Constant after site_open, which world_open calls. */
#ifndef HAKMEM_ORACLE_SITE_H
#define HAKMEM_ORACLE_SITE_H

#include <stddef.h>
#include <stdint.h>

#include "allocator/shim.h"

enum { SITES_MAX = 1024 };

void site_open(void);
uint32_t site_count(void);
const struct hak_site *site_at(uint32_t number);
uint32_t site_number(const struct hak_site *site);
/* "remote.c:17 weak cas" */
void site_text(const struct hak_site *site, char *text, size_t capacity);
/* "weak cas" */
const char *site_kind_name(const struct hak_site *site);
/* "acquire", and the like. */
const char *site_order_name(uint8_t order);

#endif
