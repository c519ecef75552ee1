/* empty_libfuzzer: a target that does nothing. What libFuzzer reaches with it is the most any target can reach, so
 * `hakfuzz bench fuzz` states the throughput of the others as a share of it. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes) {
    (void)bytes;
    (void)size_bytes;
    return 0;
}
