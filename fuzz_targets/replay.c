/* replay: runs programs one by one and says what they found. */
#include "fuzz_targets/replay.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/machine.h"
#include "oracle/guided.h"

static enum check set_nondeterminism(struct verdict *verdict, const char *what, uint64_t before, uint64_t after) {
    verdict->check = CHECK_NONDETERMINISM;
    snprintf(verdict->signature, sizeof verdict->signature, "%s/%s", check_table[CHECK_NONDETERMINISM].id, what);
    snprintf(verdict->message, sizeof verdict->message, "The %s differs: %016" PRIx64 ", then %016" PRIx64 ".", what,
             before, after);
    return CHECK_NONDETERMINISM;
}

enum check replay_run(const uint8_t *bytes, size_t size_bytes, bool prove, FILE *report, struct verdict *verdict) {
    struct program program;
    guided_read(&program, fuzz_target, bytes, size_bytes);
    if (!prove) {
        return machine_run(&program, report, verdict);
    }
    uint64_t state_before = machine_state_hash();
    if (machine_run(&program, report, verdict) != CHECK_NONE) {
        return verdict->check;
    }
    uint64_t state_after = machine_state_hash();
    uint64_t trace = verdict->trace_hash;
    if (state_after != state_before) {
        return set_nondeterminism(verdict, "state after reset", state_before, state_after);
    }
    if (machine_run(&program, report, verdict) == CHECK_NONE && verdict->trace_hash != trace) {
        return set_nondeterminism(verdict, "trace", trace, verdict->trace_hash);
    }
    return verdict->check;
}

/* A word a shell reads back as it is. */
static void print_quoted(const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            fputs("'\\''", stdout);
        } else {
            putchar(*word);
        }
    }
    putchar('\'');
}

/* hakfuzz beside the running binary, in the words the user called that by. */
static void print_hakfuzz(const char *self) {
    const char *slash = strrchr(self, '/');
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%.*shakfuzz", slash == NULL ? 0 : (int)(slash - self + 1), self);
    bool is_there = length > 0 && (size_t)length < sizeof path && slash != NULL && access(path, X_OK) == 0;
    print_quoted(is_there ? path : "hakfuzz");
}

void replay_print_finding(const struct replay_command *command, const char *path, const struct verdict *verdict) {
    world_print_finding(fuzz_target, verdict, stdout);
    printf("input:     %s\nreproduce: ", path);
    print_hakfuzz(command->self);
    fputs(" repro ", stdout);
    machine_print_target(stdout);
    if (command->fault != NULL && command->fault[0] != '\0') {
        printf("--fault %s ", command->fault);
    }
    if (path[0] == '-') {
        fputs("./", stdout);
    }
    print_quoted(path);
    putchar('\n');
    fflush(stdout);
}

int replay_files(const struct replay_command *command, const struct files *list) {
    size_t findings = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct input input;
        struct verdict verdict;
        if (!input_load(list->paths[i], INPUT_EITHER, &input)) {
            return EXIT_UNABLE;
        }
        if (replay_run(input.bytes, input.size_bytes, true, stdout, &verdict) != CHECK_NONE) {
            findings++;
            replay_print_finding(command, list->paths[i], &verdict);
        }
        input_free(&input);
    }
    printf("fuzz_%s: %zu input%s replayed, %zu with a finding\n", fuzz_target->name, list->count,
           list->count == 1 ? "" : "s", findings);
    return findings > 0 ? EXIT_FINDING : EXIT_CLEAN;
}
