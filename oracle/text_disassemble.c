/* text_disassemble: from bytes to the exact text form.
 *
 * Total: whatever canonical words cannot carry follows as raw bytes behind a '!' (header, records, genes) or as 'tail'
 * lines, so that assembling gives the same bytes back. Sizes get a comment where the words do not show the number.
 * No state; safe on any thread. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "allocator/geometry.h"
#include "oracle/preset.h"
#include "oracle/program.h"
#include "oracle/text.h"

enum { TAIL_BYTES_A_LINE = 32, RECORD_TEXT_BYTES = 96, COMMENT_COLUMN = 32 };

/* Prints until the first failure and remembers its errno. */
struct printer {
    FILE *out;
    int error;
};

__attribute__((format(printf, 2, 3))) static void say(struct printer *printer, const char *format, ...) {
    if (printer->error)
        return;
    va_list arguments;
    va_start(arguments, format);
    if (vfprintf(printer->out, format, arguments) < 0)
        printer->error = errno ? errno : EIO;
    va_end(arguments);
}

static void say_hex(struct printer *printer, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        say(printer, " %02x", bytes[i]);
}

static void say_raw(struct printer *printer, const uint8_t *bytes, size_t count) {
    say(printer, " !");
    say_hex(printer, bytes, count);
}

static void say_header(struct printer *printer, const struct program *program) {
    const struct program_header *header = &program->header;
    say(printer, "hakmem %u\n", header->version);
    say(printer, "geometry %s\n", hak_geometries[header->geometry].name);
    say(printer, "slots %u\n", header->slot_count);
    if (header->placement != 0)
        say(printer, "place %s\n", program_placement_names[header->placement]);
    if (header->ops_off) {
        say(printer, "off");
        for (unsigned op = 0; op < OP_COUNT; op++)
            if (header->ops_off >> op & 1)
                say(printer, " %s", program_op_info[op].name);
        say(printer, "\n");
    }
    if (header->favoured_op != OP_NOP || header->favour_weight)
        say(printer, "favour %s %u\n", program_op_info[header->favoured_op].name, header->favour_weight);
    if (header->fail_every)
        say(printer, "fail-every %u\n", header->fail_every);
    if (header->clock_step_ms)
        say(printer, "clock-step %u\n", header->clock_step_ms);
    if (header->preset != PRESET_DEFAULT)
        say(printer, "options %s\n", preset_table[header->preset].name);
    if (header->mode != MODE_GENES)
        say(printer, "mode %s %u\n", program_mode_names[header->mode], header->mode_seed);
    if (header->weak)
        say(printer, "memory weak\n");

    uint8_t canonical[PROGRAM_HEADER_BYTES];
    program_header_write(header, canonical);
    if (program->size_bytes < sizeof canonical || memcmp(canonical, program->bytes, sizeof canonical) != 0 ||
        header->gene_count != program->gene_count) {
        say(printer, "header");
        say_raw(printer, program->bytes,
                program->size_bytes < sizeof canonical ? program->size_bytes : sizeof canonical);
        say(printer, "\n");
    }
}

void text_format_record(const struct record *record, char *buffer, size_t capacity) {
    const struct op_info *info = &program_op_info[record->op];
    char slot[8] = "", size[24] = "", align[32] = "", count[16] = "", option[48] = "";
    if (info->fields & FIELD_SLOT)
        snprintf(slot, sizeof slot, " s%u", record->slot);
    if (info->fields & FIELD_SIZE) {
        const char *name = program_boundaries[record->boundary].name;
        if (record->distance)
            snprintf(size, sizeof size, " %s%+d", name, record->distance);
        else
            snprintf(size, sizeof size, " %s", name);
    }
    if (info->fields & FIELD_ALIGN)
        snprintf(align, sizeof align, " align=%" PRIu64 "%s", UINT64_C(1) << record->align_exponent,
                 record->align_odd ? "+1" : "");
    if (info->fields & FIELD_COUNT)
        snprintf(count, sizeof count, " %s=%u", info->count_word, record->argument);
    if (info->fields & FIELD_OPTION) {
        const struct choice_info *choice = &choice_table[record_option_choice(record)];
        snprintf(option, sizeof option, " %s=%" PRIu32, hak_option_table[choice->option].name,
                 choice->values[record_option_value(record)]);
    }
    snprintf(buffer, capacity, "%s%s%s%s%s%s", info->name, slot, size, align, count, option);
}

