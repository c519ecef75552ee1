/* world_reports: what the allocator writes about itself, for records that ask for it. A report costs more than all
 * other operations of a usual program together, so it is an operation of its own, and a rare one. */
#include <string.h>

#include "allocator/hakmem.h"
#include "allocator/root.h"
#include "allocator/stats.h"
#include "oracle/finding.h"
#include "oracle/run.h"

static size_t report_events(char *buffer, size_t capacity_bytes) {
    struct hak_print print;
    hak_print_open_text(&print, buffer, capacity_bytes);
    hak_ring_print(&print);
    return hak_print_close(&print);
}

static size_t report_options(char *buffer, size_t capacity_bytes) {
    struct hak_print print;
    hak_print_open_text(&print, buffer, capacity_bytes);
    hak_options_print(&hak_root.options, &print);
    return hak_print_close(&print);
}

/* What the process writes at its end goes to no buffer, and may be nothing. */
static size_t report_exit(char *buffer, size_t capacity_bytes) {
    if (capacity_bytes > 0) {
        buffer[0] = '\0';
    }
    hak_stats_exit();
    return 0;
}

/* The order is part of the program encoding: append, never reorder. */
static const struct {
    const char *what;
    size_t (*make)(char *buffer, size_t capacity_bytes);
} reports[PROGRAM_REPORTS] = {{"statistics as text", hak_stats_text},
                              {"statistics as JSON", hak_stats_json},
                              {"statistics as XML", hak_stats_xml},
                              {"events", report_events},
                              {"options", report_options},
                              {"statistics at exit", report_exit}};

/* Each report is complete in a buffer that is long enough, and cut, with the same length said, in one that is not. */
void run_report(uint32_t n) {
    static char whole[32768], part[64];
    size_t (*make)(char *, size_t) = reports[n % PROGRAM_REPORTS].make;
    size_t length = make(whole, sizeof whole);
    size_t again = make(part, sizeof part);
    size_t part_length = strnlen(part, sizeof part);
    size_t part_expected = length < sizeof part ? length : sizeof part - 1;
    if (length >= sizeof whole || again != length || strlen(whole) != length || part_length != part_expected ||
        memcmp(whole, part, part_length) != 0) {
        finding_raise(CHECK_ACCOUNTING, NULL, "the report of %s is %zu bytes long once, then %zu",
                      reports[n % PROGRAM_REPORTS].what, length, again);
    }
}
