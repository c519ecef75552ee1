/* program: the decoder of byte strings, and the tables that give them their meaning.
 *
 * What runs once per record of every execution is inline in the header; the rest is here. Constant data and pure
 * functions, safe on any thread. */
#include "oracle/program.h"

#include <string.h>

#include "allocator/geometry.h"
#include "oracle/preset.h"

_Static_assert(SIZE_MAX == UINT64_MAX, "boundaries and the trace are defined for 64-bit sizes");
_Static_assert(OP_COUNT <= 32, "ops_off has 32 bits");
_Static_assert(PROGRAM_RECORDS_MAX <= UINT16_MAX, "a gene names a record with 16 bits");
_Static_assert((PROGRAM_THREADS_MAX & (PROGRAM_THREADS_MAX - 1)) == 0, "the thread byte is masked");

#define OPS_KNOWN ((UINT32_C(1) << OP_COUNT) - 1)
#define OPS_SWITCHABLE (OPS_KNOWN & ~(UINT32_C(1) << OP_NOP))

/* Offsets inside the header. */
enum {
    AT_VERSION = 0,
    AT_GEOMETRY = 1,
    AT_SLOTS = 2,
    AT_PLACEMENT = 3,
    AT_OPS_OFF = 4,
    AT_FAVOURED_OP = 8,
    AT_FAVOUR_WEIGHT = 9,
    AT_FAIL_EVERY = 10,
    AT_CLOCK_STEP = 11,
    AT_GENE_COUNT = 12,
    AT_PRESET = 13,
    AT_MODE = 14,
    AT_MODE_SEED = 15,
};

const struct op_info program_op_info[OP_COUNT] = {
#define OP_ROW(id, name, fields, word, meaning) [OP_##id] = {name, fields, word, meaning},
    PROGRAM_OP_TABLE(OP_ROW)
#undef OP_ROW
};

const char *const program_placement_names[PLACEMENT_COUNT] = {
#define PLACEMENT_ROW(id, name) [PLACE_##id] = name,
    PROGRAM_PLACEMENT_TABLE(PLACEMENT_ROW)
#undef PLACEMENT_ROW
};

const char *const program_mode_names[MODE_COUNT] = {
#define MODE_ROW(id, name) [MODE_##id] = name,
    PROGRAM_MODE_TABLE(MODE_ROW)
#undef MODE_ROW
};

const char *const gene_kind_words[GENE_KIND_COUNT] = {
#define GENE_ROW(id, word) [GENE_##id] = word,
    GENE_KIND_TABLE(GENE_ROW)
#undef GENE_ROW
};

const uint8_t program_slot_counts[SLOT_CHOICES] = {16, 4, 8, PROGRAM_SLOTS_MAX};

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define GIB(n) ((size_t)(n) << 30)
#define TIB(n) ((size_t)(n) << 40)

/* The index is the encoding: append, never reorder. The tiny classes first, then the tier limits and the powers of two
 * around them, then the numbers that break arithmetic; at the end the steps of 12.5 % between 1 KiB and 1 MiB, which
 * are the classes of the pool tier and the lengths of runs. */
