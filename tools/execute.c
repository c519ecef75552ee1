/* execute: see the header. */
#include "tools/execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guard.h"

static void set_nondeterminism(struct verdict *verdict, const char *where, const char *message) {
    verdict->check = CHECK_NONDETERMINISM;
    snprintf(verdict->signature, sizeof verdict->signature, "%s/%s", check_table[CHECK_NONDETERMINISM].id, where);
    snprintf(verdict->message, sizeof verdict->message, "%s", message);
}

void execute(const struct choice *choice, const struct input *input, const char *name, enum execute_report report,
             struct execution *execution) {
    memset(execution, 0, sizeof *execution);
    struct program program;
    program_read(&program, input->bytes, input->size_bytes);
    size_t report_bytes = 0;
    FILE *memory = report == EXECUTE_KEEP_REPORT ? open_memstream(&execution->report, &report_bytes) : NULL;
    uint64_t hash_before = world_state_hash();
    guard_begin(name);
    world_run(choice->target, &program, report == EXECUTE_PRINT_REPORT ? stdout : memory, &execution->verdict);
    guard_end();
    /* Fuzz targets prove this for a sample of their runs; so their findings show here too. */
    if (execution->verdict.check == CHECK_NONE && world_state_hash() != hash_before) {
        set_nondeterminism(&execution->verdict, "reset", "reset left something behind");
    }
    if (memory != NULL) {
        fclose(memory);
    }
    if (report == EXECUTE_KEEP_REPORT && execution->report == NULL) {
        execution->report = strdup("");
    }
}

void execution_free(struct execution *execution) {
    free(execution->report);
    execution->report = NULL;
}

struct verdict execution_differs(const struct verdict *first) {
    struct verdict verdict = *first;
    set_nondeterminism(&verdict, "trace", "runs of one input gave different outcomes");
    return verdict;
}
