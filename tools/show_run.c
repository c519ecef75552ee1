/* show_run: a program runs once, with a tape. */
#include <stdlib.h>
#include <string.h>

#include "tools/show.h"

static bool run_in_world(struct showing *showing) {
    world_observe(tape_observe, &showing->tape);
    bool ran = execute(showing->choice, showing->input, showing->name, EXECUTE_KEEP_REPORT, &showing->execution);
    world_observe(NULL, NULL);
    return ran;
}

static bool run_elsewhere(struct showing *showing) {
    size_t report_bytes = 0;
    if (!execute_foreign(showing->choice, &showing->program, &showing->tape, &showing->execution)) {
        return false;
    }
    FILE *memory = open_memstream(&showing->execution.report, &report_bytes);
    if (memory != NULL) {
        show_report(showing, memory);
        fclose(memory);
    }
    return true;
}

bool show_run(struct showing *showing) {
    program_read(&showing->program, showing->input->bytes, showing->input->size_bytes);
    if (!(showing->choice->malloc != NULL ? run_elsewhere(showing) : run_in_world(showing))) {
        return false;
    }
    if (showing->tape.is_cut || showing->execution.report == NULL) {
        fputs("hakfuzz: there is no memory for the recording\n", stderr);
        return false;
    }
    return true;
}

void show_free(struct showing *showing) {
    tape_free(&showing->tape);
    execution_free(&showing->execution);
}
