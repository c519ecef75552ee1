#!/usr/bin/env bash
# cli_json: the keys of --json are those of docs/json.md, no more and no fewer in the sources, and in what a verb prints none
# that is not said to be of that verb.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"

corpus=$HAKMEM_SOURCE/corpus
carved=$corpus/sequence/regress/carve-by-used.hak
kept=$corpus/threads/regress/push-keeps-head.hak

# ---- the sources -----------------------------------------------------------------------------------------------------

# Formats of others have keys of their own: SARIF, and the trace events of show_trace.c.
sources() {
    sed '/--- SARIF ---/,/--- HTML ---/d' "$HAKMEM_SOURCE/tools/triage_write.c"
    find "$HAKMEM_SOURCE/tools" -name '*.c' ! -name show_trace.c ! -name triage_write.c -exec cat {} +
}
name='json: keys of the sources'
makers='json_(text|number|bool|hash)|add_(size|thread|counts)|cJSON_Add[A-Za-z]+ToObject|file_try'
{
    sources | tr '\n' ' ' | grep -oE "\b($makers)\([^;\"]*\"[a-z_0-9]+\""
    sources | grep -oE '\{"[a-z]+", [a-z]+_json\}' | grep -oE '"[a-z]+"' # a table of parts and their functions
} | grep -oE '"[a-z_0-9]+"$' | tr -d '"' | sort -u >in_sources
sed -n 's/^| `\([a-z_0-9]*\)` | .*/\1/p' "$HAKMEM_SOURCE/docs/json.md" | sort >in_page
code=0
diff in_sources in_page >out 2>err || fail "$name" 'every key of tools/ (<) in docs/json.md, once, and no other (>)'
[ "$(wc -l <in_page)" -gt 150 ] || fail "$name" 'something to compare'
checks=$((checks + 1))
printf 'ok %s\n' "$name"

# ---- what verbs print ------------------------------------------------------------------------------------------------

# says VERB EXIT ARGUMENT...: run it with --json; its keys are in rows of that verb. Keys of `sites` in show are numbers.
cat >keys.py <<'END'
import json, re, sys
verb, page = sys.argv[1], open(sys.argv[2]).read()
rows = {key: verbs.split(", ") for key, verbs in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", page, re.M)}
def keys(value):
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else []:
        yield from keys(item)
    if isinstance(value, dict):
        yield from value
said = json.load(open("printed"))
assert said["verb"] == verb, said["verb"]
wrong = {key for key in keys(said) if not key.isdigit() and not {"all", verb} & set(rows[key])}
sys.exit("in no row of %s: %s" % (verb, sorted(wrong)) if wrong else 0)
END
says() {
    local verb=$1 wanted=$2
    shift 2
    expect "json: $verb" "$wanted" "$hakfuzz" "$verb" --json "$@"
    cp out printed
    expect "json: keys of $verb" 0 python3 keys.py "$verb" "$HAKMEM_SOURCE/docs/json.md"
}
printf 'hakmem 1\nt0 realloc s0 0\nt0 memalign s1 48 align=16+1\nt0 aligned_alloc s2 48 align=16+1\n' >bad-align.hak
mkdir found && cp "$carved" found || exit 2
says run 1 --fault carve-by-used "$carved"
says repro 1 --fault carve-by-used "$carved"
says real 1 --fault carve-by-used "$carved"
says show 1 --fault push-keeps-head "$kept"
says show 0 --malloc libc "$carved"
says diff 1 --min --implementation-defined --malloc libc --malloc hakmem bad-align.hak
says diff 0 --performance --rounds 1 --malloc libc --malloc hakmem "$carved"
says diff 0 --worst left --max-runs 4 --seconds 100 --above 100 --malloc libc --malloc hakmem "$carved"
says min 1 --fault carve-by-used "$carved"
says triage 1 --fault carve-by-used --target sequence found
says emit-c 1 --fault carve-by-used -o case.c "$carved"
says sites 0
says orders 0 --site remote.c:64 --max-runs 20
says explore 1 --fault push-keeps-head "$corpus/remote/seed/two-pushes.hak"
says faults 0 "$corpus"
says detect 0 --fault errno-missing --trials 1 --against real --store store.jsonl
says detect 0 --fault errno-missing --trials 1 --ablation --max-runs 1000
says bench 0 fuzz --seconds 1
says record 0 -o act.hakrec -- env true
says record 0 --slice act.hakrec -o slices
says replay 0 --times 1 --malloc libc act.hakrec
says bench 0 record --times 1 -- true

finish
