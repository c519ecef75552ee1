/* text_assemble: from the text form to bytes.
 *
 * One pass, line by line, in the order version, header, records, genes, tail. Where raw bytes follow a '!', they are
 * what is written, and the words in front must agree with them. At the end the bytes are read back: they must hold
 * as many records and genes as the text has lines, so that no text can mean something it does not show.
 * No state; safe on any thread. */
#include <stdlib.h>
#include <string.h>

#include "allocator/geometry.h"
#include "oracle/preset.h"
#include "oracle/program.h"
#include "oracle/text.h"
#include "oracle/text_fields.h"
#include "oracle/text_words.h"

enum stage { STAGE_VERSION, STAGE_HEADER, STAGE_RECORDS, STAGE_GENES, STAGE_TAIL };

/* A place to point at later, when its line is no longer the current one. */
struct place {
    unsigned line;
    struct word word;
};

struct assembly {
    struct text_reader in;
    uint8_t *bytes; /* header first; big enough for whatever the text can hold */
    size_t capacity_bytes;
    size_t size_bytes;
    enum stage stage;
    struct program_header header; /* as the words say */
    unsigned lines_seen;          /* bit i: header line i was given */
    struct place raw;             /* of "header !"; line 0: there is none */
    size_t raw_bytes;
    struct place tail; /* the first tail line; line 0: there is none */
    unsigned records;
    unsigned genes;
};

static bool fail_at(struct assembly *a, const struct place *place, const char *message) {
    a->in.line = place->line;
    return text_fail(&a->in, &place->word, "%s", message);
}

static bool line_is_over(struct assembly *a) {
    struct word word;
    char quote[QUOTE_BYTES];
    return !text_next_word(&a->in, &word) ||
           text_fail(&a->in, &word, "unexpected \"%s\" at the end of the line", word_quote(&word, quote));
}

/* Either the end of the line, or '!' and exactly the bytes of a record: sets *given. */
static bool take_raw(struct assembly *a, uint8_t raw[PROGRAM_RECORD_BYTES], struct word *mark, bool *given) {
    char quote[QUOTE_BYTES];
    size_t count;
    *given = text_next_word(&a->in, mark);
    if (!*given)
        return true;
    if (!word_is(mark, "!"))
        return text_fail(&a->in, mark, "unexpected \"%s\" at the end of the line", word_quote(mark, quote));
    if (!text_hex(&a->in, raw, PROGRAM_RECORD_BYTES, &count))
        return false;
    return count == PROGRAM_RECORD_BYTES ||
           text_fail(&a->in, mark, "%zu bytes follow, %d are needed", count, PROGRAM_RECORD_BYTES);
}

static void append(struct assembly *a, const uint8_t unit[PROGRAM_RECORD_BYTES]) {
    memcpy(a->bytes + a->size_bytes, unit, PROGRAM_RECORD_BYTES);
    a->size_bytes += PROGRAM_RECORD_BYTES;
}

/* --- header lines --- */

static const char *geometry_name(unsigned i) {
    return hak_geometries[i].name;
}
static const char *placement_name(unsigned i) {
    return program_placement_names[i];
}
static const char *preset_name(unsigned i) {
    return preset_table[i].name;
}
static const struct name_list geometries = {"geometry", geometry_name, HAK_GEOMETRY_COUNT};
static const struct name_list placements = {"placement", placement_name, PLACEMENT_COUNT};
static const struct name_list presets = {"set of options", preset_name, PRESET_COUNT};

static bool take_name(struct assembly *a, const struct name_list *list, unsigned *index) {
    struct word word;
    return text_take_word(&a->in, &word, list->what) && text_find(&a->in, &word, list, index);
}

static bool header_geometry(struct assembly *a) {
    unsigned index;
    if (!take_name(a, &geometries, &index))
        return false;
    a->header.geometry = (uint8_t)index;
    return true;
}

