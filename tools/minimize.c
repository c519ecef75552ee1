/* minimize: see the header. */
#include "tools/minimize.h"

#include <stdlib.h>
#include <string.h>

#include "oracle/text.h"

static unsigned repeats_of(const struct minimization *minimization) {
    return minimization->before.check == CHECK_NONDETERMINISM ? MINIMIZE_REPEATS : 1;
}

static bool fails(void *context, const struct program *candidate) {
    struct minimization *minimization = context;
    struct verdict verdict;
    if (minimization->broken ||
        !worker_run(minimization->worker, minimization->choice, candidate, repeats_of(minimization), &verdict)) {
        minimization->broken = true;
        return false;
    }
    return strcmp(verdict.signature, minimization->before.signature) == 0;
}

static uint32_t note(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity) {
    struct minimization *minimization = context;
    struct verdict verdict;
    uint32_t noted = 0;
    if (!worker_note(minimization->worker, minimization->choice, candidate, genes, capacity, &noted, &verdict)) {
        minimization->broken = true;
    }
    return noted;
}

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    struct minimization *minimization = context;
    return !minimization->broken && minimization->goes_on(minimization->context, counts, best);
}

bool minimize_try(struct minimization *minimization) {
    struct program program;
    program_read(&program, minimization->input->bytes, minimization->input->size_bytes);
    return worker_run(minimization->worker, minimization->choice, &program, MINIMIZE_REPEATS, &minimization->before);
}

bool minimize(struct minimization *minimization) {
    const struct reduce_means means = {.context = minimization, .fails = fails, .note = note, .goes_on = goes_on};
    struct program program;
    program_read(&program, minimization->input->bytes, minimization->input->size_bytes);
    reduce(minimization->choice->target, &program, &means, &minimization->result);
    if (minimization->result.bytes == NULL) {
        fputs("hakfuzz: out of memory for a reduction\n", stderr);
        return false;
    }
    program_read(&program, minimization->result.bytes, minimization->result.size_bytes);
    return !minimization->broken && worker_run(minimization->worker, minimization->choice, &program,
                                               repeats_of(minimization), &minimization->after);
}

void minimization_free(struct minimization *minimization) {
    free(minimization->result.bytes);
    minimization->result.bytes = NULL;
}

void minimize_words(const struct reduce_counts *counts, char *text, size_t capacity) {
    int used = snprintf(text, capacity, "%u record%s on %u thread%s", counts->records, counts->records == 1 ? "" : "s",
                        counts->threads, counts->threads == 1 ? "" : "s");
    if (counts->genes > 0 && used > 0 && (size_t)used < capacity) {
        snprintf(text + used, capacity - (size_t)used, ", %u gene%s", counts->genes, counts->genes == 1 ? "" : "s");
    }
}

/* Without its directories: the text is passed on, and they say nothing to others. Names of files may hold anything; a
 * comment ends with its line. */
static void print_name(const char *path, FILE *out) {
    const char *slash = strrchr(path, '/');
    for (const char *name = slash != NULL ? slash + 1 : path; *name != '\0'; name++) {
        fputc((unsigned char)*name < ' ' ? '?' : *name, out);
    }
}

int minimize_print(const struct minimization *minimization, const struct program *program, FILE *out) {
    const struct choice *choice = minimization->choice;
    const struct verdict *verdict =
        minimization->after.check != CHECK_NONE ? &minimization->after : &minimization->before;
    char before[64], after[64];
    struct reduce_counts counts = reduce_count(choice->target, program);
    struct program original;
    program_read(&original, minimization->input->bytes, minimization->input->size_bytes);
    struct reduce_counts counts_before = reduce_count(choice->target, &original);
    minimize_words(&counts_before, before, sizeof before);
    minimize_words(&counts, after, sizeof after);
    fprintf(out, "# %s: %s\n# signature %s\n# reduced from ", check_table[verdict->check].id, verdict->message,
            verdict->signature);
    print_name(minimization->name, out);
    fprintf(out, ": %s, now %s%s\n", before, after,
            minimization->result.is_minimal ? "; without any one of them it is another finding, or none" : "");
    fprintf(out, "# hakfuzz repro --target %s%s%s", choice->target->name, *choice->fault ? " --fault " : "",
            choice->fault);
    if (choice->malloc != NULL) {
        fputs(strchr(choice->malloc->name, '/') != NULL ? " --malloc ./" : " --malloc ", out);
        print_name(choice->malloc->name, out);
        fprintf(out, "%s%s", *choice->malloc->prefix != '\0' ? " --prefix " : "", choice->malloc->prefix);
    }
    fputs(" FILE\n", out);
    return text_disassemble(program->bytes, program->size_bytes, out);
}
