/* verb_sites: the places in the allocator where it touches memory that threads share. */
#include <stdio.h>

#include "oracle/site.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "sites",
    "[OPTION...]",
    "Lists each access of the allocator to memory that two threads may touch: where it is, of what kind, and its C11\n"
    "order (of a compare-exchange also that of its failure). These are the places where the scheduler may switch,\n"
    "but for 'read' and 'write', which only tell of plain accesses that others must be ordered with.\n",
    "  hakfuzz sites | grep remote.c\n"
    "  hakfuzz sites --json | jq '.sites[] | select(.order == \"acquire\")'\n",
};

static const char *failure_name(const struct hak_site *site) {
    return site->failure != site->order ? site_order_name(site->failure) : "";
}

static void print_text(void) {
    for (uint32_t i = 0; i < site_count(); i++) {
        const struct hak_site *site = site_at(i);
        char text[64];
        site_text(site, text, sizeof text);
        printf("%-34s %s%s%s\n", text, site_order_name(site->order), *failure_name(site) != '\0' ? ", failing " : "",
               failure_name(site));
    }
}

static void print_json(void) {
    cJSON *object = json_begin(help.name);
    cJSON *array = cJSON_AddArrayToObject(object, "sites");
    for (uint32_t i = 0; i < site_count(); i++) {
        const struct hak_site *site = site_at(i);
        char text[64];
        cJSON *item = cJSON_CreateObject();
        site_text(site, text, sizeof text);
        json_text(item, "site", text);
        json_text(item, "file", site->file);
        json_number(item, "line", site->line);
        json_text(item, "kind", site_kind_name(site));
        json_text(item, "order", site_order_name(site->order));
        json_text(item, "failure_order", failure_name(site));
        cJSON_AddItemToArray(array, item);
    }
    json_print(object);
}

int verb_sites(int argc, char **argv) {
    struct options options = {0};
    struct poptOption table[] = {OPTION_JSON(options), POPT_TABLEEND};
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &options);
    int code = options_exit(outcome);
    if (outcome == OPTIONS_GO && options.argument_count != 0) {
        code = options_complain(&help, "it takes no arguments");
    } else if (outcome == OPTIONS_GO) {
        site_open();
        (options.json ? print_json : print_text)();
        code = EXIT_CLEAN;
    }
    options_free(&options);
    return code;
}
