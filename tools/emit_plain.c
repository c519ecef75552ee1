/* emit_plain: a program as plain calls. What a call needs to know of its slot, whether it is empty, is followed here
 * while the calls are written; so the file reads as what happened and not as what could have. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocator/geometry.h"
#include "oracle/fault.h"
#include "oracle/preset.h"
#include "oracle/schedule.h"
#include "oracle/text.h"
#include "tools/emit.h"

/* Made of tools/emit/plain.c by cmake/embed.cmake. */
extern const char emit_plain_text[];

enum step_kind { STEP_CALL, STEP_CREATE, STEP_JOIN };
struct step {
    enum step_kind kind;
    uint8_t thread;
    uint32_t life; /* which thread of that number, from 0 */
    uint32_t record;
    char *text; /* of a call */
};

struct emission {
    FILE *out;
    const struct real_plan *plan;
    const struct program *program;
    const struct real_outcome *outcome;
    struct step *steps;
    uint32_t step_count;
    uint32_t last; /* record in which the run ended */
    bool threaded;
    bool live[PROGRAM_SLOTS_MAX];
    size_t aligned_to[PROGRAM_SLOTS_MAX];
};

/* --- which thread does what, and when --- */

/* Whether the record stands in the file: it did something, or was the last. */
static bool is_call(const struct emission *emission, uint32_t index, const struct record *record) {
    static const uint32_t elsewhere = UINT32_C(1) << OP_NOP | UINT32_C(1) << OP_THREAD_START |
                                      UINT32_C(1) << OP_THREAD_END | UINT32_C(1) << OP_FORK | UINT32_C(1) << OP_CLOCK |
                                      UINT32_C(1) << OP_FAIL | UINT32_C(1) << OP_OPTION | UINT32_C(1) << OP_REPORT;
    bool is_last = index == emission->last;
    return (elsewhere >> record->op & 1) == 0 && (emission->outcome->applied[index] != 0 || is_last);
}

/* A process that was aborted has not said where: then it is the first record that did nothing, of those after all that
 * did something. */
static uint32_t last_record(const struct emission *emission, const uint16_t *order) {
    const struct real_outcome *outcome = emission->outcome;
    uint32_t count = emission->program->record_count, rank = count;
    if (outcome->verdict.operations != 0) {
        return outcome->verdict.record;
    }
    while (rank > 0 && outcome->applied[order[rank - 1]] == 0) {
        rank--;
    }
    return rank < count ? order[rank] : count;
}

static void step_add(struct emission *emission, enum step_kind kind, uint8_t thread, uint32_t life, uint32_t record) {
    emission->steps[emission->step_count++] = (struct step){kind, thread, life, record, NULL};
    emission->threaded |= kind == STEP_CREATE;
}

/* Thread 0 is main. A thread that was never named does nothing, and is left out. */
static void steps_make(struct emission *emission) {
    static uint8_t threads_of[PROGRAM_RECORDS_MAX];
    static uint16_t order[PROGRAM_RECORDS_MAX];
    const struct program *program = emission->program;
    uint8_t threads = emission->plan->target->threads;
    bool alive[PROGRAM_THREADS_MAX] = {true};
    uint32_t lives[PROGRAM_THREADS_MAX] = {0};
    for (uint32_t i = 0; i < program->record_count; i++) {
        threads_of[i] = (uint8_t)(program_record_thread(program, i) & (threads - 1U));
    }
    schedule_order(program, threads_of, threads, order);
    emission->last = last_record(emission, order);
    for (uint32_t i = 0; i < program->record_count; i++) {
        uint32_t index = order[i];
        uint8_t thread = threads_of[index];
        struct record record = program_record(program, index);
        bool is_off = record.op == OP_NOP || (program->header.ops_off >> record.op & 1) != 0;
        bool ends = record.op == OP_THREAD_END && thread != 0;
        if (!is_off && !alive[thread] && record.op != OP_THREAD_END) {
            alive[thread] = true;
            step_add(emission, STEP_CREATE, thread, lives[thread], index);
        }
        if (!is_off && ends && alive[thread]) {
            alive[thread] = false;
            step_add(emission, STEP_JOIN, thread, lives[thread]++, index);
        } else if (!is_off && is_call(emission, index, &record)) {
            step_add(emission, STEP_CALL, thread, lives[thread], index);
        }
        if (index == emission->last) {
            break;
        }
    }
    for (uint8_t thread = 1; thread < threads; thread++) {
        if (alive[thread]) {
            step_add(emission, STEP_JOIN, thread, lives[thread], program->record_count);
        }
    }
}

