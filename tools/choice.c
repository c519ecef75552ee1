/* choice: the rules by which an input finds its target and fault, in one place, so that all verbs agree. */
#include "tools/choice.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/fault.h"
#include "oracle/world.h"
#include "tools/guard.h"
#include "tools/suggest.h"

static const char *target_name(unsigned i) {
    return target_table[i].name;
}

/* "none" is no fault: it goes last. */
static const char *fault_name(unsigned i) {
    return fault_table[(i + 1) % HAK_FAULT_COUNT].name;
}

/* --- the target --- */

/* "fuzz_oom" with no letter or digit on either side. */
static bool names_binary(const char *part, size_t length, const char *target) {
    char word[32];
    size_t word_length = (size_t)snprintf(word, sizeof word, "fuzz_%s", target);
    for (size_t at = 0; at + word_length <= length; at++) {
        bool begins = at == 0 || !isalnum((unsigned char)part[at - 1]);
        bool ends = at + word_length == length || !isalnum((unsigned char)part[at + word_length]);
        if (begins && ends && memcmp(part + at, word, word_length) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of targets are common words: alone they count in a folder of inputs only. */
static bool is_folder_of_inputs(const char *part, size_t length) {
    static const char *const names[] = {"corpus", "findings", "crashes", "artifacts"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == length && memcmp(part, names[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* "oom-crash-1", by a person. "oom-" alone says how it failed: libFuzzer calls what used too much memory oom-<hash>. */
static bool is_crash(const char *rest) {
    return strncmp(rest, "crash-", strlen("crash-")) == 0;
}

static bool names_target(const char *before, size_t before_length, const char *part, const char *target) {
    size_t length = strcspn(part, "/"), target_length = strlen(target);
    bool begins = length >= target_length && memcmp(part, target, target_length) == 0;
    bool is_prefix = begins && length > target_length + 1 && part[length] == '\0' &&
                     strchr("-_.", part[target_length]) != NULL && is_crash(part + target_length + 1);
    return names_binary(part, length, target) || is_prefix ||
           (begins && length == target_length && is_folder_of_inputs(before, before_length));
}

/* The target that a path names, NULL for none; see choice.h. */
static const struct target_info *target_of_path(const char *path) {
    char real[PATH_MAX];
    const struct target_info *found = NULL;
    if (realpath(path, real) == NULL) {
        return NULL;
    }
    const char *before = "";
    size_t before_length = 0;
    for (const char *part = real; *part != '\0';) {
        size_t length = strcspn(part, "/");
        for (unsigned i = 0; i < TARGET_COUNT; i++) {
            found = names_target(before, before_length, part, target_table[i].name) ? &target_table[i] : found;
        }
        before = part;
        before_length = length;
        part += length + (part[length] == '/');
    }
    return found;
}

static bool choose_target(const char *option, const char *path, const char *binary, struct choice *choice) {
    if (option != NULL) {
        choice->target = target_find(option);
        choice->target_why = "--target";
        if (choice->target == NULL) {
            suggest_complain("target", option, "", target_name, TARGET_COUNT);
        }
        return choice->target != NULL;
    }
    const char *slash = binary != NULL ? strrchr(binary, '/') : NULL;
    choice->target = binary != NULL ? target_find(slash != NULL ? slash + 1 : binary) : NULL;
    choice->target_why = "the binary's name";
    if (choice->target == NULL) {
        choice->target = target_of_path(path);
        choice->target_why = "the path";
    }
    if (choice->target == NULL) {
        choice->target = &target_table[TARGET_THREADS];
        choice->target_why = "the default";
    }
    return true;
}

/* --- the fault, and both --- */

static bool choose_fault(const char *option, struct choice *choice) {
    const char *environment = getenv("HAKMEM_FAULT");
    const char *word = choice->target->planted_fault;
    choice->fault_why = *word != '\0' ? "planted by the target" : "";
    if (option != NULL) {
        word = option;
        choice->fault_why = "--fault";
    } else if (environment != NULL && *environment != '\0') {
        word = environment;
        choice->fault_why = "HAKMEM_FAULT";
    }
    if (option != NULL && *option == '\0') {
        fputs("hakfuzz: --fault '' names no fault; 'none' stands for none\n", stderr);
        return false;
    }
    int index = fault_find(word);
    if (index < 0) {
        suggest_complain("fault", word, option != NULL ? "" : " (from the variable HAKMEM_FAULT)", fault_name,
                         HAK_FAULT_COUNT);
        return false;
    }
    choice->fault = index == 0 ? "" : fault_table[index].name;
    choice->malloc = NULL;
    return true;
}

bool choose(const char *target_option, const char *fault_option, const char *path, const char *binary,
            struct choice *choice) {
    return choose_target(target_option, path, binary, choice) && choose_fault(fault_option, choice);
}

void choice_tell(const struct choice *choice) {
    if (strncmp(choice->target_why, "the path", 8) == 0 || strncmp(choice->target_why, "the binary", 10) == 0) {
        fprintf(stderr, "hakfuzz: note: target %s, from %s\n", choice->target->name, choice->target_why);
    }
    if (*choice->fault != '\0' && strcmp(choice->fault_why, "--fault") != 0) {
        fprintf(stderr, "hakfuzz: note: fault %s is armed (%s); --fault none disarms it\n", choice->fault,
                choice->fault_why);
    }
}

bool choice_open_world(void) {
    static bool is_open;
    char why[256] = "";
    if (is_open) {
        return true;
    }
    guard_install();
    if (world_open(why, sizeof why) != 0) {
        fprintf(stderr, "hakfuzz: cannot make the simulated world: %s\n", why);
        return false;
    }
    is_open = true;
    return true;
}

bool choice_arm(const struct choice *choice) {
    if (!world_arm_fault(choice->fault)) {
        fprintf(stderr, "hakfuzz: this build cannot arm fault '%s': build the preset 'release' or 'fuzz'\n",
                choice->fault);
        return false;
    }
    return true;
}

bool choice_prepare(const struct choice *choice) {
    return choice->malloc != NULL || (choice_open_world() && choice_arm(choice));
}

/* --- another malloc --- */

bool choice_set_malloc(struct choice *choice, const struct malloc_choice *malloc) {
    bool is_planted = strcmp(choice->fault, choice->target->planted_fault) == 0;
    if (*choice->target->component != '\0') {
        fprintf(stderr, "hakfuzz: target %s tries a component of hakmem, not a malloc: it says nothing of %s\n",
                choice->target->name, malloc->name);
        return false;
    }
    if (*choice->fault != '\0' && !is_planted && malloc->backend.trial.begin == NULL) {
        fprintf(stderr, "hakfuzz: only hakmem has faults (%s %s), and %s is another malloc\n", choice->fault_why,
                choice->fault, malloc->name);
        return false;
    }
    choice->fault = malloc->backend.trial.begin == NULL ? "" : choice->fault;
    choice->malloc = malloc;
    return true;
}

bool choose_on(const struct verb_help *help, const struct options *options, enum real_order order, const char *path,
               const char *binary, struct malloc_choice *malloc, struct choice *choice) {
    *malloc = (struct malloc_choice){.name = NULL};
    if (!malloc_check(help, options) || !choose(options->target, options->fault, path, binary, choice)) {
        return false;
    }
    return !malloc_is_foreign(options) ||
           (malloc_choose(help, options, order, malloc) && choice_set_malloc(choice, malloc));
}

size_t choice_arguments(const struct choice *choice, const char **arguments, size_t count) {
    const struct malloc_choice *malloc = choice->malloc;
    arguments[count++] = "--target";
    arguments[count++] = choice->target->name;
    arguments[count++] = "--fault";
    arguments[count++] = *choice->fault != '\0' ? choice->fault : "none";
    if (malloc != NULL) {
        arguments[count++] = "--malloc";
        arguments[count++] = malloc->path != NULL ? malloc->path : malloc->name;
    }
    if (malloc != NULL && *malloc->prefix != '\0') {
        arguments[count++] = "--prefix";
        arguments[count++] = malloc->prefix;
    }
    return count;
}

void choice_print_repro(const struct choice *choice, const char *file, FILE *out) {
    const struct malloc_choice *malloc = choice->malloc;
    fprintf(out, "hakfuzz repro --target %s%s%s", choice->target->name, *choice->fault ? " --fault " : "",
            choice->fault);
    if (malloc != NULL) {
        fprintf(out, " --malloc %s%s%s", malloc->name, *malloc->prefix != '\0' ? " --prefix " : "", malloc->prefix);
    }
    fprintf(out, " %s\n", file);
}
