/* guided: see the header. */
#include "oracle/guided.h"

#include "allocator/geometry.h"
#include "oracle/guide.h"
#include "oracle/naive.h"

void guided_read(struct program *program, const struct target_info *target, const uint8_t *bytes, size_t size_bytes) {
    static uint8_t naive[PROGRAM_BYTES_MAX];
    if (!guide_is_there(GUIDE_RECORDS)) {
        size_bytes = naive_program(target, bytes, size_bytes, naive, sizeof naive);
        bytes = naive;
    }
    program_read(program, bytes, size_bytes);
    if (!guide_is_there(GUIDE_GEOMETRY)) {
        program->header.geometry = HAK_GEOMETRY_REAL;
    }
}
