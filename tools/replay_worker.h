/* replay_worker: the process that runs a recording once. It is this tool again, with the malloc under test loaded in
 * place of libc's, so what it says goes out as one line of text. */
#ifndef HAKMEM_TOOLS_REPLAY_WORKER_H
#define HAKMEM_TOOLS_REPLAY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct replay_result {
    uint64_t wall_ns;
    uint64_t cpu_ns;
    uint64_t peak_resident_bytes;    /* most that was resident, beyond what was before the first operation */
    uint64_t resident_at_peak_bytes; /* the same when most was live */
    uint64_t refused;                /* requests for more than 0 bytes that got nothing */
};

/* How results stand in a worker's output. */
#define REPLAY_RESULT_FORMAT "replay-result %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n"
#define REPLAY_RESULT_SCAN "replay-result %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
/* And a finding: check id, message. */
#define REPLAY_FINDING "replay-finding "

/* Run the image behind descriptor `fd`; `oracle`: with checks. Returns an exit code. */
int replay_work(int fd, const char *prefix, bool oracle);

#endif
