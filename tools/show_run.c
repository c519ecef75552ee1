/* show_run: a program runs once, with a tape. */
#include <string.h>

#include "tools/show.h"

bool show_run(struct showing *showing) {
    program_read(&showing->program, showing->input->bytes, showing->input->size_bytes);
    world_observe(tape_observe, &showing->tape);
    execute(showing->choice, showing->input, showing->name, EXECUTE_KEEP_REPORT, &showing->execution);
    world_observe(NULL, NULL);
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
