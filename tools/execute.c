/* execute: see the header. */
#include "tools/execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guard.h"
#include "tools/show.h"

static void set_nondeterminism(struct verdict *verdict, const char *where, const char *message) {
    verdict->check = CHECK_NONDETERMINISM;
    snprintf(verdict->signature, sizeof verdict->signature, "%s/%s", check_table[CHECK_NONDETERMINISM].id, where);
    snprintf(verdict->message, sizeof verdict->message, "%s", message);
}

/* Its report is what `hakfuzz show` says of the finding. */
static bool execute_elsewhere(const struct choice *choice, const struct input *input, const char *name,
                              enum execute_report report, struct execution *execution) {
    struct showing showing = {.name = name, .choice = choice, .input = input};
    struct program program;
    if (report == EXECUTE_SILENT) {
        program_read(&program, input->bytes, input->size_bytes);
        return execute_foreign(choice, &program, NULL, execution);
    }
    bool ran = show_run(&showing);
    if (ran && report == EXECUTE_PRINT_REPORT) {
        fputs(showing.execution.report, stdout);
    }
    *execution = showing.execution;
    showing.execution = (struct execution){.report = NULL};
    show_free(&showing);
    return ran;
}

bool execute(const struct choice *choice, const struct input *input, const char *name, enum execute_report report,
             struct execution *execution) {
    if (choice->malloc != NULL) {
        return execute_elsewhere(choice, input, name, report, execution);
    }
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
    return true;
}

void execution_free(struct execution *execution) {
    free(execution->report);
    free(execution->said);
    execution->report = execution->said = NULL;
}

struct verdict execution_differs(const struct verdict *first) {
    struct verdict verdict = *first;
    set_nondeterminism(&verdict, "trace", "runs of one input gave different outcomes");
    return verdict;
}
