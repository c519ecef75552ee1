#!/usr/bin/env bash
# cli_detect: hakfuzz detect with several engines, its store, and its views. Which faults are found how soon is not asked
# here: with equal seeds it is the same every time.
set -u
: "${HAKMEM_SOURCE:?the root of the sources}"
# shellcheck source=tests/cli.d/checks.sh
. "$HAKMEM_SOURCE/tests/cli.d/checks.sh"

few=errno-missing,born-marked,calloc-skips-zero
detect=("$hakfuzz" detect --fault "$few" --trials 4 --max-runs 500 --engine builtin --against naive-builtin)
# But for the time that trials took.
results() {
    cut -d, -f1-12 out
}

# ---- the store -------------------------------------------------------------------------------------------------------

expect 'store: none' 0 "${detect[@]}" --csv
results >uncut
[ "$(wc -l <uncut)" -eq $((1 + 3 * 2 * 4)) ] || fail "$name" 'a row a trial'
has out '^born-marked,sequence,naive-builtin,"records",4,500,1,'
expect 'store: all of it' 0 "${detect[@]}" --csv --store all.jsonl
results | diff - uncut >unlike || fail "$name" 'the same trials'
[ "$(wc -l <all.jsonl)" -eq 24 ] || fail "$name" 'a line a trial'
expect 'store: nothing is left to do' 0 "${detect[@]}" --csv --store all.jsonl --jobs 1
results | diff - uncut >unlike || fail "$name" 'the same trials'
[ "$(wc -l <all.jsonl)" -eq 24 ] || fail "$name" 'no line more'

# Cut after some trials, in the middle of a line.
head -n 7 all.jsonl >cut.jsonl && sed -n 8p all.jsonl | cut -c1-50 | tr -d '\n' >>cut.jsonl
expect 'store: goes on where it was cut' 0 "${detect[@]}" --csv --store cut.jsonl
results | diff - uncut >unlike || fail "$name" 'the same trials as uncut'
for store in cut all; do
    sed 's/,"seconds".*//' $store.jsonl | sort >$store
done
same cut all
# What is there is taken, not measured again.
sed 's/"executions":[0-9]*/"executions":77/' all.jsonl >told.jsonl
expect 'store: is believed' 0 "${detect[@]}" --csv --store told.jsonl
[ "$(grep -c '^[a-z].*,1,77,' out)" -eq 24 ] || fail "$name" 'what the store says'
sed 's/"binary_hash":"0x[0-9a-f]*"/"binary_hash":"0x0000000000000001"/' told.jsonl >other.jsonl
expect 'store: of another build' 0 "${detect[@]}" --csv --store other.jsonl
has err '^hakfuzz detect: 24 trials in .other\.jsonl. are of other builds, and not counted$'
results | diff - uncut >unlike || fail "$name" 'trials of this build'
[ "$(wc -l <other.jsonl)" -eq 48 ] || fail "$name" 'both builds'
# A limit only cuts off.
one=("$hakfuzz" detect --fault push-keeps-head --target threads --trials 1 --csv --store limits.jsonl)
expect 'store: a first limit' 1 "${one[@]}" --max-runs 2
expect 'store: a lower limit' 1 "${one[@]}" --max-runs 1
has out '^push-keeps-head,threads,builtin,"",1,1,0,1,'
[ "$(wc -l <limits.jsonl)" -eq 1 ] || fail "$name" 'the trial that was done'
expect 'store: a higher limit' 0 "${one[@]}" --max-runs 20000
[ "$(wc -l <limits.jsonl)" -eq 2 ] || fail "$name" 'a trial that goes on'
expect 'store: cut off again' 1 "${one[@]}" --max-runs 2
[ "$(wc -l <limits.jsonl)" -eq 2 ] || fail "$name" 'nothing measured'

printf 'text\n' >text
expect 'store: a file that is none' 2 "${detect[@]}" --store text
has err "^hakfuzz detect: 'text': line 1 is no trial; give a file of its own to --store$"
printf 'no end' >text
expect 'store: a file without an end' 2 "${detect[@]}" --store text
[ "$(cat text)" = 'no end' ] || fail "$name" 'a file that is left alone'
expect 'store: nowhere' 2 "${detect[@]}" --store /nosuch/store
has err "'/nosuch/store' cannot be opened"

# Ctrl-C leaves whole lines, no temporary files, and says how to go on.
timeout -s INT 1 "$hakfuzz" detect --fault push-keeps-head --target sequence --trials 50 --max-runs 100000000 --store int.jsonl >out 2>err </dev/null &
wait $!
code=$? name='store: interrupted'
grep -q 'stopped with [0-9]* of 50 trials done; the same command goes on from int.jsonl$' err || fail "$name" 'how to go on'
[ "$(grep -vc '}$' int.jsonl)" -eq 0 ] || fail "$name" 'whole lines'

# ---- views -----------------------------------------------------------------------------------------------------------