/* --- one call --- */

static size_t natural_align(size_t size_bytes) {
    return size_bytes >= 16 ? 16 : 8;
}

/* No malloc can grant it, so the slot stays as it is. */
static bool is_hopeless(size_t size_bytes, size_t align_bytes) {
    enum { ADDRESS_BITS = 48 };
    return align_bytes == 0 || size_bytes >> ADDRESS_BITS != 0;
}

enum { CALL_BYTES = 160 };

static void get_print(struct emission *emission, const struct record *record, const char *call, size_t size_bytes,
                      size_t align_bytes, bool zeroed) {
    fprintf(emission->out, "GET(%u, %s, %zuu, %zu, %d);", record->slot, call, size_bytes, align_bytes, zeroed);
    emission->live[record->slot] = !is_hopeless(size_bytes, align_bytes);
    emission->aligned_to[record->slot] = 0;
}

/* What calloc and reallocarray are asked for; a product that overflows counts as the largest size there is. */
static size_t product_bytes(const struct record *record) {
    size_t size_bytes = record_size_bytes(record);
    bool overflows = size_bytes != 0 && record->argument > SIZE_MAX / size_bytes;
    return overflows ? SIZE_MAX : record->argument * size_bytes;
}

static void malloc_print(struct emission *emission, const struct record *record) {
    char call[CALL_BYTES];
    size_t size_bytes = record_size_bytes(record);
    snprintf(call, sizeof call, "CALL(malloc)(%zuu)", size_bytes);
    get_print(emission, record, call, size_bytes, natural_align(size_bytes), false);
}

static void calloc_print(struct emission *emission, const struct record *record) {
    char call[CALL_BYTES];
    snprintf(call, sizeof call, "CALL(calloc)(%uu, %zuu)", record->argument, record_size_bytes(record));
    get_print(emission, record, call, product_bytes(record), natural_align(product_bytes(record)), true);
}

static void aligned_print(struct emission *emission, const struct record *record) {
    char call[CALL_BYTES];
    size_t align_bytes = record_align_bytes(record), size_bytes = record_size_bytes(record);
    bool is_posix = record->op == OP_POSIX_MEMALIGN;
    bool is_bad = (align_bytes & (align_bytes - 1)) != 0 || (is_posix && align_bytes % sizeof(void *) != 0);
    const char *format = is_posix ? "by_pointer(CALL(%s), %zuu, %zuu)" : "CALL(%s)(%zuu, %zuu)";
    snprintf(call, sizeof call, format, program_op_info[record->op].name, align_bytes, size_bytes);
    get_print(emission, record, call, size_bytes, is_bad ? 0 : align_bytes, false);
    emission->aligned_to[record->slot] = align_bytes;
}

static void realloc_print(struct emission *emission, const struct record *record) {
    char call[CALL_BYTES], old[32];
    bool is_array = record->op == OP_REALLOCARRAY, was_live = emission->live[record->slot];
    size_t size_bytes = is_array ? product_bytes(record) : record_size_bytes(record);
    snprintf(old, sizeof old, was_live ? "s[%u].start" : "NULL", record->slot);
    if (is_array) {
        snprintf(call, sizeof call, "CALL(reallocarray)(%s, %uu, %zuu)", old, record->argument,
                 record_size_bytes(record));
    } else {
        snprintf(call, sizeof call, "CALL(realloc)(%s, %zuu)", old, size_bytes);
    }
    if (!was_live) {
        get_print(emission, record, call, size_bytes, natural_align(size_bytes), false);
        return;
    }
    fprintf(emission->out, "MOVE(%u, %s, %zuu);", record->slot, call, size_bytes);
    emission->live[record->slot] = size_bytes != 0;
    emission->aligned_to[record->slot] = is_hopeless(size_bytes, 1) ? emission->aligned_to[record->slot] : 0;
}

