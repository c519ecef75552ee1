/* describe_zsh: what zsh needs to complete the tool's words: a function for `_arguments`, with a case for each verb. It
 * serves as the file _hakfuzz in a folder of $fpath, and when it is evaluated after compinit. */
#include <string.h>

#include "tools/describe.h"

static const char quote[] = "'\\''";

/* A description inside brackets, or in front of a colon: these have a meaning there. */
static void print_plain(const char *text, FILE *out) {
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs(quote, out);
        } else {
            fprintf(out, "%s%c", strchr("[]:\\", *text) != NULL ? "\\" : "", *text);
        }
    }
}

/* ":TARGET:{compadd -a hakfuzz_targets}", ":OUT:_files" */
static void print_value(const char *value, const struct describe_kind *kind, FILE *out) {
    fprintf(out, ":%s:", value);
    if (kind->word != NULL) {
        fprintf(out, "{compadd -a hakfuzz_%s%s}", kind->name, kind->files ? "; _files" : "");
    } else {
        fputs(kind->files ? "_files" : kind->folders ? "_files -/" : " ", out);
    }
}

/* '(-t --target)'{-t+,--target=}'[what programs may do]:TARGET:...'; what may be given several times begins with a
 * star. */
static void print_option(const struct poptOption *option, FILE *out) {
    bool has_value = option->argDescrip != NULL, is_list = (option->argInfo & POPT_ARG_MASK) == POPT_ARG_ARGV;
    char letter = option->shortName;
    const char *name = option->longName;
    fputs(" \\\n            '", out);
    if (is_list) {
        fputc('*', out);
    } else if (letter != '\0') {
        fprintf(out, "(-%c --%s)", letter, name);
    }
    if (letter != '\0') {
        fprintf(out, "'{-%c%s,--%s%s}'[", letter, has_value ? "+" : "", name, has_value ? "=" : "");
    } else {
        fprintf(out, "--%s%s[", name, has_value ? "=" : "");
    }
    print_plain(option->descrip != NULL ? option->descrip : "", out);
    fputc(']', out);
    if (has_value) {
        print_value(option->argDescrip, describe_kind_of(option), out);
    }
    fputc('\'', out);
}

static void print_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
    FILE *out = context;
    fprintf(out, "    %s)\n        _arguments -s {-h,--help}'[this page]'", help->name);
    for (const struct poptOption *option = table; option->longName != NULL; option++) {
        if (describe_is_shown(option)) {
            print_option(option, out);
        }
    }
    const struct describe_kind *arguments = describe_arguments(help);
    if (arguments->files || arguments->word != NULL) {
        fputs(" \\\n            '*", out);
        print_value(arguments->value, arguments, out);
        fputc('\'', out);
    }
    fputs("\n        ;;\n", out);
}

void describe_zsh(FILE *out) {
    fputs("#compdef hakfuzz\n"
          "# zsh completion of hakfuzz; made by `hakfuzz completion zsh`\n"
          "_hakfuzz() {\n"
          "    local -a verbs=(\n",
          out);
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, "        '%s:", verb_table[i].name);
        print_plain(verb_table[i].meaning, out);
        fputs("'\n", out);
    }
    fputs("    )\n", out);
    for (const struct describe_kind *kind = describe_kinds; kind->name != NULL; kind++) {
        if (kind->word != NULL) {
            fprintf(out, "    local -a hakfuzz_%s=(", kind->name);
            describe_print_words(kind, out);
            fputs(")\n", out);
        }
    }
    fputs("    if ((CURRENT == 2)); then\n"
          "        _describe verb verbs\n"
          "        compadd -- --help --version help\n"
          "        return\n"
          "    fi\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $words[1] in\n"
          "    help) _describe verb verbs ;;\n",
          out);
    for (unsigned i = 0; i < verb_count; i++) {
        describe_verb(&verb_table[i], print_verb, out);
    }
    fputs("    esac\n"
          "}\n"
          "if [ \"$funcstack[1]\" = _hakfuzz ]; then\n"
          "    _hakfuzz \"$@\"\n"
          "else\n"
          "    compdef _hakfuzz hakfuzz\n"
          "fi\n",
          out);
}
