/* verb_replay: a recording on one malloc after the other, each time in a process of its own. Rounds are interleaved, so
 * that a machine that is busy for a while is busy for all of them. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/input.h"
#include "tools/amount.h"
#include "tools/child.h"
#include "tools/json.h"
#include "tools/library.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/replay_image.h"
#include "tools/replay_print.h"
#include "tools/replay_worker.h"
#include "tools/stats.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "replay",
    "[OPTION...] RECORDING",
    "Runs a recording (hakfuzz record) on hakmem, on libc, or on any malloc that can be preloaded, with as many\n"
    "threads as it had, at full speed. An operation waits for nothing but what it depends on: a free for its malloc.\n"
    "One byte on each page of a block is written, as programs do.\n"
    "\n"
    "A row of the table is a malloc: the median of the times, per operation too, processor time, the most that was\n"
    "resident, and resident over live memory when most was live.\n"
    "\n"
    "With --oracle every block is filled and verified, and checked for overlap, alignment and usable size; that is\n"
    "slower, and what breaks a check, crashes or never ends is a finding.\n",
    "  hakfuzz replay python.hakrec\n"
    "  hakfuzz replay python.hakrec --malloc hakmem --malloc libc --malloc libjemalloc.so.2 --times 9\n"
    "  hakfuzz replay python.hakrec --oracle\n"
    "  hakfuzz replay python.hakrec --print | head\n"
    "  hakfuzz replay python.hakrec --malloc ./libother.so --prefix je_\n",
};

enum {
    MALLOCS_MAX = 16,
    TIMES_MAX = 1000,
    SECONDS_MAX = 86400,
    MEASURES = 5,
    TIMES = 5,
    TIMEOUT_S = 600,
    NOT_GIVEN = INT_MIN
};
enum measure { WALL, CPU, PEAK, AT_PEAK, REFUSED };

struct contender {
    const char *name;
    char *library; /* to preload; NULL: libc's */
    double values[MEASURES][TIMES_MAX];
    struct stats stats[MEASURES];
    unsigned runs;
};

struct replay {
    struct options options;
    const char **names; /* of --malloc */
    char *prefix;
    int oracle;
    int print;
    int times;
    int timeout_s;
    int worker;
    char *path;
    char *self;
    struct replay_image *image;
    int fd;
    struct contender *contenders;
    unsigned count;
    cJSON *findings;
    unsigned finding_count;
};

/* ---- one run ----------------------------------------------------------------------------------------------------- */

static bool tick(void *context, size_t done) {
    (void)done;
    progress("%s", (const char *)context);
    return !interrupted();
}

static void report_finding(struct replay *replay, const struct contender *contender, const char *check,
                           const char *message) {
    replay->finding_count++;
    if (replay->options.json) {
        cJSON *item = cJSON_CreateObject();
        json_text(item, "malloc", contender->name);
        json_text(item, "check", check);
        json_text(item, "message", message);
        cJSON_AddItemToArray(replay->findings, item);
        return;
    }
    progress_end();
    printf("%s: finding %s: %s\n", contender->name, check, message);
}

/* The first line of `output` that begins with `start`, behind that. */
static bool find_line(const char *output, const char *start, char *line, size_t capacity) {
    const char *found = strstr(output, start);
    if (found == NULL) {
        return false;
    }
    found += strlen(start);
    snprintf(line, capacity, "%.*s", (int)strcspn(found, "\n"), found);
    return true;
}

/* What a child that did not end as it should says about its malloc. Returns an exit code. */
static int explain(struct replay *replay, const struct contender *contender, const struct child *child) {
    char line[400], outcome[128];
    child_outcome(child, outcome, sizeof outcome);
    if (find_line(child->output, REPLAY_FINDING, line, sizeof line)) {
        char *message = strchr(line, ' ');
        if (message != NULL) {
            *message++ = '\0';
        }
        report_finding(replay, contender, line, message != NULL ? message : "");
        return EXIT_FINDING;
    }
    if (child->timed_out) {
        report_finding(replay, contender, "deadlock", "it did not end in time; --timeout gives it more");
        return EXIT_FINDING;
    }
    if (WIFSIGNALED(child->status)) {
        report_finding(replay, contender, "crash", outcome);
        return EXIT_FINDING;
    }
    progress_end();
    fprintf(stderr, "%s", child->output);
    fprintf(stderr, "hakfuzz replay: %s: the run ended with %s and no result\n", contender->name, outcome);
    return EXIT_USAGE;
}

