/* show_json: the tape as one object. docs/reproduce.md says what is in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocator/check.h"
#include "allocator/heap.h"
#include "oracle/site.h"
#include "oracle/text.h"
#include "tools/show.h"

static const char *const place_names[] = {
    [HAK_PLACE_FOREIGN] = "none",
    [HAK_PLACE_TINY] = "tiny",
    [HAK_PLACE_POOL] = "pool",
    [HAK_PLACE_RUN] = "run",
    [HAK_PLACE_FREE_RUN] = "free run",
    [HAK_PLACE_BIG] = "big",
    [HAK_PLACE_CACHED_BIG] = "cached big",
    [HAK_PLACE_HEADER] = "header",
    [HAK_PLACE_FREE_SLAB] = "free slab",
};
static const char *const heap_states[] = {
    [HAK_HEAP_OWNED] = "owned", [HAK_HEAP_ORPHAN] = "orphan", [HAK_HEAP_SPARE] = "spare"};
static const char *const change_names[] = {
    [TAPE_ALLOCATED] = "allocated", [TAPE_FREED] = "freed", [TAPE_GREW] = "grew"};

/* Sizes of requests can be any 64 bits. */
static void add_size(cJSON *object, const char *key, size_t bytes) {
    char text[24];
    snprintf(text, sizeof text, "%zu", bytes);
    if (bytes >> 53 == 0) {
        json_number(object, key, (double)bytes);
    } else {
        json_text(object, key, text);
    }
}

static void add_thread(cJSON *object, const char *key, uint8_t thread) {
    if (thread != TAPE_NOBODY) {
        json_number(object, key, thread);
    }
}

static void add_place(cJSON *object, const struct tape_place *place) {
    json_text(object, "kind", place_names[place->kind]);
    json_number(object, "heap", place->heap);
    json_number(object, "start", (double)place->start);
    json_number(object, "block_bytes", (double)place->bytes);
    json_number(object, "slab_start", (double)place->slab_start);
    json_number(object, "slab_bytes", (double)place->slab_bytes);
}

static cJSON *change_json(const struct tape_change *change) {
    cJSON *item = cJSON_CreateObject();
    json_text(item, "kind", change_names[change->kind]);
    json_number(item, "slot", change->slot);
    json_number(item, "offset", (double)change->offset);
    add_size(item, "bytes", change->bytes);
    json_number(item, "born_on", change->born_on);
    if (change->is_remote) {
        json_bool(item, "remote", 1);
        add_thread(item, "owner", change->owner);
    }
    cJSON *place = cJSON_AddObjectToObject(item, "place");
    add_place(place, &change->place);
    return item;
}

/* --- state --- */

static cJSON *slab_json(const struct tape_state *state) {
    cJSON *item = cJSON_CreateObject();
    add_place(item, &state->place);
    json_number(item, "used", state->used);
    json_number(item, "carved", state->carved);
    json_number(item, "capacity", state->capacity);
    json_number(item, "free", state->free_blocks);
    return item;
}

static cJSON *cache_json(const struct tape_state *state) {
    if (!state->has_cache) {
        return cJSON_CreateNull();
    }
    cJSON *item = cJSON_CreateObject();
    json_number(item, "heap", state->cache_heap);
    json_number(item, "block_bytes", state->cache_class_bytes);
    json_number(item, "count", state->cached);
    json_number(item, "capacity", state->cache_capacity);
    return item;
}