static bool header_slots(struct assembly *a) {
    struct word word;
    uint64_t value;
    if (!text_take_word(&a->in, &word, "a number of slots"))
        return false;
    for (unsigned i = 0; i < SLOT_CHOICES; i++) {
        if (word_number(&word, UINT8_MAX, &value) && program_slot_counts[i] == value) {
            a->header.slot_count = program_slot_counts[i];
            return true;
        }
    }
    char quote[QUOTE_BYTES];
    return text_fail(&a->in, &word, "slots must be 4, 8, 16 or 64, not \"%s\"", word_quote(&word, quote));
}

static bool header_place(struct assembly *a) {
    unsigned index;
    if (!take_name(a, &placements, &index))
        return false;
    a->header.placement = (enum program_placement)index;
    return true;
}

static bool header_off(struct assembly *a) {
    struct word word;
    unsigned op;
    if (!text_take_word(&a->in, &word, "an operation"))
        return false;
    do {
        if (!text_find(&a->in, &word, &text_ops, &op))
            return false;
        if (op == OP_NOP)
            return text_fail(&a->in, &word, "nop cannot be switched off");
        a->header.ops_off |= UINT32_C(1) << op;
    } while (text_next_word(&a->in, &word));
    return true;
}

static bool header_favour(struct assembly *a) {
    unsigned op, weight;
    if (!take_name(a, &text_ops, &op) || !text_take_number(&a->in, "the weight", UINT8_MAX, &weight))
        return false;
    a->header.favoured_op = (enum program_op)op;
    a->header.favour_weight = (uint8_t)weight;
    return true;
}

static bool header_fail_every(struct assembly *a) {
    unsigned number;
    if (!text_take_number(&a->in, "fail-every", UINT8_MAX, &number))
        return false;
    a->header.fail_every = (uint8_t)number;
    return true;
}

static bool header_clock_step(struct assembly *a) {
    unsigned number;
    if (!text_take_number(&a->in, "clock-step", UINT8_MAX, &number))
        return false;
    a->header.clock_step_ms = (uint8_t)number;
    return true;
}

static bool header_options(struct assembly *a) {
    unsigned index;
    if (!take_name(a, &presets, &index))
        return false;
    a->header.preset = (uint8_t)index;
    return true;
}

static const char *mode_name(unsigned i) {
    return program_mode_names[i];
}
static const struct name_list modes = {"mode", mode_name, MODE_COUNT};

static bool header_mode(struct assembly *a) {
    unsigned index, seed = 0;
    if (!take_name(a, &modes, &index) ||
        (index != MODE_GENES && !text_take_number(&a->in, "the seed", UINT8_MAX, &seed)))
        return false;
    a->header.mode = (enum program_mode)index;
    a->header.mode_seed = (uint8_t)seed;
    return true;
}

static const char *memory_name(unsigned i) {
    static const char *const names[] = {"strong", "weak"};
    return names[i];
}
static const struct name_list memories = {"memory", memory_name, 2};

static bool header_memory(struct assembly *a) {
    unsigned index;
    if (!take_name(a, &memories, &index))
        return false;
    a->header.weak = index != 0;
    return true;
}

static bool header_raw(struct assembly *a) {
    char quote[QUOTE_BYTES];
    a->raw.line = a->in.line;
    if (!text_take_word(&a->in, &a->raw.word, "\"!\" and the bytes of the header"))
        return false;
    if (!word_is(&a->raw.word, "!"))
        return text_fail(&a->in, &a->raw.word, "expected \"!\" and the bytes of the header, found \"%s\"",
                         word_quote(&a->raw.word, quote));
    return text_hex(&a->in, a->bytes, PROGRAM_HEADER_BYTES, &a->raw_bytes);
}

