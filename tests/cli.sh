#!/usr/bin/env bash
# cli: hakfuzz end to end, as a person or a script uses it: exit codes, messages, files that are no programs.
# shellcheck disable=SC2016
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"

# ---- programs --------------------------------------------------------------------------------------------------------

cat >clean.hak <<'END'
hakmem 1
geometry tiny
t0 malloc s0 96
t1 calloc s1 4k-1 n=2
t1 free s0
t0 realloc s1 1k
t0 free s1
END

# With fault calloc-skips-zero: memory that was written, freed and handed out again by calloc is not zero.
cat >dirty.hak <<'END'
hakmem 1
geometry tiny
t0 malloc s0 96
t0 write s0
t0 free s0
t0 calloc s1 96 n=1
t0 check
END
fault=calloc-skips-zero
check=calloc-nonzero

# ---- the tool itself -------------------------------------------------------------------------------------------------

verbs="run real repro show asm disasm bench detect faults orders sites explore record replay"
expect 'help lists every verb' 0 "$hakfuzz" --help
for verb in $verbs; do has out "^  $verb +[a-z]"; done
for verb in $verbs; do
    expect "help of $verb has options, examples and exit codes" 0 "$hakfuzz" "$verb" --help
    has out "^Usage: hakfuzz $verb "
    has out '^Options:'
    has out "^  .*hakfuzz $verb"
    has out '^Exit status: 0 clean, 1 '
done
expect 'no verb is wrong usage' 2 "$hakfuzz"
has err '^Usage: '
expect 'a mistyped verb is named, with the nearest one' 2 "$hakfuzz" repor x
has err "no verb 'repor', did you mean 'repro'\\? There are: run real repro"
expect 'a verb like no other gets no suggestion' 2 "$hakfuzz" zzzzzzzz
lacks err 'did you mean'
has err "no verb 'zzzzzzzz'; there are: run real repro"
expect 'nor does a short one that shares a letter' 2 "$hakfuzz" min
lacks err 'did you mean'
expect 'help of a verb by its other name' 0 "$hakfuzz" help run
has out '^Usage: hakfuzz run '
expect 'help of a verb that is not there' 2 "$hakfuzz" help frob
has err "no verb 'frob'"
expect 'version' 0 "$hakfuzz" --version
has out '^hakfuzz [0-9]+\.[0-9]+\.[0-9]+, program format [0-9]+'
expect 'an unknown option is named' 2 "$hakfuzz" run --bogus clean.hak
has err '^hakfuzz run: --bogus: unknown option; see .hakfuzz run --help.'
expect 'an unknown target: what there is' 2 "$hakfuzz" run --target threds clean.hak
has err "no target 'threds', did you mean 'threads'\\? There are:.* oom"
expect 'an unknown fault: what there is' 2 "$hakfuzz" run --fault calloc-skip-zero clean.hak
has err "no fault 'calloc-skip-zero', did you mean 'calloc-skips-zero'\\? There are: carve-by-used .* none\$"
expect 'an unknown fault of the environment: where it came from' 2 env HAKMEM_FAULT=nosuch "$hakfuzz" run clean.hak
has err "no fault 'nosuch' \\(from the variable HAKMEM_FAULT\\)"
expect 'an empty fault is none of the catalogue' 2 "$hakfuzz" run --fault '' clean.hak
has err "'none' stands for none"
expect 'a number out of range' 2 "$hakfuzz" repro --times 0 clean.hak
has err '--times is 0, but must be from 1'
for words in '--times many' '--times=many' '-n many' '-nmany'; do
    # shellcheck disable=SC2086
    expect "a number that is none: $words" 2 "$hakfuzz" repro $words clean.hak
    has err "repro: (--times|-n) 'many' is not a whole number"
done
expect 'a number beyond all' 2 "$hakfuzz" repro --times 99999999999999999999 clean.hak
has err "(--times '99999999999999999999' is too large|but must be from)"
expect 'too few inputs' 2 "$hakfuzz" show
expect 'too many inputs' 2 "$hakfuzz" show clean.hak clean.hak
expect 'a full disk is no success' 2 bash -c '"$1" --help >/dev/full' - "$hakfuzz"

# ---- asm and disasm --------------------------------------------------------------------------------------------------

