#!/usr/bin/env bash
# cli_worst: hakfuzz diff --performance and --worst. Three mallocs are planted: one that takes three times the memory of
# what is asked above 512 bytes, one that is slow for such requests, one that reuses nothing. The tables have the numbers
# that follow from that, the searches find them within a few runs and reduce them, and nothing else is found. And the
# programs of bench/worst are all measured.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
[ -f "$HAKMEM_BUILD/libhakmem.so" ] || { echo 'cli_worst: libhakmem.so is not in this build: nothing to test' && exit 77; }

cat >bad.c <<'END'
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
enum { FROM_BYTES = 512, TIMES = 3, TURNS = 10000 };
#if WASTES
static void *take(size_t size) { /* all of it is resident */
    char *block = malloc(size > FROM_BYTES ? TIMES * size : size);
    return block != NULL && size > FROM_BYTES ? memset(block, 1, TIMES * size) : block;
}
#elif IS_SLOW
static void *take(size_t size) {
    for (volatile unsigned i = 0; size > FROM_BYTES && i < TURNS; i++) {
    }
    return malloc(size);
}
#else
static void *take(size_t size) { return malloc(size); }
#endif
void *bad_malloc(size_t size) { return take(size); }
void *bad_calloc(size_t count, size_t size) {
    void *block = take(count * size);
    return block != NULL ? memset(block, 0, count * size) : NULL;
}
void bad_free(void *block) {
#if REUSES_NOTHING
    (void)block;
#else
    free(block);
#endif
}
void *bad_realloc(void *old, size_t size) {
    void *block = take(size);
    size_t old_size = old != NULL ? malloc_usable_size(old) : 0;
    if (block != NULL && old != NULL) {
        memcpy(block, old, old_size < size ? old_size : size);
        bad_free(old);
    }
    return block;
}
int bad_posix_memalign(void **block, size_t align, size_t size) { return posix_memalign(block, align, size); }
END
for kind in WASTES IS_SLOW REUSES_NOTHING; do
    gcc -O1 -fno-builtin -shared -fPIC -D$kind=1 bad.c -o $kind.so || fail 'bad mallocs' 'a compiler'
done
wastes=(--malloc ./WASTES.so=bad_ --malloc libc)
is_slow=(--malloc ./IS_SLOW.so=bad_ --malloc libc)
reuses_nothing=(--malloc ./REUSES_NOTHING.so=bad_ --malloc libc)

# ---- the tables -------------------------------------------------------------------------------------------------------

printf 'hakmem 1\nt0 malloc s0 4k\n' >one.hak
expect 'three times the memory' 0 "$hakfuzz" diff --performance --rounds 1 "${wastes[@]}" one.hak
has out '^one.hak: 2 calls in 2 phases; on 1024 banks 4.0 MiB live at most, 4.0 MiB at the end$'
has out '^  WASTES.so to the best other: time .* \(libc\), memory (2\.9|3\.0)[0-9] \(libc\), left (2\.9|3\.0)[0-9] \(libc\)$'
printf 'hakmem 1\nt0 malloc s0 64\n' >small.hak
expect 'but not of small blocks' 0 "$hakfuzz" diff --performance --rounds 1 "${wastes[@]}" small.hak
has out '^  WASTES.so to the best other: .*memory 1\.0[0-9] \(libc\), left 1\.0[0-9] \(libc\)$'
expect 'more live, as it is told' 0 "$hakfuzz" diff --performance --rounds 1 --live 8 "${wastes[@]}" one.hak
has out '^one.hak: 2 calls in 2 phases; on 2048 banks 8.0 MiB live at most, 8.0 MiB at the end$'

printf 'hakmem 1\nt0 malloc s0 64k\n' >large.hak
expect 'blocks are written to, all pages of them' 0 "$hakfuzz" diff --performance --rounds 1 "${wastes[@]}" large.hak
has out '^  libc .* 4\.[0-9] MiB +1\.0[0-9] '

printf 'hakmem 1\nt0 malloc s0 2k\nt0 free s0\nt0 malloc s1 2k\n' >again.hak
expect 'what is not reused' 0 "$hakfuzz" diff --performance --rounds 1 "${reuses_nothing[@]}" again.hak
has out '^again.hak: 4 calls in 4 phases; on 2048 banks 4.0 MiB live at most, 4.0 MiB at the end$'
has out '^  REUSES_NOTHING.so to the best other: .*memory (1\.9|2\.0)[0-9] \(libc\), left (1\.9|2\.0)[0-9] \(libc\)$'

printf 'hakmem 1\nt0 malloc s0 1k\n' >slow.hak
expect 'a slow one, as JSON' 0 "$hakfuzz" diff --performance --rounds 3 --json "${is_slow[@]}" slow.hak small.hak
python3 - out <<'END' || fail "$name" 'the slow one is slow, where it is planted and nowhere else'
import json, sys
programs = json.load(open(sys.argv[1]))["measured"]
one, small = (next(r for r in program["ratios"] if r["metric"] == "time") for program in programs)
assert one["ratio"] > 5 and one["best_other"] == "libc", one
assert small["ratio"] < 5, small
assert [m["malloc"] for m in programs[0]["mallocs"]] == ["IS_SLOW.so", "libc"]
assert all(m["least_ns"] <= m["values"][0]["value"] <= m["most_ns"] for m in programs[0]["mallocs"])
END

