/* one_malloc: a process that does one malloc. Its whole cost is the start: what it occupies, how long it takes from the
 * outside, and the nanoseconds of that first malloc. It also tells whose malloc that was, so that a library that did
 * not load is not taken for one that is as good as libc. */
#include <dlfcn.h>
#include <stdio.h>

#include "bench/workload.h"

enum { SIZE_BYTES, NUMBERS };

static struct workload_number numbers[NUMBERS] = {
    [SIZE_BYTES] = {"SIZE", "of the block, in bytes", 100, BLOCK_MIN_BYTES, 1 << 30},
};

static void work(unsigned thread, struct tally *tally) {
    (void)thread;
    block_read(block_new(numbers[SIZE_BYTES].value, 1, tally), tally);
}

int main(int argc, char **argv) {
    workload_arguments("one_malloc", "One malloc, and nothing else.", numbers, NUMBERS, argc, argv);
    double seconds = workload_run(1, work);
    void *address = dlsym(RTLD_DEFAULT, "malloc");
    Dl_info info = {0};
    char extra[4096];
    snprintf(extra, sizeof extra, "malloc=%s", dladdr(address, &info) != 0 ? info.dli_fname : "?");
    return workload_report(seconds, workload_operations(), extra);
}
