/* journal: see the header. */
#include "oracle/journal.h"

static struct journal_entry *last_entry(struct journal *journal) {
    return journal == NULL || journal->is_cut || journal->entry_count == 0
               ? NULL
               : &journal->entries[journal->entry_count - 1];
}

void journal_begin(struct journal *journal, uint32_t record, uint8_t thread) {
    if (journal == NULL || journal->is_cut) {
        return;
    }
    if (journal->entry_count == JOURNAL_ENTRIES_MAX) {
        journal->is_cut = true;
        return;
    }
    journal->entries[journal->entry_count++] =
        (struct journal_entry){.record = record, .thread = thread, .change_end = journal->change_count};
}

void journal_note(struct journal *journal, const struct journal_change *change) {
    struct journal_entry *entry = last_entry(journal);
    if (entry == NULL) {
        return;
    }
    if (journal->change_count == JOURNAL_CHANGES_MAX) {
        journal->is_cut = true;
        return;
    }
    journal->changes[journal->change_count++] = *change;
    entry->change_end = journal->change_count;
    entry->start = change->start;
    entry->size_bytes = change->bytes;
}

void journal_end(struct journal *journal, bool applied, const struct journal_call *call) {
    struct journal_entry *entry = last_entry(journal);
    if (entry != NULL) {
        entry->applied = applied;
        entry->call = call != NULL ? *call : (struct journal_call){.fact = FACT_COUNT};
        entry->ended = true;
    }
}