expect 'asm makes bytes: a header and a record each' 0 "$hakfuzz" asm clean.hak -o clean.bin
[ "$(wc -c <clean.bin)" -eq $((16 + 5 * 8)) ] || fail "$name" "56 bytes, not $(wc -c <clean.bin)"
expect 'disasm makes text' 0 "$hakfuzz" disasm clean.bin -o clean.txt
has clean.txt '^t1 calloc s1 4k-1 n=2'
expect 'asm of disasm gives the bytes back' 0 "$hakfuzz" asm clean.txt
same out clean.bin
# Any bytes at all: pieces of this script and of the tool, of every length around header and record.
for length in 1 2 7 8 9 15 16 17 23 24 25 31 32 33 100 1000 32904; do
    head -c "$length" "$hakfuzz" >piece
    [ "$length" -ge 64 ] || tail -c +100 "$HAKMEM_SOURCE/tests/cli.sh" | head -c "$length" >piece
    expect "$length bytes survive disasm and asm" 0 "$hakfuzz" disasm piece -o piece.txt
    expect "$length bytes, and back" 0 "$hakfuzz" asm piece.txt -o piece.bin
    same piece piece.bin
done
expect 'standard input and output' 0 bash -c '"$1" disasm - <clean.bin | "$1" asm - | cmp - clean.bin' - "$hakfuzz"
printf 'hakmem 1\nt0 malloc s0 96\nt0 mallok s1 96\n' >wrong.hak
for verb in asm run repro show; do
    expect "$verb says where text is wrong" 2 "$hakfuzz" "$verb" wrong.hak
    has err '^wrong.hak:3:4: .*mallok'
done
expect 'asm does not write bytes to a terminal' 2 script -qec "'$hakfuzz' asm clean.hak" /dev/null
has out 'terminal'
expect 'asm -o to a place that is not there' 2 "$hakfuzz" asm clean.hak -o missing/x
has err 'missing/x: No such file'
expect 'asm -o to a directory' 2 "$hakfuzz" asm clean.hak -o "$TMPDIR"
expect 'disasm to a full disk' 2 bash -c '"$1" disasm clean.bin >/dev/full' - "$hakfuzz"
has err 'cannot write to standard output: No space left on device; what was written is not complete'
expect 'run to a full disk, in the same words' 2 bash -c '"$1" run clean.bin >/dev/full' - "$hakfuzz"
has err 'cannot write to standard output: No space left on device; what was written is not complete'

cp clean.hak same.hak
ln same.hak other_name.hak
for verb in asm disasm; do
    for out in same.hak other_name.hak ./same.hak; do
        expect "$verb does not overwrite its input, named $out" 2 "$hakfuzz" "$verb" same.hak -o "$out"
        has err 'would be overwritten'
        same same.hak clean.hak
    done
done
expect 'asm - with the output as input' 2 bash -c '"$1" asm - -o same.hak <same.hak' - "$hakfuzz"
same same.hak clean.hak

# ---- text that is none, and bytes that look so -----------------------------------------------------------------------

printf '\357\273\277' | cat - clean.hak >mark.hak
expect 'a byte order mark is no part of the text' 0 "$hakfuzz" asm mark.hak
same out clean.bin
cp mark.hak mark
expect 'a byte order mark does not hide text' 0 "$hakfuzz" run mark
has out 'operations [1-9]'
sed 's/hakmem 1/HAKMEM 1/' clean.hak >capitals
sed 's/hakmem 1/hakme 1/' clean.hak >letter
iconv -f UTF-8 -t UTF-16 clean.hak >wide
iconv -f UTF-8 -t UTF-16BE clean.hak >wider.hak
printf '\1\2\3' >bytes.hak
for verb in run repro show; do
    for path in capitals letter bytes.hak "$HAKMEM_SOURCE/README.md"; do
        expect "$verb takes no text for bytes: $path" 2 "$hakfuzz" "$verb" "$path"
        has err "^$path:[0-9]+:1: "
        has err 'hakfuzz disasm '
    done
    for path in wide wider.hak; do
        expect "$verb knows UTF-16: $path" 2 "$hakfuzz" "$verb" "$path"
        has err 'iconv -f UTF-16'
    done
done
expect 'text with a mistake gets no advice about bytes' 2 "$hakfuzz" run wrong.hak
lacks err disasm
printf 'hakmem 1\nt0 \1\n' >half
expect 'bytes that begin like text do' 2 "$hakfuzz" run half
has err 'hakfuzz disasm half'
sed 's/hakmem 1/hakmem 2/' clean.hak >next.hak
expect 'text for a later version is said to be so' 0 "$hakfuzz" run next.hak
has err 'version 2 .* knows version 1'
expect 'text for this version is not' 0 "$hakfuzz" run clean.hak
lacks err version

