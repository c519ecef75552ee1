/* guard: an alarm, handlers for what kills a process and, in sanitizer builds, the sanitizer's death callback. All may
 * fire on a fiber's stack in the middle of anything, so they only write(2) and leave. */
#include "tools/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "allocator/config.h"
#include "tools/verb.h"

/* Present in sanitizer builds only. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static const char *volatile running;

bool guard_has_sanitizer(void) {
    return __sanitizer_set_death_callback != NULL;
}

static void say(const char *text) {
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void say_what(const char *problem) {
    const char *what = running;
    if (what != NULL) {
        say("hakfuzz: ");
        say(what);
        say(problem);
    }
}

/* Whoever sits in a debugger takes their time. */
static bool debugger_attached(void) {
    static const char label[] = "TracerPid:\t";
    char status[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, status, sizeof status - 1) : 0;
    status[got > 0 ? got : 0] = '\0';
    const char *tracer = strstr(status, label);
    close(fd);
    return tracer != NULL && tracer[sizeof label - 1] != '0';
}

static void on_alarm(int signal_number) {
    (void)signal_number;
    if (debugger_attached()) {
        return;
    }
    say_what(": no end after 60 s, so it hangs. To see where: gdb --args hakfuzz repro --times 1 FILE, then Ctrl-C\n");
    _exit(EXIT_FINDING);
}

static void on_death(void) {
    say_what(": the sanitizer report above came from this input\n");
}

/* The world takes these signals while a program runs and gives back what it cannot explain. */
static void on_crash(int signal_number) {
    say_what(": the tool itself died of ");
    say(signal_number == SIGABRT ? "an abort" : "a bad memory access");
    say(" on this input: memory of the tool was overwritten, or the oracle is wrong\n");
    _exit(EXIT_FINDING);
}

static void handle(int signal_number, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void guard_install(void) {
    handle(SIGALRM, on_alarm);
    if (guard_has_sanitizer()) {
        __sanitizer_set_death_callback(on_death);
    }
    if (!HAK_ASAN) {
        handle(SIGSEGV, on_crash);
        handle(SIGBUS, on_crash);
        handle(SIGABRT, on_crash);
    }
}

_Static_assert(GUARD_SECONDS == 60, "the message of on_alarm names the time");

void guard_begin(const char *what) {
    running = what;
    alarm(GUARD_SECONDS);
}

void guard_end(void) {
    alarm(0);
    running = NULL;
}