/* free_sized is for blocks that no aligned request made, free_aligned_sized for all. */
static void free_print(struct emission *emission, enum program_op op, unsigned slot) {
    const struct backend *backend = emission->plan->backend;
    size_t align_bytes = emission->aligned_to[slot];
    bool is_sized = op == OP_FREE_ALIGNED_SIZED || (op == OP_FREE_SIZED && align_bytes == 0);
    fprintf(emission->out, "FREE(%u, ", slot);
    if (is_sized && align_bytes != 0 && backend->free_aligned_sized != NULL) {
        fprintf(emission->out, "CALL(free_aligned_sized)(s[%u].start, %zuu, s[%u].size_bytes));", slot, align_bytes,
                slot);
    } else if (is_sized && align_bytes == 0 && backend->free_sized != NULL) {
        fprintf(emission->out, "CALL(free_sized)(s[%u].start, s[%u].size_bytes));", slot, slot);
    } else {
        fprintf(emission->out, "CALL(free)(s[%u].start));", slot);
    }
    emission->live[slot] = false;
}

/* Slot by slot, each a line, as the program does it. */
static void many_print(struct emission *emission, const struct record *record) {
    uint32_t slots = emission->program->header.slot_count, printed = 0;
    for (uint32_t i = 0; i < record->argument && i < slots; i++) {
        struct record one = *record;
        one.slot = (uint8_t)((record->slot + i) % slots);
        if (emission->live[one.slot] == (record->op == OP_MALLOC_MANY)) {
            continue;
        }
        fprintf(emission->out, "%s", printed++ > 0 ? "\n    " : "");
        if (record->op == OP_MALLOC_MANY) {
            malloc_print(emission, &one);
        } else {
            free_print(emission, OP_FREE, one.slot);
        }
    }
}

static void slot_print(struct emission *emission, const struct record *record) {
    unsigned slot = record->slot;
    switch (record->op) {
    case OP_MALLOC:
        malloc_print(emission, record);
        break;
    case OP_CALLOC:
        calloc_print(emission, record);
        break;
    case OP_ALIGNED_ALLOC:
    case OP_POSIX_MEMALIGN:
    case OP_MEMALIGN:
        aligned_print(emission, record);
        break;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        realloc_print(emission, record);
        break;
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
        free_print(emission, record->op, slot);
        break;
    case OP_USABLE:
        fprintf(emission->out, "verify(%u), usable(%u, CALL(malloc_usable_size)(s[%u].start));", slot, slot, slot);
        break;
    case OP_WRITE:
        fprintf(emission->out, "verify(%u), fill(%u);", slot, slot);
        break;
    default:
        fprintf(emission->out, "verify(%u);", slot);
    }
}

static void call_print(struct emission *emission, const struct step *step) {
    char text[160];
    struct record record = program_record(emission->program, step->record);
    bool frees = record.op == OP_FREE || record.op == OP_FREE_SIZED || record.op == OP_FREE_ALIGNED_SIZED;
    text_format_record(&record, text, sizeof text);
    fprintf(emission->out, "    now = %u; /* t%u %s */\n    ", step->record, step->thread, text);
    if (record.op == OP_MALLOC_MANY || record.op == OP_FREE_MANY) {
        many_print(emission, &record);
    } else if (record.op == OP_TRIM) {
        fputs("(void)CALL(malloc_trim)(0);", emission->out);
    } else if (record.op == OP_CHECK) {
        fputs("prove();", emission->out);
    } else if (frees && !emission->live[record.slot]) {
        fputs("CALL(free)(NULL);", emission->out);
    } else {
        slot_print(emission, &record);
    }
    fputc('\n', emission->out);
}

/* In the order in which they happen, because a call's text depends on those before it. */
static void calls_make(struct emission *emission) {
    FILE *out = emission->out;
    for (uint32_t i = 0; i < emission->step_count; i++) {
        struct step *step = &emission->steps[i];
        size_t length;
        FILE *memory = step->kind == STEP_CALL ? open_memstream(&step->text, &length) : NULL;
        if (memory != NULL) {
            emission->out = memory;
            call_print(emission, step);
            fclose(memory);
        }
    }
    emission->out = out;
}