# ---- files that are no programs --------------------------------------------------------------------------------------

mkdir directory
touch empty
head -c 10000000 /dev/zero | tr '\0' '\377' >huge
printf 'hakmem 1\n%10000000s' x >huge.hak
printf 'hakmem 1\nt0 malloc\0 s0 96\n' >nul.hak
printf '\0\1\2\3' >header_part
ln -s nowhere dangling
mkfifo pipe
chmod a-r,u-r wrong.hak
for verb in run repro show asm disasm; do
    for path in missing dangling huge huge.hak /dev/zero /proc/self/mem ''; do
        expect "$verb refuses '$path'" 2 "$hakfuzz" "$verb" "$path"
        has err '; '
    done
    if [ "$verb" != run ]; then
        expect "$verb refuses a directory and names the verb that takes one" 2 "$hakfuzz" "$verb" directory
        has err "is a directory; .*'hakfuzz run'"
    fi
    [ "$verb" = disasm ] || expect "$verb refuses NUL in text" 2 "$hakfuzz" "$verb" nul.hak
    [ -r wrong.hak ] || expect "$verb refuses an unreadable file" 2 "$hakfuzz" "$verb" wrong.hak
done
expect 'a pipe without a writer ends' 2 "$hakfuzz" run pipe
has err 'nobody writes'
expect 'a directory without files is not a clean run' 2 "$hakfuzz" run directory
has err 'no files below'
expect 'an empty name is seen' 2 "$hakfuzz" run ''
has err "hakfuzz: '': No such file"
mkdir -p locked/in && cp clean.hak locked/ && chmod a-rwx locked/in
if [ ! -r locked/in ]; then
    expect 'a directory that cannot be read counts' 2 "$hakfuzz" run locked
    has out 'unusable files 1'
fi
expect 'a size beyond all programs: how to cut it' 2 "$hakfuzz" repro huge
has err 'head -c 32904'
for verb in run repro show disasm; do
    for path in empty header_part /dev/null; do
        expect "$verb says that '$path' is an empty program" 0 "$hakfuzz" "$verb" "$path"
        has err 'empty program: 0 records'
    done
done

# ---- run -------------------------------------------------------------------------------------------------------------

expect 'run: a clean program' 0 "$hakfuzz" run clean.hak clean.bin
has out '^programs 2, operations [1-9][0-9]*, findings 0$'
expect 'run: a finding has report, line and the command to reproduce it' 1 "$hakfuzz" run --fault $fault dirty.hak
has out '^hakmem-finding: \{.*"check": *"'$check'"'
has out "^hakmem found $check: "
has out "^dirty.hak: $check: "
has out "^reproduce: hakfuzz repro --target threads --fault $fault dirty.hak\$"
has out ' findings 1$'
lacks out $'\033'
expect 'run: the same program without the fault' 0 "$hakfuzz" run dirty.hak
expect 'run: HAKMEM_FAULT arms, and that is said' 1 env HAKMEM_FAULT=$fault "$hakfuzz" run dirty.hak
has err "fault $fault is armed \\(HAKMEM_FAULT\\)"
expect 'run: --fault none wins over HAKMEM_FAULT' 0 env HAKMEM_FAULT=$fault "$hakfuzz" run --fault none dirty.hak
mkdir -p tree/b tree/a tree/.hidden
cp dirty.hak tree/b/1.hak && cp dirty.hak tree/a/2.hak && cp dirty.hak tree/3.hak && cp dirty.hak tree/.hidden/4.hak
expect 'run: stops at the first finding and says so' 1 "$hakfuzz" run --fault $fault tree
has out '^tree/3.hak: '
has out 'not run after the finding 2 '
expect 'run: --keep-going, in the order of names' 1 "$hakfuzz" run --keep-going --fault $fault tree
[ "$(grep -ao "^tree/[^:]*: $check" out | cut -d: -f1 | paste -sd ' ')" = 'tree/3.hak tree/a/2.hak tree/b/1.hak' ] ||
    fail "$name" 'tree/3.hak, tree/a/2.hak, tree/b/1.hak, and no hidden one'
