/* diff_misuse: see the header. */
#include "tools/diff_misuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/misuse.h"
#include "tools/json.h"
#include "tools/library.h"
#include "tools/terminal.h"
#include "tools/verb.h"

struct misuses {
    const struct diff *diff;
    struct misuse_outcome outcomes[MISUSE_COUNT][DIFF_MALLOCS_MAX];
    struct backend own; /* hakmem as it is installed */
    bool has_own;
};

static const char *short_name(const struct diff *diff, unsigned malloc) {
    const char *name = diff->mallocs[malloc].malloc.name, *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static bool is_own(const struct diff *diff, unsigned malloc) {
    return strcmp(diff->mallocs[malloc].malloc.name, "hakmem") == 0;
}

/* --- committing them --- */

static bool open_own(struct misuses *misuses) {
    char why[256];
    bool is_there = false;
    for (unsigned i = 0; i < misuses->diff->malloc_count; i++) {
        is_there |= is_own(misuses->diff, i);
    }
    char *path = is_there ? library_find("diff", "libhakmem.so") : NULL;
    misuses->has_own = path != NULL && backend_open(&misuses->own, path, "", why, sizeof why);
    if (path != NULL && !misuses->has_own) {
        fprintf(stderr, "hakfuzz diff: %s\n", why);
    }
    free(path);
    return misuses->has_own == is_there;
}

static bool commit_all(struct misuses *misuses, bool (*goes_on)(void)) {
    const struct diff *diff = misuses->diff;
    char why[256];
    for (unsigned misuse = 0; misuse < MISUSE_COUNT; misuse++) {
        for (unsigned i = 0; i < diff->malloc_count && goes_on(); i++) {
            const struct backend *backend = is_own(diff, i) ? &misuses->own : &diff->mallocs[i].malloc.backend;
            progress("%s on %s: %u of %u", misuse_table[misuse].name, short_name(diff, i), misuse + 1, MISUSE_COUNT);
            if (!misuse_commit(backend, misuse, &misuses->outcomes[misuse][i], why, sizeof why)) {
                fprintf(stderr, "hakfuzz diff: %s on %s: %s\n", misuse_table[misuse].name, short_name(diff, i), why);
                return false;
            }
        }
    }
    return goes_on();
}

/* --- text --- */

static void print_head(const struct diff *diff, FILE *out) {
    fputs("| a program ... |", out);
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        fprintf(out, " %s |", short_name(diff, i));
    }
    fputs("\n|---|", out);
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        fputs("---|", out);
    }
    fputc('\n', out);
}

/* Each row, then what its words mean, of those that were seen. */
static void print(const struct misuses *misuses, FILE *out) {
    bool seen[MISUSE_ANSWER_COUNT] = {false};
    print_head(misuses->diff, out);
    for (unsigned misuse = 0; misuse < MISUSE_COUNT; misuse++) {
        fprintf(out, "| %s |", misuse_table[misuse].meaning);
        for (unsigned i = 0; i < misuses->diff->malloc_count; i++) {
            enum misuse_answer answer = misuses->outcomes[misuse][i].answer;
            fprintf(out, " %s |", misuse_answer_table[answer].name);
            seen[answer] = true;
        }
        fputc('\n', out);
    }
    fputc('\n', out);
    for (unsigned answer = 0; answer < MISUSE_ANSWER_COUNT; answer++) {
        if (seen[answer]) {
            fprintf(out, "%s: %s\n", misuse_answer_table[answer].name, misuse_answer_table[answer].meaning);
        }
    }
}

/* --- JSON --- */

static void print_json(const struct misuses *misuses) {
    cJSON *object = json_begin("diff");
    cJSON *names = cJSON_AddArrayToObject(object, "malloc_names");
    cJSON *rows = cJSON_AddArrayToObject(object, "misuses");
    for (unsigned i = 0; i < misuses->diff->malloc_count; i++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(misuses->diff->mallocs[i].malloc.name));
    }
    for (unsigned misuse = 0; misuse < MISUSE_COUNT; misuse++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(rows, row);
        json_text(row, "misuse", misuse_table[misuse].name);
        json_text(row, "meaning", misuse_table[misuse].meaning);
        cJSON *answers = cJSON_AddArrayToObject(row, "answers");
        cJSON *said = cJSON_AddArrayToObject(row, "said");
        for (unsigned i = 0; i < misuses->diff->malloc_count; i++) {
            const struct misuse_outcome *outcome = &misuses->outcomes[misuse][i];
            cJSON_AddItemToArray(answers, cJSON_CreateString(misuse_answer_table[outcome->answer].name));
            cJSON_AddItemToArray(said, cJSON_CreateString(outcome->said));
        }
    }
    json_print(object);
}

int diff_misuse(const struct diff *diff, int json, bool (*goes_on)(void)) {
    static struct misuses misuses;
    misuses = (struct misuses){.diff = diff};
    bool good = open_own(&misuses);
    if (good) {
        progress_begin();
        good = commit_all(&misuses, goes_on);
        progress_end();
    }
    if (good && json) {
        print_json(&misuses);
    } else if (good) {
        print(&misuses, stdout);
    }
    if (misuses.has_own) {
        backend_close(&misuses.own);
    }
    return good ? EXIT_CLEAN : EXIT_USAGE;
}