static int run_once(struct replay *replay, struct contender *contender) {
    char fd[16];
    snprintf(fd, sizeof fd, "%d", replay->fd);
    struct child child = {.arguments = {replay->self, "replay", "--worker", fd, "--prefix",
                                        replay->prefix != NULL ? replay->prefix : "",
                                        replay->oracle ? "--oracle" : NULL},
                          .directory = "/",
                          .fault = "none",
                          .timeout_s = (unsigned)replay->timeout_s};
    if (contender->library != NULL ? setenv("LD_PRELOAD", contender->library, 1) : unsetenv("LD_PRELOAD")) {
        return EXIT_USAGE;
    }
    children_run(&child, 1, 1, tick, (void *)(uintptr_t)contender->name);
    unsetenv("LD_PRELOAD");
    if (!child.done || child.error != 0 || child.output == NULL) {
        if (!interrupted()) {
            fprintf(stderr, "hakfuzz replay: cannot run %s: %s\n", replay->self, strerror(child.error));
        }
        children_free(&child, 1);
        return EXIT_USAGE;
    }
    uint64_t values[MEASURES];
    const char *line = strstr(child.output, "replay-result ");
    int code = EXIT_CLEAN;
    bool good = child.status == 0 && line != NULL &&
                sscanf(line, REPLAY_RESULT_SCAN, &values[WALL], &values[CPU], &values[PEAK], &values[AT_PEAK],
                       &values[REFUSED]) == MEASURES;
    if (code == EXIT_CLEAN && !good) {
        code = explain(replay, contender, &child);
    }
    for (unsigned i = 0; i < MEASURES && code == EXIT_CLEAN; i++) {
        contender->values[i][contender->runs] = (double)values[i];
    }
    contender->runs += code == EXIT_CLEAN;
    children_free(&child, 1);
    return code;
}

/* ---- reports ----------------------------------------------------------------------------------------------------- */

static double fragmentation(const struct replay *replay, const struct contender *contender) {
    double live = (double)replay->image->totals.peak_live_bytes;
    return live > 0 ? contender->stats[AT_PEAK].median / live : 0;
}

static void print_text(const struct replay *replay, int rounds) {
    const struct recording_totals *totals = &replay->image->totals;
    char peak[AMOUNT_BYTES];
    printf("%s: %" PRIu64 " operations, %" PRIu64 " blocks, %" PRIu64 " thread%s, peak live %s; %d round%s%s\n\n",
           replay->image->program, totals->operations, totals->objects, totals->threads,
           totals->threads == 1 ? "" : "s", amount_bytes(totals->peak_live_bytes, peak), rounds, rounds == 1 ? "" : "s",
           replay->oracle ? ", with checks" : "");
    printf("%-20s %11s %23s %9s %11s %14s %14s\n", "", "time", "(least .. most)", "ns/op", "processor", "peak resident",
           "resident/live");
    for (unsigned i = 0; i < replay->count; i++) {
        const struct contender *one = &replay->contenders[i];
        if (one->runs == 0) {
            printf("%-20s no result\n", one->name);
            continue;
        }
        char range[40];
        snprintf(range, sizeof range, "(%.2f .. %.2f)", one->stats[WALL].minimum / 1e6, one->stats[WALL].maximum / 1e6);
        double operations = totals->operations > 0 ? (double)totals->operations : 1;
        printf("%-20s %8.2f ms %23s %9.1f %8.2f ms %14s %14.2f\n", one->name, one->stats[WALL].median / 1e6, range,
               one->stats[WALL].median / operations, one->stats[CPU].median / 1e6,
               amount_bytes((uint64_t)one->stats[PEAK].median, peak), fragmentation(replay, one));
        if (one->stats[REFUSED].maximum > 0) {
            printf("%-20s refused %.0f request%s\n", "", one->stats[REFUSED].maximum,
                   one->stats[REFUSED].maximum > 1 ? "s" : "");
        }
    }
}

