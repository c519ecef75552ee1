/* bench_record: see the header. Merging what was recorded is not measured: it is over when the program has long ended.
 */
#include "tools/bench_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/library.h"
#include "tools/place.h"
#include "tools/raw_file.h"
#include "tools/record_run.h"
#include "tools/stats.h"
#include "tools/terminal.h"
#include "tools/verb.h"

enum { ROUNDS_MAX = 100 };

struct measured {
    double plain_ms[ROUNDS_MAX];
    double recorded_ms[ROUNDS_MAX];
    double ratios[ROUNDS_MAX];
    double events;
    int status;
};

static double count_events(const char *directory) {
    struct raw_files files;
    double events = 0;
    if (raw_files_open(&files, directory)) {
        struct raw_event event;
        for (size_t i = 0; i < files.count && raw_file_rewind(&files.files[i]); i++) {
            while (raw_file_next(&files.files[i], &event)) {
                events++;
            }
        }
        raw_files_close(&files);
    }
    return events;
}

/* Once: what was measured until then says nothing. */
static bool was_interrupted(const struct record_run *run) {
    if (run->interrupted) {
        progress_end();
        fputs("hakfuzz bench: interrupted: there is no result\n", stderr);
    }
    return run->interrupted;
}

static bool measure(const char *const *command, const char *recorder, unsigned round, struct measured *measured) {
    char *made = temporary_make();
    char *directory = made != NULL ? realpath(made, NULL) : NULL;
    struct record_run plain = {.command = command, .quiet = true};
    struct record_run recorded = {.command = command, .recorder = recorder, .directory = directory, .quiet = true};
    bool good = directory != NULL && record_run(&plain, "bench") && !was_interrupted(&plain) &&
                record_run(&recorded, "bench") && !was_interrupted(&recorded);
    if (good && plain.status != recorded.status) {
        char without[80], with[80];
        fprintf(stderr, "hakfuzz bench: %s ends with %s, but with %s when it is recorded\n", command[0],
                record_outcome(plain.status, without, sizeof without),
                record_outcome(recorded.status, with, sizeof with));
        good = false;
    }
    if (good) {
        measured->plain_ms[round] = (double)plain.wall_ns / 1e6;
        measured->recorded_ms[round] = (double)recorded.wall_ns / 1e6;
        measured->ratios[round] = (double)recorded.wall_ns / (double)plain.wall_ns;
        measured->status = plain.status;
        measured->events = count_events(directory);
    }
    temporary_remove(made);
    free(directory);
    return good;
}

static void report(const char *command, const struct measured *measured, unsigned rounds, bool json) {
    double values[3][ROUNDS_MAX]; /* they are sorted */
    memcpy(values[0], measured->plain_ms, sizeof values[0]);
    memcpy(values[1], measured->recorded_ms, sizeof values[1]);
    memcpy(values[2], measured->ratios, sizeof values[2]);
    struct stats plain = stats_of(values[0], rounds), recorded = stats_of(values[1], rounds);
    struct stats ratio = stats_of(values[2], rounds);
    char outcome[80];
    record_outcome(measured->status, outcome, sizeof outcome);
    if (json) {
        cJSON *object = json_begin("bench");
        json_text(object, "name", "record");
        json_text(object, "command", command);
        json_text(object, "outcome", outcome);
        json_number(object, "times", rounds);
        json_number(object, "events", measured->events);
        json_number(object, "plain_ms", plain.median);
        json_number(object, "recorded_ms", recorded.median);
        json_number(object, "ratio", ratio.median);
        json_number(object, "ratio_least", ratio.minimum);
        json_number(object, "ratio_most", ratio.maximum);
        json_print(object);
        return;
    }
    printf("%s: %s, %.0f events; %u round%s\n", command, outcome, measured->events, rounds, rounds == 1 ? "" : "s");
    printf("  without the recorder %10.1f ms  (%.1f .. %.1f)\n", plain.median, plain.minimum, plain.maximum);
    printf("  with it              %10.1f ms  (%.1f .. %.1f)\n", recorded.median, recorded.minimum, recorded.maximum);
    printf("  ratio                %10.2f     (%.2f .. %.2f)\n", ratio.median, ratio.minimum, ratio.maximum);
}

int bench_record(const char *const *command, unsigned rounds, bool json) {
    char *recorder = library_find("bench", "libhakmem_recorder.so");
    struct measured *measured = calloc(1, sizeof *measured);
    bool good = recorder != NULL && measured != NULL;
    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    for (unsigned i = 0; i < rounds && good; i++) {
        progress("round %u of %u", i + 1, rounds);
        good = measure(command, recorder, i, measured);
    }
    progress_end();
    if (good) {
        report(command[0], measured, rounds, json);
    }
    free(measured);
    free(recorder);
    return good ? EXIT_CLEAN : EXIT_USAGE;
}
