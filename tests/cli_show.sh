#!/usr/bin/env bash
# cli_show: the views of a run that others read: the text, the page as a file, the trace for Perfetto, the log for ShiViz.
# What the page does in a browser is cli_show_page's matter.
# shellcheck disable=SC2016
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"
regress=$HAKMEM_SOURCE/corpus/threads/regress

# ---- text ------------------------------------------------------------------------------------------------------------

expect 'text: lanes, map, story' 1 "$hakfuzz" show --fault push-keeps-head "$regress/push-keeps-head.hak"
has out '^ +3 +free s0 +stopped at [a-z]+\.[ch]:[0-9]+ .*yield 13\), t2 goes on$'
has out '^ +4 +\| +free s1 +remote free, to t0$'
has out '^ +5 +> free s0 +remote\.c:[0-9]+ weak cas fails, again and again; t2 was there at #4$'
has out '^ +6 +> free s0 +<-- livelock$'
has out '^map: the slab at 0x5000, 96 B a block, of heap 1: 3 used, 3 carved of 4;'
has out '^   > 0x5000 '
has out '^how it came to that:'
has out '^It showed in step 6, inside "free s0" on thread t1: .* Slot s0 got the bytes there in step 0, .* in step 3, by "free s0" on t1\.'
lacks out $'\033'
lacks out ' $'
expect 'text: who holds the block is named' 1 "$hakfuzz" show --fault carve-by-used \
    "$HAKMEM_SOURCE/corpus/sequence/regress/carve-by-used.hak"
has out 'Slot s3 got the bytes there in step 0, from "malloc_many s0 16 n=4" on t0, and never gave them back\.'
has out '^   > 0x9030 +s3 '
lacks out '^schedule: '
expect 'text: colours on a terminal' 0 env TERM=xterm script -qec \
    "'$hakfuzz' show --fault push-keeps-head '$regress/push-keeps-head.hak' || true" /dev/null
for red in '<-- livelock' '<-- finding' '> 0x5000 +free' 't1 goes on with free s0: t1 made'; do
    has out $'\033\\[1;31m'".*$red"
done
expect 'text: none where they are not wanted' 0 env TERM=xterm NO_COLOR=1 script -qec \
    "'$hakfuzz' show --fault push-keeps-head '$regress/push-keeps-head.hak' || true" /dev/null
lacks out $'\033\\[[0-9]'

# ---- what cannot be --------------------------------------------------------------------------------------------------

printf 'hakmem 1\nt0 malloc s0 96\n' >clean.hak
expect 'two views at once' 2 "$hakfuzz" show --html --trace clean.hak
has err 'give one'
expect 'a link without a file in it' 2 "$hakfuzz" show --html --source-url https://example.org/ clean.hak
has err 'has no \{file\}'
expect 'the input is not overwritten' 2 "$hakfuzz" show --html -o ./clean.hak clean.hak
has err 'would be overwritten'
expect 'a place that is not there' 2 "$hakfuzz" show --html -o missing/x.html clean.hak
has err 'missing/x.html: No such file'
expect 'a full disk' 2 bash -c '"$1" show --html clean.hak >/dev/full' - "$hakfuzz"
has err 'cannot write to standard output: No space left'
expect 'a full disk, by name' 2 "$hakfuzz" show --html -o /dev/full clean.hak
has err 'No space left'

# ---- the page as a file ----------------------------------------------------------------------------------------------

cat >page.py <<'END'
import glob, json, os, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
scripts = 1 + len(glob.glob(os.environ["HAKMEM_SOURCE"] + "/tools/show_page/*.js"))
tapes = re.findall(r'<script type="application/json" id="tape">(.*?)</script>', page, re.S)
assert len(tapes) == 1 and page.count("<script") == page.count("</script>") == scripts > 1, "a tape, and all scripts"
tape = json.loads(tapes[0])
assert tape["verb"] == "show" and tape["steps"], "the tape is in it"
rest = page.replace(tapes[0], "")
assert not re.search(r"(src|href)\s*=\s*[\"'](?!#|data:,)|@import|url\(|https?://|fetch\(|XMLHttp|WebSocket", rest), "no network"
assert "default-src 'none'" in rest and not re.search(r"<!--\{", rest)
for site in tape["sites"].values():
    assert site["file"].startswith("allocator/") and str(site["line"]).isdigit()
print(len(tape["steps"]), tape["file"])
END
expect 'html: to a file' 1 "$hakfuzz" show --html --fault push-keeps-head -o page.html "$regress/push-keeps-head.hak"
[ ! -s out ] || fail "$name" 'nothing on standard output'
expect 'html: one tape, no network' 0 python3 page.py page.html
has out '^7 '
mkdir 'a<b'
cp clean.hak 'a<b/<script>&.hak'
expect 'html: a name that looks like markup' 0 "$hakfuzz" show --html -o odd.html 'a<b/<script>&.hak'
expect 'html: is but a name' 0 python3 page.py odd.html
has out '^3 a<b/<script>&.hak$'
expect 'html: lines of the sources' 0 grep -c '"lines":"' page.html
expect 'html: links' 1 "$hakfuzz" show --html --source-url 'https://example.org/{file}?at={line}#L{line}' \
    --fault push-keeps-head "$regress/push-keeps-head.hak"
has out '"url":"https://example.org/allocator/remote\.c\?at=([0-9]+)#L\1"'
expect 'html: without the sources' 1 "$hakfuzz" show --html --source-tree "$TMPDIR" --fault push-keeps-head \
    "$regress/push-keeps-head.hak"
lacks out '"lines":"'

# ---- Perfetto --------------------------------------------------------------------------------------------------------