/* clang-format off */
#define BOUNDARY_TABLE(X) \
    X(0, "0") \
    X(8, "8") X(16, "16") X(32, "32") X(48, "48") X(64, "64") X(80, "80") X(96, "96") X(112, "112") X(128, "128") \
    X(144, "144") X(160, "160") X(176, "176") X(192, "192") X(208, "208") X(224, "224") X(240, "240") X(256, "256") \
    X(288, "288") X(320, "320") X(352, "352") X(384, "384") X(416, "416") X(448, "448") X(480, "480") X(512, "512") \
    X(576, "576") X(640, "640") X(704, "704") X(768, "768") X(832, "832") X(896, "896") X(960, "960") \
    X(KIB(1), "1k") X(KIB(2), "2k") X(KIB(4), "4k") X(KIB(8), "8k") X(KIB(16), "16k") X(KIB(32), "32k") \
    X(KIB(64), "64k") X(KIB(128), "128k") X(KIB(256), "256k") X(KIB(512), "512k") X(MIB(1), "1m") X(MIB(2), "2m") \
    X(MIB(4), "4m") X(MIB(16), "16m") X(MIB(64), "64m") X(MIB(128), "128m") X(GIB(2), "2g") X(GIB(4), "4g") \
    X(TIB(128), "128t") X((size_t)PTRDIFF_MAX, "half") X(SIZE_MAX - 4095, "top-page") \
    X((size_t)PTRDIFF_MAX + 1, "top-half") X(SIZE_MAX, "max") \
    X(1152, "1152") X(1280, "1280") X(1408, "1408") X(1536, "1536") X(1664, "1664") X(1792, "1792") X(1920, "1920") \
    X(2304, "2304") X(2560, "2560") X(2816, "2816") X(KIB(3), "3k") X(3328, "3328") X(3584, "3584") X(3840, "3840") \
    X(4608, "4608") X(KIB(5), "5k") X(5632, "5632") X(KIB(6), "6k") X(6656, "6656") X(KIB(7), "7k") X(7680, "7680") \
    X(KIB(9), "9k") X(KIB(10), "10k") X(KIB(11), "11k") X(KIB(12), "12k") \
    X(KIB(13), "13k") X(KIB(14), "14k") X(KIB(15), "15k") \
    X(KIB(18), "18k") X(KIB(20), "20k") X(KIB(22), "22k") X(KIB(24), "24k") \
    X(KIB(26), "26k") X(KIB(28), "28k") X(KIB(30), "30k") \
    X(KIB(36), "36k") X(KIB(40), "40k") X(KIB(44), "44k") X(KIB(48), "48k") \
    X(KIB(52), "52k") X(KIB(56), "56k") X(KIB(60), "60k") \
    X(KIB(72), "72k") X(KIB(80), "80k") X(KIB(88), "88k") X(KIB(96), "96k") \
    X(KIB(104), "104k") X(KIB(112), "112k") X(KIB(120), "120k") \
    X(KIB(144), "144k") X(KIB(160), "160k") X(KIB(176), "176k") X(KIB(192), "192k") \
    X(KIB(208), "208k") X(KIB(224), "224k") X(KIB(240), "240k") \
    X(KIB(288), "288k") X(KIB(320), "320k") X(KIB(352), "352k") X(KIB(384), "384k") \
    X(KIB(416), "416k") X(KIB(448), "448k") X(KIB(480), "480k") \
    X(KIB(576), "576k") X(KIB(640), "640k") X(KIB(704), "704k") X(KIB(768), "768k") \
    X(KIB(832), "832k") X(KIB(896), "896k") X(KIB(960), "960k")
/* clang-format on */

#define BOUNDARY_ONE(value, name) +1
_Static_assert(0 BOUNDARY_TABLE(BOUNDARY_ONE) == BOUNDARY_COUNT, "the boundary count is part of the encoding");
#undef BOUNDARY_ONE

const struct boundary program_boundaries[BOUNDARY_COUNT] = {
#define BOUNDARY_ROW(value, name) {value, name},
    BOUNDARY_TABLE(BOUNDARY_ROW)
#undef BOUNDARY_ROW
};

