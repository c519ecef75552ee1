/* diff_run: one program on several mallocs, and what their answers say. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/diff.h"

/* --- runs --- */

bool diff_is_free(const struct diff *diff) {
    return diff->malloc_count > 0 && diff->mallocs[0].malloc.order == REAL_ORDER_FREE;
}

/* The journal of what each record did, which only virtual order has. False, with a message, when there is no memory. */
static bool journal_begin_anew(struct diff_malloc *one) {
    if (one->journal == NULL) {
        void *journal =
            mmap(NULL, sizeof *one->journal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (journal == MAP_FAILED) {
            fputs("hakfuzz diff: there is no memory for a journal\n", stderr);
            return false;
        }
        one->journal = journal;
    }
    one->journal->entry_count = one->journal->change_count = 0;
    one->journal->is_cut = false;
    return true;
}

static bool run_one(struct diff *diff, struct diff_malloc *one, const struct target_info *target,
                    const struct program *program) {
    char why[VERDICT_MESSAGE_BYTES_MAX];
    struct real_plan plan = malloc_plan(&one->malloc, target, "");
    if (!diff_is_free(diff) && !journal_begin_anew(one)) {
        return false;
    }
    one->backend = one->malloc.backend;
    one->backend.strict = false;
    plan.backend = &one->backend;
    plan.journal = one->journal;
    plan.times = diff->times;
    plan.corners = true;
    diff->runs++;
    if (!real_run(&plan, program, &one->outcome, why, sizeof why)) {
        fprintf(stderr, "hakfuzz diff: %s: %s\n", one->malloc.name, why);
        return false;
    }
    return true;
}

/* --- what is fixed --- */

struct seeing {
    struct diff *diff;
    uint32_t wanted;
    const struct program *program;
    diff_see *see;
    void *context;
};

static enum program_op op_of(const struct program *program, uint32_t record) {
    return record < program->record_count ? program_record(program, record).op : OP_FREE; /* at the end all is freed */
}

static void see(const struct seeing *seeing, unsigned malloc, enum fact fact, uint32_t record, const char *message) {
    seeing->see(seeing->context, malloc, fact, op_of(seeing->program, record), record, message);
}

/* In free order: whoever found it said so, unless the process did not come to that. */
static bool verdict_has_record(enum check check) {
    return fact_of_check(check, OP_NOP) != FACT_END;
}

/* What the oracle stopped a run for. */
static void see_finding(const struct seeing *seeing, unsigned malloc) {
    const struct verdict *verdict = &seeing->diff->mallocs[malloc].outcome.verdict;
    bool is_known = !diff_is_free(seeing->diff) || verdict_has_record(verdict->check);
    enum program_op op = is_known ? op_of(seeing->program, verdict->record) : OP_NOP;
    enum fact fact = fact_of_check(verdict->check, op);
    bool is_align =
        fact == FACT_ERRNO_FAILURE && op == OP_POSIX_MEMALIGN && strstr(verdict->message, "Invalid") != NULL;
    seeing->see(seeing->context, malloc, is_align ? FACT_POSIX_ALIGN : fact, op, verdict->record, verdict->message);
}

/* An alignment that aligned_alloc must refuse. */
static void see_aligned(const struct seeing *seeing, unsigned malloc, const struct journal_entry *entry) {
    if (entry->call.fact == FACT_ALIGNED_BAD && entry->call.answer == JOURNAL_BLOCK) {
        struct record record = program_record(seeing->program, entry->record);
        char message[DIFF_MESSAGE_BYTES];
        snprintf(message, sizeof message, "aligned_alloc(%zu, %zu) returned a block, not NULL",
                 record_align_bytes(&record), record_size_bytes(&record));
        see(seeing, malloc, FACT_ALIGNED_BAD, entry->record, message);
    }
}

/* --- what is open --- */

static struct difference *difference_of(struct diff *diff, enum fact fact, enum program_op op) {
    for (size_t i = 0; i < diff->difference_count; i++) {
        if (diff->differences[i].fact == fact && diff->differences[i].op == op) {
            return &diff->differences[i];
        }
    }
    struct difference *new = &diff->differences[diff->difference_count++];
    *new = (struct difference){.fact = fact, .op = op};
    return new;
}

/* In the order of the alphabet, so that equal sets are equal text. */
static void add_word(struct diff *diff, enum fact fact, enum program_op op, unsigned malloc, const char *word) {
    char(*words)[DIFF_WORD_BYTES] = difference_of(diff, fact, op)->words[malloc];
    unsigned at = 0;
    while (at < DIFF_WORDS_MAX && words[at][0] != '\0' && strcmp(words[at], word) < 0) {
        at++;
    }
    if (at < DIFF_WORDS_MAX && strcmp(words[at], word) != 0) {
        memmove(words[at + 1], words[at], (DIFF_WORDS_MAX - 1 - at) * sizeof words[0]);
        snprintf(words[at], DIFF_WORD_BYTES, "%s", word);
    }
}

static void add_words(struct diff *diff, unsigned malloc, enum program_op op, const struct journal_entry *entry) {
    const struct journal_call *call = &entry->call;
    char word[DIFF_WORD_BYTES];
    const char *error = call->error != 0 ? strerrorname_np(call->error) : "";
    if (call->answer == JOURNAL_NO_CALL) {
        return;
    }
    bool is_block = call->answer == JOURNAL_BLOCK;
    if (call->fact < FACT_COUNT && !fact_table[call->fact].is_fixed) {
        snprintf(word, sizeof word, "%s%s%s", is_block ? "block" : "NULL", !is_block && call->error != 0 ? ", " : "",
                 is_block || error == NULL ? "" : error);
        add_word(diff, call->fact, op, malloc, word);
    }
    if (is_block) {
        add_word(diff, FACT_ERRNO_SUCCESS, op, malloc, call->error == 0 ? "kept" : error != NULL ? error : "changed");
    }
    if (call->shows != JOURNAL_SHOWS_UNKNOWN) {
        add_word(diff, FACT_OWN_WORDS, op, malloc, call->shows == JOURNAL_SHOWS_ADDRESS ? "addresses" : "none");
    }
    if (is_block && call->usable_bytes != 0 && entry->size_bytes != 0) {
        add_word(diff, FACT_USABLE_SIZE, op, malloc, call->usable_bytes > entry->size_bytes ? "more" : "as asked");
    }
}

/* --- step by step --- */

/* The entry of a malloc that is in step and came so far. */
static const struct journal_entry *entry_at(const struct seeing *seeing, unsigned malloc, uint32_t at) {
    const struct diff_malloc *one = &seeing->diff->mallocs[malloc];
    bool is_there = (seeing->wanted >> malloc & 1) != 0 && one->in_step && at < one->journal->entry_count &&
                    one->journal->entries[at].ended && one->journal->entries[at].record < seeing->program->record_count;
    return is_there ? &one->journal->entries[at] : NULL;
}

/* Blocks and NULLs for one request: in a corner both are right, elsewhere those with NULL are not. The first malloc
 * that is in step leads; who answers otherwise leaves. */
static void compare_answers(const struct seeing *seeing, uint32_t at) {
    unsigned leader_answer = JOURNAL_NO_CALL, blocks = 0;
    for (unsigned i = 0; i < seeing->diff->malloc_count; i++) {
        const struct journal_entry *entry = entry_at(seeing, i, at);
        blocks += entry != NULL && entry->call.answer == JOURNAL_BLOCK;
        leader_answer = leader_answer == JOURNAL_NO_CALL && entry != NULL ? entry->call.answer : leader_answer;
    }
    for (unsigned i = 0; i < seeing->diff->malloc_count; i++) {
        const struct journal_entry *entry = entry_at(seeing, i, at);
        if (entry == NULL || entry->call.answer == JOURNAL_NO_CALL) {
            continue;
        }
        if (blocks > 0 && entry->call.answer == JOURNAL_NULL && entry->call.fact == FACT_COUNT) {
            see(seeing, i, FACT_SUCCESS, entry->record, "it finds no memory where another malloc finds it");
        }
        seeing->diff->mallocs[i].in_step = entry->call.answer == leader_answer;
    }
}

static void compare(const struct seeing *seeing, bool with_differences) {
    struct diff *diff = seeing->diff;
    for (uint32_t at = 0; at < JOURNAL_ENTRIES_MAX; at++) {
        unsigned count = 0;
        for (unsigned i = 0; i < diff->malloc_count; i++) {
            const struct journal_entry *entry = entry_at(seeing, i, at);
            count += entry != NULL;
            if (entry != NULL && with_differences) {
                add_words(diff, i, op_of(seeing->program, entry->record), entry);
            }
            if (entry != NULL) {
                see_aligned(seeing, i, entry);
            }
        }
        if (count == 0) {
            break;
        }
        diff->compared += count > 1;
        compare_answers(seeing, at);
    }
}

bool diff_run(struct diff *diff, uint32_t wanted, const struct target_info *target, const struct program *program,
              bool with_differences, diff_see *seer, void *context) {
    const struct seeing seeing = {diff, wanted, program, seer, context};
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        struct diff_malloc *one = &diff->mallocs[i];
        one->in_step = (wanted >> i & 1) != 0;
        if (one->in_step && !run_one(diff, one, target, program)) {
            return false;
        }
        if (one->in_step && one->outcome.verdict.check != CHECK_NONE) {
            see_finding(&seeing, i);
        }
    }
    if (!diff_is_free(diff)) {
        compare(&seeing, with_differences);
    }
    return true;
}

