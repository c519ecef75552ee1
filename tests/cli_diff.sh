#!/usr/bin/env bash
# cli_diff: hakfuzz diff: each bug of tests/planted/planted.c is a divergence from what C and POSIX fix, named by its fact
# and reduced; what the standards leave open is none, and told on request only; mallocs that are right agree.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
unset HAKMEM_PLANTED GLIBC_TUNABLES
planted=$HAKMEM_BUILD/planted.so
[ -f "$planted" ] || { echo 'cli_diff: planted.so is not in this build: nothing to test' && exit 77; }
both=(--malloc "$planted" --malloc hakmem)

# bug, fact, operation
bugs='
overlap disjoint malloc_many
zero-late zero calloc
link-left zero calloc
usable-large usable usable
usable-small usable usable
realloc-tail prefix realloc
realloc-fail content realloc
errno-free errno-free free
errno-missing errno-failure malloc
align alignment posix_memalign
scribble content free
twice disjoint malloc_many
zero-size end malloc
huge-size impossible malloc
abort end free
'
while read -r bug fact operation; do
    [ -n "$bug" ] || continue
    expect "$bug is $fact, by $operation" 1 env HAKMEM_PLANTED="$bug" "$hakfuzz" diff "${both[@]}" --generate 60
    has out "^planted.so: $fact, by $operation, in [0-9]+ programs?: "
    lacks out '^hakmem: '
done <<<"$bugs"
printf 'hakmem 1\nt0 malloc s0 16\nt0 malloc_many s1 16 n=4\nt0 free_many s1 n=4\nt0 malloc s5 16\n' >hang.hak
expect 'hang is end' 1 env HAKMEM_PLANTED=hang "$hakfuzz" diff "${both[@]}" hang.hak
has out '^planted.so: end, by malloc, in 1 program: much time of the processors went by'

expect 'without a bug they agree' 0 "$hakfuzz" diff "${both[@]}" --generate 200
has out '^0 divergences from what C and POSIX fix, in 200 programs on 2 mallocs: planted.so, hakmem; [0-9]+ operations compared$'
expect 'so do the programs of the corpus' 0 "$hakfuzz" diff "${both[@]}" "$HAKMEM_SOURCE/corpus/sequence" "$HAKMEM_SOURCE/corpus/threads/seed"

# ---- threads beside each other: what comes of them is never the same, so only what always holds stands here ------------

expect 'a lock that is left out: one after another nothing shows' 0 env HAKMEM_PLANTED=unlocked "$hakfuzz" diff "${both[@]}" --generate 60
expect 'free order: what is right stays right' 0 "$hakfuzz" diff --order free --times 3 "${both[@]}" --generate 20
has out '^0 divergences from what C and POSIX fix, in 20 programs on 2 mallocs: planted.so, hakmem; each judged alone, 3 times a program$'
for bug in zero-late errno-free align; do
    expect "free order: $bug" 1 env HAKMEM_PLANTED=$bug "$hakfuzz" diff --order free --malloc "$planted" --generate 20 -o free
done
has out '^planted.so: alignment, by [a-z_]+, in [0-9]+ programs?: '
grep -q "^# hakfuzz diff --target threads --malloc $planted --order free --times 20 FILE$" free/planted.so-alignment-*.hak || fail "$name" 'the command'
expect 'free order: what ended the process has no operation' 1 env HAKMEM_PLANTED=abort "$hakfuzz" diff --order free --malloc "$planted" --generate 20
has out '^planted.so: end, by threads, in [0-9]+ programs?: '
expect 'free order: nothing to reduce' 2 "$hakfuzz" diff --order free --min "${both[@]}"
has err '^hakfuzz diff: --min is of virtual order: what --order free finds need not come back; see '
expect 'free order: nothing to compare' 2 "$hakfuzz" diff --order free -i "${both[@]}"
has err '^hakfuzz diff: --implementation-defined compares answers, '
expect 'virtual order: once is enough' 2 "$hakfuzz" diff --times 3 "${both[@]}"
has err '^hakfuzz diff: --times is of --order free'
expect 'no such order' 2 "$hakfuzz" diff --order any "${both[@]}"

export HAKMEM_PLANTED=realloc-tail
expect 'reduced and kept' 1 "$hakfuzz" diff "${both[@]}" --generate 20 -o kept
has out 'record 1, reduced to:$'
kept=kept/planted.so-prefix-realloc.hak
[ "$(grep -c '^t' $kept)" -eq 2 ] || fail "$name" "two records in $kept"
grep -q "^# hakfuzz diff --target threads --malloc $planted FILE$" $kept || fail "$name" 'the command'
expect 'by the command in it' 1 "$hakfuzz" diff --target threads --malloc "$planted" $kept
has out '^planted.so: prefix, by realloc, in 1 program: '
unset HAKMEM_PLANTED

# ---- one that finds no memory where others do, and corners that are open -----------------------------------------------

