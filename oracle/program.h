/* program: what a byte string means.
 *
 * A program is a 16-byte header, 8-byte records (one operation each) and a schedule trailer of 8-byte genes.
 * docs/input-format.md is the reference; this header is its machine form. Properties, each with a test:
 *
 *   total     every byte string is a program. Missing header bytes read as 0, a partial record at the end is the
 *             'tail' and means nothing, records beyond PROGRAM_RECORDS_MAX mean nothing.
 *   local     records have a fixed width and name their slot; changing one leaves the meaning of the others.
 *   pointed   a size is a boundary and a small signed distance.
 *   swarming  the header switches operations off, favours one, and picks geometry and world knobs.
 *   readable  text.h gives an exact text form.
 *
 * A program is a view: it points into the caller's bytes and copies nothing. Pure functions, safe on any thread. */
#ifndef HAKMEM_ORACLE_PROGRAM_H
#define HAKMEM_ORACLE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROGRAM_VERSION = 1,
    PROGRAM_HEADER_BYTES = 16,
    PROGRAM_RECORD_BYTES = 8,
    PROGRAM_RECORDS_MAX = 4096,
    PROGRAM_GENES_MAX = 15,
    PROGRAM_BYTES_MAX = PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (PROGRAM_RECORDS_MAX + PROGRAM_GENES_MAX),
    PROGRAM_THREADS_MAX = 4,
    PROGRAM_SLOTS_MAX = 64,
    PROGRAM_REPORTS = 6, /* that operation `report` chooses from */
};

/* Fields a record of an operation uses. A field that is not used is zero in canonical form. */
enum {
    FIELD_SLOT = 1,
    FIELD_SIZE = 2,    /* boundary and distance */
    FIELD_ALIGN = 4,   /* exponent, and whether one is added to make it invalid */
    FIELD_COUNT = 8,   /* `argument` as a plain number; its word in text is op_info.count_word */
    FIELD_OPTION = 16, /* `argument` as an option and its value: record_option_... */
};

/* One line an operation: enum suffix, text name, fields, word of the count in text, what it does.
 * The order is part of the encoding: append, never reorder. */
#define PROGRAM_OP_TABLE(X)                                                                                            \
    X(NOP, "nop", 0, "", "does nothing")                                                                               \
    X(MALLOC, "malloc", FIELD_SLOT | FIELD_SIZE, "", "malloc(size) into an empty slot")                                \
    X(CALLOC, "calloc", FIELD_SLOT | FIELD_SIZE | FIELD_COUNT, "n", "calloc(n, size) into an empty slot")              \
    X(REALLOC, "realloc", FIELD_SLOT | FIELD_SIZE, "", "realloc(slot, size); an empty slot is NULL")                   \
    X(REALLOCARRAY, "reallocarray", FIELD_SLOT | FIELD_SIZE | FIELD_COUNT, "n", "reallocarray(slot, n, size)")         \
    X(ALIGNED_ALLOC, "aligned_alloc", FIELD_SLOT | FIELD_SIZE | FIELD_ALIGN, "", "aligned_alloc(align, size)")         \
    X(POSIX_MEMALIGN, "posix_memalign", FIELD_SLOT | FIELD_SIZE | FIELD_ALIGN, "", "posix_memalign(align, size)")      \
    X(MEMALIGN, "memalign", FIELD_SLOT | FIELD_SIZE | FIELD_ALIGN, "", "memalign(align, size)")                        \
    X(FREE, "free", FIELD_SLOT, "", "free(slot); an empty slot is free(NULL)")                                         \
    X(FREE_SIZED, "free_sized", FIELD_SLOT, "", "free_sized(slot, its size)")                                          \
    X(USABLE, "usable", FIELD_SLOT, "", "malloc_usable_size(slot), then all of it is used")                            \
    X(WRITE, "write", FIELD_SLOT, "", "verify the slot and fill it with a new pattern")                                \
    X(VERIFY, "verify", FIELD_SLOT, "", "verify the slot's content")                                                   \
    X(TRIM, "trim", 0, "", "malloc_trim(0)")                                                                           \
    X(THREAD_START, "start", 0, "", "the thread is born now (else at its first operation)")                            \
    X(THREAD_END, "end", 0, "", "the thread ends; thread 0 never does")                                                \
    X(FORK, "fork", 0, "", "what the child of a fork does to locks")                                                   \
    X(CLOCK, "clock", FIELD_COUNT, "ms", "the clock advances")                                                         \
    X(FAIL, "fail", FIELD_COUNT, "n", "the next n system requests fail")                                               \
    X(CHECK, "check", 0, "", "check the whole heap")                                                                   \
    X(MALLOC_MANY, "malloc_many", FIELD_SLOT | FIELD_SIZE | FIELD_COUNT, "n", "malloc into n slots, from this one on") \
    X(FREE_MANY, "free_many", FIELD_SLOT | FIELD_COUNT, "n", "free n slots, from this one on")                         \
    X(FREE_ALIGNED_SIZED, "free_aligned_sized", FIELD_SLOT, "", "free_aligned_sized(slot, its alignment, its size)")   \
    X(OPTION, "option", FIELD_OPTION, "", "an option of the allocator takes another value")                            \
    X(REPORT, "report", FIELD_COUNT, "n", "the allocator writes its n-th report: world_reports.c")

