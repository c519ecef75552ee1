/* verb_show: a program with what each record did beside it, then the verdict and the report. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/text.h"
#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/execute.h"
#include "oracle/input.h"
#include "tools/json.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "show",
    "[OPTION...] FILE",
    "Runs FILE once and prints each record with what it did: the thread it ran on, the block (as offset from the\n"
    "start of the arena), the size asked for, errno, and where the block lies. Then the verdict and the report.\n",
    "  hakfuzz show crash-0123abcd\n"
    "  hakfuzz show --fault carve-by-used corpus/sequence/regress/carve-by-used.hak\n"
    "  hakfuzz show --json crash-0123abcd | jq '.steps[] | select(.applied)'\n",
};

enum { SWITCHES_MAX = 64, PLACEMENT_BYTES_MAX = 96, OPERATION_BYTES_MAX = 96 };

struct seen {
    bool reached;
    struct world_step step;
    char placement[PLACEMENT_BYTES_MAX];
};

struct show {
    struct options options;
    struct choice choice;
    struct input input;
    struct program program;
    struct seen *steps; /* program.record_count of them */
    struct execution execution;
    char *switch_text; /* what `switches` holds: a line each, of the first SWITCHES_MAX inside operations */
    size_t switch_bytes;
    FILE *switches;
    unsigned switch_count;
};

static void observe(void *context, const struct world_step *step) {
    struct show *show = context;
    if (step->index < show->program.record_count) {
        struct seen *seen = &show->steps[step->index];
        seen->reached = true;
        seen->step = *step;
        snprintf(seen->placement, sizeof seen->placement, "%s", step->placement != NULL ? step->placement : "");
        seen->step.placement = NULL;
    }
}

static void observe_switch(void *context, uint32_t record, const char *text) {
    struct show *show = context;
    (void)record;
    if (show->switch_count++ < SWITCHES_MAX) {
        fprintf(show->switches, "%s\n", text);
    }
}

static const char *errno_name(int error, char *buffer, size_t capacity) {
    const char *name = error != 0 ? strerrorname_np(error) : "";
    snprintf(buffer, capacity, "%d", error);
    return name != NULL ? name : buffer;
}

/* The header lines of the text form, or what follows its records. */
static void print_text_part(const char *text, bool before_records) {
    bool records_seen = false;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        bool record = line[0] == 't' && line[1] >= '0' && line[1] <= '9';
        bool gene_or_tail = strncmp(line, "gene", 4) == 0 || strncmp(line, "tail", 4) == 0;
        records_seen = records_seen || record || gene_or_tail;
        if (!record && before_records == !records_seen) {
            printf("%.*s", (int)length, line);
        }
        if (line[length - 1] == '\0') {
            break;
        }
        line += length;
    }
}

/* Widths of the columns that vary. */
struct widths {
    int operation;
    int size;
};