static cJSON *heaps_json(const struct tape_state *state) {
    cJSON *list = cJSON_CreateArray();
    for (uint32_t i = 0; i < state->heap_count; i++) {
        const struct tape_heap *heap = &state->heaps[i];
        cJSON *item = cJSON_CreateObject();
        json_number(item, "id", heap->id);
        json_text(item, "state", heap_states[heap->state]);
        add_thread(item, "thread", heap->thread);
        json_text(item, "queue", heap->is_closed ? "closed" : "open");
        json_number(item, "parcels", heap->parcels);
        json_number(item, "blocks", heap->blocks);
        json_number(item, "gathered", heap->pending);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *shared_json(const struct tape_state *state) {
    cJSON *item = cJSON_CreateObject();
    json_number(item, "superslabs", (double)state->superslabs);
    json_number(item, "lazy", (double)state->lazy);
    json_number(item, "big_cached", (double)state->bigs_cached);
    json_number(item, "big_cached_bytes", (double)state->big_bytes_cached);
    json_number(item, "reserved_bytes", (double)state->reserved_bytes);
    json_number(item, "clock_ms", (double)state->clock_ms);
    return item;
}

/* What a step has under these names; a step without one has that of the step before. */
static void add_state(cJSON *object, const struct tape_state *state, const struct tape_state *before) {
    static const struct {
        const char *key;
        cJSON *(*make)(const struct tape_state *state);
    } parts[] = {{"slab", slab_json}, {"cache", cache_json}, {"heaps", heaps_json}, {"shared", shared_json}};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cJSON *now = parts[i].make(state);
        cJSON *then = before == NULL ? NULL : parts[i].make(before);
        if (then != NULL && cJSON_Compare(now, then, 1)) {
            cJSON_Delete(now);
        } else {
            cJSON_AddItemToObject(object, parts[i].key, now);
        }
        cJSON_Delete(then);
    }
}

/* --- steps and records --- */

static cJSON *step_json(const struct showing *showing, uint32_t index, bool compact) {
    const struct tape_step *step = &showing->tape.steps[index];
    char words[SHOW_WORDS_BYTES];
    cJSON *item = cJSON_CreateObject();
    json_text(item, "kind", tape_kind_names[step->kind]);
    json_number(item, "thread", step->thread);
    json_number(item, "record", step->record);
    json_bool(item, "begins", step->begins);
    json_bool(item, "ends", step->ends);
    show_step_words(showing, index, words, sizeof words);
    json_text(item, "words", words);
    if (step->offset != 0) {
        json_number(item, "offset", (double)step->offset);
    }
    if (step->error != 0) {
        json_text(item, "errno", show_errno(step->error));
    }
    if (step->site != NULL) {
        json_number(item, "site", site_number(step->site));
        json_number(item, "yield", step->yield);
    }
    add_thread(item, "other", step->other);
    if (step->count != 0) {
        json_number(item, "count", step->count);
    }
    if (step->kind == TAPE_FAILED && step->other != TAPE_NOBODY) {
        json_number(item, "other_step", step->other_step);
    }
    cJSON *changes = step->change_count == 0 ? NULL : cJSON_AddArrayToObject(item, "changes");
    for (uint32_t i = 0; i < step->change_count; i++) {
        cJSON_AddItemToArray(changes, change_json(&showing->tape.changes[step->first_change + i]));
    }
    if (showing->tape.is_foreign) { /* nobody sees into it; but where the finding's block lies is known */
        cJSON *place = step->kind == TAPE_FINDING ? cJSON_AddObjectToObject(item, "place") : NULL;
        if (place != NULL) {
            add_place(place, &step->state.place);
        }
        return item;
    }
    add_state(item, &step->state, compact && index > 0 ? &showing->tape.steps[index - 1].state : NULL);
    return item;
}

/* `step` is the record's last one, or NULL. */
static cJSON *record_json(const struct showing *showing, uint32_t index, const struct tape_step *step) {
    char words[SHOW_OPERATION_BYTES];
    struct record record = program_record(&showing->program, index);
    cJSON *item = cJSON_CreateObject();
    text_format_record(&record, words, sizeof words);
    json_number(item, "record", index);
    json_text(item, "operation", words);
    json_number(item, "thread", step != NULL ? step->thread : record.thread);
    bool is_reached = step != NULL && step->ends && step->kind != TAPE_FINDING;
    json_bool(item, "reached", is_reached);
    json_bool(item, "applied", is_reached && step->kind == TAPE_DONE);
    if (is_reached) {
        json_number(item, "offset", (double)step->offset);
        add_size(item, "bytes", step->size_bytes);
        json_text(item, "errno", show_errno(step->error));
        json_text(item, "placement", step->text);
    }
    return item;
}

static void add_records(cJSON *object, const struct showing *showing) {
    cJSON *list = cJSON_AddArrayToObject(object, "records");
    uint32_t count = showing->program.record_count;
    const struct tape_step **last = calloc((size_t)count + 1, sizeof *last);
    if (last == NULL) {
        return;
    }
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        last[step->record <= count ? step->record : count] = step;
    }
    for (uint32_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(list, record_json(showing, i, last[i]));
    }
    free(last);
}