enum program_op {
#define PROGRAM_OP_ENUM(id, name, fields, word, meaning) OP_##id,
    PROGRAM_OP_TABLE(PROGRAM_OP_ENUM)
#undef PROGRAM_OP_ENUM
        OP_COUNT
};

struct op_info {
    const char *name;
    unsigned fields;
    const char *count_word; /* "" where FIELD_COUNT is not used */
    const char *meaning;
};
extern const struct op_info program_op_info[OP_COUNT];

/* A boundary a size is measured from. `name` is what text shows: "96", "4k", "1m", "half", "max". */
struct boundary {
    size_t value_bytes;
    const char *name;
};
enum { BOUNDARY_COUNT = 126 };
extern const struct boundary program_boundaries[BOUNDARY_COUNT];

/* Where the simulated world places new mappings. */
#define PROGRAM_PLACEMENT_TABLE(X) X(LOW, "low") X(HIGH, "high") X(FRESH, "fresh")
enum program_placement { PLACE_LOW, PLACE_HIGH, PLACE_FRESH, PLACEMENT_COUNT };
extern const char *const program_placement_names[PLACEMENT_COUNT];

/* Byte 14 of the header: the mode, and whether memory is weak. */
enum { HEADER_MODE = 0x7f, HEADER_WEAK = 0x80 };

/* How the scheduler decides inside operations, where a target has more than one thread. */
#define PROGRAM_MODE_TABLE(X) X(GENES, "genes") X(RANDOM, "random") X(PCT, "pct")
enum program_mode { MODE_GENES, MODE_RANDOM, MODE_PCT, MODE_COUNT };
extern const char *const program_mode_names[MODE_COUNT];

/* What a gene does; `word` stands in front of its value in text. The order is the encoding: append, never reorder. */
#define GENE_KIND_TABLE(X) X(HOLD, "hold") X(STALE, "stale") X(WEAK, "weak") X(LOWER, "lower") X(GO, "go")
enum gene_kind { GENE_HOLD, GENE_STALE, GENE_WEAK, GENE_LOWER, GENE_GO, GENE_KIND_COUNT };
extern const char *const gene_kind_words[GENE_KIND_COUNT];

/* How many slots there are: table over header byte 2. */
enum { SLOT_CHOICES = 4 };
extern const uint8_t program_slot_counts[SLOT_CHOICES]; /* 16, 4, 8, 64 */

/* Header bytes, in order. The comment gives byte offset and reading. All zero is a sensible program. */
struct program_header {
    uint8_t version;                  /* 0: format version; any value is read as the current one */
    uint8_t geometry;                 /* 1: index into the allocator's geometry table, modulo its length */
    uint8_t slot_count;               /* 2: already looked up: 16, 4, 8 or 64 */
    enum program_placement placement; /* 3: modulo PLACEMENT_COUNT */
    uint32_t ops_off;                 /* 4-7 little endian: bit i set switches operation i off; NOP cannot be */
    enum program_op favoured_op;      /* 8: modulo OP_COUNT; a weight for generators, no meaning at run time */
    uint8_t favour_weight;            /* 9: chance out of 256 that a generator picks favoured_op */
    uint8_t fail_every;               /* 10: every n-th system request fails, 0 never */
    uint8_t clock_step_ms;            /* 11: time that passes with each operation */
    uint8_t gene_count;               /* 12: modulo 16: genes at the end, as many as fit */
    uint8_t preset;                   /* 13: options of the allocator: preset.h, modulo PRESET_COUNT */
    enum program_mode mode;           /* 14, low 7 bits: modulo MODE_COUNT */
    bool weak;                        /* 14, bit 7: memory is as weak as C11 allows, not only where a gene says so */
    uint8_t mode_seed;                /* 15: of the modes that have one; no meaning, and zero, with genes only */
};

/* One operation, decoded. Bytes: 0 op modulo OP_COUNT; 1 thread modulo 4; 2 slot modulo slot_count;
 * 3 alignment: low 5 bits exponent, bit 7 adds one; 4 boundary modulo BOUNDARY_COUNT; 5 signed distance;
 * 6-7 argument, little endian; of `option` 6 is the option modulo CHOICE_COUNT and 7 its value modulo their number. */
