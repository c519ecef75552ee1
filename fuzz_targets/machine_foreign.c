/* machine_foreign: target `target`: the malloc that HAKFUZZ_TARGET named when this was built, under the engine.
 *
 * It is the library FOREIGN_LIBRARY beside the binary, loaded once; its names begin with FOREIGN_PREFIX. Each program
 * runs in a fork of this process, on real threads in virtual order (oracle/real.h), as `hakfuzz repro --malloc target`
 * runs it. So every input finds the malloc as it was loaded, though a malloc of somebody else cannot be reset; what is
 * found needs no input but its own; and a crash, a hang or a sanitizer's report is a finding with its record, told
 * here, where the engine waits.
 *
 * Coverage is counted in the fork. AFL++ has its map in shared memory; the counters of libFuzzer are the malloc's own
 * (foreign_counters.c), and come back through a mapping that both processes share. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_targets/foreign_counters.h"
#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/machine.h"
#include "oracle/malloc_probe.h"
#include "oracle/real.h"

static const struct target_info target = {.name = "target",
                                          .threads = PROGRAM_THREADS_MAX,
                                          .planted_fault = "",
                                          .purpose = "the malloc that HAKFUZZ_TARGET names",
                                          .component = ""};
const struct target_info *const fuzz_target = &target;

/* A fork that runs one thread after another is known soon to hang. */
enum { PATIENCE_MS = 300 };

static struct {
    char path[PATH_MAX]; /* of the library */
    struct backend backend;
    struct foreign_counters counters; /* none: bytes 0 */
    unsigned char *counted;           /* a copy of them, shared with forks */
    struct world_totals totals;
} state;

/* --- the library --- */

static bool path_beside(char *path, size_t capacity) {
    ssize_t length = readlink("/proc/self/exe", path, capacity - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    size_t room = slash != NULL ? capacity - (size_t)(slash + 1 - path) : 0;
    return slash != NULL && (size_t)snprintf(slash + 1, room, FOREIGN_LIBRARY) < room;
}

static bool counters_find(char *why, size_t why_bytes) {
    foreign_counters_of *of = NULL;
    void *symbol = dlsym(state.backend.library, FOREIGN_COUNTERS);
    memcpy(&of, &symbol, sizeof of);
    state.counters = of != NULL ? of() : (struct foreign_counters){0};
    if (state.counters.bytes == 0) {
        return true;
    }
    void *copy = mmap(NULL, state.counters.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    state.counted = copy;
    snprintf(why, why_bytes, "there is no memory for a copy of its counters");
    return copy != MAP_FAILED;
}

int machine_open(char *why, size_t why_bytes) {
    if (!path_beside(state.path, sizeof state.path)) {
        snprintf(why, why_bytes, "the path of this program cannot be read");
        return -1;
    }
    /* Loaded here, one that ends the process would be silent, or say what it likes. */
    bool open = malloc_probe_load(state.path, FOREIGN_PREFIX, why, why_bytes) &&
                backend_open(&state.backend, state.path, FOREIGN_PREFIX, why, why_bytes);
    return open && counters_find(why, why_bytes) ? 0 : -1;
}

bool machine_has_faults(void) {
    return false;
}

bool machine_forks(void) {
    return true;
}

bool machine_arm_fault(const char *name) {
    return name[0] == '\0' || strcmp(name, "none") == 0;
}

/* --- runs --- */

static void counters_send(void) {
    memcpy(state.counted, state.counters.start, state.counters.bytes);
}

static void counters_take(void) {
    memcpy(state.counters.start, state.counted, state.counters.bytes);
}

static void print_report(const struct program *program, const struct real_outcome *outcome, FILE *out) {
    const struct verdict *verdict = &outcome->verdict;
    const struct check_info *check = &check_table[verdict->check];
    fputs(outcome->said, out);
    fprintf(out, "\n" FOREIGN_LIBRARY ": %s: %s\n  meaning     %s\n", check->id, verdict->message, check->meaning);
    if (verdict->record < program->record_count) {
        const struct record record = program_record(program, verdict->record);
        fprintf(out, "  operation   record %u (of 0 to %u): %s, slot s%u\n", verdict->record, program->record_count - 1,
                program_op_info[record.op].name, record.slot);
    } else {
        fprintf(out, "  operation   at the end, when all is freed\n");
    }
    fprintf(out, "  signature   %s\n", verdict->signature);
}

enum check machine_run(const struct program *program, FILE *report, struct verdict *verdict) {
    static struct real_outcome outcome;
    char why[VERDICT_MESSAGE_BYTES_MAX];
    const struct real_plan plan = {.backend = &state.backend,
                                   .target = fuzz_target,
                                   .order = REAL_ORDER_VIRTUAL,
                                   .instances = 1,
                                   .times = 1,
                                   .fault = HAK_FAULT_NONE,
                                   .patience_ms = PATIENCE_MS,
                                   .at_end = state.counters.bytes != 0 ? counters_send : NULL};
    if (!real_run(&plan, program, &outcome, why, sizeof why)) {
        fprintf(stderr, "fuzz_target: %s\n", why);
        exit(EXIT_UNABLE);
    }
    if (state.counters.bytes != 0) {
        counters_take();
    }
    *verdict = outcome.verdict;
    state.totals.executions++;
    state.totals.operations += verdict->operations;
    if (verdict->check != CHECK_NONE && report != NULL) {
        print_report(program, &outcome, report);
    }
    return verdict->check;
}

/* Every run is a process of its own: there is nothing to prove of what runs leave behind. */
enum check machine_run_sampled(const struct program *program, FILE *report, struct verdict *verdict) {
    return machine_run(program, report, verdict);
}

uint64_t machine_state_hash(void) {
    return 0;
}

struct world_totals machine_totals(void) {
    return state.totals;
}

void machine_print_target(FILE *out) {
    bool has_prefix = FOREIGN_PREFIX[0] != '\0';
    fprintf(out, "--target threads --malloc %s %s%s%s", state.path, has_prefix ? "--prefix " : "", FOREIGN_PREFIX,
            has_prefix ? " " : "");
}
