/* tally: a small table with linear lookup; what does not fit is counted as 'others'. */
#include "tools/tally.h"

#include <inttypes.h>
#include <string.h>

#include "tools/json.h"

void tally_add(struct tally *tally, const char *name, uint64_t trace_hash) {
    tally->total++;
    for (unsigned i = 0; i < tally->entry_count; i++) {
        struct tally_entry *entry = &tally->entries[i];
        if (entry->trace_hash == trace_hash && strncmp(entry->name, name, sizeof entry->name - 1) == 0) {
            entry->count++;
            return;
        }
    }
    if (tally->entry_count == TALLY_ENTRIES_MAX) {
        tally->others++;
        return;
    }
    struct tally_entry *entry = &tally->entries[tally->entry_count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->trace_hash = trace_hash;
    entry->count = 1;
}

uint64_t tally_equal(const struct tally *tally, const char *name, uint64_t trace_hash) {
    uint64_t equal = 0;
    for (unsigned i = 0; i < tally->entry_count; i++) {
        const struct tally_entry *entry = &tally->entries[i];
        bool same_hash = entry->trace_hash == trace_hash || entry->trace_hash == 0 || trace_hash == 0;
        equal += same_hash && strncmp(entry->name, name, sizeof entry->name - 1) == 0 ? entry->count : 0;
    }
    return equal;
}

void tally_print(const struct tally *tally, FILE *out) {
    for (unsigned i = 0; i < tally->entry_count; i++) {
        const struct tally_entry *entry = &tally->entries[i];
        fprintf(out, "  %6" PRIu64 " x %s", entry->count, entry->name);
        if (entry->trace_hash != 0) {
            fprintf(out, ", trace hash 0x%016" PRIx64, entry->trace_hash);
        }
        fputc('\n', out);
    }
    if (tally->others > 0) {
        fprintf(out, "  %6" PRIu64 " x others\n", tally->others);
    }
}

cJSON *tally_json(const struct tally *tally) {
    cJSON *array = cJSON_CreateArray();
    for (unsigned i = 0; i < tally->entry_count; i++) {
        const struct tally_entry *entry = &tally->entries[i];
        cJSON *item = cJSON_CreateObject();
        json_text(item, "outcome", entry->name);
        if (entry->trace_hash != 0) {
            json_hash(item, "trace_hash", entry->trace_hash);
        }
        json_number(item, "count", (double)entry->count);
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

void tally_words(const struct tally *tally, char *buffer, size_t capacity) {
    size_t used = 0;
    buffer[0] = '\0';
    for (unsigned i = 0; i < tally->entry_count && used + 1 < capacity; i++) {
        const struct tally_entry *entry = &tally->entries[i];
        int wrote =
            snprintf(buffer + used, capacity - used, "%s%s %" PRIu64, i > 0 ? ", " : "", entry->name, entry->count);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}
