/* ring: noting events, and printing them. */
#include "allocator/ring.h"

#include "allocator/print.h"
#include "allocator/root.h"
#include "allocator/thread.h"

void hak_ring_note(enum hak_event event, uintptr_t what) {
    struct hak_ring *ring = &hak_root.ring;
    if (hak_option(RING) == 0) {
        return;
    }
    uint32_t number = hak_note_add(&ring->count, 1);
    struct hak_ring_entry *entry = &ring->entries[number % HAK_RING_ENTRIES];
    hak_note_store(&entry->event, (uint32_t)event);
    hak_note_store(&entry->heap_id, hak_thread.heap->id);
    hak_note_store(&entry->what, what);
}

static const char *const event_texts[HAK_EVENT_COUNT] = {[HAK_EVENT_NONE] = "",
#define EVENT_TEXT(id, text) [HAK_EVENT_##id] = (text),
                                                         HAK_EVENT_TABLE(EVENT_TEXT)
#undef EVENT_TEXT
};

void hak_ring_print(struct hak_print *print) {
    const struct hak_ring *ring = &hak_root.ring;
    uint32_t count = hak_note_load(&ring->count);
    for (uint32_t number = count > HAK_RING_ENTRIES ? count - HAK_RING_ENTRIES : 0; number != count; number++) {
        const struct hak_ring_entry *entry = &ring->entries[number % HAK_RING_ENTRIES];
        hak_print_string(print, "  ");
        hak_print_u64_right(print, number, 10);
        hak_print_string(print, "  heap ");
        hak_print_u64_right(print, hak_note_load(&entry->heap_id), 4);
        hak_print_string(print, "  ");
        hak_print_string(print, event_texts[hak_note_load(&entry->event) % HAK_EVENT_COUNT]);
        hak_print_string(print, " ");
        hak_print_hex(print, hak_note_load(&entry->what));
        hak_print_char(print, '\n');
    }
}