/* --- sites --- */

static cJSON *site_json(const struct showing *showing, const struct hak_site *site) {
    struct show_source source = show_source_of(showing, site);
    cJSON *item = cJSON_CreateObject();
    json_text(item, "file", site->file);
    json_number(item, "line", site->line);
    json_text(item, "kind", site_kind_name(site));
    if (source.url != NULL) {
        json_text(item, "url", source.url);
    }
    if (source.first_line != 0) {
        json_number(item, "first_line", source.first_line);
        json_text(item, "lines", source.lines);
    }
    show_source_free(&source);
    return item;
}

/* By number, as steps have it. */
static void add_sites(cJSON *object, const struct showing *showing) {
    cJSON *sites = cJSON_AddObjectToObject(object, "sites");
    bool is_there[SITES_MAX] = {false};
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        const struct hak_site *site = showing->tape.steps[i].site;
        uint32_t number = site == NULL ? 0 : site_number(site);
        if (site != NULL && !is_there[number]) {
            char key[12];
            is_there[number] = true;
            snprintf(key, sizeof key, "%" PRIu32, number);
            cJSON_AddItemToObject(sites, key, site_json(showing, site));
        }
    }
}

/* --- all of it --- */

static void add_program(cJSON *object, const struct showing *showing) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory != NULL) {
        (void)text_disassemble(showing->input->bytes, showing->input->size_bytes, memory);
        fclose(memory);
        json_text(object, "program", text);
    }
    free(text);
}

static void add_summary(cJSON *object, const struct showing *showing) {
    char words[SHOW_WORDS_BYTES];
    uint32_t story[SHOW_STORY_MAX], count = show_story(showing, story);
    show_headline(showing, words, sizeof words);
    json_text(object, "headline", words);
    show_where(showing, words, sizeof words);
    json_text(object, "where", words);
    json_text(object, "look_for",
              showing->execution.verdict.check == CHECK_NONE ? ""
                                                             : check_table[showing->execution.verdict.check].look_for);
    if (show_finding_step(showing) != SHOW_NO_STEP) {
        json_number(object, "finding_step", show_finding_step(showing));
    }
    cJSON *list = cJSON_AddArrayToObject(object, "story");
    for (uint32_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateNumber(story[i]));
    }
}

cJSON *show_json(const struct showing *showing, bool compact) {
    cJSON *object = json_begin("show");
    json_text(object, "file", showing->name);
    json_text(object, "target", showing->choice->target->name);
    json_text(object, "fault", showing->choice->fault);
    if (showing->choice->malloc != NULL) {
        json_bool(object, "foreign", 1);
        json_text(object, "malloc", showing->choice->malloc->name);
        json_text(object, "said", showing->execution.said);
    }
    json_verdict(object, &showing->execution.verdict);
    add_summary(object, showing);
    add_program(object, showing);
    add_records(object, showing);
    cJSON *steps = cJSON_AddArrayToObject(object, "steps");
    cJSON *switches = cJSON_AddArrayToObject(object, "switches");
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        const struct tape_step *step = &showing->tape.steps[i];
        cJSON_AddItemToArray(steps, step_json(showing, i, compact));
        if (step->kind == TAPE_SWITCH || step->kind == TAPE_STALE) {
            cJSON_AddItemToArray(switches, cJSON_CreateString(step->text));
        }
    }
    add_sites(object, showing);
    json_text(object, "report", showing->execution.report);
    return object;
}
