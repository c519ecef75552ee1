#!/usr/bin/env bash
# build.sh: the one build contract of hosted fuzzers, in the manner of OSS-Fuzz.
#
# Takes CC, CFLAGS, CXX, CXXFLAGS, LIB_FUZZING_ENGINE and OUT from the environment; without them it builds for libFuzzer
# into build/out. Leaves in $OUT one binary a target and its seeds as <binary>_seed_corpus.zip. The targets with a
# planted fault are left out: their finding is no news.
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

: "${CC:=clang}" "${CXX:=clang++}" "${CFLAGS:=-O2 -g -fsanitize=address,fuzzer-no-link}" "${CXXFLAGS:=$CFLAGS}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}" "${OUT:=$root/build/out}"
tree=build/hosted

rm -rf "$tree"
cmake -S . -B "$tree" -G Ninja -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="$CFLAGS" -DCMAKE_CXX_FLAGS="$CXXFLAGS" -DHAKMEM_ENGINE=external -DHAKMEM_CHECK=1 \
    -DHAKMEM_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" -DHAKMEM_TESTS=OFF
cmake --build "$tree" --target fuzz_targets corpus

mkdir -p "$OUT"
while read -r name; do
    cp "$tree/fuzz_$name" "$OUT/"
    zip=$OUT/fuzz_${name}_seed_corpus.zip
    rm -f "$zip"
    (cd "$tree/corpus/$name" && cmake -E tar cf "$zip" --format=zip seed regress)
done <"$tree/targets.txt"
