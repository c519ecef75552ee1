#!/usr/bin/env bash
# cli_malloc: another malloc than hakmem under the verbs that explain a finding. Each bug of tests/planted/planted.c is
# found in generated programs, and taken through repro, min, show, triage and emit-c; without a bug all is clean. Then
# libraries that cannot be tried.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
unset HAKMEM_PLANTED GLIBC_TUNABLES
planted=$HAKMEM_BUILD/planted.so
[ -f "$planted" ] || { echo 'cli_malloc: planted.so is not in this build: nothing to test' && exit 77; }

# ---- each planted bug: the target, the check and operation that are found, the records that are left ------------------

bugs='
overlap sequence overlap/malloc_many 1
zero-late sequence calloc-nonzero/calloc 4
link-left sequence calloc-nonzero/calloc 3
usable-large sequence usable-overlap/usable 2
usable-small sequence usable-small/usable 2
realloc-tail sequence realloc-prefix/realloc 2
realloc-fail sequence realloc-harmed/realloc 2
errno-free sequence errno-contract/free_many 2
errno-missing sequence errno-contract/realloc 2
align sequence misaligned/posix_memalign 2
scribble sequence content-changed/free_many 7
twice threads double-alloc/realloc 4
zero-size sequence crash/malloc 1
huge-size sequence impossible-success/realloc 2
abort sequence crash/free_many 2
'
grep -o '^    X([A-Z_]*, "[a-z-]*"' "$HAKMEM_SOURCE/tests/planted/planted.c" | cut -d '"' -f 2 | grep -vxE 'hang|unlocked' | sort >named
awk 'NF { print $1 }' <<<"$bugs" | sort >tried
same named tried

