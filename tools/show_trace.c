/* show_trace: the format of trace events that Perfetto and chrome://tracing open. A thread of the program is a track, a
 * stretch of an operation a slice; switches and remote frees are flows between slices. A step lasts a millisecond,
 * since there is no time but the order of steps. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/site.h"
#include "tools/show.h"

enum { STEP_US = 1000, SLICE_US = 900, PROCESS = 1 };

static cJSON *event_add(cJSON *events, const char *phase, const char *name, uint8_t thread, double at_us) {
    cJSON *event = cJSON_CreateObject();
    json_text(event, "ph", phase);
    json_text(event, "name", name);
    json_number(event, "pid", PROCESS);
    json_number(event, "tid", thread + 1); /* 0 is nobody's */
    json_number(event, "ts", at_us);
    cJSON_AddItemToArray(events, event);
    return event;
}

static void add_names(cJSON *events, const struct showing *showing) {
    cJSON *arguments = cJSON_AddObjectToObject(event_add(events, "M", "process_name", 0, 0), "args");
    json_text(arguments, "name", showing->name);
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        arguments = cJSON_AddObjectToObject(event_add(events, "M", "thread_name", i, 0), "args");
        json_text(arguments, "name", show_thread(i));
    }
}

static void add_slice(cJSON *events, const struct showing *showing, uint32_t index) {
    const struct tape_step *step = &showing->tape.steps[index];
    char operation[SHOW_OPERATION_BYTES], words[SHOW_WORDS_BYTES];
    show_operation(showing, step, operation, sizeof operation);
    show_step_words(showing, index, words, sizeof words);
    cJSON *slice = event_add(events, "X", operation, step->thread, (double)index * STEP_US);
    json_number(slice, "dur", SLICE_US);
    json_text(slice, "cat", tape_kind_names[step->kind]);
    cJSON *arguments = cJSON_AddObjectToObject(slice, "args");
    json_number(arguments, "step", index);
    json_number(arguments, "record", step->record);
    json_text(arguments, "what", words);
    if (step->site != NULL) {
        char site[64];
        site_text(step->site, site, sizeof site);
        json_text(arguments, "site", site);
    }
}

static void flow(cJSON *events, const char *phase, const char *name, uint32_t id, uint8_t thread, double at_us) {
    cJSON *event = event_add(events, phase, name, thread, at_us);
    json_text(event, "cat", name);
    json_number(event, "id", id);
    if (*phase == 'f') {
        json_text(event, "bp", "e"); /* ends in the slice it lies in */
    }
}

static uint32_t next_step_of(const struct tape *tape, uint32_t from, uint8_t thread) {
    for (uint32_t i = from; i < tape->step_count; i++) {
        if (tape->steps[i].thread == thread) {
            return i;
        }
    }
    return SHOW_NO_STEP;
}

/* One thread goes on for another at every step that is not of the same thread as the one before. */
static void add_switch(cJSON *events, const struct tape *tape, uint32_t index, uint32_t *flows) {
    if (index + 1 < tape->step_count && tape->steps[index + 1].thread != tape->steps[index].thread) {
        const char *name = tape->steps[index].kind == TAPE_SWITCH ? "preempted" : "switch";
        uint32_t id = ++*flows;
        flow(events, "s", name, id, tape->steps[index].thread, (double)index * STEP_US + SLICE_US - 1);
        flow(events, "f", name, id, tape->steps[index + 1].thread, (double)(index + 1) * STEP_US + 1);
    }
}

/* To the next step of the thread whose block it was. */
static void add_remote(cJSON *events, const struct tape *tape, uint32_t index, uint32_t *flows) {
    const struct tape_step *step = &tape->steps[index];
    for (uint32_t i = 0; i < step->change_count; i++) {
        const struct tape_change *change = &tape->changes[step->first_change + i];
        uint32_t to = change->is_remote ? next_step_of(tape, index + 1, change->owner) : SHOW_NO_STEP;
        if (to != SHOW_NO_STEP) {
            uint32_t id = ++*flows;
            flow(events, "s", "remote free", id, step->thread, (double)index * STEP_US + SLICE_US / 2.0);
            flow(events, "f", "remote free", id, change->owner, (double)to * STEP_US + 2);
        }
    }
}

static int by_time(const void *a, const void *b) {
    const cJSON *x = *(const cJSON *const *)a, *y = *(const cJSON *const *)b;
    double s = cJSON_GetObjectItem(x, "ts")->valuedouble, t = cJSON_GetObjectItem(y, "ts")->valuedouble;
    return (s > t) - (s < t);
}

/* Readers want events by time. Times are equal only among the names at the beginning. */
static cJSON *sorted(cJSON *events) {
    size_t count = (size_t)cJSON_GetArraySize(events), used = 0;
    cJSON **list = calloc(count + 1, sizeof *list);
    cJSON *in_order = cJSON_CreateArray();
    if (list == NULL || in_order == NULL) {
        free(list);
        cJSON_Delete(in_order);
        return events;
    }
    while (events->child != NULL) {
        list[used++] = cJSON_DetachItemViaPointer(events, events->child);
    }
    qsort(list, used, sizeof *list, by_time);
    for (size_t i = 0; i < used; i++) {
        cJSON_AddItemToArray(in_order, list[i]);
    }
    free(list);
    cJSON_Delete(events);
    return in_order;
}

bool show_trace(const struct showing *showing, FILE *out) {
    cJSON *object = cJSON_CreateObject();
    cJSON *events = cJSON_CreateArray();
    uint32_t flows = 0;
    add_names(events, showing);
    for (uint32_t i = 0; i < showing->tape.step_count; i++) {
        add_slice(events, showing, i);
        add_switch(events, &showing->tape, i, &flows);
        add_remote(events, &showing->tape, i, &flows);
    }
    cJSON_AddItemToObject(object, "traceEvents", sorted(events));
    json_text(object, "displayTimeUnit", "ms");
    char *text = cJSON_PrintUnformatted(object);
    if (text != NULL) {
        fprintf(out, "%s\n", text);
        cJSON_free(text);
    }
    cJSON_Delete(object);
    return text != NULL;
}
