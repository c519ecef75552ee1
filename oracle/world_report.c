/* world_report: signatures, and reports a person can read. Runs on main, with the allocator's state as the finding left
 * it: everything here looks, nothing follows links. */
#include <inttypes.h>

#include "allocator/geometry.h"
#include "oracle/fault.h"
#include "oracle/run.h"
#include "oracle/sim.h"
#include "oracle/site.h"
#include "oracle/text.h"

static const char *operation_name(void) {
    return run.now->index < run.program->record_count ? program_op_info[run.now->record.op].name : "end";
}

static const char *slab_state(const struct hak_place *place) {
    switch (place->kind) {
    case HAK_PLACE_FOREIGN:
        return "foreign";
    case HAK_PLACE_RUN:
        return "run";
    case HAK_PLACE_FREE_RUN:
        return "free-run";
    case HAK_PLACE_BIG:
        return "big";
    case HAK_PLACE_CACHED_BIG:
        return "cached-big";
    case HAK_PLACE_HEADER:
        return "header";
    case HAK_PLACE_FREE_SLAB:
        return "free-slab";
    case HAK_PLACE_TINY:
    case HAK_PLACE_POOL:
        break;
    }
    return place->used >= place->capacity ? "full" : place->used == 0 ? "empty" : "partial";
}

/* Of those that are known still; NULL when there is none. */
static const struct thread_switch *last_switch(void) {
    for (uint32_t i = 0; i < run.switch_count && i < SWITCHES_KEPT; i++) {
        const struct thread_switch *one = &run.switches[(run.switch_count - 1 - i) % SWITCHES_KEPT];
        if (one->age == 0) {
            return one;
        }
    }
    return NULL;
}

void run_write_signature(enum check check, char *signature, size_t capacity) {
    char switched[16] = "-";
    const struct thread_switch *last = last_switch();
    if (last != NULL) {
        snprintf(switched, sizeof switched, "t%u>t%u", last->from, last->to);
    }
    struct hak_place place = hak_place_of((const void *)run.now->subject);
    const char *locality = !run.now->subject_known ? "-" : run.now->subject_thread == run.thread ? "local" : "remote";
    snprintf(signature, capacity, "%s/%s/%s/%s/%s/%s", check_table[check].id, operation_name(),
             run.now->subject == 0 && run.now->subject_bytes == 0 ? "-" : check_size_bucket(run.now->subject_bytes),
             locality, run.now->subject == 0 ? "-" : slab_state(&place), switched);
}

void run_describe_place(const void *address, char *text, size_t capacity) {
    struct hak_place place = hak_place_of(address);
    size_t inside = (size_t)((uintptr_t)address - (uintptr_t)place.block);
    switch (place.kind) {
    case HAK_PLACE_FOREIGN:
        snprintf(text, capacity, "not the allocator's");
        break;
    case HAK_PLACE_HEADER:
        snprintf(text, capacity, "SuperSlab header");
        break;
    case HAK_PLACE_FREE_SLAB:
        snprintf(text, capacity, "free slab");
        break;
    case HAK_PLACE_RUN:
    case HAK_PLACE_FREE_RUN:
        snprintf(text, capacity, "%s %zu B%s", place.kind == HAK_PLACE_RUN ? "run" : "free run of", place.block_bytes,
                 inside != 0 ? ", inside" : "");
        break;
    case HAK_PLACE_BIG:
    case HAK_PLACE_CACHED_BIG:
        snprintf(text, capacity, "%s %zu B%s", place.kind == HAK_PLACE_BIG ? "big" : "cached big", place.block_bytes,
                 inside != 0 ? ", inside the block" : "");
        break;
    case HAK_PLACE_TINY:
    case HAK_PLACE_POOL:
        snprintf(text, capacity, "%s %zu B, slab %u used of %u carved of %u, heap %u%s",
                 place.kind == HAK_PLACE_TINY ? "tiny" : "pool", place.block_bytes, place.used, place.carved,
                 place.capacity, place.owner_id, inside != 0 ? ", inside the block" : "");
        break;
    }
}

static void print_operation(FILE *out) {
    const struct program *program = run.program;
    if (run.now->index >= program->record_count) {
        fprintf(out, "  operation   final checks, after all %" PRIu32 " records\n", program->record_count);
        return;
    }
    fprintf(out, "  operation   record %" PRIu32 " (of 0 to %" PRIu32 "), thread t%u: %s, slot s%u", run.now->index,
            program->record_count - 1, run.thread, program_op_info[run.now->record.op].name, run.now->slot);
    if ((program_op_info[run.now->record.op].fields & FIELD_SIZE) != 0) {
        fprintf(out, ", size %zu", record_size_bytes(&run.now->record));
    }
    if (sim_clock_ms() != 0) {
        fprintf(out, ", at %" PRIu64 " ms", sim_clock_ms());
    }
    fputc('\n', out);
}

static void print_history(FILE *out) {
    static const char *const kinds[] = {"allocated", "freed", "grew to usable"};
    uint32_t first = run.event_count > EVENTS_KEPT ? run.event_count - EVENTS_KEPT : 0;
    uint32_t shown = 0;
    struct hak_place place = hak_place_of((const void *)run.now->subject);
    uintptr_t low = place.block != NULL ? (uintptr_t)place.block : run.now->subject;
    uintptr_t high = low + (place.block_bytes != 0 ? place.block_bytes : 1);
    fprintf(out, "  history     of the bytes at offset 0x%" PRIx64 "\n", sim_offset((void *)run.now->subject));
    for (uint32_t i = first; i < run.event_count; i++) {
        const struct event *event = &run.events[i % EVENTS_KEPT];
        if (event->start < high && event->start + event->bytes + (event->bytes == 0) > low) {
            fprintf(out, "    record %-5" PRIu32 " t%u  s%-2u %s 0x%" PRIx64 " +%zu\n", event->record, event->thread,
                    event->slot, kinds[event->kind], sim_offset((void *)event->start), event->bytes);
            shown++;
        }
    }
    if (shown == 0) {
        fputs("    no block was ever here\n", out);
    }
}

