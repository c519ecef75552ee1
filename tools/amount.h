/* amount: bytes as people read them. */
#ifndef HAKMEM_TOOLS_AMOUNT_H
#define HAKMEM_TOOLS_AMOUNT_H

#include <stdint.h>

enum { AMOUNT_BYTES = 24 };

/* "96 B", "1.5 KiB", "12 MiB", in `text`, which is returned. */
const char *amount_bytes(uint64_t bytes, char text[AMOUNT_BYTES]);

#endif
