#!/usr/bin/env bash
# bench: bench/run does what it says, whatever the timing: results are written and well-formed, every program of bench/
# computes the same each time, a malloc that crashes or loses content is named and the others are kept, and nonsense is
# refused. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree with the programs}" "${HAKMEM_SOURCE:?the root of the sources}"
build=$(cd "$HAKMEM_BUILD" && pwd) && cd "$HAKMEM_SOURCE" || exit 2
unset LD_PRELOAD HAKMEM_BUILD HAKMEM_SOURCE
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
checks=0

fail() {
    printf 'FAILED: %s\n  expected: %s\n  seen: exit %s\n' "$name" "$1" "$code"
    sed 's/^/    stdout| /' "$work/out" | tail -n 30
    sed 's/^/    stderr| /' "$work/err" | tail -n 30
    exit 1
}

# expect NAME EXIT COMMAND...: run it; standard output and error are in $work/out and $work/err afterwards.
expect() {
    name=$1
    local wanted=$2
    shift 2
    timeout 120 "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    [ "$code" -eq "$wanted" ] || fail "exit $wanted of: $*"
    checks=$((checks + 1))
}
has() { # has FILE TEXT: about the last command
    grep -qE -- "$2" "$work/$1" || fail "'$2' in std$1"
}
bad() { # bad DEFINITION: a library that is wrong so
    gcc -std=c17 -O1 -shared -fPIC -fno-builtin "-D$1" tests/programs.d/bad_malloc.c -o "$work/lib${1%%=*}.so" || exit 2
}
run=(bench/run --build-dir "$build" --out "$work/results")

# ---- the programs ----------------------------------------------------------------------------------------------------

