#!/usr/bin/env bash
# record: hakfuzz record, replay and record --slice end to end: what a program did is in its recording, whatever it does
# to its threads, processes and descriptors; what is damaged is refused with one line; what is cut runs clean.
# shellcheck disable=SC2016
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
unset LD_PRELOAD HAKMEM_RECORD

gcc -std=gnu17 -O1 -fno-builtin -pthread "$HAKMEM_SOURCE/tests/record.d/acts.c" -o acts &&
    gcc -std=gnu17 -O1 -static -x c - -o static <<<'int main(void) { return 0; }' || exit 2

# record ACT EXIT: record it as act.hakrec (act.2-acts.hakrec ...) and print each as .txt.
record() {
    rm -f act*.hakrec act*.txt
    expect "record: $1" 0 "$hakfuzz" record -o act.hakrec -- ./acts "$1"
    has err "^hakfuzz record: ./acts: $2"
    for file in act*.hakrec; do
        "$hakfuzz" replay --print "$file" >"${file%.hakrec}.txt" || fail "$name" "$file can be printed"
    done
}
# holds FILE LINE...: these lines, in this order, among others.
holds() {
    local file=$1 line at=0 found
    shift
    cp "$file" out
    for line in "$@"; do
        found=$(awk -v line="$line" -v at="$at" 'NR > at && $0 == line { print NR; exit }' "$file")
        [ -n "$found" ] || fail "$name" "$file holds '$line' behind line $at"
        at=$found
    done
}
# counts FIELD VALUE: of the JSON in out, of its only process.
counts() {
    has out "\"$1\":[[:space:]]*$2,?\$"
}

# ---- what is recorded ------------------------------------------------------------------------------------------------

record names 'exit status 7'
holds act.txt 't0 malloc b0 70001' 't0 calloc b1 210006' 't0 aligned_alloc b2 70016 align=64' \
    't0 memalign b3 70004 align=128' 't0 posix_memalign b4 70005 align=256' 't0 realloc b0 70006' \
    't0 realloc b1 140014' 't0 malloc b5 70008' 't0 memalign b6 70009 align=4096' 't0 free b5' 't0 free b0' \
    't0 free b1' 't0 free b2' 't0 free b3' 't0 free b4' 't0 free b6'
[ "$(grep -c '^t' act.txt)" -eq 16 ] || fail "$name" 'nothing else: a request that failed and free(NULL) are not there'
has err 'to 128.0 KiB +7 '
record threads 'exit status 7'
holds act.txt 't0 malloc b0 71001' 't1 free b0' 't1 malloc b2 71002' 't1 thread end' 't0 realloc b2 71003' 't0 free b2'
has err '2 frees by another thread'
for act in fork clone; do
    record "$act" 'exit status 7; 2 processes'
    holds act.txt 't0 malloc b0 72001' 't0 free b0'
    holds act.2-acts.txt '# acts' 't0 malloc b0 72001 inherited' 't0 free b0' 't0 malloc b1 72002' 't0 free b1'
    has err 'forked: begins with 1 block that was live in process '
done
record exec 'exit status 7; 2 processes'
holds act.txt 't0 malloc b0 73001'
holds act.2-acts.txt 't0 malloc b0 70001' 't0 free b6'
record kill 'killed by signal 9 \(Killed\)'
holds act.txt 't0 malloc b0 74001'
record close 'exit status 7'
holds act.txt 't0 malloc b0 75001' 't0 free b199999' 't0 malloc b200000 76001'
record churn 'exit status 7'
has err ' 3001 threads'
[ "$(grep -c 'thread end' act.txt)" -eq 3000 ] || fail "$name" 'each thread that ended has its end'

# No free stands in front of its malloc, and no address is used again before its free.
expect 'record: threads that trade blocks' 0 "$hakfuzz" record --json -o act.hakrec -- ./acts trade
counts unknown_frees 0
counts implied_frees 0
counts missing 0
counts remote_frees '[1-9][0-9]*'
"$hakfuzz" replay --print act.hakrec >trade.txt || fail "$name" 'it can be printed'
cp act.hakrec trade.hakrec

