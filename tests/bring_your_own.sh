#!/usr/bin/env bash
# bring_your_own: what docs/bring-your-own.md says, done: its malloc is built by HAKFUZZ_TARGET and right, and the bug that
# can be put into it is found and made small.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
unset HAKMEM_PLANTED GLIBC_TUNABLES
own=$HAKMEM_SOURCE/tests/own/own.c

expect 'configure' 0 cmake -S "$HAKMEM_SOURCE" -B tree -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHAKMEM_TESTS=OFF -DHAKFUZZ_TARGET="$own"
expect 'build' 0 cmake --build tree --target hakfuzz_target
cp "$hakfuzz" "$HAKMEM_BUILD/hakmem_trial.so" tree/hakfuzz_target.so .
target=(--malloc target --prefix own_)
expect 'one operation after another' 0 ./hakfuzz real "${target[@]}" --generate 200 --order virtual
has out '^programs 200, .* findings 0$'
expect 'threads side by side' 0 ./hakfuzz real "${target[@]}" --generate 200
expect 'beside another malloc' 0 ./hakfuzz diff --malloc target=own_ --malloc hakmem --generate 100
expect 'the corpus' 0 ./hakfuzz real "${target[@]}" "$HAKMEM_SOURCE/corpus/sequence" "$HAKMEM_SOURCE/corpus/threads"
printf 'hakmem 1\nt0 malloc s0 16\n' >one.hak
expect 'no such target' 2 "$hakfuzz" repro --malloc target one.hak
has err '^hakfuzz: hakfuzz_target.so is not beside this tool: cmake -DHAKFUZZ_TARGET=... says what it is built of$'
expect 'a file that is not there' 1 cmake -S "$HAKMEM_SOURCE" -B tree -DHAKFUZZ_TARGET=nowhere.c
has err 'HAKFUZZ_TARGET names .*/nowhere.c, which is not there'

for program in hakfuzz_target fuzz_target; do
    ninja -C tree -t query $program >/dev/null || fail "$program" 'a part of the build'
done
gcc -g -O1 -shared -fPIC -DOWN_BUG=1 "$own" -o libown.so || fail libown.so 'a compiler'
gcc -g -O1 -fPIC -DOWN_BUG=1 -c "$own" -o own.o || fail own.o 'a compiler'
ar rcs libown.a own.o || fail libown.a 'an archiver'
expect 'an archive' 0 cmake -S "$HAKMEM_SOURCE" -B tree -DHAKFUZZ_TARGET="$work/libown.a"
expect 'build of an archive' 0 cmake --build tree --target hakfuzz_target
cp tree/hakfuzz_target.so .
expect 'the bug in the archive' 1 ./hakfuzz real "${target[@]}" --order virtual --generate 100
has out 'calloc-nonzero'

# ---- under the engine: the build of the tests has this malloc with its bug in it ----------------------------------------

mkdir engine
expect 'the engine finds the bug, from nothing' 1 "$HAKMEM_BUILD/fuzz_own" --random --seed 2 --runs 1000 --artifacts engine
has out '^hakmem-finding: {"check":"calloc-nonzero",'
has out "^reproduce: $hakfuzz repro --target threads --malloc $HAKMEM_BUILD/own.so --prefix own_ engine/crash-[0-9a-f]*$"
signature=$(sed -n 's/^  signature   //p' out)
crash=$(echo engine/crash-*)
expect 'what it found needs nothing but its own input' 1 "$hakfuzz" repro --malloc "$HAKMEM_BUILD/own.so" --prefix own_ "$crash"
has out "^signature $signature: 10 of 10 equal$"
expect 'the engine replays it' 1 "$HAKMEM_BUILD/fuzz_own" "$crash"
has out '^fuzz_target: 1 input replayed, 1 with a finding$'
expect 'the engine: a program that is clean' 0 "$HAKMEM_BUILD/fuzz_own" one.hak
expect 'the engine: no faults' 2 "$HAKMEM_BUILD/fuzz_own" --fault errno-missing one.hak
has err '^fuzz_target: --fault: only hakmem has faults, and this is another malloc$'
cp "$HAKMEM_BUILD/fuzz_own" .
expect 'the engine: no library' 2 ./fuzz_own one.hak
has err '^fuzz_target: cannot begin: cannot load .*/own.so: '
gcc -shared -fPIC -x c -o own.so - <<<'void *own_malloc(unsigned long size) { (void)size; return 0; }' || fail own.so 'a compiler'
expect 'the engine: half a malloc' 2 ./fuzz_own one.hak
has err '^fuzz_target: cannot begin: .*/own.so has no own_free; --prefix says .*-DHAKFUZZ_TARGET_PREFIX= to fuzz_target$'
gcc -shared -fPIC -x c -o own.so - <<<'void *own_malloc(unsigned long size) { return own_malloc(size + 1) == 0 ? 0 : own_malloc(size); } void own_free(void *b) { (void)b; }' || fail own.so 'a compiler'
expect 'the engine: a malloc that calls itself without end' 1 ./fuzz_own one.hak
has out '^hakmem-finding: {"check":"crash",'
end='void *own_malloc(unsigned long size) { (void)size; return 0; } void own_free(void *b) { (void)b; }
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void start(void)'
while IFS='|' read -r ends words; do
    gcc -shared -fPIC -x c -o own.so - <<<"$end { $ends; }" || fail own.so 'a compiler'
    expect "the engine: $ends while it is loaded" 2 ./fuzz_own one.hak
    has err "^fuzz_target: cannot begin: .*/own.so cannot be tried: it ends the process while it is loaded: $words$"
done <<'END'
_exit(0)|exit 0
exit(3)|exit 3
abort()|Aborted
(void)!write(2, "no page\n", 8), abort()|Aborted; it says 'no page'
END
rm own.so

mkdir findings
expect 'the bug' 1 "$hakfuzz" real --malloc ./libown.so --prefix own_ --order virtual --generate 100 --keep-going --artifacts findings
expect 'triage' 1 "$hakfuzz" triage --malloc ./libown.so --prefix own_ -o report findings
has out 'calloc-nonzero/calloc/'
lacks out '(SIG|overlap|content)'
for file in report/threads-calloc-nonzero-*.hak; do
    [ "$(grep -c '^t' "$file")" -le 4 ] || fail "$name" "a few records in $file"
done
finish