/* Live neighbours on both sides, by address. */
static void print_map(FILE *out) {
    enum { AROUND = 3 };
    const struct shadow *shadow = &run.shadow;
    uint32_t rank = 0;
    char place[128];
    while (rank < shadow->count && shadow->starts[rank] <= run.now->subject) {
        rank++;
    }
    uint32_t first = rank > AROUND ? rank - AROUND : 0;
    run_describe_place((const void *)run.now->subject, place, sizeof place);
    fprintf(out, "  place       %s\n  map         live blocks around it\n", place);
    for (uint32_t i = first; i < shadow->count && i < rank + AROUND; i++) {
        const struct shadow_block *block = &shadow->blocks[shadow->slots[i]];
        run_describe_place((const void *)block->start, place, sizeof place);
        fprintf(out, "   %c s%-2u 0x%-8" PRIx64 " +%-8zu born at record %" PRIu32 " on t%u; %s\n",
                block->start == run.now->subject ? '>' : ' ', shadow->slots[i], sim_offset((void *)block->start),
                block->claimed_bytes, block->born, block->thread, place);
    }
    if (shadow->count == 0) {
        fputs("    nothing is live\n", out);
    }
}

void run_describe_switch(const struct thread_switch *one, char *text, size_t capacity) {
    char words[96], site[64];
    struct record record = program_record(run.program, one->index);
    text_format_record(&record, words, sizeof words);
    site_text(one->site, site, sizeof site);
    if (one->age != 0) {
        snprintf(text, capacity,
                 "t%u in %s (record %" PRIu32 ") at %s (yield %" PRIu32 ") sees what is %" PRIu32 " store%s old",
                 one->from, words, one->index, site, one->yield, one->age, one->age == 1 ? "" : "s");
        return;
    }
    snprintf(text, capacity, "t%u preempted in %s (record %" PRIu32 ") at %s (yield %" PRIu32 "), t%u goes on",
             one->from, words, one->index, site, one->yield, one->to);
}

/* Those inside operations say where; those between are only named, many on a line. */
static void print_switches(FILE *out) {
    uint32_t kept = run.switch_count < SWITCHES_KEPT ? run.switch_count : SWITCHES_KEPT;
    if (kept == 0) {
        fputs("  schedule    one thread\n", out);
        return;
    }
    fputs("  schedule    the last switches (step:from>to)", out);
    bool on_line = false;
    for (uint32_t i = run.switch_count - kept; i < run.switch_count; i++) {
        const struct thread_switch *one = &run.switches[i % SWITCHES_KEPT];
        if (one->site != NULL) {
            char text[256];
            run_describe_switch(one, text, sizeof text);
            fprintf(out, "\n    %" PRIu32 ": %s", one->step, text);
            on_line = false;
        } else {
            fprintf(out, "%s%" PRIu32 ":t%u>t%u", on_line ? " " : "\n    ", one->step, one->from, one->to);
            on_line = true;
        }
    }
    fputc('\n', out);
}

void run_print_report(FILE *out) {
    const struct verdict *verdict = run.verdict;
    const struct check_info *check = &check_table[verdict->check];
    fprintf(out, "\nhakmem found %s: %s\n", check->id, verdict->message);
    fprintf(out, "  meaning     %s\n  look for    %s\n", check->meaning, check->look_for);
    fprintf(out, "  target      %s, geometry %s", run.target->name,
            hak_geometries[run.program->header.geometry % HAK_GEOMETRY_COUNT].name);
    if (hak_faults.armed != HAK_FAULT_NONE) {
        fprintf(out, ", fault %s (reached %" PRIu64 ", triggered %" PRIu64 ")", fault_table[hak_faults.armed].name,
                hak_faults.reached, hak_faults.triggered);
    }
    fputc('\n', out);
    print_operation(out);
    if (run.now->subject != 0) {
        print_history(out);
        print_map(out);
    }
    print_switches(out);
    fprintf(out, "  signature   %s\n  trace hash  0x%016" PRIx64 "\n", verdict->signature, verdict->trace_hash);
}

/* Messages are ours and hold no character that JSON escapes but the quote; keep it so by replacing. */
static void print_json_string(const char *text, FILE *out) {
    fputc('"', out);
    for (; *text != '\0'; text++) {
        fputc(*text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '\'' : *text, out);
    }
    fputc('"', out);
}

void world_print_finding(const struct target_info *target, const struct verdict *verdict, FILE *out) {
    fprintf(out, "hakmem-finding: {\"check\":\"%s\",\"signature\":", check_table[verdict->check].id);
    print_json_string(verdict->signature, out);
    fputs(",\"message\":", out);
    print_json_string(verdict->message, out);
    fprintf(out,
            ",\"target\":\"%s\",\"fault\":\"%s\",\"record\":%" PRIu32 ",\"operations\":%" PRIu32
            ",\"trace_hash\":\"0x%016" PRIx64 "\"}\n",
            target->name, fault_table[hak_faults.armed].name, verdict->record, verdict->operations,
            verdict->trace_hash);
    fflush(out);
}
