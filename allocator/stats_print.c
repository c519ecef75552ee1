/* stats_print: the numbers as text, JSON and XML, and what is written when the process ends. Everything is made from
 * the table in stats.h. */
#include "allocator/hakmem.h"
#include "allocator/root.h"
#include "allocator/stats.h"

static const struct {
    enum hak_stats_group group;
    const char *name;
    const char *meaning;
} rows[HAK_STAT_COUNT] = {
#define ROW(group, name, meaning) {HAK_STATS_##group, #name, (meaning)},
    HAK_STATS_TABLE(ROW)
#undef ROW
};

static const char *const group_names[HAK_STATS_GROUP_COUNT] = {
#define GROUP_NAME(id, name) (name),
    HAK_STATS_GROUPS(GROUP_NAME)
#undef GROUP_NAME
};

static size_t text_length(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

void hak_stats_print_text(const struct hak_stats *stats, struct hak_print *print) {
    enum { NAME_COLUMN = 2, VALUE_WIDTH = 18, VALUE_COLUMN = 18, MEANING_COLUMN = 38, NAME_LENGTH_MAX = 64 };
    hak_print_string(print, "hakmem statistics of ");
    hak_print_visible(print, os_process_name(), text_length(os_process_name()), NAME_LENGTH_MAX);
    hak_print_string(print, " (pid ");
    hak_print_u64(print, os_process_id());
    hak_print_string(print, ")\n");
    for (unsigned i = 0; i < HAK_STAT_COUNT; i++) {
        if (i == 0 || rows[i].group != rows[i - 1].group) {
            hak_print_string(print, group_names[rows[i].group]);
            hak_print_char(print, '\n');
        }
        hak_print_column(print, NAME_COLUMN);
        hak_print_string(print, rows[i].name);
        hak_print_column(print, VALUE_COLUMN);
        hak_print_u64_right(print, stats->value[i], VALUE_WIDTH);
        hak_print_column(print, MEANING_COLUMN);
        hak_print_string(print, rows[i].meaning);
        hak_print_char(print, '\n');
    }
    hak_print_string(print, "controller\n");
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        struct hak_ace_rule_view view = hak_ace_look(&hak_root.ace, (enum hak_ace_rule)rule);
        hak_print_column(print, NAME_COLUMN);
        hak_print_string(print, view.info->name);
        hak_print_column(print, VALUE_COLUMN);
        hak_print_u64_right(print, view.value, VALUE_WIDTH);
        hak_print_column(print, MEANING_COLUMN);
        hak_print_string(print, view.info->meaning);
        hak_print_string(print, view.pinned ? "; pinned\n" : "; doubled ");
        if (!view.pinned) {
            hak_print_u64(print, view.ups);
            hak_print_string(print, " times, halved ");
            hak_print_u64(print, view.downs);
            hak_print_char(print, '\n');
        }
    }
}

static void json_number(struct hak_print *print, const char *name, uint64_t value, bool first) {
    hak_print_string(print, first ? "\"" : ",\"");
    hak_print_string(print, name);
    hak_print_string(print, "\":");
    hak_print_u64(print, value);
}

static void json_groups(const struct hak_stats *stats, struct hak_print *print) {
    hak_print_string(print, "\"tiers\":{");
    for (unsigned i = 0; i < HAK_STAT_COUNT; i++) {
        bool begins = i == 0 || rows[i].group != rows[i - 1].group;
        if (begins) {
            hak_print_string(print, i == 0 ? "\"" : rows[i].group == HAK_STATS_TIERS ? "}},\"" : "},\"");
            hak_print_string(print, group_names[rows[i].group]);
            hak_print_string(print, "\":{");
        }
        json_number(print, rows[i].name, stats->value[i], begins);
    }
    hak_print_string(print, "}");
}

static void json_controller(struct hak_print *print) {
    hak_print_string(print, ",\"controller\":{");
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        struct hak_ace_rule_view view = hak_ace_look(&hak_root.ace, (enum hak_ace_rule)rule);
        hak_print_string(print, rule == 0 ? "\"" : ",\"");
        hak_print_string(print, view.info->name);
        hak_print_string(print, "\":{");
        json_number(print, "value", view.value, true);
        json_number(print, "ups", view.ups, false);
        json_number(print, "downs", view.downs, false);
        hak_print_string(print, view.pinned ? ",\"pinned\":true}" : ",\"pinned\":false}");
    }
    hak_print_string(print, "}");
}

