/* describe_bash: what bash needs to complete the tool's words: one function, with a case for each verb. */
#include <string.h>

#include "tools/describe.h"

static void print_verbs(FILE *out) {
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", verb_table[i].name);
    }
}

static void print_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
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
            const char *kind = describe_kind_of(option)->name;
            if (option->shortName != '\0') {
                fprintf(out, "        -%c | --%s) kind=%s words='' ;;\n", option->shortName, option->longName, kind);
            } else {
                fprintf(out, "        --%s) kind=%s words='' ;;\n", option->longName, kind);
            }
        }
    }
    fprintf(out, "        *) kind=%s ;;\n        esac\n        ;;\n", describe_arguments(help)->name);
}

/* A kind for each name: those without words of their own offer options, or files. */
static void print_kinds(FILE *out) {
    for (const struct describe_kind *kind = describe_kinds; kind->name != NULL; kind++) {
        if (kind->word != NULL) {
            fprintf(out, "    %s) words=\"$words ", kind->name);
            describe_print_words(kind, out);
            fprintf(out, "\"%s ;;\n", kind->files ? " with=-f" : "");
        }
    }
    fputs("    files) with=-f ;;\n    folders) with=-d ;;\n", out);
}

void describe_bash(FILE *out) {
    fputs("# bash completion of hakfuzz; made by `hakfuzz completion bash`\n"
          "_hakfuzz() {\n"
          "    local verb=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local words='' kind=none with=''\n"
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
        describe_verb(&verb_table[i], print_verb, out);
    }
    fputs("    esac\n    case $kind in\n", out);
    print_kinds(out);
    fputs("    esac\n"
          "    # Where files are meant, options are offered once a dash is there.\n"
          "    if [ -n \"$with\" ] && [[ $current != -* ]]; then\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        [ \"$kind\" = mallocs ] || words=''\n"
          "        mapfile -t COMPREPLY < <(compgen \"$with\" -W \"$words\" -- \"$current\")\n"
          "    elif [ -n \"$words\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -F _hakfuzz hakfuzz\n",
          out);
}
