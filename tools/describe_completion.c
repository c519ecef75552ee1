/* describe_completion: lists of words for shells. What an option's value is follows from the word that --help has for
 * it (TARGET, FAULT, DIR, OUT, ...); whether arguments are files, from the synopsis. */
#include <string.h>

#include "oracle/fault.h"
#include "oracle/target.h"
#include "tools/describe.h"

static bool takes_files(const struct verb_help *help) {
    return strstr(help->synopsis, "FILE") != NULL || strstr(help->synopsis, "DIR") != NULL ||
           strstr(help->synopsis, "TEXT") != NULL || strstr(help->synopsis, "BYTES") != NULL;
}

static const char *kind_of(const struct poptOption *option) {
    static const struct {
        const char *value;
        const char *kind;
    } kinds[] = {{"TARGET", "targets"}, {"FAULT", "faults"}, {"OUT", "files"},
                 {"BINARY", "files"},   {"DIR", "folders"},  {"FILE", "files"}};
    for (size_t i = 0; option->argDescrip != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(option->argDescrip, kinds[i].value) == 0) {
            return kinds[i].kind;
        }
    }
    return "value";
}

static void print_verbs(FILE *out) {
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", verb_table[i].name);
    }
}

static void print_targets(FILE *out) {
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", target_table[i].name);
    }
}

static void print_faults(FILE *out) {
    for (unsigned i = 0; i < HAK_FAULT_COUNT; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", fault_table[i].name);
    }
}

/* --- bash --- */

static void bash_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
    FILE *out = context;
    fprintf(out, "    %s)\n        words='--help", help->name);
    for (const struct poptOption *option = table; option->longName != NULL; option++) {
        if (describe_is_shown(option)) {
            fprintf(out, " --%s", option->longName);
        }
    }
    fputs("'\n        case $before in\n", out);
    for (const struct poptOption *option = table; option->longName != NULL; option++) {
        if (describe_is_shown(option) && option->argDescrip != NULL) {
            if (option->shortName != '\0') {
                fprintf(out, "        -%c | --%s) kind=%s ;;\n", option->shortName, option->longName, kind_of(option));
            } else {
                fprintf(out, "        --%s) kind=%s ;;\n", option->longName, kind_of(option));
            }
        }
    }
    const char *rest = takes_files(help) ? "files" : strcmp(help->name, "completion") == 0 ? "shells" : "none";
    fprintf(out, "        *) kind=%s ;;\n        esac\n        ;;\n", rest);
}

void describe_bash(FILE *out) {
    fputs("# bash completion of hakfuzz; made by `hakfuzz completion bash`\n"
          "_hakfuzz() {\n"
          "    local verb=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local words='' kind=none\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '--help --version help ",
          out);
    print_verbs(out);
    fputs("' -- \"$current\")\n        return\n    fi\n"
          "    # --option=value is three words to the shell\n"
          "    if [ \"$current\" = '=' ]; then\n        current=\n"
          "    elif [ \"$before\" = '=' ]; then\n        before=${COMP_WORDS[COMP_CWORD - 2]}\n    fi\n"
          "    case $verb in\n    help)\n        words='",
          out);
    print_verbs(out);
    fputs("'\n        ;;\n", out);
    for (unsigned i = 0; i < verb_count; i++) {
        describe_verb(&verb_table[i], bash_verb, out);
    }
    fputs("    esac\n    case $kind in\n    value) words='' ;;\n    targets) words='", out);
    print_targets(out);
    fputs("' ;;\n    faults) words='", out);
    print_faults(out);
    fputs("' ;;\n    shells) words=\"$words bash fish\" ;;\n    esac\n"
          "    if [ \"$kind\" = folders ]; then\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n"
          "    elif [ \"$kind\" = files ] && [[ $current != -* ]]; then\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    elif [ -n \"$words\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -F _hakfuzz hakfuzz\n",
          out);
}

/* --- fish --- */

/* In single quotes. */
static void print_quoted(const char *text, FILE *out) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    }
    fputc('\'', out);
}

static void fish_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
    FILE *out = context;
    fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -s h -l help -d 'explain it'\n", help->name);
    for (const struct poptOption *option = table; option->longName != NULL; option++) {
        if (!describe_is_shown(option)) {
            continue;
        }
        const char *kind = kind_of(option);
        fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -l %s", help->name, option->longName);
        if (option->shortName != '\0') {
            fprintf(out, " -s %c", option->shortName);
        }
        if (option->argDescrip != NULL) {
            fputs(strcmp(kind, "files") == 0 || strcmp(kind, "folders") == 0 ? " -r -F" : " -x", out);
        }
        if (strcmp(kind, "targets") == 0) {
            fputs(" -a '", out);
            print_targets(out);
            fputc('\'', out);
        } else if (strcmp(kind, "faults") == 0) {
            fputs(" -a '", out);
            print_faults(out);
            fputc('\'', out);
        }
        fputs(" -d ", out);
        print_quoted(option->descrip != NULL ? option->descrip : "", out);
        fputc('\n', out);
    }
    if (!takes_files(help)) {
        fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -f\n", help->name);
    }
}

void describe_fish(FILE *out) {
    fputs("# fish completion of hakfuzz; made by `hakfuzz completion fish`\n", out);
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, "complete -c hakfuzz -n __fish_use_subcommand -f -a %s -d ", verb_table[i].name);
        print_quoted(verb_table[i].meaning, out);
        fputc('\n', out);
        describe_verb(&verb_table[i], fish_verb, out);
    }
}
