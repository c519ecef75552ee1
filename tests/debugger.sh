#!/usr/bin/env bash
# debugger: the gdb commands of tools/hakmem-gdb.py on a real program with libhakmem.so, alive and as a core file, and
# `hakfuzz repro --gdb`.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
command -v gdb >/dev/null || { echo 'debugger: gdb is not installed (ci/setup --test)' >&2; exit 2; }
script=$HAKMEM_SOURCE/tools/hakmem-gdb.py
export HOME=$work # nobody's .gdbinit

cc -g -O1 -fno-builtin -o blocks "$HAKMEM_SOURCE/tests/debugger.d/blocks.c" -pthread || exit 2
look=(-iex 'set debuginfod enabled off' -ex "source $script" -ex 'hak heap' -ex 'hak slabs' -ex 'hak slabs 112' -ex 'hak map')
for where in small freed passed run '(char *)big + 10' '&small' 0 left[7]; do
    look+=(-ex "hak where $where")
done

# What is seen in both.
seen() {
    has out '^heap 1 at 0x[0-9a-f]+: owned, '
    has out '^heap 2 at 0x[0-9a-f]+: orphan, '
    has out '^  cache of class [0-9]+: [0-9]+ of [0-9]+$'
    has out '^  queue of blocks that other threads freed: 1$'
    has out '^  queue of blocks that other threads freed: closed$'
    has out '^slab [0-9]+ of SuperSlab 0x[0-9a-f]+, from 0x[0-9a-f]+: 112 B, [0-9]+ used of [0-9]+ carved of [0-9]+, heap 1, [0-9]+ in its free list$'
    has out '^1 slab$'
    has out '^0x[0-9a-f]+ \+0x[0-9a-f]+  SuperSlab: [0-9]+ slabs of [0-9]+ B, [0-9]+ free$'
    has out '^0x[0-9a-f]+ \+0x[0-9a-f]+  region: 1 live run of [0-9]+ B in all, 1 free$'
    has out '^0x[0-9a-f]+ \+0x1400000  big mapping, 20971520 B, live$'
    has out '^0x[0-9a-f]+: block 0 at 0x[0-9a-f]+, live .*\(112 B, .*heap 1\)$'
    has out '^0x[0-9a-f]+: block 1 at 0x[0-9a-f]+, free, in the cache of heap 1; '
    has out '^0x[0-9a-f]+: block 2 at 0x[0-9a-f]+, freed, in the queue of heap 1; '
    has out '^0x[0-9a-f]+: block 7 at 0x[0-9a-f]+, live .*\(96 B, .*heap 2\)$'
    has out '^0x[0-9a-f]+: 0 B inside a live run at '
    has out '^0x[0-9a-f]+: 10 B inside a big mapping, '
    has out "^0x[1-9a-f][0-9a-f]*: not the allocator's$"
    has out "^0x0: not the allocator's$"
    lacks err 'Error|Traceback|Exception'
}

expect 'gdb: a living process' 0 gdb -q -batch -ex "set environment LD_PRELOAD $HAKMEM_BUILD/libhakmem.so" \
    -ex 'set startup-with-shell off' -ex 'break stop_here' -ex run "${look[@]}" -ex 'generate-core-file core' ./blocks
seen
expect 'gdb: a core file' 0 gdb -q -batch "${look[@]}" ./blocks core
seen
expect 'gdb: a program without hakmem' 1 gdb -q -batch -ex 'break stop_here' -ex run -ex "source $script" -ex 'hak heap' ./blocks
has err 'there is no hakmem with debug information'
rm -f core

# gdb finds the script by itself beside the library, where it may.
mkdir beside && cp "$(realpath "$HAKMEM_BUILD/libhakmem.so")" beside/libhakmem.so && cp "$script" beside/libhakmem.so-gdb.py
expect 'gdb: loads the script by itself' 0 gdb -q -batch -iex "set auto-load safe-path $work/beside" \
    -ex "set environment LD_PRELOAD $work/beside/libhakmem.so" -ex 'set startup-with-shell off' -ex 'break stop_here' -ex run \
    -ex 'hak map' ./blocks
has out 'SuperSlab: '

# ---- repro --gdb -----------------------------------------------------------------------------------------------------

# in_gdb NAME EXIT COMMANDS ARGUMENT...: gdb reads its commands from standard input.
in_gdb() {
    name=$1
    local wanted=$2
    printf '%b' "$3" >commands
    shift 3
    timeout 120 "$hakfuzz" repro --gdb "$@" <commands >out 2>err
    code=$?
    [ "$code" -eq "$wanted" ] || fail "$name" "exit $wanted"
    checks=$((checks + 1))
    printf 'ok %s\n' "$name"
}
regress=$HAKMEM_SOURCE/corpus/sequence/regress
in_gdb 'repro --gdb: in front of the operation, then at the finding' 1 \
    'print *record\ncontinue\nprint verdict->message\nup\nhak where subject\nhak slabs\n' \
    --fault cache-keeps-head "$regress/cache-keeps-head.hak"
has out '^#?.*world_at_operation \(index=(index@entry=)?0, '
has out '^hakmem found double-alloc: '
grep -qxF "reproduce: hakfuzz repro --target sequence --fault cache-keeps-head $regress/cache-keeps-head.hak" out ||
    fail "$name" 'the report names the file that was given'
lacks out "reproduce: .*$TMPDIR"
has out 'op = OP_MALLOC_MANY'
has out 'world_at_finding \(verdict='
has out 'the block at offset 0x50[0-9a-f]+ is live already in slot s2'
has out '0x5510000050[0-9a-f]+: block 2 at 0x5510000050[0-9a-f]+, '
has out ': [0-9]+ B, 3 used of 3 carved of [0-9]+, heap 1'
in_gdb 'repro --gdb: a finding after the last record' 1 'backtrace\ncontinue\nbacktrace\n' --fault born-marked "$regress/born-marked.hak"
has out 'world_at_finding \(verdict='
in_gdb 'repro --gdb: a crash is stopped at, too' 1 'continue\n' --fault adopt-null "$HAKMEM_SOURCE/corpus/threads/regress/adopt-null.hak"
has out 'SIGSEGV'
in_gdb 'repro --gdb: clean' 0 '' "$regress/born-marked.hak"
has out '^clean: it does not fail here'
in_gdb 'repro --gdb: --json does not go with it' 2 '' --json "$regress/born-marked.hak"
has err '--gdb goes with neither --with nor --json'
expect 'repro --gdb: no gdb' 2 env PATH=/nowhere "$hakfuzz" repro --gdb --fault born-marked "$regress/born-marked.hak"
has err 'cannot run gdb: install it'

finish
