/* emit_world: the program's bytes, one record a line beside its text, and the call. */
#include <stdio.h>

#include "oracle/text.h"
#include "tools/emit.h"

static void bytes_print(FILE *out, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "0x%02x,%s", bytes[i], i + 1 < count ? " " : "");
    }
}

static void gene_text(const struct gene *gene, char *text, size_t capacity) {
    snprintf(text, capacity, "at record %u, yield %u: %s=%u", gene->record, gene->yield, gene_kind_words[gene->kind],
             gene->value);
}

static void units_print(FILE *out, const struct program *program) {
    char text[160];
    for (uint32_t i = 0; i < program->record_count + program->gene_count; i++) {
        int thread = -1;
        if (i < program->record_count) {
            struct record record = program_record(program, i);
            text_format_record(&record, text, sizeof text);
            thread = record.thread;
        } else {
            struct gene gene = program_gene(program, i - program->record_count);
            gene_text(&gene, text, sizeof text);
        }
        fputs("    ", out);
        bytes_print(out, program_unit(program, i), PROGRAM_RECORD_BYTES);
        if (thread < 0) {
            fprintf(out, " /* %s */\n", text);
        } else {
            fprintf(out, " /* %u: t%d %s */\n", i, thread, text);
        }
    }
}

void emit_world(FILE *out, const struct emit_head *head, const struct target_info *target, const char *fault,
                const struct program *program, const struct verdict *verdict) {
    fprintf(out,
            "/* %s: %s, made of %s by hakfuzz emit-c.\n"
            " * The program runs in hakmem's simulated world, which decides every switch of its threads.\n *\n"
            " *     %s\n *\n"
            " * Expected: \"clean\", exit status 0.\n"
            " * Seen: %s\n"
            " *       exit status 1, signature %s */\n"
            "#include <stddef.h>\n\n"
            "int hakmem_reproduce(const char *target, const char *fault, const unsigned char *program,\n"
            "                     size_t size_bytes, const char *expected_signature);\n\n"
            "static const unsigned char program[] = {\n    ",
            head->name, check_table[head->check].id, head->input, head->build, verdict->message, verdict->signature);
    size_t header_bytes = program->size_bytes < PROGRAM_HEADER_BYTES ? program->size_bytes : PROGRAM_HEADER_BYTES;
    bytes_print(out, program->bytes, header_bytes);
    fputs(" /* header */\n", out);
    units_print(out, program);
    size_t told = PROGRAM_HEADER_BYTES + (size_t)(program->record_count + program->gene_count) * PROGRAM_RECORD_BYTES;
    if (program->size_bytes > told && program->tail_bytes != 0) {
        fputs("    ", out);
        bytes_print(out, program->bytes + told, program->size_bytes - told);
        fputs(" /* means nothing */\n", out);
    }
    fprintf(out,
            "};\n\nint main(void) {\n"
            "    return hakmem_reproduce(\"%s\", \"%s\", program, sizeof program,\n"
            "                            \"%s\");\n}\n",
            target->name, fault, verdict->signature);
}