cat >trace.py <<'END'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
# What the format wants of an event of each phase: complete, metadata, the start of a flow and its end.
number, words = (int, float), str
every = {"name": words, "ph": words, "pid": int, "tid": int, "ts": number}
wanted = {"X": every | {"dur": number, "cat": words, "args": dict}, "M": every | {"args": dict},
          "s": every | {"cat": words, "id": int}, "f": every | {"cat": words, "id": int, "bp": words}}
for e in events:
    fields = wanted[e["ph"]]
    assert e.keys() == fields.keys(), (e, "has the fields of its phase, and no others")
    assert all(isinstance(e[name], fields[name]) for name in fields), (e, "has fields of the right types")
    assert e["ts"] >= 0 and e.get("bp", "e") == "e"
    assert e["ph"] != "M" or e["name"] in ("process_name", "thread_name") and isinstance(e["args"]["name"], words)
slices = [e for e in events if e["ph"] == "X"]
starts = {e["id"]: e for e in events if e["ph"] == "s"}
ends = {e["id"]: e for e in events if e["ph"] == "f"}
times = [e["ts"] for e in events]
assert times == sorted(times), "events are in order"
assert all(e["dur"] > 0 for e in slices)
assert len(starts) + len(ends) == sum(e["ph"] in "sf" for e in events), "an id is one flow's"
assert starts.keys() == ends.keys(), "every flow has two ends"
def inside(e):
    return any(s["tid"] == e["tid"] and s["ts"] <= e["ts"] <= s["ts"] + s["dur"] for s in slices)
for i, s in starts.items():
    assert s["ts"] < ends[i]["ts"] and s["name"] == ends[i]["name"] and s["cat"] == ends[i]["cat"]
    assert inside(s) and inside(ends[i]), "a flow leads from slice to slice"
for a, b in zip(slices, slices[1:]):
    assert a["ts"] + a["dur"] <= b["ts"]
names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
assert {e["tid"] for e in slices} <= names.keys()
print(len(slices), *sorted({s["name"] for s in starts.values()}))
END
expect 'trace: events' 0 bash -c '"$1" show --trace --target threads "$2" >trace.json' - "$hakfuzz" \
    "$HAKMEM_SOURCE/corpus/threads/seed/random-walk.hak"
expect 'trace: slices, flows and times' 0 python3 trace.py trace.json
has out '^[0-9]{2,} .*preempted.*switch'
expect 'trace: remote frees are flows' 0 bash -c '"$1" show --trace --target threads "$2" >trace.json' - "$hakfuzz" \
    "$HAKMEM_SOURCE/corpus/threads/seed/producer-consumer.hak"
expect 'trace: remote frees are flows' 0 python3 trace.py trace.json
has out 'remote free'

# ---- ShiViz ----------------------------------------------------------------------------------------------------------

cat >shiviz.py <<'END'
import json, re, sys
expression, blank, log = open(sys.argv[1]).read().split("\n", 2)
assert blank == "", "no second expression: there is one execution"
pattern = re.compile(expression.replace("(?<", "(?P<"))
events = list(pattern.finditer(log))
assert "".join(e.group(0) + "\n" for e in events) == log, "every line belongs to an event"
last, learned = {}, 0
for event in events:
    host, clock = event["host"], json.loads(event["clock"])
    before = last.get(host, {})
    assert clock[host] == before.get(host, 0) + 1, "the host's own clock counts its events"
    assert all(clock.get(other, 0) >= n for other, n in before.items()), "clocks never go back"
    for other, n in clock.items():
        assert other == host or 0 < n <= last[other][other], "nobody knows of what has not happened"
    learned += any(other != host for other in clock) and clock.keys() != before.keys()
    last[host] = clock
print(len(events), len(last), learned)
END
for seed in random-walk producer-consumer parcels; do
    expect "shiviz: $seed" 0 bash -c '"$1" show --shiviz --target threads "$2" >log' - "$hakfuzz" \
        "$HAKMEM_SOURCE/corpus/threads/seed/$seed.hak"
    expect "shiviz: clocks of $seed" 0 python3 shiviz.py log
    has out '^[0-9]+ [2-4] [1-9]'
done
expect 'shiviz: a finding is said to be one' 1 "$hakfuzz" show --shiviz --fault push-keeps-head "$regress/push-keeps-head.hak"
has out '^#6 FINDING: t1 goes on with free s0'

# ---- JSON ------------------------------------------------------------------------------------------------------------

cat >tape.py <<'END'
import json, sys
tape = json.load(open(sys.argv[1]))
for step in tape["steps"]:
    assert {"kind", "thread", "record", "words", "slab", "cache", "heaps", "shared"} <= step.keys()
    assert "site" not in step or str(step["site"]) in tape["sites"]
assert tape["finding_step"] == len(tape["steps"]) - 1 == tape["story"][-1]
assert [s["record"] for s in tape["steps"] if s["kind"] == "failed"] == [3]
print(tape["headline"])
END
expect 'json: the tape' 1 bash -c '"$1" show --json --fault push-keeps-head "$2" >tape.json' - "$hakfuzz" "$regress/push-keeps-head.hak"
expect 'json: every step has its state' 0 python3 tape.py tape.json
has out '^An operation does not come to its end'
[ ! -w /dev/full ] || for view in --json --trace --html --shiviz; do
    expect "show: a disk that is full: $view" 2 "$hakfuzz" show $view --fault carve-by-used "$HAKMEM_SOURCE/corpus/sequence/regress/carve-by-used.hak" -o /dev/full
    has err 'cannot write to /dev/full: No space left'
done
finish