# The same where it matters most, and where calloc calls malloc by name.
gcc -std=c17 -O1 -shared -fPIC -fno-builtin "$HAKMEM_SOURCE/tests/record.d/handover.c" -o handover.so || exit 2
for act in handover handover-realloc names; do
    expect "record: $act" 0 env LD_PRELOAD=./handover.so "$hakfuzz" record --json -o act.hakrec -- ./acts "$act"
    counts exit_status 7
    counts unknown_frees 0
    counts implied_frees 0
done
expect 'a calloc that calls malloc is one operation' 0 "$hakfuzz" replay --print act.hakrec
lacks out 'malloc b[0-9]+ 210006'
has out 'calloc b[0-9]+ 210006'

# ---- when it cannot be, or not to the end ----------------------------------------------------------------------------

expect 'a limit of file sizes does not kill the program' 0 \
    "$hakfuzz" record -o act.hakrec -- bash -c 'ulimit -f 300; exec ./acts many'
has err 'exit status 7; 2 processes'
has err 'recording ended early, at operation [0-9]+: File too large'
expect 'what is there until then is whole' 0 "$hakfuzz" replay --print act.2-acts.hakrec
expect 'threads that have ended leave their room to others' 0 \
    "$hakfuzz" record -o act.hakrec -- bash -c 'ulimit -f 4096; exec ./acts churn'
lacks err 'ended early'
has err ' 3001 threads'
expect 'standard output is the command'\''s' 0 "$hakfuzz" record -o act.hakrec -- echo hello
printf 'hello\n' >hello
same out hello
expect 'nobody reads the summary: nothing is left behind' 0 \
    bash -c '{ "$1" record -o act.hakrec -- ./acts names; echo $? >code; } 2>&1 | true; [ -s code ]' - "$hakfuzz"
[ -z "$(ls -A "$TMPDIR")" ] || fail "$name" 'temporary files are gone'
expect 'with --json it is the tool'\''s' 0 "$hakfuzz" record --json -o act.hakrec -- echo hello
lacks out hello
counts exit_status 0
expect 'a command that is not there' 2 "$hakfuzz" record -- ./nosuch
has err "cannot run './nosuch': No such file"
expect 'no command' 2 "$hakfuzz" record
has err 'a command to run is wanted'
expect 'a program that preloads nothing' 2 "$hakfuzz" record -o no.hakrec -- ./static
has err 'nothing was recorded: it is linked statically'
# unstarted PATH: what cannot be written is found out before the command runs.
unstarted() {
    expect "$2" 2 "$hakfuzz" record -o "$1" -- touch started
    [ ! -e started ] || fail "$name" 'the command does not run'
    [ "$(wc -l <err)" -eq 1 ] || fail "$name" 'one line'
}
unstarted missing/act.hakrec 'a place that is not there'
has err 'cannot write missing/act.hakrec: No such file'
unstarted tmp 'a directory'
has err 'cannot write tmp: Is a directory'
unstarted - 'standard output'
has err '-o - is not standard output'
echo kept >kept.hakrec
expect 'what is there stays when the command cannot run' 2 "$hakfuzz" record -o kept.hakrec -- ./nosuch
has err "cannot run './nosuch'"
grep -qx kept kept.hakrec || fail "$name" 'kept.hakrec as it was'
expect 'nothing is left when the command cannot run' 2 "$hakfuzz" record -o fresh.hakrec -- ./nosuch
has err "cannot run './nosuch'"
[ ! -e fresh.hakrec ] || fail "$name" 'no fresh.hakrec'
expect 'options of --slice without it' 2 "$hakfuzz" record --count 3 -- touch started
has err '--count is of --slice, and there is none'
[ ! -e started ] || fail "$name" 'the command does not run'
expect 'a full disk is no recording' 2 "$hakfuzz" record -o /dev/full -- ./acts names
has err 'cannot write /dev/full: No space left on device'
expect 'a malloc that is preloaded stays behind the recorder' 0 \
    env LD_PRELOAD="$HAKMEM_BUILD/libhakmem.so" HAKMEM_STATS=1 "$hakfuzz" record -o act.hakrec -- ./acts names
