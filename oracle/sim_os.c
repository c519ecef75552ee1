/* sim_os: the part of allocator/os.h that has no memory in it: threads, waiting, the end, and what a process is asked
 * about itself. The rest is in sim.c. One OS thread. */
#include <string.h>

#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/scheduler.h"

void os_huge(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
}

bool os_thread_attach(void) {
    return true; /* the world calls hak_thread_exit itself */
}

void os_process_start(void) {
    if (run.component != NULL && run.component->process_start != NULL) {
        run.component->process_start();
    }
}

void os_process_attach(void) {}

/* With nobody looking operations run to their end, so whoever holds the lock will never come to release it. */
void os_wait(_Atomic uint32_t *word, uint32_t expected) {
    if (hak_shim.level != 0) {
        scheduler_wait(word, expected);
        return;
    }
    char name[40];
    finding_raise(CHECK_DEADLOCK, NULL, "waits for %s, whose holder has left the allocator",
                  scheduler_lock_name(word, name, sizeof name));
}

void os_wake(_Atomic uint32_t *word) {
    if (hak_shim.level != 0) {
        scheduler_wake(word);
    }
}

_Noreturn void os_fatal(enum hak_fatal kind, const char *message) {
    static const char prefix[] = "hakmem: ";
    if (strncmp(message, prefix, sizeof prefix - 1) == 0) {
        message += sizeof prefix - 1;
    }
    if (kind == HAK_FATAL_BAD_POINTER && run.component != NULL && run.component->complained != NULL) {
        run.component->complained();
    }
    static const enum check checks[] = {[HAK_FATAL_INVARIANT] = CHECK_INVARIANT,
                                        [HAK_FATAL_SENTINEL] = CHECK_SENTINEL_IN_LIST,
                                        [HAK_FATAL_BAD_POINTER] = CHECK_INVARIANT,
                                        [HAK_FATAL_LINK] = CHECK_LINK_BROKEN};
    finding_raise(checks[kind], NULL, "%s", message);
}

/* Always the same: a program decides everything, and no test may depend on it. */
uint64_t os_random(void) {
    return UINT64_C(0x9d39247e33776d41);
}

bool os_append(const char *path, const char *text, size_t length) {
    (void)path;
    (void)text;
    (void)length;
    return true;
}

uint32_t os_process_id(void) {
    return 1;
}

/* A name can be anything but empty: with quotes, controls, letters of all lengths, and bytes that are no letters. */
const char *os_process_name(void) {
    return "wo\"r\\l\nd\x01\x1f \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xff \xed\xa0\x80 \xe0\x80\x80 \xc3";
}

void os_write(int file, const char *text, size_t length) {
    (void)file;
    (void)text;
    (void)length;
}