/* --- the file --- */

static const char turns[] = "static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;\n"
                            "static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;\n"
                            "static unsigned turn_now;\n\n"
                            "/* Waits until it is the turn with that number. */\n"
                            "static void turn(unsigned number) {\n"
                            "    pthread_mutex_lock(&lock);\n"
                            "    while (turn_now != number) {\n"
                            "        pthread_cond_wait(&changed, &lock);\n"
                            "    }\n"
                            "    pthread_mutex_unlock(&lock);\n"
                            "}\n\n"
                            "static void pass(void) {\n"
                            "    pthread_mutex_lock(&lock);\n"
                            "    turn_now++;\n"
                            "    pthread_cond_broadcast(&changed);\n"
                            "    pthread_mutex_unlock(&lock);\n"
                            "}\n\n";

static void head_print(const struct emission *emission, const struct emit_head *head, const char *prefix) {
    const struct verdict *verdict = &emission->outcome->verdict;
    const struct trial *trial = &emission->plan->backend->trial;
    FILE *out = emission->out;
    fprintf(
        out,
        "/* %s: %s, made of %s by hakfuzz emit-c.\n"
        " * Plain calls of a malloc (%s), in the order in which they happened; each bears the number that its record\n"
        " * has in `hakfuzz show`.\n *\n"
        " *     %s\n *\n"
        " * Expected: \"clean\", exit status 0.\n"
        " * Seen: %s */\n",
        head->name, check_table[head->check].id, head->input, head->malloc_is, head->build,
        head->seen != NULL ? head->seen : verdict->message);
    fprintf(out, "#define CALL(name) %s%sname\n", prefix, *prefix != '\0' ? "##" : "");
    if (emission->plan->backend->strict) {
        fputs("#define STRICT 1 /* hakmem keeps errno on success, and frees what realloc makes 0 bytes */\n", out);
    } else {
        fputs("#define STRICT 0 /* nothing is asked but what C and POSIX fix */\n", out);
    }
    fputs(emit_plain_text, out);
    if (trial->begin != NULL) {
        fputs("/* This copy of hakmem has fault points, small geometries, and a proof of its whole heap. */\n"
              "void hak_trial_begin(unsigned fault, uint32_t geometry, uint32_t preset);\n"
              "const char *hak_trial_prove(size_t live_blocks, _Bool *broken_count);\n\n"
              "static void prove(void) {\n"
              "    size_t live = 0;\n"
              "    _Bool broken_count;\n"
              "    for (unsigned i = 0; i < SLOTS; i++) {\n"
              "        live += s[i].start != NULL;\n"
              "    }\n"
              "    const char *wrong = hak_trial_prove(live, &broken_count);\n"
              "    if (wrong != NULL) {\n"
              "        finding(broken_count                          ? \"block-lost\"\n"
              "                : strstr(wrong, \" I3:\") != NULL ? \"sentinel-in-list\"\n"
              "                                                    : \"accounting\",\n"
              "                \"%s\", wrong);\n"
              "    }\n"
              "}\n\n",
              out);
    }
    fputs(emission->threaded ? turns : "", out);
}

/* The steps of one thread; main also begins and ends the others. */
static void steps_print(const struct emission *emission, uint8_t thread, uint32_t life) {
    FILE *out = emission->out;
    for (uint32_t i = 0; i < emission->step_count; i++) {
        const struct step *step = &emission->steps[i];
        bool is_mine = step->thread == thread && step->life == life;
        if (!is_mine && (step->kind == STEP_CALL || thread != 0)) {
            continue;
        }
        if (thread != 0 && step->kind == STEP_CREATE) {
            continue;
        }
        if (emission->threaded) {
            fprintf(out, "    turn(%u);\n", i);
        }
        if (step->kind == STEP_CALL) {
            fputs(step->text, out);
        } else if (thread != 0) {
            continue; /* its own end: it returns, and main passes the turn on */
        } else if (step->kind == STEP_CREATE) {
            fprintf(out, "    pthread_create(&threads[%u], NULL, thread_%u_%u, NULL);\n", step->thread, step->thread,
                    step->life);
        } else {
            fprintf(out, "    pthread_join(threads[%u], NULL);\n", step->thread);
        }
        fputs(emission->threaded ? "    pass();\n" : "", out);
    }
}