has out '^programs 3, .* findings 3$'
expect 'run: a finding wins over an unusable file' 1 "$hakfuzz" run --keep-going --fault $fault huge dirty.hak
has out 'unusable files 1'
expect 'run: an unusable file is not a clean run' 2 "$hakfuzz" run huge clean.hak
mkdir -p corpus/oom/seed
cp clean.hak corpus/oom/seed/x.hak
expect 'run: the target comes from the path, and that is said' 0 "$hakfuzz" run corpus
has err 'target oom, from the path'
expect 'run: --target wins over the path' 0 "$hakfuzz" run --target sequence corpus
lacks err 'target oom'
expect 'run: the canary target plants its fault' 0 "$hakfuzz" run --target canary empty
has err 'fault carve-by-used is armed \(planted'
cp dirty.hak $'odd "name"\377.hak'
expect 'run: --json is one object, whatever the names' 1 "$hakfuzz" run --json --keep-going --fault $fault tree odd*
has out '^\{$'
has out '"programs":	4,'
has out '"file":	"odd \\"name\\".*\.hak"'
has out '"check":	"'$check'"'
has out '"trace_hash":	"0x[0-9a-f]{16}"'
lacks out '^hakmem-finding'
cp out json
expect 'run: the JSON is UTF-8' 0 iconv -f UTF-8 -t UTF-8 json

# ---- colour ----------------------------------------------------------------------------------------------------------

export TERM=xterm
expect 'colour on a terminal' 0 script -qec "'$hakfuzz' run clean.hak" /dev/null
has out $'\033\\['
expect 'NO_COLOR' 0 env NO_COLOR=1 script -qec "'$hakfuzz' run clean.hak" /dev/null
lacks out $'\033\\['

# ---- repro -----------------------------------------------------------------------------------------------------------

expect 'repro: clean' 0 "$hakfuzz" repro clean.hak
has out '^clean: 10 of 10 equal, trace hash 0x[0-9a-f]{16} equal$'
expect 'repro: a finding, the same every time' 1 "$hakfuzz" repro --times 25 --fault $fault dirty.hak
has out "^signature $check/.*: 25 of 25 equal, trace hash 0x[0-9a-f]{16} equal\$"
[ "$(grep -ac '^hakmem-finding: ' out)" -eq 1 ] || fail "$name" 'the machine-readable line once'
expect 'repro: --json' 1 "$hakfuzz" repro --json --fault $fault dirty.hak
has out '"deterministic":	true'
has out '"equal":	10,'
binary=$HAKMEM_BUILD/fuzz_threads
expect 'repro: --with a fuzz target, a finding' 1 "$hakfuzz" repro --times 5 --with "$binary" --fault $fault dirty.hak
has out "^.*fuzz_threads: signature $check/.*: 5 of 5 equal"
expect 'repro: --with a fuzz target, clean' 0 "$hakfuzz" repro --times 3 --with "$binary" dirty.hak
has out '^.*fuzz_threads: clean: 3 of 3 equal'
printf '#!/bin/sh\necho "hakmem-finding: {\\"check\\":\\"overlap\\",\\"signature\\":\\"overlap/x\\"}"; exit 1\n' >liar
printf '#!/bin/sh\nexec sleep 600 & kill -SEGV $$\n' >dying
printf 'not a program\n' >text
chmod +x liar dying text
expect 'repro: --with a program that is no fuzz target' 2 "$hakfuzz" repro --with /bin/true clean.hak
has err 'not a fuzz target'
expect 'repro: state that no reset sees is no clean run' 1 "$hakfuzz" repro --fault state-outside-root \
    "$HAKMEM_SOURCE/corpus/sequence/regress/state-outside-root.hak"
lacks out '^clean'
expect 'repro: a binary with another signature is nondeterminism' 1 "$hakfuzz" repro --times 3 --with ./liar \
    --fault $fault dirty.hak
has out '^./liar: nondeterminism: .* 0 of 3 '
has out '3 x overlap/x'
has out '^hakmem-finding: .*"check": *"nondeterminism"'
expect 'repro: a binary that dies without a line is nondeterminism' 1 "$hakfuzz" repro --times 2 --with ./dying \
    clean.hak
has out '2 x \(no finding line, signal 11'
expect 'repro: --with something that is no program' 2 "$hakfuzz" repro --with ./text clean.hak
expect 'repro: --with a binary that is not there' 2 "$hakfuzz" repro --with ./missing clean.hak

# ---- fuzz targets ----------------------------------------------------------------------------------------------------

expect 'target: a clean file' 0 "$binary" clean.hak
has out '1 input replayed, 0 with a finding'
for path in missing dangling huge pipe capitals wide directory /dev/zero; do
    expect "target: refuses '$path'" 2 "$binary" "$path"
    has err "^(fuzz_threads: '$path': |$path:1:1: )"