/* --- divergences --- */

struct adding {
    struct diff *diff;
    const char *name;
    const struct target_info *target;
    const struct program *program;
    bool is_full;
};

static struct divergence *divergence_of(struct diff *diff, unsigned malloc, enum fact fact, enum program_op op) {
    for (size_t i = 0; i < diff->divergence_count; i++) {
        struct divergence *known = &diff->divergences[i];
        if (known->malloc == malloc && known->fact == fact && known->op == op) {
            return known;
        }
    }
    return NULL;
}

static void add(void *context, unsigned malloc, enum fact fact, enum program_op op, uint32_t record,
                const char *message) {
    struct adding *adding = context;
    struct diff *diff = adding->diff;
    struct divergence *known = divergence_of(diff, malloc, fact, op);
    if (known != NULL) { /* once a program */
        known->programs += known->last_program != diff->programs;
        known->last_program = diff->programs;
        return;
    }
    struct divergence *more = realloc(diff->divergences, (diff->divergence_count + 1) * sizeof *more);
    if (more == NULL) {
        adding->is_full = true;
        return;
    }
    diff->divergences = more;
    struct divergence *new = &more[diff->divergence_count];
    *new = (struct divergence){.malloc = malloc,
                               .fact = fact,
                               .op = op,
                               .programs = 1,
                               .last_program = diff->programs,
                               .name = strdup(adding->name),
                               .target = adding->target,
                               .bytes = calloc(1, adding->program->size_bytes + 1),
                               .size_bytes = adding->program->size_bytes,
                               .record = record};
    if (new->name == NULL || new->bytes == NULL) {
        free(new->name);
        free(new->bytes);
        adding->is_full = true;
        return;
    }
    memcpy(new->bytes, adding->program->bytes, new->size_bytes);
    snprintf(new->message, sizeof new->message, "%s", message);
    diff->divergence_count++;
}

bool diff_program(struct diff *diff, const char *name, const struct target_info *target,
                  const struct program *program) {
    struct adding adding = {.diff = diff, .name = name, .target = target, .program = program};
    diff->programs++;
    if (!diff_run(diff, UINT32_MAX, target, program, true, add, &adding)) {
        return false;
    }
    if (adding.is_full) {
        fputs("hakfuzz diff: there is no memory for the list of divergences\n", stderr);
    }
    return !adding.is_full;
}

static int by_malloc(const void *a, const void *b) {
    const struct divergence *x = a, *y = b;
    if (x->malloc != y->malloc) {
        return x->malloc < y->malloc ? -1 : 1;
    }
    return x->fact != y->fact ? (x->fact < y->fact ? -1 : 1) : (x->op > y->op) - (x->op < y->op);
}

void diff_sort(struct diff *diff) {
    if (diff->divergence_count > 0) {
        qsort(diff->divergences, diff->divergence_count, sizeof diff->divergences[0], by_malloc);
    }
}
