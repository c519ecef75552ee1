/* override: the libc names, for LD_PRELOAD and for linking in front of libc. Owns nothing. Every name does what glibc's
 * manual says of it, through its hak_* counterpart (see hakmem.h); what has none is done here.
 *
 * This is everything that glibc's manual names under "Replacing malloc", the extensions that programs find in
 * <malloc.h>, and what C23 adds. cfree is not here: glibc 2.26 took it away. The C++ operators are in new.c.
 *
 * stdio.h is out of bounds for the allocator, since streams allocate. malloc_info is handed a stream by the caller, who
 * thereby asks for it to be written to: one fwrite, with no lock held, is the exception. */
#include "allocator/hakmem.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "allocator/geometry.h"
#include "allocator/os.h"

#if HAK_OVERRIDE

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

HAK_EXPORT void *malloc(size_t size_bytes) {
    return hak_malloc(size_bytes);
}

HAK_EXPORT void free(void *block) {
    hak_free(block);
}

HAK_EXPORT void *calloc(size_t count, size_t size_bytes) {
    return hak_calloc(count, size_bytes);
}

HAK_EXPORT void *realloc(void *block, size_t size_bytes) {
    return hak_realloc(block, size_bytes);
}

HAK_EXPORT void *reallocarray(void *block, size_t count, size_t size_bytes) {
    return hak_reallocarray(block, count, size_bytes);
}

HAK_EXPORT void *aligned_alloc(size_t align_bytes, size_t size_bytes) {
    return hak_aligned_alloc(align_bytes, size_bytes);
}

HAK_EXPORT void *memalign(size_t align_bytes, size_t size_bytes) {
    return hak_memalign(align_bytes, size_bytes);
}

HAK_EXPORT int posix_memalign(void **block, size_t align_bytes, size_t size_bytes) {
    return hak_posix_memalign(block, align_bytes, size_bytes);
}

HAK_EXPORT void *valloc(size_t size_bytes) {
    return hak_memalign(HAK_PAGE_BYTES, size_bytes);
}

HAK_EXPORT void *pvalloc(size_t size_bytes) {
    if (size_bytes > SIZE_MAX - (HAK_PAGE_BYTES - 1)) {
        errno = ENOMEM;
        return NULL;
    }
    return hak_memalign(HAK_PAGE_BYTES, (size_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1));
}

/* C23; the libc of today has no declaration of these two. */
HAK_EXPORT void free_sized(void *block, size_t size_bytes);
HAK_EXPORT void free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);

void free_sized(void *block, size_t size_bytes) {
    hak_free_sized(block, size_bytes);
}

void free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes) {
    hak_free_aligned_sized(block, align_bytes, size_bytes);
}

HAK_EXPORT size_t malloc_usable_size(void *block) {
    return hak_malloc_usable_size(block);
}

/* ---- glibc's second names ---------------------------------------------------------------------------------------- */

/* glibc exports its functions under these names too, and some programs bind them, mostly to get past a wrapper of their
 * own. Their blocks end in free and realloc, which are ours, so the blocks must be ours. The list is what glibc has
 * with a public version among what makes or ends blocks; __posix_memalign and __libc_reallocarray are not, so that no
 * program can bind them. */
HAK_EXPORT void *__libc_malloc(size_t size_bytes);
HAK_EXPORT void __libc_free(void *block);
HAK_EXPORT void *__libc_calloc(size_t count, size_t size_bytes);
HAK_EXPORT void *__libc_realloc(void *block, size_t size_bytes);
HAK_EXPORT void *__libc_memalign(size_t align_bytes, size_t size_bytes);
HAK_EXPORT void *__libc_valloc(size_t size_bytes);
HAK_EXPORT void *__libc_pvalloc(size_t size_bytes);

void *__libc_malloc(size_t size_bytes) {
    return hak_malloc(size_bytes);
}

void __libc_free(void *block) {
    hak_free(block);
}

void *__libc_calloc(size_t count, size_t size_bytes) {
    return hak_calloc(count, size_bytes);
}

void *__libc_realloc(void *block, size_t size_bytes) {
    return hak_realloc(block, size_bytes);
}

void *__libc_memalign(size_t align_bytes, size_t size_bytes) {
    return hak_memalign(align_bytes, size_bytes);
}

void *__libc_valloc(size_t size_bytes) {
    return valloc(size_bytes);
}

