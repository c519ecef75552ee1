/* terminal: see the header. The progress line is one line on a terminal, rewritten in place; in a log each one stands.
 */
#include "tools/terminal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

static struct {
    uint64_t begin_ns;
    uint64_t last_ns;
    bool on_screen;
} line;

static volatile sig_atomic_t interrupt_seen;

static const char *colour(FILE *out, const char *sequence) {
    const char *no_colour = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool wanted = (no_colour == NULL || *no_colour == '\0') && kind != NULL && strcmp(kind, "dumb") != 0;
    return wanted && isatty(fileno(out)) ? sequence : "";
}

const char *colour_bad(FILE *out) {
    return colour(out, "\033[1;31m");
}

const char *colour_good(FILE *out) {
    return colour(out, "\033[32m");
}

const char *colour_faint(FILE *out) {
    return colour(out, "\033[2m");
}

const char *colour_notice(FILE *out) {
    return colour(out, "\033[33m");
}

const char *colour_end(FILE *out) {
    return colour(out, "\033[0m");
}

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

void progress_begin(void) {
    line.begin_ns = clock_ns();
    line.last_ns = line.begin_ns;
}

void progress(const char *format, ...) {
    uint64_t now_ns = clock_ns();
    bool screen = isatty(STDERR_FILENO);
    uint64_t pause_ns = screen ? second_ns / 2 : 10 * second_ns;
    bool first = line.last_ns == line.begin_ns;
    if (now_ns - line.begin_ns < second_ns || (!first && now_ns - line.last_ns < pause_ns)) {
        return;
    }
    line.last_ns = now_ns;
    line.on_screen = screen;
    fputs(screen ? "\r\033[K" : "", stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(screen ? "" : "\n", stderr);
    fflush(stderr);
}

void progress_end(void) {
    if (line.on_screen) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        line.on_screen = false;
    }
}

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupt_seen = 1;
}

void interrupts_watch(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void) {
    return interrupt_seen != 0;
}
