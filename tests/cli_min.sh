#!/usr/bin/env bash
# cli_min: the verbs of hakfuzz that make findings smaller and fewer: min, triage.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
corpus=$HAKMEM_SOURCE/corpus

# records FILE: how many lines of a text are records.
records() {
    grep -cE '^t[0-3] ' "$1"
}

# A long program that fails: an entry of the corpus among records that have nothing to do with it.
{
    cat "$corpus/sequence/regress/cache-keeps-head.hak"
    for slot in {4..15}; do
        printf 't0 malloc s%d 1k+%d\nt0 write s%d\nt0 verify s%d\nt0 free s%d\n' "$slot" "$slot" "$slot" "$slot" "$slot"
    done
} >long.hak

# ---- min -------------------------------------------------------------------------------------------------------------

fault='--target sequence --fault cache-keeps-head'
# shellcheck disable=SC2086
expect 'min: text on standard output' 1 "$hakfuzz" min $fault long.hak
has out '^# double-alloc: the block at offset'
has out '^# signature double-alloc/'
has out '^# reduced from long.hak: [0-9]+ records on 1 thread, now 1 record on 1 thread; without'
has out '^hakmem 1$'
[ "$(records out)" -eq 1 ] || fail "$name" 'one record'
cp out printed.hak
# shellcheck disable=SC2086
expect 'min: what it prints fails in the same way' 1 "$hakfuzz" repro $fault printed.hak
has out "^signature $(sed -n 's/^# signature //p' printed.hak): 10 of 10 equal"
# shellcheck disable=SC2086
expect 'min: -o bytes and --text' 1 "$hakfuzz" min $fault -o small.bin --text small.hak --times 2 long.hak
has out '^hakmem-finding: {"check":"double-alloc"'
has out '^[0-9]+ records on 1 thread -> 1 record on 1 thread: no record and no gene can go; [0-9]+ runs'
has out '^signature double-alloc/.*: 2 of 2 equal in new processes$'
has out '^hakfuzz repro --target sequence --fault cache-keeps-head small.bin$'
expect 'min: bytes and text are one program' 0 "$hakfuzz" asm small.hak -o again.bin
same small.bin again.bin
expect 'min: -o text' 1 "$hakfuzz" min --target sequence --fault cache-keeps-head -o other.hak small.bin
has out '^1 record on 1 thread -> 1 record'
grep -q '^hakmem 1$' other.hak || fail "$name" 'text in a file that ends in .hak'
expect 'min: --json' 1 "$hakfuzz" min --json --target sequence --fault cache-keeps-head long.hak
has out '"minimal":	true'
has out '"equal":	3'
has out '"schedule_in_genes":	true'
expect 'min: clean' 0 "$hakfuzz" min --fault none long.hak
has out '^clean: long.hak does not fail here'
expect 'min: clean, --json' 0 "$hakfuzz" min --json --fault none long.hak
has out '"check":	"none"'
expect 'min: a finding that only repeated runs show' 1 "$hakfuzz" min "$corpus/sequence/regress/state-outside-root.hak" \
    --fault state-outside-root -o state.hak
has out '^signature nondeterminism/trace: 3 of 3 equal in new processes'
expect 'min: a crash' 1 "$hakfuzz" min --fault adopt-null -o crash.hak "$corpus/threads/regress/adopt-null.hak"
has out '^signature crash/.*: 3 of 3 equal in new processes'

{
    printf 'hakmem 1\noptions no-remote-batch\nmode random 0\n'
    for _ in {1..8}; do
        printf 't0 malloc s0 96\nt0 malloc s1 96\nt0 malloc s3 96\nt1 malloc s2 96\nt1 free s0\nt2 free s1\nt3 free s3\n'
    done
} >random.hak
for seed in {0..255}; do
    sed -i "s/^mode .*/mode random $seed/" random.hak
    "$hakfuzz" run --fault push-keeps-head random.hak >/dev/null 2>&1 || break
