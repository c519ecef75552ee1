/* sanitizer_options: defaults of the sanitizers, linked into every executable; the usual variables override them.
 *
 * Leak detection is off: it scans only memory it knows, not the world's arena, and needs ptrace, which containers often
 * forbid. Fake stacks are off: the world's threads are fibers. The quarantine is small: libFuzzer frees a copy of each
 * input, and nobody looks for those. A data race ends the process there and then: what follows would be its
 * consequence. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

const char *__asan_default_options(void) {
    return "detect_leaks=0:detect_stack_use_after_return=0:quarantine_size_mb=8";
}

const char *__ubsan_default_options(void) {
    return "print_stacktrace=1";
}

const char *__tsan_default_options(void) {
    return "halt_on_error=1:second_deadlock_stack=1";
}

/* To ThreadSanitizer a mapping is a write by the thread that made it. Who reads a slab's owner while the slab is
 * adopted may be the first to hear of a heap that is all fresh zeroes, and what it does there is atomic. Whatever was
 * written to a mapping later has a stack of its own. */
const char *__tsan_default_suppressions(void) {
    return "race:^map_pages$";
}
