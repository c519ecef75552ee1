/* recorder: what the two files of libhakmem_recorder.so share. names.c has the names of malloc, journal.c the events.
 */
#ifndef HAKMEM_TOOLS_RECORDER_RECORDER_H
#define HAKMEM_TOOLS_RECORDER_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/recorder/raw.h"

/* Find out whether and where to record. Once, before main, before any journal_* else. */
void journal_open(void);

/* Whether this thread's call is to be recorded: not while the recorder or the malloc behind it is at work in it. True
 * is followed by journal_leave. */
bool journal_enter(void);
void journal_leave(void);

/* Write one event down, or nothing when this process is not recorded. Between enter and leave. errno may change. */
void journal_write(enum raw_kind kind, const void *block, uint64_t size_bytes, uint8_t align_shift);

#endif
