/* convert: see the header. Input and output may not be one file: the source would be gone, and for asm it cannot be
 * made again (comments). */
#include "tools/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/verb.h"

bool convert_are_same(const char *in, const char *out) {
    struct stat a, b;
    bool known = (strcmp(in, "-") == 0 ? fstat(STDIN_FILENO, &a) : stat(in, &a)) == 0 && stat(out, &b) == 0;
    return known && S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int complain_write(const char *path, int error, const char *way_out) {
    fprintf(stderr, "hakfuzz: cannot write to %s: %s; %s\n", path, strerror(error), way_out);
    return EXIT_USAGE;
}

/* `path` NULL: standard output. */
static int write_output(const struct conversion *conversion, const struct input *input, const char *path) {
    const char *shown = path != NULL ? path : "standard output";
    FILE *out = path != NULL ? fopen(path, "wb") : stdout;
    if (out == NULL) {
        return complain_write(shown, errno, "give another -o OUT");
    }
    errno = 0;
    conversion->write(input, out);
    bool failed = (fflush(out) != 0) | ferror(out);
    int error = errno;
    if (path != NULL && fclose(out) != 0 && !failed) {
        failed = true;
        error = errno;
    }
    return failed ? complain_write(shown, error, "what was written is not complete") : EXIT_CLEAN;
}

static int convert_argument(const struct conversion *conversion, const struct options *options, const char *path) {
    if (options->argument_count != 1) {
        return options_complain(conversion->help, "%d inputs given, exactly one wanted", options->argument_count);
    }
    if (path != NULL && strcmp(path, "-") == 0) {
        path = NULL;
    }
    if (conversion->binary && path == NULL && isatty(STDOUT_FILENO)) {
        return options_complain(conversion->help, "will not write bytes to a terminal: use -o OUT or a pipe");
    }
    if (path != NULL && convert_are_same(options->arguments[0], path)) {
        return options_complain(conversion->help, "'%s' is input and output: it would be overwritten; give another OUT",
                                path);
    }
    struct input input;
    if (!input_load(options->arguments[0], conversion->form, &input)) {
        return EXIT_USAGE;
    }
    int code = write_output(conversion, &input, path);
    input_free(&input);
    return code;
}

int convert(const struct conversion *conversion, int argc, char **argv) {
    struct options options = {0};
    char *out_path = NULL;
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &out_path, 0, "write here instead of standard output", "OUT"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(conversion->help, table, argc, argv, &options);
    int code = outcome == OPTIONS_GO ? convert_argument(conversion, &options, out_path) : options_exit(outcome);
    free(out_path);
    options_free(&options);
    return code;
}
