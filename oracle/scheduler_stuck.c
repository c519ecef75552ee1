/* scheduler_stuck: what is said of threads that do not come any further. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "allocator/root.h"
#include "allocator/shard.h"
#include "allocator/shards.h"
#include "oracle/finding.h"
#include "oracle/lane.h"
#include "oracle/run.h"
#include "oracle/site.h"

const char *scheduler_lock_name(const volatile void *word, char *buffer, size_t capacity) {
    const struct {
        const void *word;
        const char *name;
    } locks[] = {{&hak_root.heaps.lock.word, "heaps.lock"}, {&hak_root.pool.lock.word, "pool.lock"},
                 {&hak_root.runs.lock.word, "runs.lock"},   {&hak_root.bigs.lock.word, "big.lock"},
                 {&hak_root.map.lock.word, "map.lock"},     {&hak_root.meta.lock.word, "meta.lock"}};
    for (unsigned i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        if (word == locks[i].word) {
            return locks[i].name;
        }
    }
    for (struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed); heap != NULL; heap = heap->next_known) {
        if (word == &heap->lock.word) {
            snprintf(buffer, capacity, "heap.lock of heap %" PRIu32, heap->id);
            return buffer;
        }
    }
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        if (hak_shards_at(i) != NULL && word == &hak_shards_at(i)->lock.word) {
            snprintf(buffer, capacity, "shard.lock of shard %" PRIu32, i);
            return buffer;
        }
    }
    return "a lock";
}

static uint8_t holder_of(const volatile void *word) {
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        const struct lane *lane = &scheduler.lanes[i];
        for (uint32_t k = 0; k < lane->lock_count; k++) {
            if (lane->locks[k] == word) {
                return i;
            }
        }
    }
    return SCHEDULER_NOBODY;
}

_Noreturn void scheduler_deadlock(void) {
    char message[VERDICT_MESSAGE_BYTES_MAX] = "";
    hak_shim.level = 0;
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        const struct lane *lane = &scheduler.lanes[i];
        if (lane->waits_for == NULL) {
            continue;
        }
        char site[64], name[40], holder[48] = "nobody we know";
        uint8_t by = holder_of(lane->waits_for);
        if (by != SCHEDULER_NOBODY) {
            snprintf(holder, sizeof holder, "t%u%s", by,
                     lane_is_running(&scheduler.lanes[by]) ? "" : ", which has left the allocator");
        }
        site_text(lane->hot.site, site, sizeof site);
        size_t used = strlen(message);
        snprintf(message + used, sizeof message - used, "%st%u waits at %s for %s, held by %s", used == 0 ? "" : "; ",
                 i, site, scheduler_lock_name(lane->waits_for, name, sizeof name), holder);
    }
    finding_raise(CHECK_DEADLOCK, NULL, "%s", message);
}

void scheduler_livelock_watch(struct lane *lane, const struct hak_site *site) {
    bool is_known = false;
    for (unsigned i = 0; i < SITES_SHOWN; i++) {
        is_known = is_known || lane->watch[i] == site;
        if (!is_known && lane->watch[i] == NULL) {
            lane->watch[i] = site;
            is_known = true;
        }
    }
    if (++lane->watched < WATCHED_YIELDS) {
        return;
    }
    char text[VERDICT_MESSAGE_BYTES_MAX] = "";
    for (unsigned i = 0; i < SITES_SHOWN && lane->watch[i] != NULL; i++) {
        char one[64];
        site_text(lane->watch[i], one, sizeof one);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used == 0 ? "" : ", ", one);
    }
    finding_raise(CHECK_LIVELOCK, NULL, "t%u made %" PRIu32 " accesses in one operation, and goes round at %s",
                  run.thread, lane->hot.yields, text);
}
