/* repro_gdb: see the header. gdb gets a file of commands: it begins this very binary anew, on a copy of the input, and
 * the world calls a function for debuggers (world.h) in front of the record. */
#include "tools/repro_gdb.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/world.h"
#include "tools/fresh.h"
#include "tools/place.h"
#include "tools/terminal.h"
#include "tools/verb.h"
#include "tools/worker.h"

enum { TIMEOUT_S = 120, NOT_FOUND = 127 };

/* hakmem-gdb.py beside this binary, as in a build tree, or where it is installed; to be freed, NULL when it is not. */
static char *script_find(const char *self) {
    static const char *const places[] = {".", HAKMEM_BIN_TO_LIB};
    const char *slash = strrchr(self, '/');
    char path[PATH_MAX];
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++) {
        int length = snprintf(path, sizeof path, "%.*s/%s/hakmem-gdb.py", (int)(slash - self), self, places[i]);
        if (length > 0 && (size_t)length < sizeof path && access(path, R_OK) == 0) {
            return realpath(path, NULL);
        }
    }
    return NULL;
}

/* What gdb is to do first; to be freed. The report comes last, where one looks. */
static char *commands_write(const struct fresh *fresh, const char *script, uint32_t record) {
    char *text = NULL, *path = NULL;
    int length = asprintf(&text,
                          "set confirm off\n%s%s\ntbreak main\nrun\nset var world_stop_at = %" PRIu32
                          "\nbreak world_at_operation\nbreak world_at_finding\ncontinue\n%s\n",
                          script != NULL ? "source " : "", script != NULL ? script : "", record,
                          script != NULL ? "hak report" : "");
    if (length > 0) {
        path = temporary_write(fresh->directory, "commands", (const uint8_t *)text, (size_t)length);
        free(text);
    }
    return path;
}

_Noreturn static void become_gdb(const struct fresh *fresh, const char *commands, const char *report) {
    const struct choice *choice = fresh->choice;
    const char *fault = *choice->fault != '\0' ? choice->fault : "none";
    const char *arguments[] = {"gdb",
                               "-q",
                               "-iex",
                               "set debuginfod enabled off",
                               "-x",
                               commands,
                               "--args",
                               fresh->self,
                               "repro",
                               "--times",
                               "1",
                               "--target",
                               choice->target->name,
                               "--fault",
                               fault,
                               fresh->path,
                               NULL};
    setenv("HAKFUZZ_REPORT", report, 1);
    execvp("gdb", (char *const *)arguments);
    _exit(NOT_FOUND);
}

/* Ctrl-C is gdb's. */
static int run_gdb(const struct fresh *fresh, const char *commands, const char *report) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_gdb(fresh, commands, report);
    }
    void (*before)(int) = signal(SIGINT, SIG_IGN);
    bool waited = pid > 0 && waitpid(pid, &status, 0) == pid;
    signal(SIGINT, before);
    if (!waited || (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)) {
        fputs("hakfuzz repro: cannot run gdb: install it (apt-get install gdb), or leave out --gdb\n", stderr);
        return EXIT_USAGE;
    }
    return EXIT_FINDING;
}

/* The report, with the user's file in place of the copy, which is gone when gdb is. Returns the path to free. */
static char *report_write(const struct fresh *fresh, const char *report, const char *file) {
    char *text = NULL, *path = NULL;
    size_t text_bytes = 0, copy_length = strlen(fresh->path);
    FILE *out = open_memstream(&text, &text_bytes);
    if (out == NULL) {
        perror("hakfuzz repro");
        return NULL;
    }
    for (const char *found; (found = strstr(report, fresh->path)) != NULL; report = found + copy_length) {
        fprintf(out, "%.*s%s", (int)(found - report), report, file);
    }
    fputs(report, out);
    if (fclose(out) == 0) {
        path = temporary_write(fresh->directory, "report", (const uint8_t *)text, text_bytes);
    }
    free(text);
    return path;
}

static int debug(struct fresh *fresh, const char *file) {
    struct child child = {0};
    struct verdict verdict;
    int code = EXIT_USAGE;
    progress_begin();
    bool good = fresh_run(fresh, &child, 1) && child.output != NULL;
    progress_end();
    if (good) {
        child_verdict(&child, &verdict);
        char *report = report_write(fresh, child.output, file);
        char *script = script_find(fresh->self);
        char *commands = commands_write(fresh, script, verdict.record);
        if (verdict.check == CHECK_NONE) {
            puts("clean: it does not fail here, so there is nowhere to stop; see 'hakfuzz repro --help'");
            code = EXIT_CLEAN;
        } else if (report != NULL && commands != NULL) {
            code = run_gdb(fresh, commands, report);
        }
        free(commands);
        free(script);
        free(report);
    }
    children_free(&child, 1);
    return code;
}

int repro_gdb(const struct choice *choice, const struct input *input, const char *file) {
    struct fresh fresh = {.choice = choice, .timeout_s = TIMEOUT_S, .times = 1};
    int code = fresh_open(&fresh, input) ? debug(&fresh, file) : EXIT_USAGE;
    fresh_close(&fresh);
    return code;
}
