/* world_weak: weak memory and the world around the allocator: threads, the blocks that their users hand to each other,
 * and what is said of races.
 *
 * The program stands for one without races of its own. Whoever finds a block in a slot has it from the thread that put
 * it there, and with it all that this thread had done: the slot is written with release and read with acquire. An empty
 * slot says nothing, so a free and a malloc that happen to use one slot are not ordered by it. The first words of a
 * block stand for its content: each user writes to them, plainly. So the allocator has to order what one user did
 * before it gave the block away, and its own links there, before what the next one does.
 *
 * A thread is born by one who knows nothing but what an earlier thread of that number did; in the child of a fork by
 * the thread that forked, which knows all, since it has a copy of all. */
#include <inttypes.h>
#include <stdio.h>

#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/shim_weak.h"
#include "oracle/site.h"
#include "oracle/weak.h"

enum { WORD_BYTES = 8, CONTENT_BYTES = 16 };

static uint64_t slot_words[PROGRAM_SLOTS_MAX]; /* always 0: who wrote last is all that matters */

static const char *site_words(uint32_t number, char *text, size_t capacity) {
    if (number == SITE_USER) {
        return "as the block's user";
    }
    char site[64];
    site_text(site_at(number), site, sizeof site);
    snprintf(text, capacity, "at %s", site);
    return text;
}

static void raced(const volatile void *address, uint8_t first_thread, uint32_t first_site, uint8_t second_thread,
                  uint32_t second_site, bool first_wrote, bool second_wrote) {
    char first[80], second[80], name[48], what[80] = "the same bytes";
    const volatile void *word = shim_weak_ghost_of(address);
    hak_shim.level = LEVEL_NONE;
    if (word != NULL) {
        snprintf(what, sizeof what, "what %s guards", scheduler_lock_name(word, name, sizeof name));
    }
    finding_raise(CHECK_RACE, word == NULL ? (const void *)(uintptr_t)address : NULL,
                  "t%u %s %s, t%u %s %s, %s, and neither happens before the other", first_thread,
                  first_wrote ? "wrote" : "read", site_words(first_site, first, sizeof first), second_thread,
                  second_wrote ? "wrote" : "read", site_words(second_site, second, sizeof second), what);
}

void run_weak_begin(void) {
    weak_begin();
    weak_on_race(raced);
}

void run_weak_born(void) {
    if (run.level == LEVEL_WEAK) {
        weak_thread_born(run.thread, run.thread);
    }
}

void run_weak_ended(void) {
    if (run.level == LEVEL_WEAK) {
        weak_thread_ended(run.thread);
    }
}

void run_weak_forked(void) {
    for (uint8_t i = 0; run.level == LEVEL_WEAK && i < PROGRAM_THREADS_MAX; i++) {
        if (i != run.thread) {
            weak_thread_ended(i);
            weak_join(run.thread, i);
        }
    }
    for (uint8_t i = 0; run.level == LEVEL_WEAK && i < PROGRAM_THREADS_MAX; i++) {
        if (i != run.thread) {
            weak_thread_born(run.thread, i);
        }
    }
}

/* Whole words, whatever was asked for, as blocks are: the allocator's links there are words too. */
static void content_write(uint8_t slot) {
    const struct shadow_block *block = &run.shadow.blocks[slot];
    unsigned bytes = block->requested_bytes < CONTENT_BYTES ? WORD_BYTES : CONTENT_BYTES;
    weak_plain(run.thread, (const void *)block->start, bytes, true, SITE_USER);
}

void run_slot_write(uint8_t slot) {
    if (run.level == LEVEL_WEAK) {
        weak_store(run.thread, &slot_words[slot], WORD_BYTES, 0, WEAK_RELEASE, SITE_USER);
    }
}

void run_slot_read(uint8_t slot) {
    if (run.level == LEVEL_WEAK) {
        uint32_t choices;
        (void)weak_load(run.thread, &slot_words[slot], WORD_BYTES, WEAK_ACQUIRE, 0, &choices, SITE_USER);
    }
}

void run_user_gets(uint8_t slot) {
    if (run.level == LEVEL_WEAK) {
        content_write(slot);
        run_slot_write(slot);
    }
}

void run_user_has(uint8_t slot) {
    if (run.level == LEVEL_WEAK) {
        run_slot_read(slot);
        content_write(slot);
    }
}

/* Who sees what is old does as if others were inside: nobody can hold it to what there is now. */
void run_note_stale(const struct hak_site *site, uint32_t age) {
    run.now->overlapped = true;
    struct thread_switch *noted = &run.switches[run.switch_count++ % SWITCHES_KEPT];
    *noted = (struct thread_switch){run.step,  run.thread, run.thread, site, run.now->index, scheduler_hot->yields,
                                    .age = age};
    run_trace((uint64_t)age << 56 | (uint64_t)noted->yield << 16 | noted->index);
    if (run.observer != NULL) {
        run_observe_switch(noted);
    }
}
