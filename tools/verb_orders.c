/* verb_orders: which memory orders of the allocator are needed? Each order above relaxed is weakened at run time,
 * alone, and programs on weak memory have to show what then goes wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/site.h"
#include "tools/choice.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/orders.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "orders",
    "[OPTION...] [FILE|DIR...]",
    "Weakens each memory order of the allocator that is not relaxed, alone and at run time (of acq_rel each half),\n"
    "and runs programs on weak memory until something goes wrong: the files given, then generated ones. An order that\n"
    "nothing needs costs time on every machine; one that is needed, and not found, has no test.\n"
    "Exit status 1 when an order is not found to be needed, or a program fails with no order weakened.\n",
    "  hakfuzz orders corpus/threads corpus/oom\n"
    "  hakfuzz orders --site remote.c --max-runs 100000\n"
    "  hakfuzz orders --site 'remote.c:86 rmw' -o /tmp corpus/threads\n"
    "  hakfuzz orders --markdown corpus/threads corpus/oom > table.md\n",
};

struct verb {
    struct options options;
    char *site;
    char *save;
    int markdown;
    long runs;
    struct orders orders;
};

static const char *verdict_of(const struct orders_result *result) {
    return result->found ? result->check : result->spoilt ? "fails without too" : "not found";
}

static void print_heading(const struct verb *verb) {
    if (verb->markdown) {
        puts("| site | order | weakened to | verdict | executions | by |\n|---|---|---|---|---|---|");
    } else if (!verb->options.json) {
        printf("%-30s %-16s %-8s  %-18s %10s  %s\n", "site", "order", "weakened", "verdict", "executions", "by");
    }
}

static void print_result(const struct verb *verb, const struct orders_row *row, const struct orders_result *result) {
    if (verb->markdown) {
        printf("| `%s` | %s | %s | %s | %" PRIu64 " | %s |\n", row->site, row->order, row->weakened, verdict_of(result),
               result->executions, result->by);
    } else if (!verb->options.json) {
        printf("%s%-30s %-16s %-8s  %-18s %10" PRIu64 "  %s%s\n", result->found ? "" : colour_bad(stdout), row->site,
               row->order, row->weakened, verdict_of(result), result->executions, result->by,
               result->found ? "" : colour_end(stdout));
    }
    fflush(stdout);
}

static cJSON *result_json(const struct orders_row *row, const struct orders_result *result) {
    cJSON *item = cJSON_CreateObject();
    json_text(item, "site", row->site);
    json_text(item, "order", row->order);
    json_text(item, "weakened", row->weakened);
    json_bool(item, "found", result->found);
    json_bool(item, "found_without_too", result->spoilt);
    json_text(item, "check", result->check);
    json_text(item, "message", result->message);
    json_number(item, "executions", (double)result->executions);
    json_text(item, "by", result->by);
    return item;
}

static int finish(const struct verb *verb, cJSON *array, unsigned found) {
    if (verb->options.json) {
        cJSON *object = json_begin(help.name);
        json_number(object, "max_runs", (double)verb->runs);
        json_number(object, "found", found);
        cJSON_AddItemToObject(object, "orders", array);
        json_print(object);
    } else {
        cJSON_Delete(array);
        printf("%s%u of %u orders found to be needed; generated programs until it gives up: %ld\n",
               verb->markdown ? "\n" : "", found, verb->orders.row_count, verb->runs);
    }
    return found == verb->orders.row_count ? EXIT_CLEAN : EXIT_FINDING;
}

static int run_all(struct verb *verb) {
    cJSON *array = cJSON_CreateArray();
    unsigned found = 0;
    interrupts_watch();
    print_heading(verb);
    progress_begin();
    for (unsigned i = 0; i < verb->orders.row_count; i++) {
        const struct orders_row *row = &verb->orders.rows[i];
        struct orders_result result;
        progress("%u of %u: %s, %s", i + 1, verb->orders.row_count, row->site, row->order);
        if (!orders_try(&verb->orders, row, (uint64_t)verb->runs, verb->save, &result) || interrupted()) {
            progress_end();
            cJSON_Delete(array);
            fputs("hakfuzz orders: stopped before all orders were tried\n", stderr);
            return EXIT_USAGE;
        }
        progress_end();
        found += result.found;
        print_result(verb, row, &result);
        cJSON_AddItemToArray(array, result_json(row, &result));
    }
    return finish(verb, array, found);
}

static int with_arguments(struct verb *verb) {
    if (!options_in_range(&help, "--max-runs", verb->runs, 0, 1000000000)) {
        return EXIT_USAGE;
    }
    if (verb->options.json && verb->markdown) {
        return options_complain(&help, "--json and --markdown exclude each other");
    }
    if (!choice_open_world()) {
        return EXIT_USAGE;
    }
    orders_list(&verb->orders, verb->site);
    if (verb->orders.row_count == 0) {
        return options_complain(&help, "no ordered site has '%s' in it; 'hakfuzz sites' lists all", verb->site);
    }
    for (int i = 0; i < verb->options.argument_count; i++) {
        if (!orders_add_programs(&verb->orders, verb->options.arguments[i])) {
            return EXIT_USAGE;
        }
    }
    return run_all(verb);
}

int verb_orders(int argc, char **argv) {
    static struct verb verb = {.runs = 20000};
    struct poptOption table[] = {
        {"site", '\0', POPT_ARG_STRING, &verb.site, 0, "only sites with this in their name", "TEXT"},
        {"max-runs", '\0', POPT_ARG_LONG, &verb.runs, 0, "generated programs until it gives up (20000)", "N"},
        {"output", 'o', POPT_ARG_STRING, &verb.save, 0, "write the programs that show it here", "DIR"},
        OPTION_JSON(verb.options),
        {"markdown", '\0', POPT_ARG_NONE, &verb.markdown, 0, "the table of docs/orders.md", NULL},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome == OPTIONS_GO ? with_arguments(&verb) : options_exit(outcome);
    orders_free(&verb.orders);
    free(verb.site);
    free(verb.save);
    options_free(&verb.options);
    return code;
}