/* "" when the words already say it: a size that is a boundary written in digits. */
static void format_comment(const struct record *record, char *buffer, size_t capacity) {
    unsigned fields = program_op_info[record->op].fields;
    size_t size_bytes = record_size_bytes(record), count = record->argument;
    const char *name = program_boundaries[record->boundary].name;
    buffer[0] = '\0';
    if (!(fields & FIELD_SIZE))
        return;
    if (!(fields & FIELD_COUNT)) {
        if (record->distance || strspn(name, "0123456789") != strlen(name))
            snprintf(buffer, capacity, "size %zu", size_bytes);
    } else if (record->op == OP_MALLOC_MANY) {
        snprintf(buffer, capacity, "size %zu each", size_bytes);
    } else if (count > 0 && size_bytes > SIZE_MAX / count) {
        snprintf(buffer, capacity, "size overflows");
    } else {
        snprintf(buffer, capacity, "size %zu", size_bytes * count);
    }
}

static void say_record(struct printer *printer, const struct record *record, const uint8_t *bytes) {
    char words[RECORD_TEXT_BYTES], comment[40];
    uint8_t canonical[PROGRAM_RECORD_BYTES];
    text_format_record(record, words, sizeof words);
    format_comment(record, comment, sizeof comment);
    record_write(record, canonical);
    bool raw = memcmp(canonical, bytes, sizeof canonical) != 0;

    say(printer, "t%u ", record->thread);
    if (raw || !comment[0])
        say(printer, "%s", words);
    else
        say(printer, "%-*s", COMMENT_COLUMN, words);
    if (raw)
        say_raw(printer, bytes, sizeof canonical);
    if (comment[0])
        say(printer, " # %s", comment);
    say(printer, "\n");
}

static void say_gene(struct printer *printer, const struct gene *gene, const uint8_t *bytes) {
    uint8_t canonical[PROGRAM_RECORD_BYTES];
    gene_write(gene, canonical);
    say(printer, "gene at=%u yield=%u %s=%u", gene->record, gene->yield, gene_kind_words[gene->kind], gene->value);
    if (memcmp(canonical, bytes, sizeof canonical) != 0)
        say_raw(printer, bytes, sizeof canonical);
    say(printer, "\n");
}

int text_disassemble(const uint8_t *bytes, size_t size_bytes, FILE *out) {
    struct printer printer = {out, 0};
    struct program program;
    program_read(&program, bytes, size_bytes);
    say_header(&printer, &program);

    const uint8_t *at = size_bytes > PROGRAM_HEADER_BYTES ? bytes + PROGRAM_HEADER_BYTES : bytes;
    for (uint32_t i = 0; i < program.record_count; i++, at += PROGRAM_RECORD_BYTES) {
        struct record record = program_record(&program, i);
        say_record(&printer, &record, at);
    }
    for (uint32_t i = 0; i < program.gene_count; i++, at += PROGRAM_RECORD_BYTES) {
        struct gene gene = program_gene(&program, i);
        say_gene(&printer, &gene, at);
    }
    for (size_t left = program.tail_bytes; left > 0 && !printer.error;) {
        size_t count = left < TAIL_BYTES_A_LINE ? left : TAIL_BYTES_A_LINE;
        say(&printer, "tail");
        say_hex(&printer, at, count);
        say(&printer, "\n");
        at += count;
        left -= count;
    }
    if (!printer.error && fflush(out) != 0)
        printer.error = errno;
    if (!printer.error)
        return 0;
    errno = printer.error;
    return -1;
}

size_t text_mark_bytes(const uint8_t *bytes, size_t size_bytes) {
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    return size_bytes >= sizeof mark && memcmp(bytes, mark, sizeof mark) == 0 ? sizeof mark : 0;
}

int text_looks_like(const uint8_t *bytes, size_t size_bytes) {
    static const char magic[] = "hakmem";
    size_t at = text_mark_bytes(bytes, size_bytes);
    while (at < size_bytes && (bytes[at] == '#' || memchr(" \t\r\v\f\n", bytes[at], 6))) {
        if (bytes[at] == '#') {
            const uint8_t *newline = memchr(bytes + at, '\n', size_bytes - at);
            if (!newline)
                return 0;
            at = (size_t)(newline - bytes);
        }
        at++;
    }
    size_t end = at + sizeof magic - 1;
    if (end > size_bytes || memcmp(bytes + at, magic, sizeof magic - 1) != 0)
        return 0;
    return end == size_bytes || memchr(" \t\r\v\f\n#", bytes[end], 7) != NULL;
}