done
expect 'min: a schedule that is drawn becomes genes' 1 "$hakfuzz" min --fault push-keeps-head random.hak
has out '^gene at=[0-9]+ yield=[0-9]+ go=[0-3]'
lacks out '^mode'

# Stopped in the middle: by Ctrl-C when there is a result for the first time. Whoever is faster, it is a whole one.
{
    grep '^hakmem\|^options\|^mode' random.hak
    for n in {1..4000}; do
        printf 't0 realloc s%d 2k+%d\n' $((4 + n % 12)) $((n % 50))
    done
    grep '^t' random.hak
} >large.hak
for seed in {0..255}; do
    sed -i "s/^mode .*/mode random $seed/" large.hak
    "$hakfuzz" run --fault push-keeps-head large.hak >/dev/null 2>&1 || break
done
timeout 120 "$hakfuzz" min --fault push-keeps-head -o stopped.hak large.hak >out 2>err </dev/null &
while [ ! -s stopped.hak ] && kill -0 $!; do
    sleep 0.05
done 2>/dev/null
kill -INT $! 2>/dev/null
wait $!
code=$? name='min: Ctrl-C'
[ "$code" -eq 1 ] || fail "$name" 'exit 1'
expect 'min: what is written when stopped still fails' 1 "$hakfuzz" run --fault push-keeps-head stopped.hak

if [ -x "$HAKMEM_BUILD/../fuzz/hakfuzz" ]; then
    expect 'min: a sanitizer ends the process of each candidate' 1 "$HAKMEM_BUILD/../fuzz/hakfuzz" min --times 1 \
        --fault adopt-null -o crash.hak "$corpus/threads/regress/adopt-null.hak"
    has out ': no record and no gene can go'
    has out '^signature crash/.*: 1 of 1 equal in new processes'
else
    echo "$(basename "$0"): note: no build/fuzz beside this tree, so findings of sanitizers are left out"
fi

expect 'min: no file' 2 "$hakfuzz" min
has err '0 inputs given'
expect 'min: --times out of range' 2 "$hakfuzz" min --times -1 long.hak
has err "--times is -1"
expect 'min: --times out of range' 2 "$hakfuzz" min --times 0 long.hak
has err "--times is 0"
cp long.hak input.hak
ln input.hak link.hak
for option in -o -x; do
    expect "min: $option is the input" 2 "$hakfuzz" min --target sequence --fault cache-keeps-head "$option" link.hak input.hak
    has err "'input.hak' is input and output"
done
same long.hak input.hak
expect 'min: -o and -x are one file' 2 "$hakfuzz" min --target sequence --fault cache-keeps-head -o new.hak -x new.hak input.hak
has err "'new.hak' is output of -o and of --text"
expect 'min: the text does not say where the input was' 1 "$hakfuzz" min --target sequence --fault cache-keeps-head "$PWD/input.hak"
has out '^# reduced from input.hak: '
for n in 0 1 2; do
    rm -f closed.hak
    wanted=$((n == 1 ? 2 : 1))
    expect "min: descriptor $n is closed" "$wanted" bash -c \
        'exec "$1" min --target sequence --fault cache-keeps-head -o closed.hak input.hak '"$n>&-" - "$hakfuzz"
    expect "min: descriptor $n is closed, the result is whole" 1 "$hakfuzz" run --target sequence --fault cache-keeps-head closed.hak
done
expect 'min: standard output is closed' 2 bash -c \
    'exec "$1" min --target sequence --fault cache-keeps-head input.hak >&-' - "$hakfuzz"
has err 'cannot write to standard output: '
expect 'min: standard input is closed' 2 bash -c 'exec "$1" min - <&-' - "$hakfuzz"
has err 'Bad file descriptor'
expect 'min: where the result cannot be written' 2 "$hakfuzz" min --target sequence --fault cache-keeps-head -o /nosuch/x long.hak
has err "'/nosuch/x' cannot be written"
expect 'min: --help' 0 "$hakfuzz" min --help
has out '^Examples:'