# Steps of one thread that all give, resize or take are a phase; what is open, must fail or is of no slot is left out.
printf 'hakmem 1\nslots 16\nt0 malloc s0 64\nt0 calloc s1 64 n=2\nt1 malloc s2 64\nt1 realloc s2 128\nt1 malloc s3 0\n' >phases.hak
printf 't0 malloc s4 max\nt0 trim\nt0 aligned_alloc s5 64 align=16+1\nt1 end\nt1 free s0\nt0 usable s1\n' >>phases.hak
expect 'phases' 0 "$hakfuzz" diff --performance --rounds 1 --malloc hakmem --malloc libc phases.hak
has out '^phases.hak: 8 calls in 7 phases; on '
printf 'hakmem 1\nt0 malloc_many s0 4m n=16\nt0 malloc s16 4m\n' >much.hak
printf 'hakmem 1\n' >none.hak
expect 'too much, and nothing' 2 "$hakfuzz" diff --performance --malloc libc --malloc hakmem none.hak
has out '^1 program not measured: no calls, or more than 64 MiB live$'

# ---- the searches ------------------------------------------------------------------------------------------------------

search=(--max-runs 25 --seconds 1000 --live 1)
expect 'memory: found' 1 "$hakfuzz" diff --worst memory "${search[@]}" "${wastes[@]}" -o kept
has out '^memory-tiny: WASTES.so is (2\.9|3\.[0-9])[0-9] times libc: '
has out ' sorts? of programs above 1.50 by memory, in '
grep -q '^# memory-tiny: WASTES.so was ' kept/memory-tiny.hak || fail "$name" 'the ratio in what is kept'
[ "$(grep -c '^t' kept/memory-tiny.hak)" -le 2 ] || fail "$name" 'that it is reduced'
cp out first
expect 'memory: the same again' 1 "$hakfuzz" diff --worst memory "${search[@]}" "${wastes[@]}"
grep -v '^memory-' first >first.programs
grep -v '^memory-' out | cmp -s - first.programs || fail "$name" 'the same programs'
expect 'left: found' 1 "$hakfuzz" diff --worst left "${search[@]}" "${reuses_nothing[@]}"
has out '^left-.*: REUSES_NOTHING.so is '
# A search that time leads is luck; with a program to begin with, and a hundred times the time, it is not.
expect 'time: found' 1 "$hakfuzz" diff --worst time --above 8 --max-runs 12 --seconds 1000 --json "${is_slow[@]}" slow.hak
has out '"metric":	"time"'
expect 'nothing to find' 0 "$hakfuzz" diff --worst memory --above 1.3 "${search[@]}" --malloc libc --malloc libc
has out '^0 sorts of programs above 1.30 by memory, in [0-9]+ programs and [0-9]+ runs on 2 mallocs$'

# ---- what was kept ------------------------------------------------------------------------------------------------------

expect 'bench/worst' 0 "$hakfuzz" diff --performance --rounds 1 --live 1 --malloc hakmem --malloc libc "$HAKMEM_SOURCE/bench/worst"
for file in "$HAKMEM_SOURCE"/bench/worst/*.hak; do
    has out "/${file##*/}: [0-9]+ calls in "
    grep -q "^| \`$(basename "$file" .hak)\` |" "$HAKMEM_SOURCE/docs/worst.md" || fail "$name" "$file explained in docs/worst.md"
done
lacks out 'not measured'

sed -n '/^<!-- run -->$/,$s/^    //p' "$HAKMEM_SOURCE/docs/worst.md" >commands
[ "$(grep -c '^hakfuzz ' commands)" -eq 2 ] || fail 'docs/worst.md' 'its commands'
while read -r line; do
    expect "docs/worst.md: $line" 0 env -C "$HAKMEM_SOURCE" PATH="$(dirname "$hakfuzz"):$PATH" sh -c "$line"
done <commands

# ---- options ----------------------------------------------------------------------------------------------------------

expect 'no such metric' 2 "$hakfuzz" diff --worst speed
has err "^hakfuzz diff: there is no metric 'speed'; there are time, memory and left; see "
expect 'both' 2 "$hakfuzz" diff --worst time --performance
expect 'rounds of nothing' 2 "$hakfuzz" diff --rounds 3 one.hak
has err '^hakfuzz diff: --rounds is of --performance; see '
expect 'above what' 2 "$hakfuzz" diff --above 2 one.hak
expect 'how much of what' 2 "$hakfuzz" diff --live 2 one.hak
printf 'void *part_malloc(unsigned long n) { (void)n; static char b[64]; return b; }\nvoid part_free(void *p) { (void)p; }\n' >part.c
gcc -shared -fPIC part.c -o libpart.so || fail 'half a malloc' 'a compiler'
expect 'half a malloc' 2 "$hakfuzz" diff --performance --malloc ./libpart.so=part_ --malloc libc one.hak
has err "^hakfuzz diff: .*libpart.so has malloc, but not calloc, realloc and posix_memalign too, behind 'part_'\$"
finish