void *__libc_pvalloc(size_t size_bytes) {
    return pvalloc(size_bytes);
}

/* ---- settings and reports ---------------------------------------------------------------------------------------- */

HAK_EXPORT int malloc_trim(size_t pad_bytes) {
    return hak_malloc_trim(pad_bytes);
}

/* Every parameter that glibc ever had is accepted and has no effect: they tune parts that this allocator does not have,
 * and a program that checks the result should not fail over them. HAKMEM_* variables set what there is to set. */
HAK_EXPORT int mallopt(int parameter, int value) {
    (void)value;
    switch (parameter) {
    case M_MXFAST:
    case M_NLBLKS:
    case M_GRAIN:
    case M_KEEP:
    case M_TRIM_THRESHOLD:
    case M_TOP_PAD:
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
        return 1;
    default:
        return 0;
    }
}

HAK_EXPORT struct mallinfo2 mallinfo2(void) {
    struct hak_totals totals;
    hak_stats_totals(&totals);
    return (struct mallinfo2){
        .arena = totals.reserved_bytes,
        .ordblks = totals.free_count,
        .smblks = totals.cached_count,
        .hblks = totals.mapped_count,
        .hblkhd = totals.mapped_bytes,
        .fsmblks = totals.cached_bytes,
        .uordblks = totals.live_bytes,
        .fordblks = totals.free_bytes,
        .keepcost = totals.trimmable_bytes,
    };
}

/* glibc lets these numbers wrap around; the largest one that fits is closer to the truth. */
static int to_int(size_t n) {
    return n > INT_MAX ? INT_MAX : (int)n;
}

HAK_EXPORT struct mallinfo mallinfo(void) {
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = to_int(wide.arena),
        .ordblks = to_int(wide.ordblks),
        .smblks = to_int(wide.smblks),
        .hblks = to_int(wide.hblks),
        .hblkhd = to_int(wide.hblkhd),
        .fsmblks = to_int(wide.fsmblks),
        .uordblks = to_int(wide.uordblks),
        .fordblks = to_int(wide.fordblks),
        .keepcost = to_int(wide.keepcost),
    };
}

/* A whole report in pages of its own, so that it neither changes the heap it describes nor fails with it. */
struct report {
    char *text; /* NULL when the system has no memory for it */
    size_t text_bytes;
    size_t capacity_bytes;
};

/* The heap may grow between two looks at it, so one look must have found room. */
static struct report report_make(size_t (*print)(char *, size_t)) {
    struct report report = {NULL, 0, 16 * (size_t)HAK_PAGE_BYTES};
    for (;;) {
        char *text = os_reserve(report.capacity_bytes, HAK_PAGE_BYTES);
        if (text == NULL) {
            return report;
        }
        if (!os_commit(text, report.capacity_bytes)) {
            os_release(text, report.capacity_bytes);
            return report;
        }
        report.text_bytes = print(text, report.capacity_bytes);
        if (report.text_bytes < report.capacity_bytes) {
            report.text = text;
            return report;
        }
        os_release(text, report.capacity_bytes);
        report.capacity_bytes = (report.text_bytes / HAK_PAGE_BYTES + 2) * HAK_PAGE_BYTES;
    }
}

HAK_EXPORT void malloc_stats(void) {
    int saved_errno = errno;
    struct report report = report_make(hak_stats_text);
    if (report.text != NULL) {
        for (size_t done_bytes = 0; done_bytes < report.text_bytes;) {
            ssize_t written = write(STDERR_FILENO, report.text + done_bytes, report.text_bytes - done_bytes);
            if (written <= 0 && errno != EINTR) {
                break; /* nobody to tell it to */
            }
            done_bytes += written > 0 ? (size_t)written : 0;
        }
        os_release(report.text, report.capacity_bytes);
    }
    errno = saved_errno;
}

/* 0; EINVAL for options other than 0, as in glibc; -1 with errno when there is no memory or the stream fails. */
HAK_EXPORT int malloc_info(int options, FILE *stream) {
    if (options != 0) {
        return EINVAL;
    }
    struct report report = report_make(hak_stats_xml);
    if (report.text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int saved_errno = errno;
    size_t written_bytes = fwrite(report.text, 1, report.text_bytes, stream);
    os_release(report.text, report.capacity_bytes);
    if (written_bytes != report.text_bytes) {
        return -1;
    }
    errno = saved_errno;
    return 0;
}

#endif