struct record {
    enum program_op op;
    uint8_t thread;
    uint8_t slot;
    uint8_t align_exponent; /* 0..31 */
    bool align_odd;         /* alignment is (1 << exponent) + 1 */
    uint8_t boundary;
    int8_t distance;
    uint16_t argument;
};

/* Schedule gene: one decision of the scheduler, at the `yield`-th access of shared memory inside record `record`; 0 is
 * before it begins. `kind` says which, `value` how much:
 *
 *   hold   the thread is held back until `value` records of other threads have run, or nobody else can
 *   stale  the load there shows the `value`-th older value that C11 allows, or the oldest
 *   weak   the weak compare-exchange there fails, unless `value` is 0
 *   lower  the thread has priority `value` from there on, below all it began with; nothing but in mode pct
 *   go     when it is the turn of the thread to go on from there, thread `value` goes on instead, if it can; once
 *
 * Bytes: 0-1 record, little endian; 2 yield; 3 value; 4 kind modulo GENE_KIND_COUNT; 5 the yield's high byte; 6-7 no
 * meaning yet, zero in canonical form. */
struct gene {
    uint16_t record;
    uint16_t yield;
    uint8_t value;
    enum gene_kind kind;
};

struct program {
    const uint8_t *bytes;
    size_t size_bytes;
    struct program_header header;
    uint32_t record_count;
    uint32_t gene_count;
    size_t tail_bytes; /* bytes that mean nothing: a partial record, or what lies beyond the limit */
};

/* Total: never fails. `bytes` may be NULL when size_bytes is 0, and must outlive the program. */
void program_read(struct program *program, const uint8_t *bytes, size_t size_bytes);

/* Bytes of the i-th record, or of gene i - record_count. */
static inline const uint8_t *program_unit(const struct program *program, uint32_t i) {
    return program->bytes + PROGRAM_HEADER_BYTES + (size_t)i * PROGRAM_RECORD_BYTES;
}

/* Alignment byte of a record. */
enum { RECORD_ALIGN_EXPONENT = 0x1f, RECORD_ALIGN_ODD = 0x80 };

/* One record from its bytes. slot_count is a power of two, as program_header holds it. Inline because it runs once per
 * operation of every execution: 2 ns instead of 10 for a call that returns a struct. */
static inline struct record record_read(const uint8_t bytes[PROGRAM_RECORD_BYTES], uint8_t slot_count) {
    return (struct record){
        .op = (enum program_op)(bytes[0] % OP_COUNT),
        .thread = bytes[1] & (PROGRAM_THREADS_MAX - 1),
        .slot = (uint8_t)(bytes[2] & (slot_count - 1)),
        .align_exponent = bytes[3] & RECORD_ALIGN_EXPONENT,
        .align_odd = (bytes[3] & RECORD_ALIGN_ODD) != 0,
        .boundary = bytes[4] % BOUNDARY_COUNT,
        .distance = (int8_t)bytes[5],
        .argument = (uint16_t)(bytes[6] | bytes[7] << 8),
    };
}

/* i < record_count */
static inline struct record program_record(const struct program *program, uint32_t i) {
    return record_read(program_unit(program, i), program->header.slot_count);
}

struct gene gene_read(const uint8_t bytes[PROGRAM_RECORD_BYTES]);
/* i < gene_count */
struct gene program_gene(const struct program *program, uint32_t i);

/* Only the thread of a record, for who needs no more. */
static inline uint8_t program_record_thread(const struct program *program, uint32_t i) {
    size_t at = PROGRAM_HEADER_BYTES + (size_t)i * PROGRAM_RECORD_BYTES + 1;
    return program->bytes[at] & (PROGRAM_THREADS_MAX - 1);
}

/* Request size of a record: boundary plus distance, modulo 2^64 as size_t arithmetic is. */
size_t record_size_bytes(const struct record *record);
/* Alignment of a record: (1 << exponent), plus one if align_odd. */
size_t record_align_bytes(const struct record *record);

/* Of a record with FIELD_OPTION: the row of choice_table (preset.h), and which of its values. */
unsigned record_option_choice(const struct record *record);
unsigned record_option_value(const struct record *record);
/* The argument that says so. */
static inline uint16_t record_option_argument(unsigned choice, unsigned value) {
    return (uint16_t)(choice | value << 8);
}

/* Canonical bytes of a record, gene or header: unused fields zero. Writing then reading gives the same back. */
void record_write(const struct record *record, uint8_t bytes[PROGRAM_RECORD_BYTES]);
void gene_write(const struct gene *gene, uint8_t bytes[PROGRAM_RECORD_BYTES]);
void program_header_write(const struct program_header *header, uint8_t bytes[PROGRAM_HEADER_BYTES]);

#endif