cat >poor.c <<'END'
#include <errno.h>
#include <stdlib.h>
#define OR_NOT(size, call) ((size) == 0 || (size) > 5000 ? (errno = (size) == 0 ? errno : ENOMEM, (void *)0) : (call))
void *poor_malloc(size_t size) { return OR_NOT(size, malloc(size)); }
void poor_free(void *block) { free(block); }
void *poor_aligned_alloc(size_t align, size_t size) {
    if ((align & (align - 1)) != 0 || size % align != 0) { errno = EINVAL; return NULL; }
    return OR_NOT(size, aligned_alloc(align, size));
}
END
gcc -shared -fPIC poor.c -o libpoor.so || fail 'a malloc that gives up' 'a compiler'
printf 'hakmem 1\nt0 malloc s0 16\nt0 malloc s1 8k\nt0 free s0\n' >large.hak
expect 'success' 1 "$hakfuzz" diff --malloc ./libpoor.so=poor_ --malloc libc --min large.hak
has out '^libpoor.so: success, by malloc, in 1 program: it finds no memory where another malloc finds it \(C11 7.22.3'
has out '^    t0 malloc s0 '
printf 'hakmem 1\nt0 malloc s0 0\nt0 aligned_alloc s1 96+4 align=64\nt0 malloc s2 16+8\n' >open.hak
expect 'open: no fault' 0 "$hakfuzz" diff --malloc ./libpoor.so=poor_ --malloc libc open.hak
lacks out 'zero-size'
expect 'open: a table' 0 "$hakfuzz" diff --implementation-defined --malloc ./libpoor.so=poor_ --malloc libc open.hak
has out '^\| \| \| libpoor.so \| libc \|$'
has out '^\| zero-size \| malloc \| NULL \| block \|$'
expect 'open: as JSON' 0 "$hakfuzz" diff --json --implementation-defined --malloc ./libpoor.so=poor_ --malloc libc open.hak
has out '"fact":	"zero-size"'
expect 'JSON' 1 "$hakfuzz" diff --json --malloc ./libpoor.so=poor_ --malloc libc large.hak
has out '"fact":	"success"'
has out '"divergences":'
printf 'hakmem 1\nt0 posix_memalign s0 48 align=16+1\nt0 aligned_alloc s1 48 align=16+1\n' >align.hak
expect 'alignments that are none are refused' 0 "$hakfuzz" diff --malloc "$planted" --malloc hakmem align.hak

# ---- words of a malloc's own, and rules that a program breaks ----------------------------------------------------------

printf 'hakmem 1\nt0 malloc_many s0 64 n=4\nt0 free_many s0 n=4\nt0 malloc s8 64\n' >again.hak
expect 'a link that is left in a block' 0 "$hakfuzz" diff --implementation-defined "${both[@]}" again.hak
has out '^\| own-words \| malloc \| addresses \| none \|$'
printf 'hakmem 1\nt0 calloc s0 64 n=1\nt0 free s0\nt0 calloc s1 64 n=1\n' >zeroed.hak
expect 'none in zeroed memory' 0 "$hakfuzz" diff --implementation-defined "${both[@]}" zeroed.hak
lacks out 'own-words'

expect 'misuse' 0 "$hakfuzz" diff --misuse "${both[@]}" --malloc libc
has out '^\| a program \.\.\. \| planted.so \| hakmem \| libc \|$'
has out '^\| frees a block twice in a row \| twice \| says \| stops \|$'
has out '^\| writes an address into the first two words of a freed block \| outside \| stops \| [a-z]+ \|$'
has out '^\| calls free_sized with a size eight times too large \| - \| quiet \| - \|$'
has out '^says: it wrote a message, and went on$'
has out '^stops: it ended the process itself: '
lacks out '^hangs: '
sed -n 's/^| \([a-z][^|]*\) | .*/\1/p' out | grep -v '^a program ' >rows
[ "$(wc -l <rows)" -ge 14 ] || fail "$name" 'a row for each misuse'
while read -r row; do
    grep -qF "| $row |" "$HAKMEM_SOURCE/docs/differential.md" || fail "$name" "'$row' in docs/differential.md"
done <rows
expect 'misuse: one that is told to stop' 0 env HAKMEM_FAIL_FAST=1 "$hakfuzz" diff --misuse --json --malloc hakmem
[ "$(tr -d '\n\t' <out | grep -o '"answers":\["stops"\]' | wc -l)" -ge 9 ] || fail "$name" 'that it stops'
has out '"said":.*freed already'
expect 'misuse: a free that does not come back' 0 env HAKMEM_PLANTED=hang "$hakfuzz" diff --misuse --malloc "$planted"
has out '^\| frees a block, then others of its size, then the first one again \| hangs \|$'
expect 'misuse has its own programs' 2 "$hakfuzz" diff --misuse again.hak
has err '^hakfuzz diff: --misuse has programs of its own: only --malloc and --json go with it; see '
expect 'misuse measures nothing' 2 "$hakfuzz" diff --misuse --performance

# ---- options ----------------------------------------------------------------------------------------------------------

expect 'the default mallocs' 0 "$hakfuzz" diff "$HAKMEM_SOURCE/corpus/threads/seed/producer-consumer.hak"
has out ' mallocs?: hakmem, libc'
expect 'no such malloc' 2 "$hakfuzz" diff --malloc ./nowhere.so --malloc libc open.hak
has err '^hakfuzz: cannot load ./nowhere.so'
expect 'a component' 2 "$hakfuzz" diff --target map
has err '^hakfuzz diff: target map tries a component, not a malloc; see '
expect 'a file and generated programs' 2 "$hakfuzz" diff --generate 3 open.hak
expect 'no such file' 2 "$hakfuzz" diff nowhere.hak
expect 'nowhere to write' 2 "$hakfuzz" diff -o nowhere/below open.hak
has err "'nowhere/below' cannot be made: No such file or directory"
finish