static int wider(int width, const char *text) {
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static void format_size(const struct seen *seen, char *buffer, size_t capacity) {
    bool has_size = seen->reached && seen->step.applied && program_op_info[seen->step.record.op].fields & FIELD_SIZE;
    snprintf(buffer, has_size ? capacity : 1, "%zu", seen->step.size_bytes);
}

static struct widths measure(const struct show *show) {
    struct widths widths = {wider(0, "operation"), wider(0, "size")};
    for (uint32_t i = 0; i < show->program.record_count; i++) {
        char words[OPERATION_BYTES_MAX], size[24];
        struct record record = program_record(&show->program, i);
        text_format_record(&record, words, sizeof words);
        format_size(&show->steps[i], size, sizeof size);
        widths.operation = wider(widths.operation, words);
        widths.size = wider(widths.size, size);
    }
    return widths;
}

static void print_step(const struct show *show, uint32_t i, struct widths widths) {
    const struct seen *seen = &show->steps[i];
    const struct verdict *verdict = &show->execution.verdict;
    struct record record = program_record(&show->program, i);
    bool culprit = verdict->check != CHECK_NONE && verdict->record == i;
    char words[OPERATION_BYTES_MAX], offset[24] = "", size[24] = "", number[16];
    text_format_record(&record, words, sizeof words);
    const char *faint = !culprit && !(seen->reached && seen->step.applied) ? colour_faint(stdout) : "";
    printf("%s%s%5" PRIu32 "  t%u  %-*s  ", faint, culprit ? colour_bad(stdout) : "", i,
           seen->reached ? seen->step.thread : record.thread, widths.operation, words);
    if (!seen->reached) {
        printf("%s", culprit ? "" : "not reached");
    } else if (!seen->step.applied) {
        printf("%s", "did nothing");
    } else {
        if (seen->step.offset != 0) {
            snprintf(offset, sizeof offset, "0x%" PRIx64, seen->step.offset);
        }
        format_size(seen, size, sizeof size);
        printf("%10s  %*s  %-6s  %s", offset, widths.size, size, errno_name(seen->step.error, number, sizeof number),
               seen->placement);
    }
    printf("%s%s\n", culprit ? "  <-- finding" : "", *faint != '\0' || culprit ? colour_end(stdout) : "");
}

static void print_verdict(const struct show *show) {
    const struct verdict *verdict = &show->execution.verdict;
    if (verdict->check == CHECK_NONE) {
        printf("%sclean%s: %" PRIu32 " operations in %" PRIu32 " records, trace hash 0x%016" PRIx64 "\n",
               colour_good(stdout), colour_end(stdout), verdict->operations, show->program.record_count,
               verdict->trace_hash);
        return;
    }
    printf("%s%s%s %s: %s\n", colour_bad(stdout), check_table[verdict->check].id, colour_end(stdout),
           verdict->record < show->program.record_count ? "at the marked record"
                                                        : "in the checks after the last record",
           verdict->message);
    printf("means: %s\nlook for: %s\n\n%s", check_table[verdict->check].meaning, check_table[verdict->check].look_for,
           show->execution.report);
    world_print_finding(show->choice.target, verdict, stdout);
}

static int print_text(const struct show *show) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    if (memory == NULL || text_disassemble(show->input.bytes, show->input.size_bytes, memory) != 0 ||
        fclose(memory) != 0) {
        fprintf(stderr, "hakfuzz show: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    print_text_part(text, true);
    struct widths widths = measure(show);
    printf("\n    #  on  %-*s  %10s  %*s  %-6s  %s\n", widths.operation, "operation", "offset", widths.size, "size",
           "errno", "placement");
    for (uint32_t i = 0; i < show->program.record_count; i++) {
        print_step(show, i, widths);
    }
    print_text_part(text, false);
    if (show->switch_count > 0) {
        printf("\nswitches inside operations: %u%s\n%s", show->switch_count,
               show->switch_count > SWITCHES_MAX ? ", of which the first" : "", show->switch_text);
    }
    putchar('\n');
    print_verdict(show);
    free(text);
    return EXIT_CLEAN;
}

static cJSON *step_json(const struct show *show, uint32_t i) {
    const struct seen *seen = &show->steps[i];
    char words[OPERATION_BYTES_MAX], number[16];
    struct record record = program_record(&show->program, i);
    text_format_record(&record, words, sizeof words);
    cJSON *item = cJSON_CreateObject();
    json_number(item, "record", i);
    json_text(item, "operation", words);
    json_number(item, "thread", seen->reached ? seen->step.thread : record.thread);
    json_bool(item, "reached", seen->reached);
    json_bool(item, "applied", seen->reached && seen->step.applied);
    if (seen->reached) {
        json_number(item, "offset", (double)seen->step.offset);
        char size[24];
        snprintf(size, sizeof size, "%zu", seen->step.size_bytes);
        json_text(item, "size_bytes", size);
        json_text(item, "errno", errno_name(seen->step.error, number, sizeof number));
        json_text(item, "placement", seen->placement);
    }
    return item;
}

static void print_json(const struct show *show, const char *path) {
    cJSON *object = json_begin(help.name);
    json_text(object, "file", path);
    json_text(object, "target", show->choice.target->name);
    json_text(object, "fault", show->choice.fault);
    cJSON *steps = cJSON_AddArrayToObject(object, "steps");
    for (uint32_t i = 0; i < show->program.record_count; i++) {
        cJSON_AddItemToArray(steps, step_json(show, i));
    }
    cJSON *switches = cJSON_AddArrayToObject(object, "switches");
    for (char *line = show->switch_text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        cJSON_AddItemToArray(switches, cJSON_CreateString(line));
    }
    json_verdict(object, &show->execution.verdict);
    json_text(object, "report", show->execution.report);
    json_print(object);
}

static int show_input(struct show *show, const char *path) {
    program_read(&show->program, show->input.bytes, show->input.size_bytes);
    show->steps = calloc((size_t)show->program.record_count + 1, sizeof *show->steps);
    show->switches = open_memstream(&show->switch_text, &show->switch_bytes);
    if (show->steps == NULL || show->switches == NULL || !choice_open_world() || !choice_arm(&show->choice)) {
        return EXIT_USAGE;
    }
    choice_tell(&show->choice);
    world_observe(observe, show);
    world_observe_switches(observe_switch, show);
    execute(&show->choice, &show->input, path, EXECUTE_KEEP_REPORT, &show->execution);
    world_observe(NULL, NULL);
    world_observe_switches(NULL, NULL);
    if (fflush(show->switches) != 0) {
        fprintf(stderr, "hakfuzz show: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    if (show->options.json) {
        print_json(show, path);
    } else if (print_text(show) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    return show->execution.verdict.check == CHECK_NONE ? EXIT_CLEAN : EXIT_FINDING;
}

static int show_arguments(struct show *show) {
    const struct options *options = &show->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    const char *path = options->arguments[0];
    if (!choose(options->target, options->fault, path, NULL, &show->choice) ||
        !input_load(path, INPUT_EITHER, &show->input)) {
        return EXIT_USAGE;
    }
    int code = show_input(show, path);
    free(show->steps);
    if (show->switches != NULL) {
        fclose(show->switches);
    }
    free(show->switch_text);
    execution_free(&show->execution);
    input_free(&show->input);
    return code;
}

int verb_show(int argc, char **argv) {
    struct show show = {0};
    struct poptOption table[] = {
        OPTION_TARGET(show.options),
        OPTION_FAULT(show.options),
        OPTION_JSON(show.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &show.options);
    int code = outcome == OPTIONS_GO ? show_arguments(&show) : options_exit(outcome);
    options_free(&show.options);
    return code;
}
