/* record_report: see the header. */
#include "tools/record_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/amount.h"
#include "tools/json.h"

enum { BAR_WIDTH = 40 };

/* One line a doubling: "to 63", how many, a bar. Those at the ends with nothing are left out. */
static void print_sizes(const uint64_t *sizes) {
    unsigned first = RECORDING_BUCKETS, last = 0;
    uint64_t most = 1;
    for (unsigned i = 0; i < RECORDING_BUCKETS; i++) {
        if (sizes[i] > 0) {
            first = i < first ? i : first;
            last = i;
            most = sizes[i] > most ? sizes[i] : most;
        }
    }
    for (unsigned i = first; i <= last; i++) {
        char bar[BAR_WIDTH + 1] = "", size[AMOUNT_BYTES];
        unsigned width = (unsigned)((sizes[i] * BAR_WIDTH + most - 1) / most);
        memset(bar, '#', width);
        bar[width] = '\0';
        amount_bytes(i == 0 ? 0 : (UINT64_C(1) << i) - 1, size);
        fprintf(stderr, "      to %-10s %12" PRIu64 "  %s\n", size, sizes[i], bar);
    }
}

static void print_caveats(const struct raw_merged *one) {
    if (one->head.inherited > 0) {
        fprintf(stderr, "    forked: begins with %" PRIu64 " block%s live in process %" PRId64 "\n",
                one->head.inherited, one->head.inherited == 1 ? " that was" : "s that were", one->forked_from);
    }
    if (one->unknown > 0 || one->implied > 0) {
        fprintf(stderr,
                "    left out %" PRIu64 " frees of blocks that were not seen to be given out; %" PRIu64
                " frees were not seen\n",
                one->unknown, one->implied);
    }
    if (one->missing > 0) {
        fprintf(stderr, "    %" PRIu64 " operations were not written to their end\n", one->missing);
    }
    if (one->stopped_at != 0) {
        fprintf(stderr, "    recording ended early, at operation %" PRIu64 ": %s\n", one->stopped_at,
                strerror(one->stopped_error));
    }
}

void record_report_text(const struct raw_merged *merged, size_t count, const struct record_run *run) {
    char outcome[80];
    fprintf(stderr, "hakfuzz record: %s: %s; %zu process%s\n", run->command[0],
            record_outcome(run->status, outcome, sizeof outcome), count, count == 1 ? "" : "es");
    for (size_t i = 0; i < count; i++) {
        const struct raw_merged *one = &merged[i];
        char peak[AMOUNT_BYTES];
        fprintf(stderr,
                "  %s: %s, %" PRIu64 " operations, %" PRIu64 " blocks, %" PRIu64 " thread%s, peak live %s, %" PRIu64
                " free%s by another thread\n",
                one->path, one->head.program, one->totals.operations, one->totals.objects, one->totals.threads,
                one->totals.threads == 1 ? "" : "s", amount_bytes(one->totals.peak_live_bytes, peak),
                one->totals.remote_frees, one->totals.remote_frees == 1 ? "" : "s");
        print_caveats(one);
        if (count == 1) {
            print_sizes(one->totals.sizes);
        }
    }
}

static cJSON *one_json(const struct raw_merged *one) {
    cJSON *item = cJSON_CreateObject();
    json_text(item, "file", one->path);
    json_text(item, "executable", one->head.program);
    json_number(item, "pid", (double)one->pid);
    json_number(item, "forked_from", (double)one->forked_from);
    json_number(item, "operations", (double)one->totals.operations);
    json_number(item, "blocks", (double)one->totals.objects);
    json_number(item, "threads", (double)one->totals.threads);
    json_number(item, "peak_live_bytes", (double)one->totals.peak_live_bytes);
    json_number(item, "live_bytes_at_end", (double)one->totals.live_bytes);
    json_number(item, "remote_frees", (double)one->totals.remote_frees);
    json_number(item, "inherited", (double)one->head.inherited);
    json_number(item, "unknown_frees", (double)one->unknown);
    json_number(item, "implied_frees", (double)one->implied);
    json_number(item, "missing", (double)one->missing);
    json_number(item, "stopped_at", (double)one->stopped_at);
    cJSON *sizes = cJSON_AddArrayToObject(item, "sizes");
    for (unsigned i = 0; i < RECORDING_BUCKETS; i++) {
        if (one->totals.sizes[i] > 0) {
            cJSON *size = cJSON_CreateObject();
            json_number(size, "to_bytes", i == 0 ? 0 : (double)((UINT64_C(1) << i) - 1));
            json_number(size, "count", (double)one->totals.sizes[i]);
            cJSON_AddItemToArray(sizes, size);
        }
    }
    return item;
}

void record_report_json(const struct raw_merged *merged, size_t count, const struct record_run *run) {
    cJSON *object = json_begin("record");
    json_text(object, "command", run->command[0]);
    if (WIFSIGNALED(run->status)) {
        json_number(object, "signal", WTERMSIG(run->status));
    } else {
        json_number(object, "exit_status", WEXITSTATUS(run->status));
    }
    cJSON *array = cJSON_AddArrayToObject(object, "processes");
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(array, one_json(&merged[i]));
    }
    json_print(object);
}