static const struct header_line {
    const char *name;
    bool (*parse)(struct assembly *a);
} header_lines[] = {
    {"geometry", header_geometry}, {"slots", header_slots},           {"place", header_place},
    {"off", header_off},           {"favour", header_favour},         {"fail-every", header_fail_every},
    {"header", header_raw},        {"clock-step", header_clock_step}, {"options", header_options},
    {"mode", header_mode},         {"memory", header_memory},
};
enum { HEADER_LINES = sizeof header_lines / sizeof header_lines[0] };

/* Every first word of a line but threads: for look-up and suggestions. */
static const char *line_name(unsigned i) {
    return i < HEADER_LINES ? header_lines[i].name : i == HEADER_LINES ? "gene" : "tail";
}
enum { LINE_GENE = HEADER_LINES, LINE_TAIL, LINE_NAMES };
static const struct name_list line_names = {"line", line_name, LINE_NAMES};

static bool headers_agree(const struct program_header *words, const struct program_header *raw) {
    return words->version == raw->version && words->geometry == raw->geometry && words->slot_count == raw->slot_count &&
           words->placement == raw->placement && words->ops_off == raw->ops_off &&
           words->favoured_op == raw->favoured_op && words->favour_weight == raw->favour_weight &&
           words->fail_every == raw->fail_every && words->clock_step_ms == raw->clock_step_ms &&
           words->preset == raw->preset && words->mode == raw->mode && words->mode_seed == raw->mode_seed &&
           words->weak == raw->weak;
}

/* The header is complete: raw bytes, if any, must say what the lines say. */
static bool leave_header(struct assembly *a, const struct word *next) {
    struct program program;
    a->stage = STAGE_RECORDS;
    if (a->raw.line == 0)
        return true;
    if (next && a->raw_bytes < PROGRAM_HEADER_BYTES)
        return text_fail(&a->in, next, "nothing can follow a header of only %zu bytes", a->raw_bytes);
    program_read(&program, a->bytes, a->raw_bytes);
    if (!headers_agree(&a->header, &program.header))
        return fail_at(a, &a->raw, "these bytes and the header lines do not agree (delete one of them)");
    return true;
}

/* --- lines behind the header --- */

static bool parse_record(struct assembly *a, const struct word *thread) {
    struct record record = {0};
    struct word word, mark;
    uint64_t number;
    unsigned op, argument = 0;
    uint8_t canonical[PROGRAM_RECORD_BYTES], raw[PROGRAM_RECORD_BYTES], agreed[PROGRAM_RECORD_BYTES];
    char quote[QUOTE_BYTES];
    bool given;

    word = word_after(thread, 1);
    if (!word_number(&word, UINT64_MAX, &number))
        return text_fail(&a->in, thread, "expected a thread such as t0, found \"%s\"", word_quote(thread, quote));
    if (number >= PROGRAM_THREADS_MAX)
        return text_fail(&a->in, thread, "thread %s is beyond t%d", word_quote(thread, quote), PROGRAM_THREADS_MAX - 1);
    if (a->stage > STAGE_RECORDS)
        return text_fail(&a->in, thread, "records come before %s", a->stage == STAGE_GENES ? "genes" : "the tail");
    if (a->records == PROGRAM_RECORDS_MAX)
        return text_fail(&a->in, thread, "more than %d records", PROGRAM_RECORDS_MAX);
    record.thread = (uint8_t)number;
    if (!take_name(a, &text_ops, &op))
        return false;
    record.op = (enum program_op)op;
    const struct op_info *info = &program_op_info[op];
    if ((info->fields & FIELD_SLOT) && !text_take_slot(&a->in, a->header.slot_count, &record.slot))
        return false;
    if ((info->fields & FIELD_SIZE) && !text_take_size(&a->in, &record))
        return false;
    if ((info->fields & FIELD_ALIGN) && !text_take_align(&a->in, &record))
        return false;
    if ((info->fields & FIELD_COUNT) && !text_take_keyed(&a->in, info->count_word, UINT16_MAX, &argument))
        return false;
    record.argument = (uint16_t)argument;
    if ((info->fields & FIELD_OPTION) && !text_take_option(&a->in, &record))
        return false;

    record_write(&record, canonical);
    if (!take_raw(a, raw, &mark, &given))
        return false;
    if (given) {
        struct record decoded = record_read(raw, a->header.slot_count);
        record_write(&decoded, agreed);
        if (memcmp(canonical, agreed, sizeof canonical) != 0) {
            char says[80];
            text_format_record(&decoded, says, sizeof says);
            return text_fail(&a->in, &mark, "these bytes say \"t%u %s\" (delete them or correct the words)",
                             decoded.thread, says);
        }
    }
    append(a, given ? raw : canonical);
    a->records++;
    return true;
}