# ---- triage ----------------------------------------------------------------------------------------------------------

# What fuzzers leave: libFuzzer's names with the binary's in the path, AFL++'s folders, a file by a person; and others.
mkdir -p found/fuzz_sequence afl/fuzz_oom/crashes afl/fuzz_oom/queue "found/a \"<b>&" clean
cp small.bin found/fuzz_sequence/crash-0123
for n in {1..9}; do
    { cat long.hak && printf 't0 malloc s15 %dk\n' "$n"; } >"$n.hak"
    "$hakfuzz" asm "$n.hak" -o "found/fuzz_sequence/crash-$n" || exit 2
done
cp small.bin "afl/fuzz_oom/crashes/id:000000,sig:06,src:000003,op:havoc"
cp small.bin "afl/fuzz_oom/queue/id:000000,orig:a"
echo 'about the crashes' >afl/fuzz_oom/crashes/README.txt
cp small.bin "found/a \"<b>&/crash-1"
cp small.bin clean/crash-1
expect 'triage: tables, one line a finding' 1 "$hakfuzz" triage --fault cache-keeps-head -o report found afl
has out '^ +10  sequence  double-alloc/'
has out '^ +1  oom       double-alloc/'
has out '^ +1  threads   double-alloc/'
has out '^ +found/fuzz_sequence/crash-0123$'
while read -r path; do
    [ -s "$path" ] || fail "$name" "the program that it names: $path"
done < <(sed -n 's/^ *reduced to 1 record on 1 thread: \(report\/\)/\1/p' out | grep . || echo none)
has out '^3 findings in 12 inputs, 0 of them clean, 2 files left out by their names$'
lacks out nondeterminism
[ -z "$(find report -mindepth 1 \( -name '*[!a-zA-Z0-9_.-]*' -o -name '*--*' -o -name '*-.*' \))" ] ||
    fail "$name" 'names of files without anything odd'
expect 'triage: each finding has its program, which fails' 1 "$hakfuzz" run --target sequence --fault cache-keeps-head report/sequence-*.hak
expect 'triage: SARIF' 0 python3 "$HAKMEM_SOURCE/tests/cli.d/sarif.py" report/findings.sarif ${HAKMEM_SARIF_SCHEMA:+"$HAKMEM_SARIF_SCHEMA"}
expect 'triage: JSON' 0 python3 -c 'import json
log = json.load(open("report/findings.json"))
assert log["inputs"] == 12 and log["clean"] == 0, log
assert [len(finding["files"]) for finding in log["findings"]] == [10, 1, 1]
assert all(finding["minimal"] and finding["times"] == finding["equal"] == 1 for finding in log["findings"])'
expect 'triage: the page is well-formed where it quotes' 0 python3 -c 'import html.parser, os
links, text = [], []
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        links.extend(value for name, value in attributes if name == "href")
        assert tag != "b"
    def handle_data(self, data):
        text.append(data)
Page().feed(open("report/index.html").read())
assert len(links) == 6 and all(os.path.getsize("report/" + link) > 0 for link in links), links
assert "found/a \"<b>&/crash-1" in "".join(text)'
expect 'triage: --json' 1 "$hakfuzz" triage --json --no-reduce --fault cache-keeps-head found afl
has out '"signature":	"double-alloc/'
lacks out '"minimal"'
expect 'triage: --target' 1 "$hakfuzz" triage --no-reduce --target sequence --fault cache-keeps-head found afl
has out '^1 finding in 12 inputs'
expect 'triage: what does not fail is dropped' 0 "$hakfuzz" triage --fault none clean found
has out '^0 findings in 12 inputs, 12 of them clean$'
expect 'triage: a file that is named is taken' 1 "$hakfuzz" triage --fault cache-keeps-head --target sequence afl/fuzz_oom/queue/id*
has out '^1 finding in 1 inputs'
expect 'triage: what it wrote is no input, but for the programs' 1 "$hakfuzz" triage --fault cache-keeps-head report
has out '^[0-9]+ findings? in 6 inputs, 0 of them clean, [0-9]+ files left out by their names$'
expect 'triage: standard input can be read only once' 2 "$hakfuzz" triage --fault cache-keeps-head -
has err "'-' \(standard input\) can be read only once"

