/* schedule: the order of a program's records where operations do not overlap. A pure function, any thread. */
#ifndef HAKMEM_ORACLE_SCHEDULE_H
#define HAKMEM_ORACLE_SCHEDULE_H

#include <stdint.h>

#include "oracle/program.h"

/* Given the thread of each record, fills order[0..record_count). */
void schedule_order(const struct program *program, const uint8_t *threads_of, uint8_t threads, uint16_t *order);

#endif
