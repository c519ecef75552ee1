/* fault: the catalogue of historical bugs that can be put back, one at a time, at the allocator's fault points.
 * The ids come from allocator/fault.h; this adds name, origin, what each needs and which check must see it.
 * Constant data, safe on any thread. docs/faults.md is made from it by `hakfuzz detect`. */
#ifndef HAKMEM_ORACLE_FAULT_H
#define HAKMEM_ORACLE_FAULT_H

#include "allocator/fault.h"
#include "oracle/check.h"
#include "oracle/target.h"

struct fault_info {
    const char *name;   /* as on the command line: "carve-by-used" */
    const char *origin; /* where it was once real */
    const char *needs;  /* sequence, threads, system failure */
    enum check check;   /* the check that is expected to see it (another may be faster) */
    enum target target; /* the target that reaches it soonest */
};
extern const struct fault_info fault_table[HAK_FAULT_COUNT]; /* entry 0 is "none" */

/* Index into the table, 0 for "" and "none", -1 when unknown. */
int fault_find(const char *name);

#endif
