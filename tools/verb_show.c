/* verb_show: one run of a program, in the view that was asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/convert.h"
#include "tools/options.h"
#include "tools/show.h"
#include "tools/verb.h"

static const struct verb_help help = {
    "show",
    "[OPTION...] FILE",
    "Runs FILE once and shows what happened: each record with what it did (the block as offset from the start of the\n"
    "arena, the size asked for, errno, where the block lies), the threads as lanes, the blocks around the fault and\n"
    "how it came to that. On another malloc, with --malloc, one operation follows another on real threads; offsets\n"
    "are addresses, and what lies inside the malloc is not shown. Other views of the same run: --html, one page\n"
    "without network, to step through; --trace, for ui.perfetto.dev; --shiviz, a log for ShiViz; --json, all there\n"
    "is.\n",
    "  hakfuzz show crash-0123abcd\n"
    "  hakfuzz show --html -o crash.html crash-0123abcd\n"
    "  hakfuzz show --fault carve-by-used corpus/sequence/regress/carve-by-used.hak\n"
    "  hakfuzz show --html --source-url 'https://example.org/hakmem/{file}#L{line}' -o crash.html crash-0123abcd\n"
    "  hakfuzz show --malloc ./libfoo.so crash-0123abcd\n"
    "  hakfuzz show --json crash-0123abcd | jq '.records[] | select(.applied)'\n",
};

struct verb_show {
    struct options options;
    struct choice choice;
    struct input input;
    struct malloc_choice malloc;
    int html, trace, shiviz;
    char *out, *source_url, *source_tree;
};

static bool write_json(const struct showing *showing, FILE *out) {
    char *text;
    cJSON *object = show_json(showing, false);
    text = cJSON_Print(object);
    if (text != NULL) {
        fprintf(out, "%s\n", text);
        cJSON_free(text);
    }
    cJSON_Delete(object);
    return text != NULL;
}

static bool write_view(const struct verb_show *verb, const struct showing *showing, FILE *out) {
    bool done = verb->html           ? show_page(showing, out)
                : verb->trace        ? show_trace(showing, out)
                : verb->shiviz       ? show_shiviz(showing, out)
                : verb->options.json ? write_json(showing, out)
                                     : show_text(showing, out);
    if (!done) {
        fputs("hakfuzz show: there is no memory for this view\n", stderr);
    }
    return done;
}

static bool write_to(const struct verb_show *verb, const struct showing *showing) {
    FILE *out = verb->out == NULL ? stdout : fopen(verb->out, "w");
    bool done = out != NULL && write_view(verb, showing, out);
    if (verb->out == NULL) {
        return done;
    }
    bool is_written = out != NULL && fflush(out) == 0 && !ferror(out); /* before it is closed: that has nothing left */
    bool is_closed = out != NULL && fclose(out) == 0 && is_written;
    if (!is_closed) {
        fprintf(stderr, "hakfuzz show: cannot write to %s: %s; give another -o OUT\n", verb->out, strerror(errno));
    }
    return done && is_closed;
}

static int show_input(struct verb_show *verb, const char *path) {
    struct showing showing = {.name = path,
                              .choice = &verb->choice,
                              .input = &verb->input,
                              .source_url = verb->source_url,
                              .source_tree = verb->source_tree};
    int code = EXIT_USAGE;
    if (!choice_prepare(&verb->choice)) {
        return EXIT_USAGE;
    }
    choice_tell(&verb->choice);
    if (show_run(&showing) && write_to(verb, &showing)) {
        code = showing.execution.verdict.check == CHECK_NONE ? EXIT_CLEAN : EXIT_FINDING;
    }
    show_free(&showing);
    return code;
}

static int show_arguments(struct verb_show *verb) {
    const struct options *options = &verb->options;
    if (options->argument_count != 1) {
        return options_complain(&help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    if (verb->html + verb->trace + verb->shiviz + options->json > 1) {
        return options_complain(&help, "--html, --trace, --shiviz and --json are views of their own: give one");
    }
    if (verb->source_url != NULL && strstr(verb->source_url, "{file}") == NULL) {
        return options_complain(&help, "--source-url '%s' has no {file}, so all links would be the same",
                                verb->source_url);
    }
    const char *path = options->arguments[0];
    if (verb->out != NULL && convert_are_same(path, verb->out)) {
        return options_complain(&help, "'%s' is input and output: it would be overwritten; give another OUT", path);
    }
    int code = EXIT_USAGE;
    if (choose_on(&help, options, REAL_ORDER_VIRTUAL, path, NULL, &verb->malloc, &verb->choice)) {
        code = input_load(path, INPUT_EITHER, &verb->input) ? show_input(verb, path) : EXIT_USAGE;
        input_free(&verb->input);
    }
    malloc_close(&verb->malloc);
    return code;
}

int verb_show(int argc, char **argv) {
    struct verb_show verb = {0};
    struct poptOption table[] = {
        {"html", '\0', POPT_ARG_NONE, &verb.html, 0, "one page to step through, without network", NULL},
        {"trace", '\0', POPT_ARG_NONE, &verb.trace, 0, "trace events, for ui.perfetto.dev", NULL},
        {"shiviz", '\0', POPT_ARG_NONE, &verb.shiviz, 0, "a log with vector clocks, for ShiViz", NULL},
        {"output", 'o', POPT_ARG_STRING, &verb.out, 0, "write here instead of standard output", "OUT"},
        {"source-url", '\0', POPT_ARG_STRING, &verb.source_url, 0, "where lines link to, with {file} and {line} in it",
         "URL"},
        {"source-tree", '\0', POPT_ARG_STRING, &verb.source_tree, 0, "where allocator/ is, for the lines in the page",
         "DIR"},
        OPTION_TARGET(verb.options),
        OPTION_FAULT(verb.options),
        OPTION_MALLOC(verb.options),
        OPTION_PREFIX(verb.options),
        OPTION_JSON(verb.options),
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &verb.options);
    int code = outcome == OPTIONS_GO ? show_arguments(&verb) : options_exit(outcome);
    free(verb.out);
    free(verb.source_url);
    free(verb.source_tree);
    options_free(&verb.options);
    return code;
}
