/* request: what a caller asks an allocator for, in the simulated world and on real threads alike. */
#ifndef HAKMEM_ORACLE_REQUEST_H
#define HAKMEM_ORACLE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/contract.h"

/* errno before every call: a value no malloc sets. */
enum { ERRNO_BEFORE = 4095 };

struct request {
    const char *call;
    size_t size_bytes;
    size_t align_bytes;
    bool overflows; /* count times size does */
    bool bad_align;
    bool zeroed;
    bool aligned; /* the caller asked for align_bytes */
    /* on real threads, of mallocs that keep to C and POSIX and no more */
    bool is_open;     /* the answer is left open, or fixed by so new a standard that few keep to it: `fact` says what */
    bool no_standard; /* has the function: nobody says what errno is */
    enum fact fact;
};

/* Why no allocator can meet it; NULL when it can. */
static inline const char *request_is_impossible(const struct request *request) {
    return request->bad_align                  ? "the alignment is no power of two"
           : request->overflows                ? "count times size overflows"
           : request->size_bytes > PTRDIFF_MAX ? "it is larger than any object can be"
                                               : NULL;
}

#endif