static void threads_print(const struct emission *emission) {
    for (uint32_t i = 0; i < emission->step_count; i++) {
        const struct step *step = &emission->steps[i];
        if (step->kind == STEP_CREATE) {
            fprintf(emission->out, "static void *thread_%u_%u(void *unused) {\n", step->thread, step->life);
            steps_print(emission, step->thread, step->life);
            fputs("    return unused;\n}\n\n", emission->out);
        }
    }
}

static void main_print(const struct emission *emission) {
    FILE *out = emission->out;
    const struct real_plan *plan = emission->plan;
    fputs("int main(void) {\n    alarm(30); /* what has not come to its end by then never will */\n", out);
    if (plan->backend->trial.begin != NULL) {
        fprintf(out, "    hak_trial_begin(%d, %u, %u); /* fault %s, geometry %s, options %s */\n", (int)plan->fault,
                emission->program->header.geometry, emission->program->header.preset,
                plan->fault == HAK_FAULT_NONE ? "none" : fault_table[plan->fault].name,
                hak_geometries[emission->program->header.geometry % HAK_GEOMETRY_COUNT].name,
                preset_table[emission->program->header.preset % PRESET_COUNT].name);
    }
    fprintf(out, "%s", emission->threaded ? "    pthread_t threads[4];\n" : "");
    steps_print(emission, 0, 0);
    fprintf(out,
            "    now = %u; /* the end: everything is freed */\n"
            "    for (unsigned i = 0; i < SLOTS; i++) {\n"
            "        if (s[i].start != NULL) {\n"
            "            FREE(i, CALL(free)(s[i].start));\n"
            "        }\n"
            "    }\n%s"
            "    (void)!write(STDOUT_FILENO, \"clean\\n\", 6);\n"
            "    return 0;\n}\n",
            emission->program->record_count, plan->backend->trial.prove != NULL ? "    prove();\n" : "");
}

/* With no prefix the names are libc's own, and declared. */
static void declarations_print(FILE *out, const char *prefix) {
    if (*prefix == '\0') {
        fputs("#include <malloc.h>\n", out);
        return;
    }
    static const char *const declarations[] = {
        "void *%smalloc(size_t size_bytes);\n",
        "void *%scalloc(size_t count, size_t size_bytes);\n",
        "void *%srealloc(void *block, size_t size_bytes);\n",
        "void *%sreallocarray(void *block, size_t count, size_t size_bytes);\n",
        "void *%saligned_alloc(size_t align_bytes, size_t size_bytes);\n",
        "void *%smemalign(size_t align_bytes, size_t size_bytes);\n",
        "int %sposix_memalign(void **block, size_t align_bytes, size_t size_bytes);\n",
        "void %sfree(void *block);\n",
        "void %sfree_sized(void *block, size_t size_bytes);\n",
        "void %sfree_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);\n",
        "size_t %smalloc_usable_size(void *block);\n",
        "int %smalloc_trim(size_t pad_bytes);\n\n",
    };
    for (size_t i = 0; i < sizeof declarations / sizeof declarations[0]; i++) {
        fprintf(out, declarations[i], prefix);
    }
}

bool emit_plain(FILE *out, const struct emit_head *head, const struct real_plan *plan, const char *prefix,
                const struct program *program, const struct real_outcome *outcome) {
    enum { STEPS_A_RECORD = 2 };
    struct emission emission = {.out = out, .plan = plan, .program = program, .outcome = outcome};
    emission.steps =
        calloc((size_t)program->record_count * STEPS_A_RECORD + PROGRAM_THREADS_MAX, sizeof *emission.steps);
    if (emission.steps == NULL) {
        return false;
    }
    steps_make(&emission);
    calls_make(&emission);
    head_print(&emission, head, prefix);
    declarations_print(out, prefix);
    threads_print(&emission);
    main_print(&emission);
    for (uint32_t i = 0; i < emission.step_count; i++) {
        free(emission.steps[i].text);
    }
    free(emission.steps);
    return true;
}
