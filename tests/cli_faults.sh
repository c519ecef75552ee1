#!/usr/bin/env bash
# cli_faults: hakfuzz faults: the list of the catalogue; the corpus alone trips every fault, and says so for one that a
# program no longer trips, for a fault that the program trips without it, and for a program that is not there.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
corpus=$HAKMEM_SOURCE/corpus
count=$(sed -n '/^#define HAK_FAULT_TABLE/,/^$/p' "$HAKMEM_SOURCE/allocator/fault.h" | grep -cE '^    X\(')

expect 'faults: the list' 0 "$hakfuzz" faults
[ "$(wc -l <out)" -eq "$count" ] || fail 'faults: the list' "$count lines"
has out '^owner-8bit +ownership +the lineage: '

expect 'faults: one' 0 "$hakfuzz" faults --fault calloc-skips-zero "$corpus"
has out '^calloc-skips-zero +sequence +1 +yes +calloc-nonzero '
has out '^1 of 1 faults tripped by the corpus alone'

expect 'faults: the corpus alone trips every one' 0 "$hakfuzz" faults "$corpus"
has out "^$count of $count faults tripped by the corpus alone"

# A corpus of one program, which is another each time.
mkdir -p one/sequence/regress
program=one/sequence/regress/calloc-skips-zero.hak
one() { expect "$1" "$2" "$hakfuzz" faults --fault calloc-skips-zero one; }
printf 'hakmem 1\nt0 calloc s0 48 n=1\n' >$program
one 'faults: triggered, and not seen' 1
has out '^calloc-skips-zero +sequence +1 +yes +not seen '
printf 'hakmem 1\nt0 calloc s0 32 n=1\n' >$program
one 'faults: reached only' 1
has out '^calloc-skips-zero +sequence +1 +no +not seen '
printf 'hakmem 1\nt0 malloc s0 48\n' >$program
one 'faults: not reached' 1
has out '^calloc-skips-zero +sequence +0 +no +not seen '
rm $program
one 'faults: no program' 2
has err 'calloc-skips-zero.hak'

expect 'faults: no such fault' 2 "$hakfuzz" faults --fault crash-none "$corpus"
expect 'faults: two corpora' 2 "$hakfuzz" faults "$corpus" "$corpus"

finish