static const char *gene_word(unsigned i) {
    return gene_kind_words[i];
}
static const struct name_list gene_words = {"gene", gene_word, GENE_KIND_COUNT};

/* "hold=3": the kind, and its value. */
static bool take_gene_value(struct assembly *a, struct gene *gene) {
    struct word word;
    uint64_t value;
    if (!text_take_word(&a->in, &word, "\"hold=\""))
        return false;
    const char *sign = memchr(word.at, '=', word.length);
    if (sign == NULL)
        return text_fail(&a->in, &word, "expected \"hold=\"");
    struct word key = {.at = word.at, .length = (size_t)(sign - word.at), .column = word.column};
    struct word number = word_after(&word, key.length + 1);
    unsigned kind;
    if (!text_find(&a->in, &key, &gene_words, &kind))
        return false;
    char quote[QUOTE_BYTES];
    if (!word_number(&number, UINT8_MAX, &value))
        return text_fail(&a->in, &number, "%s must be from 0 to %u, not \"%s\"", gene_kind_words[kind], UINT8_MAX,
                         word_quote(&number, quote));
    gene->kind = (enum gene_kind)kind;
    gene->value = (uint8_t)value;
    return true;
}

static bool parse_gene(struct assembly *a, const struct word *first) {
    uint8_t canonical[PROGRAM_RECORD_BYTES], raw[PROGRAM_RECORD_BYTES], agreed[PROGRAM_RECORD_BYTES];
    unsigned record, yield;
    struct gene gene = {0};
    struct word mark;
    bool given;
    if (a->stage > STAGE_GENES)
        return text_fail(&a->in, first, "genes come before the tail");
    a->stage = STAGE_GENES;
    if (a->genes == PROGRAM_GENES_MAX)
        return text_fail(&a->in, first, "more than %d genes", PROGRAM_GENES_MAX);
    if (!text_take_keyed(&a->in, "at", UINT16_MAX, &record) || !text_take_keyed(&a->in, "yield", UINT16_MAX, &yield) ||
        !take_gene_value(a, &gene) || !take_raw(a, raw, &mark, &given))
        return false;
    gene.record = (uint16_t)record;
    gene.yield = (uint16_t)yield;
    gene_write(&gene, canonical);
    if (given) {
        struct gene decoded = gene_read(raw);
        gene_write(&decoded, agreed);
        if (memcmp(canonical, agreed, sizeof canonical) != 0)
            return text_fail(&a->in, &mark, "these bytes say another gene (delete them or correct the words)");
    }
    append(a, given ? raw : canonical);
    a->genes++;
    return true;
}

static bool parse_tail(struct assembly *a, const struct word *first) {
    size_t count;
    if (a->tail.line == 0)
        a->tail = (struct place){a->in.line, *first};
    a->stage = STAGE_TAIL;
    if (!text_hex(&a->in, a->bytes + a->size_bytes, a->capacity_bytes - a->size_bytes, &count))
        return false;
    a->size_bytes += count;
    return true;
}

static bool parse_version(struct assembly *a, const struct word *first) {
    unsigned version;
    if (!word_is(first, "hakmem"))
        return text_fail(&a->in, first, "a program starts with the line \"hakmem %d\"", PROGRAM_VERSION);
    a->stage = STAGE_HEADER;
    if (!text_take_number(&a->in, "the version", UINT8_MAX, &version))
        return false;
    a->header.version = (uint8_t)version;
    return line_is_over(a);
}

