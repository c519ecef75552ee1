#!/usr/bin/env bash
# fast_path: how many instructions malloc and free of a cached block of the own thread take, by the code of the library:
# from the first one to the first `ret`, since nothing on the way there branches off. A count that grows is noticed here,
# and so is, where gcc 12 made it, any instruction that docs/fast-paths.md does not show.
# The layout with headers has more to do and is not counted. Environment: HAKMEM_BUILD.
set -u
library=${HAKMEM_BUILD:?the build tree with the library}/libhakmem.so

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# limit FUNCTION INSTRUCTIONS
limits="hak_malloc 23
hak_free 32"

if [ "$(uname -m)" != x86_64 ] || ! command -v objdump >/dev/null; then
    echo "fast_path: counts are for x86-64, and need objdump: nothing to test"
    exit 0
fi

is_gcc_12=false
if readelf --string-dump=.comment "$library" | grep -q 'GCC: .* 12\.' &&
    ! readelf --string-dump=.comment "$library" | grep -q clang; then
    is_gcc_12=true
fi

failures=0
while read -r name limit; do
    code=$(objdump --disassemble="$name" --no-show-raw-insn "$library" | sed -n '/^[[:space:]]*[0-9a-f]*:\t/p')
    # A jump backwards, or out to shared code, would make the count a lie.
    count=$(awk '{ print } /\tret/ { exit }' <<<"$code" | wc -l)
    straight=$(awk '{ print } /\tret/ { exit }' <<<"$code" | grep -cE $'\t(jmp|call)')
    shown=$(sed -n "/^<!-- $name -->$/,/^#/s/^    \\([a-z0-9]*\\).*/\\1/p" "$source/docs/fast-paths.md")
    if "$is_gcc_12" && [ "$shown" != "$(awk '{ print $2 } /\tret/ { exit }' <<<"$code")" ]; then
        echo "fast_path: docs/fast-paths.md shows other instructions for $name than the library has" >&2
        failures=$((failures + 1))
    fi
    echo "$name: $count instructions (at most $limit)"
    if [ "$count" -gt "$limit" ] || [ "$count" -lt 5 ] || [ "$straight" -ne 0 ]; then
        echo "fast_path: $name takes $count instructions to its first ret, $straight of them leave the path" >&2
        failures=$((failures + 1))
    fi
done <<<"$limits"
[ "$failures" -eq 0 ]