# One rule for all verbs: what the path says. libFuzzer's oom-<hash> is how it failed, not the target.
mkdir -p findings/oom named
cp small.bin findings/oom/x
cp small.bin named/oom-crash-1
cp small.bin named/oom-0123abcd.bin
for path in findings/oom/x afl/fuzz_oom/crashes/id* named/oom-crash-1; do
    expect "target of the path: $path" 1 "$hakfuzz" run --fault cache-keeps-head "$path"
    has err '^hakfuzz: note: target oom, from the path$'
    expect "triage: target of the path: $path" 1 "$hakfuzz" triage --no-reduce --fault cache-keeps-head "$path"
    has out '^ +1  oom '
done
expect 'target of the path: oom-<hash> is none' 1 "$hakfuzz" run --fault cache-keeps-head named/oom-0123abcd.bin
lacks err 'target oom'
expect 'triage: oom-<hash> is of no target' 1 "$hakfuzz" triage --no-reduce --fault cache-keeps-head named/oom-0123abcd.bin
has out '^ +1  threads '
expect 'triage: no such directory' 2 "$hakfuzz" triage nowhere
has err nowhere
expect 'triage: no arguments' 2 "$hakfuzz" triage
has err 'no FILE or DIR given'
expect 'triage: where nothing can be written' 2 "$hakfuzz" triage -o small.bin/report found
has err 'small.bin/report'
: >plain
expect 'triage: into a plain file, before anything is run' 2 "$hakfuzz" triage --fault cache-keeps-head -o plain found
has err "'plain/findings.json' cannot be written"
lacks err 'unusable'
[ ! -s out ] || fail "$name" 'nothing on standard output'
mkdir -p full/index.html
expect 'triage: where the page cannot be written, before anything is run' 2 "$hakfuzz" triage --fault cache-keeps-head -o full found
[ -z "$(find full -name '*.hak')" ] || fail "$name" 'no program'

# complete DIR True|False: what the three reports say.
complete() {
    python3 -c 'import json, sys
said = [json.load(open(sys.argv[1] + "/findings.json"))["complete"],
        json.load(open(sys.argv[1] + "/findings.sarif"))["runs"][0]["invocations"][0]["executionSuccessful"],
        "Not complete" not in open(sys.argv[1] + "/index.html").read()]
sys.exit(said != [sys.argv[2] == "True"] * 3)' "$1" "$2" || fail "$name" "reports in $1 with complete $2"
}
name='triage: a run to the end is complete'
complete report True
# Stopped by Ctrl-C at the first of its reports, with inputs enough to go on for minutes.
mkdir many
for n in {1..400}; do
    ln large.hak "many/$n.hak"
done
timeout 120 "$hakfuzz" triage --fault push-keeps-head -o stopped many >out 2>err </dev/null &
while [ ! -s stopped/index.html ] && kill -0 $!; do
    sleep 0.05
done 2>/dev/null
kill -INT $! 2>/dev/null
wait $!
code=$? name='triage: Ctrl-C'
[ "$code" -eq 2 ] || fail "$name" 'exit 2'
has err 'stopped before the end'
complete stopped False

expect 'min: a device stays one' 1 "$hakfuzz" min --fault carve-by-used --target sequence "$HAKMEM_SOURCE/corpus/sequence/regress/carve-by-used.hak" -o /dev/null
[ -c /dev/null ] || fail "$name" '/dev/null is a device still'
finish