# name; arguments that make it short
programs="aligned_mix 3000 100 2048 2
batch 3 100 256 1 1 2
fragment 3 100000 20 2
growth 1000 2000 48 2
interpreter 3000 100 2
larson 2000 2 4
large 5 2
lifetimes 4000 2 4
one_malloc
paths 300
producer_consumer 3000 2 3
random_mixed 3000 100 256 7 2
realloc_grow 3000 8 65536 2
thread_churn 20 2"
diff <(cut -d ' ' -f 1 <<<"$programs" | sort) <(basename -s .c -a bench/*.c | grep -vxE 'workload|measure' | sort) || {
    echo 'FAILED: the table of programs in this test (<) is not that of bench/ (>)' && exit 1
}
while read -r program arguments; do
    binary=$build/bench_$program
    expect "$program: help" 0 "$binary" --help
    has out '^Usage: '"$program"
    expect "$program: no number" 2 "$binary" x
    has err 'is not a number from'
    expect "$program: too many" 2 "$binary" 100 100 100 1 1 1 1 1 1
    # shellcheck disable=SC2086 # arguments are words
    expect "$program: runs" 0 "$binary" $arguments
    has out "^workload=$program operations=[1-9][0-9]* seconds=[0-9.]+ ns_per_operation=[0-9.]+ checksum=[0-9a-f]{16}"
    first=$(grep -o 'checksum=[0-9a-f]*' "$work/out")
    # shellcheck disable=SC2086
    expect "$program: runs with the library" 0 env LD_PRELOAD="$build/libhakmem.so" "$binary" $arguments
    has out "$first"
done <<<"$programs"
expect 'measure: help' 0 "$build/bench_measure" --help
expect 'measure: no command' 2 "$build/bench_measure" "$work/report" 1 -
expect 'measure: no file' 2 "$build/bench_measure" "$work/none/report" 1 - true
expect 'measure: a signal' 0 "$build/bench_measure" "$work/report" 1 - sh -c 'kill -SEGV $$'
grep -q '"signal": 11' "$work/report" || fail '"signal": 11 in the report'

# ---- a run -----------------------------------------------------------------------------------------------------------

expect 'a run' 0 "${run[@]}" --quick --only one-malloc,mixed-256-256,larson/2 --mallocs libc,hakmem
has out '^mixed-256-256: times as fast as libc'
has out '^one-malloc: resident memory above libc'
has out '^geometric mean'
cat >"$work/look.py" <<'END'
import csv, importlib.util, json, os, subprocess, sys, xml.etree.ElementTree as xml
folder = sys.argv[1]
document = json.load(open(os.path.join(folder, "bench.json"), encoding="utf-8"))
runs = document["runs"]
assert len(runs) == 3 * 2 * 3, len(runs)
assert {run["malloc"] for run in runs} == {"libc", "hakmem"}
assert {run["case"] for run in runs} == {"one-malloc", "mixed-256-256", "larson/2"}
for run in runs:
    assert run["failed"] is None and run["wall_s"] > 0 and run["resident_kib"] > 0 and run["faults"] > 0, run
order = [run["malloc"] for run in runs]
assert order[:6] != order[6:12], "the order does not move"
assert document["machine"]["kernel"] and set(document["machine"]["mallocs"]) == {"libc", "hakmem"}
assert len(document["summary"]) == 6 and all("ratio" in entry["time"] for entry in document["summary"])
assert {"met", "wanted", "measured"} <= set(document["targets"][0])
with open(os.path.join(folder, "bench.csv"), encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
assert len(rows) == len(runs) and float(rows[0]["wall_s"]) == runs[0]["wall_s"]
if subprocess.run(["/usr/bin/python3", "-c", "import matplotlib"], capture_output=True).returncode == 0:
    assert xml.parse(os.path.join(folder, "bench.svg")).getroot().tag.endswith("svg")
else:
    assert any("python3-matplotlib" in note for note in document["notes"])
if not any("strace" in note for note in document["notes"]):
    assert all(entry["calls"]["median"] > 0 for entry in document["summary"])
    assert len(document["calls_beyond_start"]) == 2
END
expect 'its files' 0 python3 "$work/look.py" "$work/results"
cp "$work/results/report.txt" "$work/out" && has out '^targets'
expect 'the table of workloads' 0 "${run[@]}" --list
diff "$work/out" <(sed -n '/^<!-- list -->$/,/^<!-- end of list -->$/{/^<!--/!p}' docs/performance.md) >"$work/err" ||
    fail 'docs/performance.md shows what bench/run --list prints'

# ---- a malloc that is wrong ------------------------------------------------------------------------------------------

bad BAD_CRASH=1
expect 'it crashes at once' 1 "${run[@]}" --quick --no-strace --only one-malloc --mallocs libc \
    --with "$work/libBAD_CRASH.so"
has err '^bench: BAD_CRASH failed in every workload: .*killed by SIG'
bad BAD_CRASH=5000
expect 'it crashes later' 1 "${run[@]}" --quick --no-strace --only one-malloc,larson/2 --mallocs libc \
    --with "$work/libBAD_CRASH.so"
has err '^bench: BAD_CRASH failed in larson/2: killed by SIG'
[ "$(grep -c '^one-malloc,.*BAD_CRASH,.*,$' "$work/results/bench.csv")" -eq 3 ] || fail 'results of its other workload'
[ "$(grep -c '^larson/2,.*,libc,.*,$' "$work/results/bench.csv")" -eq 3 ] || fail 'results of the other malloc'
bad BAD_TWICE=1
expect 'it hands out memory twice' 1 "${run[@]}" --quick --no-strace --only mixed-256-256 --mallocs libc \
    --with "$work/libBAD_TWICE.so"
has err 'BAD_TWICE failed in mixed-256-256: exit 1: .*did not keep what was written'
bad BAD_SPOIL=1
expect 'it loses content' 1 "${run[@]}" --quick --no-strace --only realloc-small/1 --mallocs libc \
    --with "$work/libBAD_SPOIL.so"
has err 'BAD_SPOIL failed in realloc-small/1: exit 1: .*other content'

# ---- what makes no sense ---------------------------------------------------------------------------------------------

refused() { # refused TEXT ARGUMENT...
    local text=$1
    shift
    expect "refused: $*" 2 "${run[@]}" "$@"
    has err "$text"
}
bad BAD_NOTHING
echo nothing >"$work/libtext.so"
refused "no workload 'nothing'" --only nothing
refused "no malloc 'nothing'" --mallocs nothing
refused 'not a number from 1' --rounds 0
refused 'invalid int' --rounds x
refused 'unrecognized arguments' --unknown
refused 'no such file' --with "$work/none.so" --only one-malloc
refused 'malloc is still that of' --mallocs libc \
    --with "$work/libtext.so" --only one-malloc
refused 'malloc is still that of' --mallocs libc \
    --with "$work/libBAD_NOTHING.so" --only one-malloc
refused 'is not there; to build it' --build-dir "$work" --only one-malloc
: >"$work/file"
refused 'Not a directory' --out "$work/file/below" --only one-malloc
expect 'help' 0 "${run[@]}" --help
has out '^examples:'
echo "bench: $checks checks"
