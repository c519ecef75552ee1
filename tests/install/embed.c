/* embed: a program that has hak_* beside the malloc of libc. It has functions of its own that are called as some inside
 * the allocator, which the archive must not show. Also compiled as C++. */
#include <hakmem.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif
void os_fatal(void);
int hak_root = 5;
void os_fatal(void) {
    hak_root++;
}
#ifdef __cplusplus
}
#endif

#if HAK_PROMISES && defined(__GNUC__) && !defined(__clang__)
/* That the compiler was told the size. */
static int is_told(void) {
    char *block = (char *)hak_malloc(10);
    int told = __builtin_object_size(block, 0) == 10;
    hak_free(block);
    return told;
}
#else
static int is_told(void) {
    return 1;
}
#endif

int main(void) {
    os_fatal();
    CHECK(hak_root == 6);
    void *theirs = malloc(100);
    char *ours = (char *)hak_calloc(10, 10);
    CHECK(theirs != NULL && ours != NULL && ours[99] == 0);
    ours = (char *)hak_realloc(ours, 100000);
    CHECK(ours != NULL && hak_malloc_usable_size(ours) >= 100000);
    memset(ours, 1, 100000);
    hak_free_sized(ours, 100000);
    free(theirs);
    void *block = NULL;
    CHECK(hak_posix_memalign(&block, 128, 10) == 0);
    hak_free_aligned_sized(block, 128, 10);
    CHECK(hak_malloc_trim(0) == 1);
    CHECK(is_told());
    return checks_end("embed");
}
