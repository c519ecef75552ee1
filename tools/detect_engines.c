/* detect_engines: the table of engines, what they run, and lists of series. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/detect.h"
#include "tools/place.h"

static const struct detect_engine engines[] = {
#define ENGINE_ROW(...) {__VA_ARGS__},
    DETECT_ENGINE_TABLE(ENGINE_ROW)
#undef ENGINE_ROW
};
enum { ENGINE_COUNT = sizeof engines / sizeof engines[0] };

const struct detect_engine *detect_engine_find(const char *name) {
    for (size_t i = 0; i < ENGINE_COUNT; i++) {
        if (strcmp(name, engines[i].name) == 0) {
            return &engines[i];
        }
    }
    return NULL;
}

const char *detect_engine_name(unsigned i) {
    return i < ENGINE_COUNT ? engines[i].name : NULL;
}

char *detect_binary(const struct detect_plan *plan) {
    const char *place = plan->engine->binary;
    if (*place == '\0') {
        return self_path();
    }
    char name[96];
    snprintf(name, sizeof name, "%s%s", place, plan->target->name);
    char *binary = sibling_find(name);
    if (binary == NULL) {
        const char *preset = place + strlen("../");
        int length = (int)strcspn(preset, "/");
        fprintf(stderr,
                "hakfuzz detect: build/%s is not built: cmake --preset %.*s && cmake --build --preset %.*s --target "
                "fuzz_targets%s\n",
                name + strlen("../"), length, preset, length, preset,
                plan->engine->run == detect_afl ? " hakmem_mutator" : "");
    }
    return binary;
}

size_t detect_list_add(struct detect_list *list, const struct detect_plan *plan) {
    enum { FIRST = 64 };
    if (list->count == list->capacity) {
        unsigned capacity = list->capacity > 0 ? 2 * list->capacity : FIRST;
        struct detect_series *series = realloc(list->series, capacity * sizeof *series);
        if (series == NULL) {
            perror("hakfuzz detect");
            return SIZE_MAX;
        }
        list->series = series;
        list->capacity = capacity;
    }
    struct detect_series *series = &list->series[list->count];
    *series = (struct detect_series){.plan = *plan, .trials = calloc(list->trials, sizeof *series->trials)};
    const char *own = plan->engine->without;
    size_t used = strlen(plan->without), more = strlen(own);
    if (series->trials == NULL || used + 1 + more >= sizeof series->plan.without) {
        fputs("hakfuzz detect: too many guides to go without, or no memory\n", stderr);
        free(series->trials);
        return SIZE_MAX;
    }
    snprintf(series->plan.without + used, sizeof series->plan.without - used, "%s%s", used > 0 && more > 0 ? "," : "",
             own);
    return list->count++;
}

void detect_list_free(struct detect_list *list) {
    for (unsigned i = 0; i < list->count; i++) {
        free(list->series[i].trials);
    }
    free(list->series);
    *list = (struct detect_list){0};
}
