#!/usr/bin/env bash
# build.sh: the one build contract of hosted fuzzers, that of OSS-Fuzz: ClusterFuzzLite, OSS-Fuzz and FuzzBench all call it.
#
# From the environment: CC, CXX, CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE, SRC, WORK, OUT, SANITIZER and FUZZING_ENGINE (or
# ENGINE). Without them it builds for libFuzzer with AddressSanitizer into build/out. Leaves in $OUT for each target
#
#   fuzz_TARGET                    the binary, which needs libc and nothing else
#   fuzz_TARGET_seed_corpus.zip    corpus/TARGET, assembled
#   fuzz_TARGET.dict               the records that the seeds are made of
#   fuzz_TARGET.options            limits for libFuzzer
#
# Targets with a planted fault, which is canary, are left out: what they find is no news, and a service that files bugs
# would file that one for ever. That the pipeline can fail is shown where it is built: ci/check-build puts a fault back
# with HAKMEM_FAULT, which no service sets. What must be there: cmake, ninja, pkg-config, popt, cJSON and zstd.
set -eu
# shellcheck source=ci/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
"") ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    [ "$1" = --help ] || [ "$1" = -h ] || die "takes no arguments, but '$1' was given"
    exit 0
    ;;
esac

engine=${FUZZING_ENGINE:-${ENGINE:-libfuzzer}}
: "${CC:=clang}" "${CXX:=clang++}" "${SANITIZER:=address}" "${OUT:=$root/build/out}" "${WORK:=$root/build/hosted}"
: "${CFLAGS:=-O2 -g -fsanitize=$SANITIZER,fuzzer-no-link}" "${CXXFLAGS:=$CFLAGS}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"
case $SANITIZER in
address | undefined | coverage | none) ;;
*) die "SANITIZER=$SANITIZER: this builds for address, undefined, coverage and none" ;;
esac
# The tree that was asked for, and nothing else below WORK.
tree=$WORK/hakmem-$engine-$SANITIZER
mkdir -p "$OUT" "$tree"
OUT=$(cd "$OUT" && pwd)
if [ "$engine" = afl ]; then
    # AFL++ instruments what its compiler sees; the oracle's own edges would be noise to it.
    echo 'src: allocator/*' >"$tree/afl-allow.txt"
    export AFL_LLVM_ALLOWLIST=$tree/afl-allow.txt AFL_QUIET=1
fi

# A compiler that is newer than ours may warn of more; that is for ci/test to say.
cmake -S . -B "$tree" -G Ninja -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_CXX_FLAGS="$CXXFLAGS" -DHAKMEM_ENGINE=external -DHAKMEM_CHECK=1 \
    -DHAKMEM_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" -DHAKMEM_TESTS=OFF -DHAKMEM_WERROR=OFF
mapfile -t names <"$tree/targets.txt"
# What is built here runs once, to assemble the corpus; what it still holds when it ends is no finding.
ASAN_OPTIONS=detect_leaks=0 LLVM_PROFILE_FILE=/dev/null cmake --build "$tree" --target corpus "${names[@]/#/fuzz_}"

header_bytes=$(sed -n 's/^ *PROGRAM_HEADER_BYTES = \([0-9]*\),.*/\1/p' oracle/program.h)
record_bytes=$(sed -n 's/^ *PROGRAM_RECORD_BYTES = \([0-9]*\),.*/\1/p' oracle/program.h)
input_bytes_max=65536 # longer ones repeat themselves

# write_dictionary DIRECTORY: records, the commonest first; and what headers begin with, which is version to placement.
write_dictionary() {
    local file
    find "$1" -name '*.bin' | sort | while read -r file; do
        od -An -v -tx1 -N 4 -w4 "$file"
        od -An -v -tx1 -j "$header_bytes" -w"$record_bytes" "$file"
    done | awk 'NF > 1' | sort | uniq -c | sort -k1,1nr -k2 | head -n 200 |
        awk '{ text = ""; for (i = 2; i <= NF; i++) text = text "\\x" $i; print "\"" text "\"" }'
}

for name in "${names[@]}"; do
    cp "$tree/fuzz_$name" "$OUT/"
    zip=$OUT/fuzz_${name}_seed_corpus.zip
    rm -f "$zip"
    (cd "$tree/corpus/$name" && cmake -E tar cf "$zip" --format=zip seed regress)
    write_dictionary "$tree/corpus/$name" >"$OUT/fuzz_$name.dict"
    cat >"$OUT/fuzz_$name.options" <<EOF
[libfuzzer]
max_len = $input_bytes_max
timeout = 30
dict = fuzz_$name.dict
EOF
done
echo "build.sh: ${#names[@]} targets for $engine with $SANITIZER in $OUT"
