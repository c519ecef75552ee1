/* verb_record: any program's allocations as recordings, and seeds for the fuzzer cut from recordings. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/library.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/raw_merge.h"
#include "tools/record_report.h"
#include "tools/record_run.h"
#include "tools/slice.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "record",
    "[-o FILE] [--json] -- COMMAND [ARGUMENT...]\n"
    "       hakfuzz record --slice RECORDING -o DIR [--count N] [--records N]",
    "Runs a command and writes down what it asks its malloc for: which thread, which operation, how much, which\n"
    "block. Each process it starts gets a recording of its own: FILE.hakrec is the first one's, FILE.2-PROGRAM.hakrec\n"
    "the second one's, and so on. A child of fork begins with the blocks that its parent had. The command's exit\n"
    "status is part of the summary, which goes to standard error; with --json it goes to standard output, and what\n"
    "the command prints there to standard error.\n"
    "\n"
    "With --slice, cuts programs for the fuzzer from a recording, as different from each other as there are.\n"
    "docs/recordings.md says more.\n",
    "  hakfuzz record -o python.hakrec -- python3 -c 'print(sum(range(1000)))'\n"
    "  LD_PRELOAD=libjemalloc.so.2 hakfuzz record -o redis.hakrec -- redis-server\n"
    "  hakfuzz replay python.hakrec\n"
    "  hakfuzz record --slice python.hakrec -o slices --count 3\n"
    "  hakfuzz run slices\n",
};

enum { COUNT_MAX = 1000, COUNT = 4, RECORDS = 200, NOT_GIVEN = INT_MIN };

struct recording_request {
    struct options options;
    char *output;
    char *slice;
    int count;
    int records;
};

static int record_merge(struct recording_request *record, const struct record_run *run) {
    struct raw_files files;
    struct raw_merged *merged = NULL;
    if (!raw_files_open(&files, run->directory)) {
        return EXIT_USAGE;
    }
    int code = EXIT_USAGE;
    if (files.count == 0) {
        char outcome[80];
        fprintf(
            stderr,
            "hakfuzz record: %s ended with %s, and nothing was recorded: it is linked statically, sets other rights, "
            "or there is no room in %s; set TMPDIR to another place\n",
            run->command[0], record_outcome(run->status, outcome, sizeof outcome), run->directory);
    } else {
        progress_begin();
        bool good = raw_merge(&files, record->output, &merged);
        progress_end();
        if (good) {
            (record->options.json ? record_report_json : record_report_text)(merged, files.count, run);
            code = EXIT_CLEAN;
        }
        raw_merged_free(merged, files.count);
    }
    raw_files_close(&files);
    return code;
}

/* "gcc" of "/usr/bin/gcc": where no name is given. */
static bool name_output(struct recording_request *record) {
    const char *command = record->options.arguments[0], *slash = strrchr(command, '/');
    return record->output != NULL || asprintf(&record->output, "%s.hakrec", slash != NULL ? slash + 1 : command) > 0;
}

/* Whether a file can be written there, before a command runs for hours. What is there stays as it is. */
static bool output_is_writable(const char *path) {
    struct stat about;
    bool there = stat(path, &about) == 0;
    if (there && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
    } else if (there && access(path, W_OK) == 0) {
        return true;
    } else if (!there) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd >= 0) {
            close(fd);
            unlink(path);
            return true;
        }
        if (errno == EEXIST) { /* a link to what is not there yet */
            return true;
        }
    }
    fprintf(stderr, "hakfuzz record: cannot write %s: %s; give another -o FILE\n", path, strerror(errno));
    return false;
}

static int record_command(struct recording_request *record) {
    if (record->options.argument_count == 0) {
        return options_complain(&help, "a command to run is wanted, behind --");
    }
    if (record->count != NOT_GIVEN || record->records != NOT_GIVEN) {
        return options_complain(&help, "%s is of --slice, and there is none",
                                record->count != NOT_GIVEN ? "--count" : "--records");
    }
    if (record->output != NULL && strcmp(record->output, "-") == 0) {
        return options_complain(&help, "-o - is not standard output, which is the command's: name a file (./- for one "
                                       "of that name)");
    }
    char *recorder = library_find(help.name, "libhakmem_recorder.so");
    bool ready = recorder != NULL && name_output(record) && output_is_writable(record->output);
    char *directory = ready ? temporary_make() : NULL;
    char *whole = directory != NULL ? realpath(directory, NULL) : NULL;
    int code = EXIT_USAGE;
    if (whole != NULL) {
        struct record_run run = {.command = record->options.arguments,
                                 .recorder = recorder,
                                 .directory = whole,
                                 .output_to_error = record->options.json != 0};
        if (record_run(&run, help.name)) {
            signal(SIGPIPE, SIG_IGN); /* what it wrote is to be removed, whoever listens */
            interrupts_watch();
            code = record_merge(record, &run);
        }
    }
    temporary_remove(directory);
    free(whole);
    free(recorder);
    return code;
}

static int record_slice(struct recording_request *record) {
    if (record->options.argument_count != 0) {
        return options_complain(&help, "--slice takes no command: '%s'", record->options.arguments[0]);
    }
    if (record->output == NULL) {
        return options_complain(&help, "--slice wants a directory for what it cuts: -o DIR");
    }
    if (strcmp(record->output, "-") == 0) {
        return options_complain(&help,
                                "-o - is not standard output: --slice writes several files; name a directory (./- "
                                "for one of that name)");
    }
    record->count = record->count == NOT_GIVEN ? COUNT : record->count;
    record->records = record->records == NOT_GIVEN ? RECORDS : record->records;
    if (!options_in_range(&help, "--count", record->count, 1, COUNT_MAX) ||
        !options_in_range(&help, "--records", record->records, SLICE_RECORDS_MIN, SLICE_RECORDS_MAX)) {
        return EXIT_USAGE;
    }
    const struct slice_request request = {.path = record->slice,
                                          .directory = record->output,
                                          .count = (unsigned)record->count,
                                          .records = (unsigned)record->records,
                                          .json = record->options.json != 0};
    return slice(&request);
}

int verb_record(int argc, char **argv) {
    struct recording_request record = {.count = NOT_GIVEN, .records = NOT_GIVEN};
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &record.output, 0, "write here (COMMAND.hakrec); with --slice a directory",
         "OUT"},
        {"slice", '\0', POPT_ARG_STRING, &record.slice, 0, "cut programs from this recording", "RECORDING"},
        {"count", '\0', POPT_ARG_INT, &record.count, 0, "with --slice: so many at most (4)", "N"},
        {"records", '\0', POPT_ARG_INT, &record.records, 0, "with --slice: operations of a program, at most (200)",
         "N"},
        OPTION_JSON(record.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &record.options);
    int code = outcome != OPTIONS_GO  ? options_exit(outcome)
               : record.slice != NULL ? record_slice(&record)
                                      : record_command(&record);
    free(record.output);
    free(record.slice);
    options_free(&record.options);
    return code;
}
