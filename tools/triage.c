/* triage: see the header. */
#include "tools/triage.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* As libFuzzer, AFL++, the stand-alone targets and people call what failed. */
static const char *const input_names[] = {"crash-*", "timeout-*", "slow-unit-*", "oom-*", "leak-*",   "hang-*",
                                          "id:*",    "id_*",      "*.hak",       "*.bin", "*-crash-*"};
/* What triage itself writes is named after findings, which have names like these. */
static const char *const other_names[] = {"*.html", "*.txt", "*.json", "*.sarif", "*.part"};

static bool matches(const char *name, const char *const *patterns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (fnmatch(patterns[i], name, 0) == 0) {
            return true;
        }
    }
    return false;
}

bool triage_is_input(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return strstr(path, "/queue/") == NULL && matches(name, input_names, sizeof input_names / sizeof input_names[0]) &&
           !matches(name, other_names, sizeof other_names / sizeof other_names[0]);
}

/* --- groups --- */

/* Parts of the signature that say something, with '-' between them and for all that a shell or a browser would ask
 * about. */
static char *plain_name(const struct choice *choice, const struct verdict *verdict) {
    char *name = NULL;
    if (asprintf(&name, "%s/%s", choice->target->name, verdict->signature) < 0) {
        return NULL;
    }
    char *out = name;
    for (const char *at = name; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at) || *at == '_') {
            *out++ = *at;
        } else if (out > name && out[-1] != '-') {
            *out++ = '-';
        }
    }
    *(out > name && out[-1] == '-' ? out - 1 : out) = '\0';
    return name;
}

static bool is_taken(const struct triage *triage, const char *name) {
    for (size_t i = 0; i < triage->group_count; i++) {
        if (strcmp(triage->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Signatures that differ in nothing but such characters are told apart by a number. */
static char *group_name(const struct triage *triage, const struct choice *choice, const struct verdict *verdict) {
    char *plain = plain_name(choice, verdict), *name = plain;
    for (unsigned number = 2; name != NULL && is_taken(triage, name); number++) {
        char *next = NULL;
        if (asprintf(&next, "%s-%u", plain, number) < 0) {
            next = NULL;
        }
        if (name != plain) {
            free(name);
        }
        name = next;
    }
    if (name != plain) {
        free(plain);
    }
    return name;
}

static bool is_same(const struct triage_group *group, const struct choice *choice, const struct verdict *verdict) {
    return group->choice.target == choice->target && strcmp(group->choice.fault, choice->fault) == 0 &&
           strcmp(group->verdict.signature, verdict->signature) == 0;
}

static struct triage_group *group_for(struct triage *triage, const struct choice *choice,
                                      const struct verdict *verdict) {
    for (size_t i = 0; i < triage->group_count; i++) {
        if (is_same(&triage->groups[i], choice, verdict)) {
            return &triage->groups[i];
        }
    }
    if (triage->group_count == triage->group_capacity) {
        size_t capacity = triage->group_capacity == 0 ? 16 : 2 * triage->group_capacity;
        struct triage_group *groups = realloc(triage->groups, capacity * sizeof *groups);
        if (groups == NULL) {
            return NULL;
        }
        triage->groups = groups;
        triage->group_capacity = capacity;
    }
    char *name = group_name(triage, choice, verdict);
    if (name == NULL) {
        return NULL;
    }
    struct triage_group *group = &triage->groups[triage->group_count++];
    *group = (struct triage_group){.choice = *choice, .verdict = *verdict, .name = name};
    return group;
}

static bool group_add(struct triage *triage, const struct choice *choice, const struct verdict *verdict,
                      const char *path, size_t size_bytes) {
    struct triage_group *group = group_for(triage, choice, verdict);
    if (group == NULL || !files_add(&group->inputs, path)) {
        fputs("hakfuzz: out of memory for the list of findings\n", stderr);
        return false;
    }
    if (group->inputs.count == 1 || size_bytes < group->shortest_bytes) {
        group->shortest = group->inputs.count - 1;
        group->shortest_bytes = size_bytes;
        group->verdict = *verdict;
    }
    return true;
}

/* --- inputs --- */

bool triage_add(struct triage *triage, const char *path) {
    struct choice choice;
    struct verdict verdict;
    struct program program;
    struct input input;
    if (!choose(triage->target, triage->fault, path, NULL, &choice)) {
        return false;
    }
    if (triage->malloc != NULL && *choice.target->component != '\0') {
        triage->others++;
        return true;
    }
    if (triage->malloc != NULL && !choice_set_malloc(&choice, triage->malloc)) {
        return false;
    }
    if (!input_load(path, INPUT_EITHER, &input)) {
        triage->unreadable++;
        return true;
    }
    program_read(&program, input.bytes, input.size_bytes);
    bool good = worker_run(triage->worker, &choice, &program, 1, &verdict);
    if (good && verdict.check == CHECK_NONE) { /* or only repeated runs show it */
        good = worker_run(triage->worker, &choice, &program, MINIMIZE_REPEATS, &verdict);
    }
    if (good) {
        triage->inputs++;
        triage->clean += verdict.check == CHECK_NONE;
        good = verdict.check == CHECK_NONE || group_add(triage, &choice, &verdict, path, input.size_bytes);
    }
    input_free(&input);
    return good;
}

static int by_count(const void *a, const void *b) {
    const struct triage_group *x = a, *y = b;
    if (x->inputs.count != y->inputs.count) {
        return x->inputs.count < y->inputs.count ? 1 : -1;
    }
    return strcmp(x->name, y->name);
}

void triage_sort(struct triage *triage) {
    if (triage->group_count > 0) {
        qsort(triage->groups, triage->group_count, sizeof triage->groups[0], by_count);
    }
}

void triage_free(struct triage *triage) {
    for (size_t i = 0; i < triage->group_count; i++) {
        free(triage->groups[i].name);
        free(triage->groups[i].bytes);
        files_free(&triage->groups[i].inputs);
    }
    free(triage->groups);
    worker_close(triage->worker);
}