static bool parse_header_line(struct assembly *a, const struct word *first, unsigned line) {
    if (a->stage != STAGE_HEADER)
        return text_fail(&a->in, first, "header lines come before records");
    if (a->lines_seen >> line & 1)
        return text_fail(&a->in, first, "%s is given twice", header_lines[line].name);
    a->lines_seen |= 1U << line;
    return header_lines[line].parse(a) && line_is_over(a);
}

static bool parse_line(struct assembly *a, const struct word *first) {
    unsigned line = LINE_NAMES;
    if (a->stage == STAGE_VERSION)
        return parse_version(a, first);
    bool record = first->length > 1 && first->at[0] == 't' && first->at[1] >= '0' && first->at[1] <= '9';
    if (!record) {
        for (unsigned op = 0; op < OP_COUNT; op++)
            if (word_is(first, program_op_info[op].name))
                return text_fail(&a->in, first, "the thread is missing: \"t0 %s\"", program_op_info[op].name);
        if (!text_find(&a->in, first, &line_names, &line))
            return false;
        if (line < HEADER_LINES)
            return parse_header_line(a, first, line);
    }
    if (a->stage == STAGE_HEADER && !leave_header(a, first))
        return false;
    return record ? parse_record(a, first) : line == LINE_GENE ? parse_gene(a, first) : parse_tail(a, first);
}

/* Write the header and read everything back: the bytes must hold what the lines show. */
static bool finish(struct assembly *a) {
    struct program program;
    const struct word start = {"", 0, 1};
    if (a->stage == STAGE_VERSION)
        return text_fail(&a->in, &start, "a program starts with the line \"hakmem %d\"", PROGRAM_VERSION);
    if (a->stage == STAGE_HEADER && !leave_header(a, NULL))
        return false;
    if (a->raw.line == 0) {
        a->header.gene_count = (uint8_t)a->genes;
        program_header_write(&a->header, a->bytes);
    } else if (a->raw_bytes < PROGRAM_HEADER_BYTES) {
        a->size_bytes = a->raw_bytes;
    }
    program_read(&program, a->bytes, a->size_bytes);
    if (program.record_count == a->records && program.gene_count == a->genes)
        return true;
    if (a->tail.line > 0)
        return fail_at(a, &a->tail, "the tail is so long that it would be read as records: it has at most 7 bytes");
    a->in.line = a->raw.line;
    return text_fail(&a->in, &a->raw.word, "these bytes ask for %u genes, the text has %u", program.header.gene_count,
                     a->genes);
}

uint8_t *text_assemble(const char *text, size_t length, size_t *size_bytes, struct text_error *error) {
    struct assembly a = {.size_bytes = PROGRAM_HEADER_BYTES, .stage = STAGE_VERSION};
    struct word word;
    a.header.slot_count = program_slot_counts[0];
    text_open(&a.in, text, length, error);
    *size_bytes = 0;
    /* Records are bounded by number, the tail by the two digits it takes to write a byte. */
    a.capacity_bytes = PROGRAM_BYTES_MAX + length / 2;
    a.bytes = malloc(a.capacity_bytes);
    if (!a.bytes) {
        text_fail(&a.in, &(struct word){"", 0, 1}, "out of memory");
        return NULL;
    }
    memset(a.bytes, 0, PROGRAM_HEADER_BYTES);

    bool ok = true;
    while (ok && text_next_line(&a.in))
        if (text_next_word(&a.in, &word))
            ok = parse_line(&a, &word);
    if (!ok || !finish(&a)) {
        free(a.bytes);
        return NULL;
    }
    uint8_t *exact = realloc(a.bytes, a.size_bytes ? a.size_bytes : 1);
    *size_bytes = a.size_bytes;
    return exact ? exact : a.bytes;
}
