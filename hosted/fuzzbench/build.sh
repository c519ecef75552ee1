#!/bin/bash -eu
# build.sh: what FuzzBench calls, with the compiler and the engine of each fuzzer it compares. Those give no sanitizer by
# themselves; the world's own checks find the faults. One target is the benchmark, with its seeds.
export SANITIZER=none
ci/build.sh
find "$OUT" -maxdepth 1 -name 'fuzz_*' ! -name 'fuzz_threads*' -delete
