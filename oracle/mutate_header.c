/* mutate_header: headers worth running: geometry, swarm mask, favour, knobs of the world. Part of mutate_make.h.
 *
 * Knobs that mean nothing to the target stay at zero. */
#include "allocator/geometry.h"
#include "oracle/guide.h"
#include "oracle/mutate_make.h"
#include "oracle/preset.h"

#define SWITCH(op) (UINT32_C(1) << OP_##op)

static uint8_t make_geometry(struct mutate_random *random) {
    /* Tiny slabs reach deep states in ten operations, so they have half of all programs. */
    return (uint8_t)(make_chance(random, 128) ? HAK_GEOMETRY_TINY : mutate_below(random, HAK_GEOMETRY_COUNT));
}

static uint8_t make_slot_count(struct mutate_random *random) {
    return program_slot_counts[mutate_below(random, SLOT_CHOICES)];
}

/* Switch off each operation with a chance of one in four, but leave one way to allocate and one to free. */
static uint32_t make_ops_off(struct mutate_random *random) {
    uint32_t off = 0, idle = 0;
    for (unsigned op = OP_NOP + 1; op < OP_COUNT; op++)
        if (random->repertoire.weights[op] == 0)
            idle |= UINT32_C(1) << op;
        else if (make_chance(random, 64))
            off |= UINT32_C(1) << op;
    if ((~(off | idle) & (SWITCH(MALLOC) | SWITCH(MALLOC_MANY))) == 0)
        off &= ~SWITCH(MALLOC);
    if ((~(off | idle) & (SWITCH(FREE) | SWITCH(FREE_MANY))) == 0)
        off &= ~SWITCH(FREE);
    return off;
}

/* A report is slow, and many of them find no more than one. */
static void make_favour(struct mutate_random *random, struct program_header *header) {
    uint32_t useful = 0;
    for (unsigned op = OP_NOP + 1; op < OP_COUNT; op++)
        if (random->repertoire.weights[op] != 0 && op != OP_REPORT)
            useful |= UINT32_C(1) << op;
    header->favoured_op = (enum program_op)make_one_of(random, useful, OP_COUNT);
    header->favour_weight = (uint8_t)(16 + mutate_below(random, 112));
}

/* Genes alone have half of all programs: they can be minimised and understood. */
static void make_mode(struct mutate_random *random, struct program_header *header) {
    if (!random->repertoire.interleaves)
        return;
    header->mode = make_chance(random, 128) ? MODE_GENES : (enum program_mode)mutate_below(random, MODE_COUNT);
    header->mode_seed = header->mode == MODE_GENES ? 0 : (uint8_t)mutate_below(random, UINT8_MAX + 1);
    header->weak = make_chance(random, 64);
}

static uint8_t make_preset(struct mutate_random *random) {
    return make_one_of(random, random->repertoire.presets, PRESET_COUNT);
}

static uint8_t make_fail_every(struct mutate_random *random) {
    return (uint8_t)(random->repertoire.failures ? 1 + mutate_below(random, 32) : 0);
}

static uint8_t make_clock_step(struct mutate_random *random) {
    return (uint8_t)(random->repertoire.weights[OP_CLOCK] != 0 ? 1 + mutate_below(random, UINT8_MAX) : 0);
}

void make_header(struct mutate_random *random, struct program_header *header) {
    bool is_swarm = guide_is_there(GUIDE_SWARM);
    *header = (struct program_header){.version = PROGRAM_VERSION, .geometry = make_geometry(random)};
    header->slot_count = make_slot_count(random);
    header->placement = (enum program_placement)mutate_below(random, PLACEMENT_COUNT);
    if (is_swarm && make_chance(random, 128))
        header->ops_off = make_ops_off(random);
    if (is_swarm && make_chance(random, 64))
        make_favour(random, header);
    if (make_chance(random, 32))
        header->fail_every = make_fail_every(random);
    if (make_chance(random, 64))
        header->clock_step_ms = make_clock_step(random);
    if (make_chance(random, 80))
        header->preset = make_preset(random);
    make_mode(random, header);
}

/* The last ones are swarming. */
enum { HEADER_CHANGES = 11, HEADER_CHANGES_PLAIN = 7 };

void make_header_change(struct mutate_random *random, struct program_header *header) {
    switch (mutate_below(random, guide_is_there(GUIDE_SWARM) ? HEADER_CHANGES : HEADER_CHANGES_PLAIN)) {
    case 0:
        header->geometry =
            (uint8_t)((header->geometry + 1 + mutate_below(random, HAK_GEOMETRY_COUNT - 1)) % HAK_GEOMETRY_COUNT);
        break;
    case 1:
        header->slot_count = make_slot_count(random);
        break;
    case 2:
        header->placement = (enum program_placement)(
            (header->placement + 1 + mutate_below(random, PLACEMENT_COUNT - 1)) % PLACEMENT_COUNT);
        break;
    case 3:
        header->fail_every = header->fail_every ? 0 : make_fail_every(random);
        break;
    case 4:
        header->preset = make_preset(random);
        break;
    case 5:
        make_mode(random, header);
        break;
    case 6:
        header->clock_step_ms = header->clock_step_ms ? 0 : make_clock_step(random);
        break;
    case 7:
        header->ops_off = make_ops_off(random);
        break;
    case 8:
        header->ops_off ^= UINT32_C(1) << (1 + mutate_below(random, OP_COUNT - 1));
        break;
    case 9:
        header->ops_off = 0;
        break;
    default:
        if (header->favour_weight > 0 && make_chance(random, 128)) {
            header->favoured_op = OP_NOP;
            header->favour_weight = 0;
        } else {
            make_favour(random, header);
        }
        break;
    }
}
