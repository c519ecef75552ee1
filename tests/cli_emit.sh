#!/usr/bin/env bash
# cli_emit: hakfuzz emit-c: what it writes reproduces the finding when it is built as it says, and is clean on a malloc
# that is not wrong; what does not reproduce is not kept.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
corpus=$HAKMEM_SOURCE/corpus

[ -f "$HAKMEM_BUILD/hakmem_trial.so" ] || { echo 'cli_emit: hakmem_trial.so is not in this build: nothing to test' && exit 0; }

# The command that a file states for building and running it.
stated() {
    sed -n 's/^ \*     \(.*&& .*\)$/\1/p' "$1"
}

# Needs one more file to be compiled: a sanitizer build's archive wants its own flags.
if nm "$hakfuzz" 2>/dev/null | grep -q ' __asan_init\| __tsan_init'; then
    echo 'cli_emit: hakfuzz has a sanitizer: its archive does not link by itself: nothing to test'
    exit 0
fi

expect 'emit-c: plain calls' 1 "$hakfuzz" emit-c --fault carve-by-used "$corpus/sequence/regress/carve-by-used.hak" -o carve.c
has out '^carve.c: plain file, compiled and run 3 times: finding: double-alloc at 3'
[ ! -e carve_world.c ] || fail "$name" 'no world file for one thread'
expect 'emit-c: the stated command' 1 sh -c "$(stated carve.c)"
has out '^finding: double-alloc at 3'
sed 's/hak_trial_begin(1,/hak_trial_begin(0,/' carve.c >healthy.c
expect 'emit-c: without the fault it is clean' 0 sh -c "$(stated carve.c | sed 's/carve/healthy/g')"
has out '^clean$'
expect 'emit-c: no warnings' 0 gcc -std=gnu17 -Wall -Wextra -Werror -fno-builtin -c carve.c -o carve.o

expect 'emit-c: threads: both files' 1 "$hakfuzz" emit-c --fault owner-8bit "$corpus/threads/regress/owner-8bit.hak"
has out '^owner-8bit.c: plain file'
has out '^owner-8bit_world.c: world file'
grep -q 'pthread_create(&threads\[2\], NULL, thread_2_0, NULL)' owner-8bit.c || fail "$name" 'threads in the plain file'
expect 'emit-c: no warnings with threads' 0 gcc -std=gnu17 -Wall -Wextra -Werror -fno-builtin -c owner-8bit.c -o owner.o

expect 'emit-c: a switch inside an operation' 1 "$hakfuzz" emit-c --fault push-keeps-head "$corpus/threads/regress/push-keeps-head.hak" -o livelock.c
has out '^no plain file: '
[ ! -e livelock.c ] || fail "$name" 'no plain file'
expect 'emit-c: the stated command of the world' 1 sh -c "$(stated livelock_world.c)"
has out '^hakmem-finding: .*"check":"livelock"'
sed 's/"push-keeps-head", program/"", program/' livelock_world.c >calm.c
expect 'emit-c: the world without the fault' 0 sh -c "$(stated livelock_world.c | sed 's/livelock_world/calm/g')"
has out '^clean'

expect 'emit-c: --json' 1 "$hakfuzz" emit-c --json --fault carve-by-used "$corpus/sequence/regress/carve-by-used.hak" -o json.c
has out '"plain":	\{'
has out '"said":	"finding: double-alloc at 3'

# Another malloc: every block is the one before.
cat >same.c <<'END'
#include <stddef.h>
static _Alignas(16) unsigned char block[65536];
void *bad_malloc(size_t size_bytes) { return size_bytes <= sizeof block ? block : NULL; }
void bad_free(void *freed) { (void)freed; }
END
gcc -shared -fPIC same.c -o libsame.so || fail 'a malloc that is wrong' 'a compiler'
printf 'hakmem 1\nt0 malloc s0 16\nt0 free s0\nt0 malloc s1 16\nt0 malloc s2 96\n' >two.hak
expect 'emit-c: another malloc' 1 "$hakfuzz" emit-c --malloc ./libsame.so --prefix bad_ two.hak
has out '^two.c: plain file, compiled and run 3 times: finding: double-alloc at 3'
expect 'emit-c: another malloc, as stated' 1 sh -c "$(stated two.c)"
expect 'emit-c: another malloc, clean' 0 "$hakfuzz" emit-c --malloc libc two.hak -o libc.c
[ ! -e libc.c ] || fail "$name" 'no file'

expect 'emit-c: nothing found' 0 "$hakfuzz" emit-c two.hak -o clean.c
has out '^clean: '
[ ! -e clean.c ] || fail "$name" 'no file'
expect 'emit-c: nowhere to write' 2 "$hakfuzz" emit-c --fault carve-by-used "$corpus/sequence/regress/carve-by-used.hak" -o nowhere/x.c
has err 'nowhere/x.c'
cp "$corpus/threads/regress/owner-8bit.hak" mine.c
expect 'emit-c: the input is not overwritten' 2 "$hakfuzz" emit-c --fault owner-8bit mine.c
has err "'mine.c' is input and output"
expect 'emit-c: nor a file that is there' 2 "$hakfuzz" emit-c --fault owner-8bit "$corpus/threads/regress/owner-8bit.hak"
has err "'owner-8bit.c' is there already"
mkdir "d*"
cp "$corpus/sequence/regress/carve-by-used.hak" "d*/it's *.hak"
expect 'emit-c: names that mean something to shell and compiler' 1 "$hakfuzz" emit-c --target sequence --fault carve-by-used "d*/it's *.hak"
expect 'emit-c: the stated command with such names' 1 sh -c "$(stated "it's *.c")"
has out '^finding: double-alloc at 3'
expect 'emit-c: a prefix of nothing' 2 "$hakfuzz" emit-c --prefix zz_ two.hak
has err '--prefix is of the functions of a --malloc, and there is none'
expect 'emit-c: standard input has no name' 2 "$hakfuzz" emit-c -
has err 'standard input has no name for the output'
expect 'emit-c: no compiler' 2 env CC=no-such-compiler "$hakfuzz" emit-c --fault carve-by-used "$corpus/sequence/regress/carve-by-used.hak" -o cc.c
has err 'could not be compiled'
expect 'emit-c: no input' 2 "$hakfuzz" emit-c
has err '0 inputs given'
expect 'emit-c: no such malloc' 2 "$hakfuzz" emit-c --malloc ./nowhere.so two.hak -o nowhere.c
has err 'cannot load ./nowhere.so'
finish
