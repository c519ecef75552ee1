/* worst_write: what a search for the worst found, for people, machines and the next time. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/text.h"
#include "tools/json.h"
#include "tools/terminal.h"
#include "tools/worst.h"

void worst_name(const struct worst *worst, const struct worst_program *program, char name[WORST_NAME_BYTES]) {
    unsigned niche = worst_niche(worst, program->bytes, program->size_bytes);
    int used = snprintf(name, WORST_NAME_BYTES, "%s-%s", metric_table[worst->metric].name,
                        worst_tier_names[niche / WORST_TRAITS]);
    for (unsigned i = 0; i < sizeof worst_trait_names / sizeof worst_trait_names[0]; i++) {
        if ((niche >> i & 1) != 0) {
            used += snprintf(name + used, WORST_NAME_BYTES - (size_t)used, "-%s", worst_trait_names[i]);
        }
    }
}

/* "1.62 times libc: 32.1 and 19.8 ns a call" */
static void print_words(const struct worst *worst, const struct worst_program *program, FILE *out) {
    fprintf(out, "%.2f times %s: %.2f and %.2f %s", program->ratio, worst->measure->contenders[program->other].name,
            program->value, program->other_value, metric_table[worst->metric].unit);
}

void worst_print(const struct worst *worst, FILE *out) {
    char name[WORST_NAME_BYTES];
    for (unsigned i = 0; i < worst->kept_count; i++) {
        const struct worst_program *program = &worst->kept[i];
        worst_name(worst, program, name);
        fprintf(out, "%s%s%s: %s is ", colour_bad(out), name, colour_end(out), worst->measure->contenders[0].name);
        print_words(worst, program, out);
        fputc('\n', out);
        (void)text_disassemble(program->bytes, program->size_bytes, out);
    }
    fprintf(out, "%u sorts of programs above %.2f by %s, in %" PRIu64 " programs and %" PRIu64 " runs on %u mallocs\n",
            worst->kept_count, worst->above, metric_table[worst->metric].name, worst->programs, worst->measure->runs,
            worst->measure->count);
}

/* The text form as a string, to be freed; NULL when there is no memory. */
static char *text_of(const struct worst_program *program) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out != NULL) {
        (void)text_disassemble(program->bytes, program->size_bytes, out);
        fclose(out);
    }
    return text;
}

cJSON *worst_json(const struct worst *worst) {
    cJSON *object = json_begin("diff");
    char name[WORST_NAME_BYTES];
    json_text(object, "metric", metric_table[worst->metric].name);
    json_text(object, "malloc", worst->measure->contenders[0].name);
    json_number(object, "above", worst->above);
    json_number(object, "programs", (double)worst->programs);
    json_number(object, "runs", (double)worst->measure->runs);
    cJSON *measured = cJSON_AddArrayToObject(object, "measured");
    for (unsigned i = 0; i < worst->kept_count; i++) {
        const struct worst_program *program = &worst->kept[i];
        cJSON *item = cJSON_CreateObject();
        char *text = text_of(program);
        worst_name(worst, program, name);
        json_text(item, "file", name);
        json_number(item, "ratio", program->ratio);
        json_text(item, "best_other", worst->measure->contenders[program->other].name);
        json_number(item, "value", program->value);
        json_number(item, "best_value", program->other_value);
        json_text(item, "program", text != NULL ? text : "");
        cJSON_AddItemToArray(measured, item);
        free(text);
    }
    return object;
}

static bool keep_one(const struct worst *worst, const struct worst_program *program, const char *directory) {
    char name[WORST_NAME_BYTES];
    char *path = NULL;
    worst_name(worst, program, name);
    FILE *out = asprintf(&path, "%s/%s.hak", directory, name) > 0 ? fopen(path, "w") : NULL;
    bool good = out != NULL;
    if (good) {
        fprintf(out, "# %s: %s was ", name, worst->measure->contenders[0].name);
        print_words(worst, program, out);
        fprintf(out, "\n# hakfuzz diff --target %s --performance FILE\n", worst->target->name);
        good = text_disassemble(program->bytes, program->size_bytes, out) == 0;
        good = fclose(out) == 0 && good;
    }
    if (!good) {
        fprintf(stderr, "hakfuzz diff: '%s' cannot be written: %s; give another directory with -o\n",
                path != NULL ? path : directory, strerror(errno));
    }
    free(path);
    return good;
}

bool worst_keep(const struct worst *worst, const char *directory) {
    bool good = true;
    for (unsigned i = 0; i < worst->kept_count && good; i++) {
        good = keep_one(worst, &worst->kept[i], directory);
    }
    return good;
}