has err '16 operations'
has err '^hakmem' # its statistics, which are the command's and the tool's

# ---- damage ----------------------------------------------------------------------------------------------------------

record names 'exit status 7'
size=$(stat -c %s act.hakrec)
# refused PATH: by whoever reads recordings, with one line that names it.
refused() {
    expect "$2 is refused" 2 "$hakfuzz" replay "$1"
    [ "$(wc -l <err)" -eq 1 ] || fail "$name" 'one line'
    has err "^hakfuzz: '$1': (is|cannot) "
    [ ! -s out ] || fail "$name" 'nothing on standard output'
}
for length in 0 1 7 8 9 12 $((size / 2)) $((size - 4)) $((size - 1)); do
    head -c "$length" act.hakrec >cut.hakrec
    refused cut.hakrec "a recording of $length of $size bytes"
done
for at in 3 8 20 $((size / 2)) $((size - 2)); do
    { head -c "$at" act.hakrec && printf '\377' && tail -c +$((at + 2)) act.hakrec; } >bad.hakrec
    ! cmp -s act.hakrec bad.hakrec || continue
    refused bad.hakrec "a recording with byte $at spoilt"
done
{ cat act.hakrec && printf x; } >long.hakrec
refused long.hakrec 'a recording with something behind it'
sed '1s/hakrec1/hakrec2/' act.hakrec >version.hakrec
refused version.hakrec 'a recording of another version'
has err 'is a recording of version 2, but this tool reads version 1'
refused nosuch.hakrec 'a recording that is not there'
expect 'slices of damage' 2 "$hakfuzz" record --slice cut.hakrec -o slices
has err "^hakfuzz: 'cut.hakrec': is "

# ---- replay ----------------------------------------------------------------------------------------------------------

expect 'replay on two mallocs' 0 "$hakfuzz" replay act.hakrec --times 2
has out '^acts: 16 operations, 7 blocks, 1 thread, peak live '
has out '^hakmem +[0-9.]+ ms '
has out '^libc +[0-9.]+ ms '
for act in trade act; do
    expect "replay $act with checks" 0 "$hakfuzz" replay "$act.hakrec" --times 1 --oracle
    lacks out finding
done
record churn 'exit status 7'
expect 'replay thousands of threads' 0 "$hakfuzz" replay act.hakrec --times 1 --oracle
expect 'replay by other names' 0 "$hakfuzz" replay act.hakrec --times 1 --malloc hakmem --prefix hak_ --json
counts runs 1
has out '"complete":[[:space:]]*true'
expect 'a prefix that nothing has' 2 "$hakfuzz" replay act.hakrec --malloc hakmem --prefix nosuch_
has err 'has no nosuch_malloc; --prefix says'
expect 'a library that is not there' 2 "$hakfuzz" replay act.hakrec --malloc ./libnosuch.so
has err "'./libnosuch.so': No such file"
expect 'a library that the loader does not find' 2 "$hakfuzz" replay act.hakrec --malloc libnosuch.so
has err 'cannot load libnosuch.so: '
for other in --json --oracle '--malloc libc' '--prefix je_' '--times 5' '--timeout 600'; do
    # shellcheck disable=SC2086
    expect "--print with $other" 2 "$hakfuzz" replay --print $other act.hakrec
    has err "--print runs nothing, and goes without ${other%% *};"
    [ ! -s out ] || fail "$name" 'nothing on standard output'
done
expect 'replay of standard input' 2 "$hakfuzz" replay -
has err "'-' is not standard input"
# A library whose second run interrupts the tool and does not end.
gcc -std=gnu17 -O1 -shared -fPIC -fno-builtin -DBAD_CRASH=2000000000 "$HAKMEM_SOURCE/tests/record.d/interrupts.c" \
    "$HAKMEM_SOURCE/tests/programs.d/bad_malloc.c" -o interrupts.so || exit 2
