/* describe_fish: what fish needs to complete the tool's words: a line for each verb and each option. */
#include "tools/describe.h"

static const char quote[] = "\\'";

static void print_values(const struct describe_kind *kind, FILE *out) {
    fputs(kind->files || kind->folders ? " -r -F" : " -x", out);
    if (kind->word != NULL) {
        fputs(" -a '", out);
        describe_print_words(kind, out);
        fputc('\'', out);
    }
}

static void print_verb(void *context, const struct verb_help *help, const struct poptOption *table) {
    FILE *out = context;
    fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -s h -l help -d 'explain it'\n", help->name);
    for (const struct poptOption *option = table; option->longName != NULL; option++) {
        if (!describe_is_shown(option)) {
            continue;
        }
        fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -l %s", help->name, option->longName);
        if (option->shortName != '\0') {
            fprintf(out, " -s %c", option->shortName);
        }
        if (option->argDescrip != NULL) {
            print_values(describe_kind_of(option), out);
        }
        fputs(" -d ", out);
        describe_print_quoted(option->descrip != NULL ? option->descrip : "", quote, out);
        fputc('\n', out);
    }
    const struct describe_kind *arguments = describe_arguments(help);
    if (!arguments->files) {
        fprintf(out, "complete -c hakfuzz -n '__fish_seen_subcommand_from %s' -f", help->name);
        if (arguments->word != NULL) {
            print_values(arguments, out);
        }
        fputc('\n', out);
    }
}

void describe_fish(FILE *out) {
    fputs("# fish completion of hakfuzz; made by `hakfuzz completion fish`\n", out);
    for (unsigned i = 0; i < verb_count; i++) {
        fprintf(out, "complete -c hakfuzz -n __fish_use_subcommand -f -a %s -d ", verb_table[i].name);
        describe_print_quoted(verb_table[i].meaning, quote, out);
        fputc('\n', out);
        describe_verb(&verb_table[i], print_verb, out);
    }
}