static void print_json(struct replay *replay, bool is_complete) {
    const struct recording_totals *totals = &replay->image->totals;
    cJSON *object = json_begin(help.name);
    json_text(object, "file", replay->path);
    json_text(object, "executable", replay->image->program);
    json_number(object, "operations", (double)totals->operations);
    json_number(object, "threads", (double)totals->threads);
    json_number(object, "peak_live_bytes", (double)totals->peak_live_bytes);
    json_bool(object, "oracle", replay->oracle);
    json_number(object, "times", replay->times);
    json_bool(object, "complete", is_complete);
    cJSON *array = cJSON_AddArrayToObject(object, "mallocs");
    for (unsigned i = 0; i < replay->count; i++) {
        const struct contender *one = &replay->contenders[i];
        cJSON *item = cJSON_CreateObject();
        json_text(item, "malloc", one->name);
        json_number(item, "runs", one->runs);
        if (one->runs > 0) {
            json_number(item, "wall_ns", one->stats[WALL].median);
            json_number(item, "wall_ns_least", one->stats[WALL].minimum);
            json_number(item, "wall_ns_most", one->stats[WALL].maximum);
            json_number(item, "cpu_ns", one->stats[CPU].median);
            json_number(item, "peak_resident_bytes", one->stats[PEAK].median);
            json_number(item, "resident_over_live", fragmentation(replay, one));
            json_number(item, "refused", one->stats[REFUSED].maximum);
        }
        cJSON_AddItemToArray(array, item);
    }
    cJSON_AddItemToObject(object, "findings", replay->findings);
    replay->findings = NULL;
    json_print(object);
}

/* ---- all runs ---------------------------------------------------------------------------------------------------- */

/* Every malloc that did not fail; `rounds`: how many are finished. Returns an exit code. */
static int run_rounds(struct replay *replay, int *rounds) {
    int code = EXIT_CLEAN;
    for (int round = 0; round < replay->times && code != EXIT_USAGE; round++) {
        for (unsigned i = 0; i < replay->count && code != EXIT_USAGE; i++) {
            struct contender *one = &replay->contenders[i];
            if (one->runs == (unsigned)round) { /* one that failed is out */
                int outcome = run_once(replay, one);
                code = outcome != EXIT_CLEAN ? outcome : code;
            }
        }
        *rounds += code != EXIT_USAGE;
    }
    progress_end();
    return code;
}

static int run_all(struct replay *replay) {
    int rounds = 0;
    int code = run_rounds(replay, &rounds);
    if (code == EXIT_USAGE) {
        if (!interrupted()) {
            return code;
        }
        fprintf(stderr, "hakfuzz replay: interrupted: stopped after %d of %d rounds\n", rounds, replay->times);
        if (replay->contenders[0].runs == 0 && !replay->options.json) {
            return code;
        }
    }
    for (unsigned i = 0; i < replay->count; i++) {
        struct contender *one = &replay->contenders[i];
        for (unsigned j = 0; j < MEASURES && one->runs > 0; j++) {
            one->stats[j] = stats_of(one->values[j], one->runs);
        }
    }
    if (replay->options.json) {
        print_json(replay, code != EXIT_USAGE);
    } else {
        print_text(replay, rounds);
    }
    return code == EXIT_USAGE ? code : replay->finding_count > 0 ? EXIT_FINDING : EXIT_CLEAN;
}

/* What a name of --malloc stands for. */
static bool choose(struct contender *contender, const char *name) {
    contender->name = name;
    if (strcmp(name, "libc") == 0) {
        return true;
    }
    if (strcmp(name, "hakmem") == 0) {
        contender->library = library_find(help.name, "libhakmem.so");
        return contender->library != NULL;
    }
    if (strchr(name, '/') == NULL) { /* the loader looks for it */
        contender->library = strdup(name);
        return contender->library != NULL;
    }
    contender->library = realpath(name, NULL);
    return contender->library != NULL ||
           input_complain(name, strerror(errno), "--malloc takes hakmem, libc or a library");
}

static bool choose_all(struct replay *replay) {
    static const char *usual[] = {"hakmem", "libc", NULL};
    const char **names = replay->names != NULL ? replay->names : usual;
    replay->contenders = calloc(MALLOCS_MAX, sizeof *replay->contenders);
    while (replay->contenders != NULL && names[replay->count] != NULL) {
        if (replay->count == MALLOCS_MAX) {
            options_complain(&help, "more than %d mallocs", MALLOCS_MAX);
            return false;
        }
        if (!choose(&replay->contenders[replay->count], names[replay->count])) {
            return false;
        }
        replay->count++;
    }
    return replay->contenders != NULL;
}