done
expect 'target: standard input' 0 bash -c '"$1" - <clean.bin' - "$binary"
for option in --seconds --runs; do
    expect "target: $option 0 is no limit" 2 "$binary" --random $option 0
    has err 'from 1 on'
done
expect 'target: a number that is none' 2 "$binary" --random --runs many
has err '^fuzz_threads: --seconds, --runs or --seed many: not a whole number'
expect 'target: nowhere to put findings' 2 "$binary" --random --runs 1 --artifacts missing/x
has err "^fuzz_threads: --artifacts 'missing/x': No such"
expect 'target: an empty fault' 2 "$binary" --fault '' clean.hak
expect 'target: determinism is proven on every input' 1 "$HAKMEM_BUILD/fuzz_sequence" --fault state-outside-root \
    "$HAKMEM_SOURCE/corpus/sequence/regress/state-outside-root.hak"
has out 'nondeterminism'

# The builds of engines stand beside this one, if at all; an old one would be blamed for what has been mended since.
# fresh BINARY SOURCE...: it is there, and newer than those and than all it shares with others.
fresh() {
    local binary=$1
    shift
    [ -x "$binary" ] &&
        [ -z "$(cd "$HAKMEM_SOURCE" && find allocator oracle "$@" -newer "$binary" -name '*.c')" ]
}
nondeterministic=$HAKMEM_SOURCE/corpus/sequence/regress/state-outside-root.hak
expect 'asm of an input that leaves state' 0 "$hakfuzz" asm "$nondeterministic" -o leaves_state
libfuzzer=$HAKMEM_BUILD/../fuzz/fuzz_threads
if fresh "$libfuzzer" fuzz_targets/engine_libfuzzer.c fuzz_targets/replay.c &&
    fresh "$HAKMEM_BUILD/../fuzz/hakfuzz" tools; then
    expect 'libFuzzer: runs a file' 0 "$libfuzzer" clean.bin
    expect 'libFuzzer: determinism is proven on every file' 77 env HAKMEM_FAULT=state-outside-root "$libfuzzer" \
        leaves_state
    has err '^hakmem-finding: .*"check": *"nondeterminism"'
    expect 'libFuzzer: --help is answered' 0 "$libfuzzer" --help
    has out '^  fuzz_threads '
    expect 'libFuzzer: two dashes are no option' 2 "$libfuzzer" --frob
    has err "unknown option '--frob'"
    for path in missing pipe huge clean.hak capitals wide mark /dev/zero; do
        expect "libFuzzer: refuses '$path'" 2 "$libfuzzer" "$path"
        has err "^fuzz_threads: '$path': "
    done
    expect 'repro: a sanitizer ends each run, and all are made' 1 "$HAKMEM_BUILD/../fuzz/hakfuzz" repro --times 3 \
        --fault adopt-null "$HAKMEM_SOURCE/corpus/threads/regress/adopt-null.hak"
    has out '^signature crash/.*: 3 of 3 equal'
    has out '^SUMMARY: .*Sanitizer'
else
    echo 'note: no build/fuzz of these sources; libFuzzer targets are not checked'
fi
afl=$HAKMEM_BUILD/../afl/fuzz_threads
if fresh "$afl" fuzz_targets/engine_afl.c fuzz_targets/replay.c; then
    expect 'AFL: standard input is replayed, and that is said' 0 bash -c '"$1" <clean.bin' - "$afl"
    has out '1 input replayed'
    expect 'AFL: text that is none on standard input' 2 bash -c '"$1" <capitals' - "$afl"
    expect 'AFL: where to stand' 0 "$afl" --help
    has out 'from build/afl'
    expect 'AFL: no options' 2 "$afl" --frob
else
    echo 'note: no build/afl of these sources; AFL++ targets are not checked'
fi

# ---- show ------------------------------------------------------------------------------------------------------------

expect 'show: what each record did' 0 "$hakfuzz" show clean.hak
has out '^ +0 +t0 +malloc s0 96 +0x[0-9a-f]+ +96 '
has out '^ +1 +t1 +calloc s1 4k-1 n=2 +0x'
has out '^clean: 5 operations in 5 records, '
expect 'show: on one thread when the target has one' 0 "$hakfuzz" show --target sequence clean.hak
has out '^ +1 +t0 +calloc'
expect 'show: the record of the finding is marked' 1 "$hakfuzz" show --fault $fault dirty.hak
has out '^ +3 +t0 +calloc s1 96 n=1 .*<-- finding$'
has out '^ +4 +t0 +check +not reached'
has out "^$check at the marked record: "
has out '^look for: '
expect 'show: --json' 1 "$hakfuzz" show --json --fault $fault dirty.hak
has out '"operation":	"malloc s0 96"'
has out '"reached":	false'