expect 'replay tells how far it came when it is interrupted' 2 \
    env INTERRUPTS_AT=2 INTERRUPTS_COUNT="$PWD/starts" "$hakfuzz" replay act.hakrec --times 5 --malloc libc --malloc ./interrupts.so
has err '^hakfuzz replay: interrupted: stopped after 1 of 5 rounds$'
has out '^acts: .*; 1 round$'
has out '^libc +[0-9.]+ ms '
rm starts
expect 'and --json says that it is not all' 2 env INTERRUPTS_AT=2 INTERRUPTS_COUNT="$PWD/starts" \
    "$hakfuzz" replay act.hakrec --times 5 --malloc libc --malloc ./interrupts.so --json
has out '"complete":[[:space:]]*false'
gcc -shared -x c - -o none.so <<<'int nothing;' || exit 2
expect 'a library without a malloc' 2 "$hakfuzz" replay act.hakrec --malloc ./none.so
has err 'none.so has no malloc; --prefix says'
bad() { # bad DEFINITION CHECK RECORDING: a malloc that is bad so is found out
    gcc -std=c17 -O1 -shared -fPIC -fno-builtin "$1" "$HAKMEM_SOURCE/tests/programs.d/bad_malloc.c" -o bad.so || exit 2
    expect "replay finds $1" 1 "$hakfuzz" replay "$3" --oracle --times 1 --malloc ./bad.so
    has out "^./bad.so: finding $2: "
}
bad -DBAD_TWICE=1 overlap trade.hakrec
bad -DBAD_CRASH=50 crash trade.hakrec
bad -DBAD_SPOIL=1 realloc-prefix trade.hakrec

# ---- slices ----------------------------------------------------------------------------------------------------------

expect 'slices of a recording' 0 "$hakfuzz" record --slice trade.hakrec -o slices --count 3 --records 64
[ "$(find slices -name 'recorded-acts-*.hak' | wc -l)" -eq 3 ] || fail "$name" 'three files'
expect 'they are the same each time' 0 "$hakfuzz" record --slice trade.hakrec -o again --count 3 --records 64
expect 'byte for byte' 0 diff -r slices again
expect 'they run clean' 0 "$hakfuzz" run slices
has out 'programs 3, '
for file in slices/*; do
    [ "$(grep -c '^t[0-3] ' "$file")" -le 64 ] || fail "$name" "$file has 64 records at most"
    expect "$file says where it is from" 0 grep -E '^# Recorded from acts, operations [0-9]+ to [0-9]+ of ' "$file"
done
expect 'slices are not laid beside old ones' 2 "$hakfuzz" record --slice trade.hakrec -o slices --count 2
has err '^hakfuzz record: slices holds 3 slices of acts already; remove what is there, or give another -o DIR$'
expect 'and these stay' 0 diff -r slices again
expect 'slices want a directory' 2 "$hakfuzz" record --slice trade.hakrec
has err 'wants a directory'
expect 'slices are files, not a stream' 2 "$hakfuzz" record --slice trade.hakrec -o -
has err '-o - is not standard output: --slice writes several files'
expect 'too few records' 2 "$hakfuzz" record --slice trade.hakrec -o slices --records 1
has err '--records is 1, but must be from 8 to 4096'

# ---- what it costs ---------------------------------------------------------------------------------------------------

expect 'bench record' 0 "$hakfuzz" bench record --times 1 --json -- ./acts many
has out '"events":[[:space:]]*400000'
expect 'bench record is interrupted' 2 "$hakfuzz" bench record --times 1 -- bash -c '[ -z "${LD_PRELOAD:-}" ] || { kill -INT $PPID; exit 3; }'
has err '^hakfuzz bench: interrupted: there is no result$'
[ "$(wc -l <err)" -eq 1 ] || fail "$name" 'one line'
expect 'bench record without a command' 2 "$hakfuzz" bench record
has err 'record wants a command'

finish
