/* record_report: what `hakfuzz record` says about the recordings it made: text on standard error, as the command has
 * standard output; JSON on standard output. */
#ifndef HAKMEM_TOOLS_RECORD_REPORT_H
#define HAKMEM_TOOLS_RECORD_REPORT_H

#include "tools/raw_merge.h"
#include "tools/record_run.h"

void record_report_text(const struct raw_merged *merged, size_t count, const struct record_run *run);
void record_report_json(const struct raw_merged *merged, size_t count, const struct record_run *run);

#endif