static void json_options(struct hak_print *print) {
    bool first = true;
    hak_print_string(print, ",\"options\":{");
    for (unsigned id = 0; id < HAK_OPTION_COUNT; id++) {
        if (hak_root.options.value[id] != hak_option_table[id].initial) {
            json_number(print, hak_option_table[id].name, hak_root.options.value[id], first);
            first = false;
        }
    }
    hak_print_string(print, "}");
}

void hak_stats_print_json(const struct hak_stats *stats, struct hak_print *print) {
    hak_print_char(print, '{');
    json_number(print, "pid", os_process_id(), true);
    hak_print_string(print, ",\"program\":");
    hak_print_json(print, os_process_name(), text_length(os_process_name()));
    hak_print_char(print, ',');
    json_groups(stats, print);
    json_controller(print);
    json_options(print);
    hak_print_char(print, '}');
}

void hak_stats_print_xml(const struct hak_stats *stats, struct hak_print *print) {
    hak_print_string(print, "<malloc version=\"hakmem-1\">\n");
    for (unsigned i = 0; i < HAK_STAT_COUNT; i++) {
        if (i == 0 || rows[i].group != rows[i - 1].group) {
            hak_print_string(print, i == 0 ? "<heap part=\"" : "</heap>\n<heap part=\"");
            hak_print_string(print, group_names[rows[i].group]);
            hak_print_string(print, "\">\n");
        }
        hak_print_string(print, "<");
        hak_print_string(print, rows[i].name);
        hak_print_string(print, " value=\"");
        hak_print_u64(print, stats->value[i]);
        hak_print_string(print, "\"/>\n");
    }
    hak_print_string(print, "</heap>\n</malloc>\n");
}

static size_t print_text(char *buffer, size_t capacity_bytes,
                         void (*print_stats)(const struct hak_stats *, struct hak_print *)) {
    struct hak_stats stats;
    struct hak_print print;
    hak_stats_take(&stats);
    hak_print_open_text(&print, buffer, capacity_bytes);
    print_stats(&stats, &print);
    return hak_print_close(&print);
}

HAK_EXPORT size_t hak_stats_text(char *buffer, size_t capacity_bytes) {
    return print_text(buffer, capacity_bytes, hak_stats_print_text);
}

HAK_EXPORT size_t hak_stats_json(char *buffer, size_t capacity_bytes) {
    return print_text(buffer, capacity_bytes, hak_stats_print_json);
}

HAK_EXPORT size_t hak_stats_xml(char *buffer, size_t capacity_bytes) {
    return print_text(buffer, capacity_bytes, hak_stats_print_xml);
}

/* Lines of several processes may go to one file: each is written with one call. */
void hak_stats_exit(void) {
    enum { LINE_BYTES = 8192, STANDARD_ERROR = 2 };
    char text[LINE_BYTES];
    size_t length;
    if (hak_option(STATS) == 1) {
        struct hak_stats stats;
        struct hak_print print;
        hak_stats_take(&stats);
        hak_print_open_file(&print, text, sizeof text, STANDARD_ERROR);
        hak_stats_print_text(&stats, &print);
        (void)hak_print_close(&print);
    }
    const char *path = hak_root.options.stats_file;
    if (hak_option(STATS) != 2 && *path == '\0') {
        return;
    }
    length = hak_stats_json(text, sizeof text - 1);
    length = length < sizeof text - 2 ? length : sizeof text - 2;
    text[length] = '\n';
    if (hak_option(STATS) == 2) {
        os_write(STANDARD_ERROR, text, length + 1);
    }
    if (*path != '\0' && !os_append(path, text, length + 1)) {
        struct hak_print print;
        hak_print_open_file(&print, text, sizeof text, STANDARD_ERROR);
        hak_print_string(&print, "hakmem: HAKMEM_STATS_FILE='");
        hak_print_visible(&print, path, text_length(path), sizeof text / 2);
        hak_print_string(&print, "' cannot be written; give a file that can be\n");
        (void)hak_print_close(&print);
    }
}
