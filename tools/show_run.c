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

bool show_write_page(const struct target_info *target, const char *fault, const char *name, const uint8_t *bytes,
                     size_t size_bytes, FILE *out) {
    const struct choice choice = {target, fault, "", ""};
    const struct input input = {(uint8_t *)(uintptr_t)bytes, size_bytes};
    struct showing showing = {.name = name, .choice = &choice, .input = &input};
    bool done = choice_open_world() && choice_arm(&choice) && show_run(&showing) && show_page(&showing, out);
    show_free(&showing);
    return done;
}