expect 'views: JSON' 0 "${detect[@]}" --store all.jsonl --json -o all.json
expect 'views: the numbers are those of the trials' 0 python3 - <<'END'
import json, statistics
said = json.load(open("all.json"))
assert said["engines"] == ["builtin"] and said["against"] == "naive-builtin"
assert [one["fault"] for one in said["faults"]] == ["errno-missing", "born-marked", "calloc-skips-zero"]
for one in said["faults"]:
    for row in one, one["against"]:
        runs = [run["executions"] for run in row["runs"]]
        assert len(runs) == 4 and row["found"] == 4 and row["executions_median"] == statistics.median(runs)
        assert abs(row["executions_mean_restricted"] - statistics.mean(runs)) < 1e-9
        assert row["survival"][-1] == {"executions": max(runs), "share_not_found": 0}
    pairs = [(b["executions"] > a["executions"]) + (b["executions"] == a["executions"]) / 2
             for a in one["runs"] for b in one["against"]["runs"]]
    assert one["against"]["a12"] == sum(pairs) / 16 and 0 <= one["against"]["p"] <= 1
END
expect 'views: a page' 0 "${detect[@]}" --store all.jsonl --html -o page.html
grep -q '<script type="application/json" id="data">{"verb":"detect","engines":\["builtin"\]' page.html || fail "$name" 'its data'
if grep -qE '(src|href)="?https?:|<!--[{]' page.html; then fail "$name" 'nothing from elsewhere'; fi
expect 'views: two engines in Markdown' 0 "${detect[@]}" --store all.jsonl --markdown
has out '^\| `born-marked` \| sequence \| 4/4 \| .* \| 4/4 \| .* \|$'
has out '^Not found in half of the trials by naive-builtin: none$'
has out '^Over the 3 faults that both find, naive-builtin needs [0-9.]+ times the executions of builtin '
has out '^builtin: 3 of 3 faults \(100 %\) within ten core-minutes in the median'
expect 'views: several engines' 0 "$hakfuzz" detect --fault "$few" --trials 4 --max-runs 500 --engine builtin,naive-builtin --store all.jsonl
has out '^born-marked +builtin +sequence '
has out '^born-marked +naive-builtin +sequence '
has out '^3 of 3 faults found in every trial, .* \(engine naive-builtin, 4 trials, at most 500 executions each\)$'
# Any of the checks that are expected will do, and no other.
sed 's/"check":"[^"]*"/"check":"invariant"/' all.jsonl >invariant.jsonl
expect 'views: found by another check that is expected' 0 "$hakfuzz" detect --fault born-marked --trials 4 --max-runs 500 --store invariant.jsonl --json -o expected.json
grep -q '"found_as_expected":[[:space:]]*4,' expected.json || fail "$name" 'all four'
expect 'views: as a line' 0 "$hakfuzz" detect --fault born-marked --trials 4 --max-runs 500 --store invariant.jsonl
has out '^1 of 1 faults found in every trial, 1 by expected checks alone '
sed '1,/born-marked/s/"check":"invariant"/"check":"errno-contract"/' invariant.jsonl >mixed.jsonl
expect 'views: one trial by a check that is not' 0 "$hakfuzz" detect --fault born-marked --trials 4 --max-runs 500 --store mixed.jsonl
has out '^1 of 1 faults found in every trial, 0 by expected checks alone '
expect 'views: the whole origin in a row' 1 "$hakfuzz" detect --fault overflow-ignored --trials 1 --max-runs 1 --csv
has out ',"several, e\.g\. CVE-2021-3420 \(newlib\)"$'
expect 'views: what is missed' 1 "$hakfuzz" detect --fault push-keeps-head --target sequence --trials 2 --max-runs 20 --against naive-builtin
has out '^Not found in half of the trials by naive-builtin: `push-keeps-head` \(0/2\)$'
expect 'views: where it cannot be written' 2 "${detect[@]}" --store all.jsonl --csv -o /nosuch/x
has err "'/nosuch/x' cannot be written"
expect 'views: one of them' 2 "${detect[@]}" --csv --html
has err '^hakfuzz detect: --json, --markdown, --csv and --html exclude each other'
expect 'engines: one twice' 2 "$hakfuzz" detect --engine builtin,builtin
has err '^hakfuzz detect: --engine names builtin twice'
expect 'engines: against one of them' 2 "$hakfuzz" detect --engine builtin,real --against real
has err '^hakfuzz detect: --against real: that is an engine already'
expect 'engines: none of that name' 2 "$hakfuzz" detect --engine builtin,nobody
has err "there is no engine 'nobody'; there are builtin libfuzzer afl naive naive-builtin real"
mkdir lonely && cp "$hakfuzz" lonely
expect 'engines: not built' 2 lonely/hakfuzz detect --engine afl --fault errno-missing --trials 1
has err '^hakfuzz detect: build/afl/fuzz_oom is not built: cmake --preset afl && cmake --build --preset afl --target fuzz_targets hakmem_mutator$'

finish
