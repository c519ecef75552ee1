/* performance: see the header. */
#include "tools/performance.h"

#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/library.h"
#include "tools/place.h"
#include "tools/terminal.h"
#include "tools/verb.h"

enum { ROUNDS = 7, SECONDS = 60, SECONDS_MOST = 1000000, LIVE_MIB_MOST = 4096 };
#define ABOVE 1.5

static bool check_worst(const struct verb_help *help, const struct performance *performance) {
    if (performance->metric == NULL) {
        return true;
    }
    if (metric_find(performance->metric) == METRIC_COUNT) {
        options_complain(help, "there is no metric '%s'; there are time, memory and left", performance->metric);
        return false;
    }
    if (performance->is_on) {
        options_complain(help, "--performance measures programs, and --worst searches for some: one of them");
        return false;
    }
    return true;
}

bool performance_check(const struct verb_help *help, struct performance *performance) {
    bool of_worst = performance->seconds != PERFORMANCE_NOT_GIVEN || performance->runs_most != PERFORMANCE_NOT_GIVEN ||
                    performance->above >= 0;
    if (of_worst && performance->metric == NULL) {
        options_complain(help, "--above, --seconds and --max-runs are of --worst");
        return false;
    }
    if (performance->rounds != PERFORMANCE_NOT_GIVEN && !performance->is_on) {
        options_complain(help, "--rounds is of --performance");
        return false;
    }
    performance->rounds = performance->rounds == PERFORMANCE_NOT_GIVEN ? ROUNDS : performance->rounds;
    if (performance->live_mib != PERFORMANCE_NOT_GIVEN && !performance_is_wanted(performance)) {
        options_complain(help, "--live is of --performance and --worst");
        return false;
    }
    performance->live_mib = performance->live_mib == PERFORMANCE_NOT_GIVEN ? MEASURE_LIVE_MIB : performance->live_mib;
    performance->seconds = performance->seconds == PERFORMANCE_NOT_GIVEN ? SECONDS : performance->seconds;
    performance->runs_most = performance->runs_most == PERFORMANCE_NOT_GIVEN ? 0 : performance->runs_most;
    performance->above = performance->above < 0 ? ABOVE : performance->above;
    return check_worst(help, performance) &&
           options_in_range(help, "--rounds", performance->rounds, 1, MEASURE_ROUNDS_MAX) &&
           options_in_range(help, "--live", performance->live_mib, 1, LIVE_MIB_MOST) &&
           options_in_range(help, "--seconds", performance->seconds, 0, SECONDS_MOST) &&
           options_in_range(help, "--max-runs", performance->runs_most, 0, 1000000000);
}

bool performance_open(struct performance *performance, const struct target_info *target, uint64_t seed,
                      struct malloc_choice *const *mallocs, unsigned count, bool (*goes_on)(void)) {
    performance->self = self_path();
    for (unsigned i = 0; i < count; i++) {
        bool is_own = strcmp(mallocs[i]->name, "hakmem") == 0;
        if (is_own && performance->own == NULL) { /* as it is used, not the copy that is built to be tried */
            performance->own = library_find("diff", "libhakmem.so");
        }
        if (performance->self == NULL || (is_own && performance->own == NULL)) {
            return false;
        }
        const char *slash = strrchr(mallocs[i]->name, '/');
        performance->contenders[i] = (struct contender){.name = slash != NULL ? slash + 1 : mallocs[i]->name,
                                                        .library = is_own ? performance->own : mallocs[i]->path,
                                                        .prefix = is_own ? "" : mallocs[i]->prefix};
    }
    performance->measure = (struct measure){.contenders = performance->contenders,
                                            .count = count,
                                            .self = performance->self,
                                            .live_bytes = (uint64_t)performance->live_mib << 20};
    performance->side =
        (struct side_by_side){.measure = &performance->measure, .rounds = (unsigned)performance->rounds};
    if (performance->metric != NULL) {
        performance->worst = (struct worst){.measure = &performance->measure,
                                            .target = target,
                                            .metric = metric_find(performance->metric),
                                            .above = performance->above,
                                            .seed = seed,
                                            .runs_most = (uint64_t)performance->runs_most,
                                            .seconds = (unsigned)performance->seconds,
                                            .goes_on = goes_on};
        worst_begin(&performance->worst);
    }
    return measure_open(&performance->measure);
}

void performance_close(struct performance *performance) {
    measure_close(&performance->measure);
    side_by_side_free(&performance->side);
    free(performance->own);
    free(performance->self);
}

bool performance_take(struct performance *performance, const char *name, const struct target_info *target,
                      const struct program *program) {
    static struct load load;
    if (performance->metric != NULL) {
        return worst_seed(&performance->worst, program);
    }
    load_make(&load, target, program);
    return side_by_side_add(&performance->side, name, &load);
}

static int finish_worst(struct performance *performance, const char *directory, bool json) {
    struct worst *worst = &performance->worst;
    progress_begin();
    bool good = worst_search(worst) && worst_reduce(worst);
    progress_end();
    if (!good || (directory != NULL && !worst_keep(worst, directory))) {
        return EXIT_USAGE;
    }
    if (json) {
        json_print(worst_json(worst));
    } else {
        worst_print(worst, stdout);
    }
    return worst->kept_count > 0 ? EXIT_FINDING : worst->programs == 0 ? EXIT_USAGE : EXIT_CLEAN;
}

int performance_finish(struct performance *performance, const char *directory, bool json) {
    if (performance->metric != NULL) {
        return finish_worst(performance, directory, json);
    }
    if (json) {
        json_print(side_by_side_json(&performance->side));
    } else {
        side_by_side_print(&performance->side, stdout);
    }
    return performance->side.row_count > 0 ? EXIT_CLEAN : EXIT_USAGE;
}
