/* hakfuzz: the one command-line tool over the oracle. This file owns the table of verbs and nothing else: help, the
 * suggestion for a mistyped verb and the dispatch are made from it. A verb is one file, verb_<name>.c.
 *
 * The tool is single-threaded; exit codes are those of verb.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oracle/fault.h"
#include "oracle/program.h"
#include "tools/suggest.h"
#include "tools/verb.h"

const struct verb_info verb_table[] = {
    {"run", "run programs, files or whole directories, and report what they find", verb_run},
    {"real", "run programs on real threads, on hakmem or on another malloc", verb_real},
    {"repro", "run one input again and again: does it fail the same way every time?", verb_repro},
    {"show", "what happened in a run and how it came to the finding: text, a page, a trace", verb_show},
    {"min", "a smaller program that fails in the same way", verb_min},
    {"triage", "many failing inputs to a short list of findings", verb_triage},
    {"emit-c", "the finding as C that reproduces it by itself", verb_emit_c},
    {"diff", "the same programs on several mallocs: where they break what C and POSIX fix", verb_diff},
    {"asm", "text form to bytes", verb_asm},
    {"disasm", "bytes to text form", verb_disasm},
    {"bench", "how fast the fuzzing is", verb_bench},
    {"detect", "put each historical bug back and count executions until it is found", verb_detect},
    {"faults", "the catalogue of historical bugs, each tripped by its program of the corpus", verb_faults},
    {"orders", "which memory orders are needed: weaken each, and see what finds it", verb_orders},
    {"sites", "the allocator's accesses to shared memory, where threads may be switched", verb_sites},
    {"explore", "run a tiny program under every schedule with few preemptions", verb_explore},
    {"record", "write down what any program asks its malloc for; cut seeds from it", verb_record},
    {"replay", "run a recording on hakmem or any other malloc: time, memory, checks", verb_replay},
    {"manual", "write the manual pages", verb_manual},
    {"completion", "print what a shell needs to complete words of this tool", verb_completion},
};
enum { VERB_COUNT = sizeof verb_table / sizeof verb_table[0] };
const unsigned verb_count = VERB_COUNT;

static void print_help(FILE *out) {
    fputs("Usage: hakfuzz VERB [OPTION...] [ARGUMENT...]\n"
          "Runs allocation programs on hakmem inside the simulated world and explains what they find.\n\nVerbs:\n",
          out);
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", verb_table[i].name, verb_table[i].meaning);
    }
    fputs("\nTargets (--target):\n", out);
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", target_table[i].name, target_table[i].purpose);
    }
    fputs("\nOptions:\n"
          "  --help     this page; 'hakfuzz VERB --help' explains one verb, with examples\n"
          "  --version  version of the tool and of the program format\n"
          "\nExit status: 0 clean, 1 a finding, 2 wrong usage or environment.\n"
          "From a crash to understanding, step by step: docs/reproduce.md\n",
          out);
}

static const char *verb_name(unsigned i) {
    return verb_table[i].name;
}

/* A report that was cut short by a full disk must not look like success. */
static int close_output(int code) {
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code != EXIT_USAGE) {
        fprintf(stderr, "hakfuzz: cannot write to standard output: %s; what was written is not complete\n",
                errno != 0 ? strerror(errno) : "an earlier write failed");
        return EXIT_USAGE;
    }
    return code;
}

/* A closed standard descriptor would be the next file that is opened, and reports would go into it. What takes its
 * place cannot be used in its direction, so that it fails as if it were closed. */
static bool fill_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", mode) != fd) {
            return false;
        }
    }
    return true;
}

static int run_verb(const char *word, int argc, char **argv) {
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        if (strcmp(word, verb_table[i].name) == 0) {
            return close_output(verb_table[i].function(argc, argv));
        }
    }
    suggest_complain("verb", word, "", verb_name, VERB_COUNT);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    if (!fill_descriptors()) {
        return EXIT_USAGE; /* with nobody to tell, perhaps */
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "help") == 0 && argc > 2) {
        char option[] = "--help";
        char *arguments[] = {argv[2], option, NULL};
        return run_verb(argv[2], 2, arguments);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return close_output(EXIT_CLEAN);
    }
    if (strcmp(word, "--version") == 0) {
        printf("hakfuzz %s, program format %d, %d faults, %d checks\n", HAKMEM_VERSION, PROGRAM_VERSION,
               HAK_FAULT_COUNT - 1, CHECK_COUNT - 1);
        return close_output(EXIT_CLEAN);
    }
    return run_verb(word, argc - 1, argv + 1);
}