static int replay_arguments(struct replay *replay) {
    if (replay->options.argument_count != 1) {
        return options_complain(&help, "%d recordings given, exactly one wanted", replay->options.argument_count);
    }
    if (strcmp(replay->options.arguments[0], "-") == 0) {
        return options_complain(&help, "'-' is not standard input: a recording is read twice; name a file (./- for one "
                                       "of that name)");
    }
    if (replay->print) {
        const char *other = replay->options.json             ? "--json"
                            : replay->oracle                 ? "--oracle"
                            : replay->names != NULL          ? "--malloc"
                            : replay->prefix != NULL         ? "--prefix"
                            : replay->times != NOT_GIVEN     ? "--times"
                            : replay->timeout_s != NOT_GIVEN ? "--timeout"
                                                             : NULL;
        return other == NULL ? replay_print(replay->options.arguments[0])
                             : options_complain(&help, "--print runs nothing, and goes without %s", other);
    }
    replay->times = replay->times == NOT_GIVEN ? TIMES : replay->times;
    replay->timeout_s = replay->timeout_s == NOT_GIVEN ? TIMEOUT_S : replay->timeout_s;
    if (!options_in_range(&help, "--times", replay->times, 1, TIMES_MAX) ||
        !options_in_range(&help, "--timeout", replay->timeout_s, 1, SECONDS_MAX)) {
        return EXIT_USAGE;
    }
    if (replay->prefix != NULL && replay->names == NULL) {
        return options_complain(&help, "--prefix is of the functions of a --malloc, and there is none");
    }
    replay->path = strdup(replay->options.arguments[0]);
    replay->self = self_path();
    if (replay->path == NULL || replay->self == NULL || !choose_all(replay)) {
        return EXIT_USAGE;
    }
    interrupts_watch();
    progress_begin();
    replay->image = replay_image_make(replay->path, &replay->fd);
    if (replay->image == NULL) {
        progress_end();
        return EXIT_USAGE;
    }
    replay->findings = cJSON_CreateArray();
    int code = run_all(replay);
    replay_image_free(replay->image, replay->fd);
    cJSON_Delete(replay->findings);
    return code;
}

int verb_replay(int argc, char **argv) {
    struct replay replay = {.times = NOT_GIVEN, .timeout_s = NOT_GIVEN, .worker = -1, .fd = -1};
    struct poptOption table[] = {
        {"malloc", 'm', POPT_ARG_ARGV, &replay.names, 0,
         "run it on this one: hakmem, libc, or a shared object; may be given several times (hakmem and libc)", "LIB"},
        {"prefix", 'p', POPT_ARG_STRING, &replay.prefix, 0, "what the names of its functions begin with", "PREFIX"},
        {"oracle", '\0', POPT_ARG_NONE, &replay.oracle, 0, "check every block", NULL},
        {"print", '\0', POPT_ARG_NONE, &replay.print, 0, "print its operations, one a line, and run nothing", NULL},
        {"times", 'n', POPT_ARG_INT, &replay.times, 0, "rounds (5)", "N"},
        {"timeout", '\0', POPT_ARG_INT, &replay.timeout_s, 0, "seconds after which a run hangs (600)", "S"},
        {"worker", '\0', POPT_ARG_INT | POPT_ARGFLAG_DOC_HIDDEN, &replay.worker, 0, NULL, NULL},
        OPTION_JSON(replay.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &replay.options);
    int code;
    if (outcome != OPTIONS_GO) {
        code = options_exit(outcome);
    } else if (replay.worker >= 0) {
        code = replay_work(replay.worker, replay.prefix != NULL ? replay.prefix : "", replay.oracle != 0);
    } else {
        code = replay_arguments(&replay);
    }
    for (unsigned i = 0; replay.contenders != NULL && i < MALLOCS_MAX; i++) {
        free(replay.contenders[i].library);
    }
    for (unsigned i = 0; replay.names != NULL && replay.names[i] != NULL; i++) {
        free((void *)(uintptr_t)replay.names[i]);
    }
    free(replay.names);
    free(replay.contenders);
    free(replay.prefix);
    free(replay.path);
    free(replay.self);
    options_free(&replay.options);
    return code;
}