expect 'show: switches inside operations' 0 "$hakfuzz" show --target threads "$HAKMEM_SOURCE/corpus/threads/seed/preempted-push.hak"
has out '^ +[0-9]+ +free s0 +stopped at [a-z]+\.[ch]:[0-9]+ .* \(yield [0-9]+\), t2 goes on'
expect 'show: --json has switches' 0 "$hakfuzz" show --json --target threads "$HAKMEM_SOURCE/corpus/threads/seed/preempted-push.hak"
has out '"switches":	\["t1 preempted in free s0'

# ---- bench and detect ------------------------------------------------------------------------------------------------

expect 'bench: without a name, what there is' 2 "$hakfuzz" bench
has err 'there is: fuzz'
expect 'bench: a name that is not there' 2 "$hakfuzz" bench malloc
has err "not 'malloc'; there is: fuzz"
expect 'bench: executions of this build' 0 "$hakfuzz" bench fuzz --worker --seconds 1
has out '^worker threads [1-9]'
has out '^worker switching [1-9]'
has out '^worker weak [1-9]'
has out '^worker sequence [1-9]'
expect 'detect: finds a fault' 0 "$hakfuzz" detect --fault $fault --trials 3
has out "^$fault +[a-z]+ +$check +3/3 +3/3 +3/3 "
has out '^1 of 1 faults found in every trial'
expect 'detect: one execution does not find a deep one' 1 "$hakfuzz" detect --fault overflow-ignored \
    --trials 2 --max-runs 1
has out '^overflow-ignored .* 0/2 .*not found'
has out '^0 of 1 faults'
expect 'detect: --json' 0 "$hakfuzz" detect --fault $fault --trials 2 --json
has out '"found":	2'
expect 'detect: trials repeat' 0 "$hakfuzz" detect --fault $fault --trials 2 --json
grep -v seconds out >first
expect 'detect: trials repeat, second time' 0 "$hakfuzz" detect --fault $fault --trials 2 --json
grep -v seconds out >second
same second first
expect 'detect: --markdown' 0 "$hakfuzz" detect --fault $fault --trials 2 --markdown
has out "^\\| .$fault. \\|.* 2/2 \\|"
expect 'detect: its own words about --fault' 0 "$hakfuzz" detect --help
has out '--fault=FAULT +look for'
expect 'detect: no such engine' 2 "$hakfuzz" detect --engine nobody
expect 'detect: none is no fault' 2 "$hakfuzz" detect --fault none
expect 'detect: in another target' 0 "$hakfuzz" detect --fault slab-two-classes --target pool --trials 2
has out '^slab-two-classes +pool '
expect 'detect: no such guide' 2 "$hakfuzz" detect --without swarm,luck
has err 'no such guide; there are switch-pairs states repertoire swarm go-genes'
expect 'detect: guides are told of' 0 "$hakfuzz" detect --help
has out '^  swarm: '
expect 'detect: without a guide programs are others' 0 "$hakfuzz" detect --fault $fault --trials 2 --json \
    --without repertoire,swarm
grep -v seconds out >second
if cmp -s second first; then fail "$name" "other programs"; fi
expect 'detect: --ablation' 0 "$hakfuzz" detect --ablation --fault $fault --trials 2
has out '^\| fault \| target \| all \| without .switch-pairs. \|.* without .records. \|$'
has out "^\\| .$fault. \\| [a-z]+ \\| [0-9]+ \\| [0-9]+ \\(1\\.00\\) \\|"
has out '^\| mean ratio \| \| \| 1\.00 \| 1\.00 \| [0-9.]+ \|'
expect 'detect: --ablation --json' 0 "$hakfuzz" detect --ablation --fault $fault --trials 1 --json
has out '"without":	"swarm"'
expect 'detect: --ablation is a table by itself' 2 "$hakfuzz" detect --ablation --markdown
expect 'detect: no ablation there' 2 "$hakfuzz" detect --ablation --target canary
expect 'fuzz target: no such guide' 2 env HAKMEM_WITHOUT=luck "$HAKMEM_BUILD/fuzz_threads" --random --runs 1
has err 'HAKMEM_WITHOUT names what is no guide'
expect 'fuzz target: without guides' 0 env HAKMEM_WITHOUT=swarm,repertoire "$HAKMEM_BUILD/fuzz_threads" --random --runs 10

finish