static uint32_t load_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void store_u16(uint8_t *bytes, uint16_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void header_read(struct program_header *header, const uint8_t bytes[PROGRAM_HEADER_BYTES]) {
    *header = (struct program_header){
        .version = bytes[AT_VERSION],
        .geometry = (uint8_t)(bytes[AT_GEOMETRY] % HAK_GEOMETRY_COUNT),
        .slot_count = program_slot_counts[bytes[AT_SLOTS] % SLOT_CHOICES],
        .placement = (enum program_placement)(bytes[AT_PLACEMENT] % PLACEMENT_COUNT),
        .ops_off = load_u32(bytes + AT_OPS_OFF) & OPS_SWITCHABLE,
        .favoured_op = (enum program_op)(bytes[AT_FAVOURED_OP] % OP_COUNT),
        .favour_weight = bytes[AT_FAVOUR_WEIGHT],
        .fail_every = bytes[AT_FAIL_EVERY],
        .clock_step_ms = bytes[AT_CLOCK_STEP],
        .gene_count = (uint8_t)(bytes[AT_GENE_COUNT] % (PROGRAM_GENES_MAX + 1)),
        .preset = (uint8_t)(bytes[AT_PRESET] % PRESET_COUNT),
        .mode = (enum program_mode)((bytes[AT_MODE] & HEADER_MODE) % MODE_COUNT),
        .weak = (bytes[AT_MODE] & HEADER_WEAK) != 0,
    };
    header->mode_seed = header->mode == MODE_GENES ? 0 : bytes[AT_MODE_SEED];
}

void program_read(struct program *program, const uint8_t *bytes, size_t size_bytes) {
    uint8_t header[PROGRAM_HEADER_BYTES] = {0};
    if (size_bytes > 0)
        memcpy(header, bytes, size_bytes < sizeof header ? size_bytes : sizeof header);
    program->bytes = bytes;
    program->size_bytes = size_bytes;
    header_read(&program->header, header);

    /* Genes stand behind the last record that counts, so that the tail is always one piece at the very end. */
    size_t body_bytes = size_bytes > sizeof header ? size_bytes - sizeof header : 0;
    size_t units = body_bytes / PROGRAM_RECORD_BYTES;
    size_t genes = program->header.gene_count;
    if (units > PROGRAM_RECORDS_MAX + genes)
        units = PROGRAM_RECORDS_MAX + genes;
    if (genes > units)
        genes = units;
    program->gene_count = (uint32_t)genes;
    program->record_count = (uint32_t)(units - genes);
    program->tail_bytes = body_bytes - units * PROGRAM_RECORD_BYTES;
}

struct gene gene_read(const uint8_t bytes[PROGRAM_RECORD_BYTES]) {
    return (struct gene){.record = (uint16_t)(bytes[0] | bytes[1] << 8),
                         .yield = (uint16_t)(bytes[2] | bytes[5] << 8),
                         .value = bytes[3],
                         .kind = (enum gene_kind)(bytes[4] % GENE_KIND_COUNT)};
}

struct gene program_gene(const struct program *program, uint32_t i) {
    return gene_read(program_unit(program, program->record_count + i));
}

size_t record_size_bytes(const struct record *record) {
    return program_boundaries[record->boundary].value_bytes + (size_t)record->distance;
}

size_t record_align_bytes(const struct record *record) {
    return ((size_t)1 << record->align_exponent) + (record->align_odd ? 1 : 0);
}

unsigned record_option_choice(const struct record *record) {
    return (record->argument & 0xff) % CHOICE_COUNT;
}

unsigned record_option_value(const struct record *record) {
    return (record->argument >> 8) % choice_table[record_option_choice(record)].value_count;
}

void record_write(const struct record *record, uint8_t bytes[PROGRAM_RECORD_BYTES]) {
    unsigned fields = program_op_info[record->op].fields;
    memset(bytes, 0, PROGRAM_RECORD_BYTES);
    bytes[0] = (uint8_t)record->op;
    bytes[1] = record->thread;
    if (fields & FIELD_SLOT)
        bytes[2] = record->slot;
    if (fields & FIELD_ALIGN)
        bytes[3] = (uint8_t)(record->align_exponent | (record->align_odd ? RECORD_ALIGN_ODD : 0));
    if (fields & FIELD_SIZE) {
        bytes[4] = record->boundary;
        bytes[5] = (uint8_t)record->distance;
    }
    if (fields & FIELD_COUNT)
        store_u16(bytes + 6, record->argument);
    if (fields & FIELD_OPTION)
        store_u16(bytes + 6, record_option_argument(record_option_choice(record), record_option_value(record)));
}

void gene_write(const struct gene *gene, uint8_t bytes[PROGRAM_RECORD_BYTES]) {
    memset(bytes, 0, PROGRAM_RECORD_BYTES);
    store_u16(bytes, gene->record);
    bytes[2] = (uint8_t)gene->yield;
    bytes[5] = (uint8_t)(gene->yield >> 8);
    bytes[3] = gene->value;
    bytes[4] = (uint8_t)gene->kind;
}

static uint8_t slot_choice(uint8_t slot_count) {
    uint8_t choice = SLOT_CHOICES - 1;
    while (choice > 0 && program_slot_counts[choice] != slot_count)
        choice--;
    return choice;
}

void program_header_write(const struct program_header *header, uint8_t bytes[PROGRAM_HEADER_BYTES]) {
    uint32_t ops_off = header->ops_off & OPS_SWITCHABLE;
    memset(bytes, 0, PROGRAM_HEADER_BYTES);
    bytes[AT_VERSION] = header->version;
    bytes[AT_GEOMETRY] = header->geometry;
    bytes[AT_SLOTS] = slot_choice(header->slot_count);
    bytes[AT_PLACEMENT] = (uint8_t)header->placement;
    for (unsigned i = 0; i < 4; i++)
        bytes[AT_OPS_OFF + i] = (uint8_t)(ops_off >> (8 * i));
    bytes[AT_FAVOURED_OP] = (uint8_t)header->favoured_op;
    bytes[AT_FAVOUR_WEIGHT] = header->favour_weight;
    bytes[AT_FAIL_EVERY] = header->fail_every;
    bytes[AT_CLOCK_STEP] = header->clock_step_ms;
    bytes[AT_GENE_COUNT] = header->gene_count;
    bytes[AT_PRESET] = header->preset;
    bytes[AT_MODE] = (uint8_t)((unsigned)header->mode | (header->weak ? HEADER_WEAK : 0U));
    bytes[AT_MODE_SEED] = header->mode == MODE_GENES ? 0 : header->mode_seed;
}