mkdir found
while read -r bug target signature records; do
    [ -n "$bug" ] || continue
    export HAKMEM_PLANTED=$bug
    on=(--malloc "$planted" --target "$target")
    rm -rf found/*
    expect "$bug: real finds it" 1 "$hakfuzz" real "${on[@]}" --order virtual --generate 100 --artifacts found
    has out "^reproduce: hakfuzz repro --target $target --malloc "
    crash=$(echo found/crash-*)
    expect "$bug: repro" 1 "$hakfuzz" repro "${on[@]}" "$crash"
    has out "^signature $signature/[^ ]*: 10 of 10 equal$"
    has out '^hakmem-finding: '
    expect "$bug: min" 1 "$hakfuzz" min "${on[@]}" -o "$bug.hak" "$crash"
    has out "^signature $signature/[^ ]*: 3 of 3 equal in new processes$"
    has out "-> $records record.*no record and no gene can go"
    has out "^hakfuzz repro --target $target --malloc $planted $bug.hak$"
    expect "$bug: show" 1 "$hakfuzz" show "${on[@]}" "$bug.hak"
    has out '<-- finding$'
    has out "^signature $signature/"
    expect "$bug: emit-c" 1 "$hakfuzz" emit-c "${on[@]}" "$bug.hak" -o "$bug.c"
    has out "^$bug.c: plain file, compiled and run 3 times: "
    expect "$bug: triage" 1 "$hakfuzz" triage "${on[@]}" --json "$crash" "$bug.hak"
    [ "$(grep -ac '"shortest"' out)" -eq 1 ] || fail "$name" 'one group for both'
    has out '"malloc":'
done <<<"$bugs"
unset HAKMEM_PLANTED
expect 'without a bug: real' 0 "$hakfuzz" real --malloc "$planted" --order virtual --generate 100
for bug in overlap twice; do
    expect "without a bug: repro of $bug" 0 "$hakfuzz" repro --malloc "$planted" "$bug.hak"
    has out '^clean: 10 of 10 equal$'
    expect "without a bug: emit-c of $bug" 0 "$hakfuzz" emit-c --malloc "$planted" "$bug.hak" -o nothing.c
    expect "without a bug: show of $bug" 0 "$hakfuzz" show --malloc "$planted" "$bug.hak"
    has out '^clean: '
done
expect 'without a bug: min' 0 "$hakfuzz" min --malloc "$planted" overlap.hak
has out '^clean: '
expect 'without a bug: triage' 0 "$hakfuzz" triage --malloc "$planted" overlap.hak twice.hak

# ---- what does not come to its end ------------------------------------------------------------------------------------

printf 'hakmem 1\nt0 malloc_many s0 16 n=5\nt0 free_many s0 n=4\nt0 malloc s0 16\n' >hang.hak
export HAKMEM_PLANTED=hang
expect 'hang: repro' 1 "$hakfuzz" repro --times 2 --malloc "$planted" hang.hak
has out '^signature livelock/malloc/9-128/-/hang: 2 of 2 equal$'
expect 'hang: show' 1 "$hakfuzz" show --malloc "$planted" hang.hak
has out '^    2  t0  malloc s0 16 .*<-- finding$'
expect 'hang: triage' 1 "$hakfuzz" triage --no-reduce --malloc "$planted" hang.hak
has out 'livelock/malloc/9-128/-/hang'

# ---- views and reports ------------------------------------------------------------------------------------------------

export HAKMEM_PLANTED=twice
expect 'show: what happened before, on which thread' 1 "$hakfuzz" show --malloc "$planted" twice.hak
has out 'which t0 allocated$'
has out '^map: live blocks around 0x'
lacks out 'slab at|trace hash|heap '
expect 'show --json' 1 "$hakfuzz" show --malloc "$planted" --json twice.hak
has out '"foreign":	true'
lacks out '"slab":|"cache":|"heaps":|"shared":'
cp out once
expect 'show --json, again' 1 "$hakfuzz" show --malloc "$planted" --json twice.hak
same out once
expect 'show --html' 1 "$hakfuzz" show --malloc "$planted" --html -o twice.html twice.hak
[ -s twice.html ] || fail "$name" 'a page'
expect 'show --trace' 1 "$hakfuzz" show --malloc "$planted" --trace twice.hak
has out '"name":"remote free"'
expect 'show --shiviz' 1 "$hakfuzz" show --malloc "$planted" --shiviz twice.hak
has out 'FINDING: t0 realloc '
expect 'repro --json' 1 "$hakfuzz" repro --json --malloc "$planted" twice.hak
has out '"equal":	10'
expect 'repro --order free' 1 env HAKMEM_PLANTED=abort "$hakfuzz" repro --order free --times 3 --malloc "$planted" abort.hak
has out '^ +3 x crash/signal/real-threads'
expect 'repro --order free, clean' 0 "$hakfuzz" repro --order free --times 3 --malloc libc abort.hak
has out '^ +3 x \(clean\)'
expect 'triage -o' 1 "$hakfuzz" triage -o report --malloc "$planted" twice.hak
for file in index.html findings.sarif threads-double-alloc-realloc-129-1k-local-virtual-order.{hak,bin,txt,html}; do
    [ -s "report/$file" ] || fail "$name" "$file"
done
expect 'min: stdout says how' 1 "$hakfuzz" min --malloc "$planted" twice.hak
has out '^# hakfuzz repro --target threads --malloc ./planted.so FILE$'
unset HAKMEM_PLANTED

# ---- options ----------------------------------------------------------------------------------------------------------

for verb in repro min show triage emit-c; do
    rm -f twice.c
    expect "$verb: --malloc hakmem is the default" 0 "$hakfuzz" "$verb" --malloc hakmem twice.hak
    expect "$verb: --malloc libc" 0 "$hakfuzz" "$verb" --malloc libc twice.hak
    expect "$verb: a prefix without a malloc" 2 "$hakfuzz" "$verb" --prefix hak_ twice.hak
    has err "^hakfuzz $verb: --prefix is of the functions of a --malloc, and there is none; see "
    expect "$verb: a fault of hakmem" 2 "$hakfuzz" "$verb" --malloc libc --fault owner-8bit twice.hak
    has err '^hakfuzz: only hakmem has faults \(--fault owner-8bit\), and libc is another malloc$'
    expect "$verb: a component" 2 "$hakfuzz" "$verb" --malloc libc --target map twice.hak
    has err '^hakfuzz: target map tries a component of hakmem, not a malloc: it says nothing of libc$'
    expect "$verb: a prefix" 0 "$hakfuzz" "$verb" --malloc "$HAKMEM_BUILD/libhakmem.so" --prefix hak_ twice.hak
done
expect 'repro: --order without --malloc' 2 "$hakfuzz" repro --order free twice.hak
has err '^hakfuzz repro: --order is of real threads: it goes with --malloc; see '
expect 'repro: --gdb with --malloc' 2 "$hakfuzz" repro --gdb --malloc libc twice.hak
expect 'real: --artifacts that is not there' 2 "$hakfuzz" real --artifacts nowhere --generate 1
has err '^hakfuzz real: --artifacts nowhere cannot be written to: No such file or directory; see '

# ---- libraries that cannot be tried -----------------------------------------------------------------------------------

# bad NAME C: builds libNAME.so
bad() {
    printf '#include <stdlib.h>\n#include <unistd.h>\n%s\n' "$2" >"$1.c"
    gcc -shared -fPIC -O1 -fno-builtin -fno-optimize-sibling-calls "$1.c" -o "lib$1.so" || fail "lib$1.so" 'a compiler'
}
both='void *bad_malloc(size_t size) { static long long b[64]; return size <= sizeof b ? b : 0; } void bad_free(void *b) { (void)b; }'
bad half 'void *bad_malloc(size_t size) { (void)size; return 0; }'
bad undefined "$both extern int nobody_has_this(void); int use(void) { return nobody_has_this(); }"
bad recurses 'void bad_free(void *b) { (void)b; } void *bad_malloc(size_t size) { char volatile a[64]; a[0] = 1; char *b = bad_malloc(size + 1); return b ? b + a[0] : 0; }'
bad aborts "$both __attribute__((constructor)) static void start(void) { (void)!write(2, \"no page of this size\\n\", 21); abort(); }"
bad leaves "$both __attribute__((constructor)) static void start(void) { _exit(3); }"
bad first 'void bad_free(void *b) { (void)b; } void *bad_malloc(size_t size) { (void)size; abort(); }'
bad nothing 'void bad_free(void *b) { (void)b; } void *bad_malloc(size_t size) { (void)size; return 0; }'
bad wild 'void bad_free(void *b) { (void)b; } void *bad_malloc(size_t size) { return (void *)size; }'
bad frees 'void *bad_malloc(size_t size) { static long long b[64]; (void)size; return b; } void bad_free(void *b) { (void)b; abort(); }'
echo 'this is no library' >libtext.so
while IFS='|' read -r library words; do
    [ -n "$library" ] || continue
    for verb in repro min show triage emit-c real; do
        expect "$verb: $library" 2 "$hakfuzz" "$verb" --malloc "./lib$library.so" --prefix bad_ twice.hak
        has err "^hakfuzz: $words"
    done
    expect "diff: $library" 2 "$hakfuzz" diff --malloc hakmem --malloc "./lib$library.so=bad_" twice.hak
    has err "^hakfuzz: $words"
done <<'END'
nowhere|cannot load ./libnowhere.so: .*: cannot open shared object file
text|cannot load ./libtext.so: .*(file too short|invalid ELF header)
half|./libhalf.so has no bad_free; --prefix says
undefined|cannot load ./libundefined.so: .*undefined symbol: nobody_has_this
recurses|./librecurses.so cannot be tried: it calls itself without end in its first malloc\(64\) \(the stack ran over\)$
aborts|./libaborts.so cannot be tried: it ends the process while it is loaded: Aborted; it says 'no page of this size'$
leaves|./libleaves.so cannot be tried: it ends the process while it is loaded: exit 3$
first|./libfirst.so cannot be tried: it ends the process in its first malloc\(64\): Aborted$
nothing|./libnothing.so cannot be tried: its first malloc\(64\) returns NULL$
wild|./libwild.so cannot be tried: it ends the process when its first block is written to: Segmentation fault$
frees|./libfrees.so cannot be tried: it ends the process in free of its first block: Aborted$
END
finish
