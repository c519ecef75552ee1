#!/usr/bin/env bash
# gate: the short form of tests/gate, which tries what needs no build; that ci/gate refuses nonsense, and that what it
# writes is well-formed. Environment: HAKMEM_SOURCE, HAKMEM_BUILD.
set -u
: "${HAKMEM_BUILD:?the build tree}" "${HAKMEM_SOURCE:?the root of the sources}"
build=$(cd "$HAKMEM_BUILD" && pwd) && cd "$HAKMEM_SOURCE" || exit 2
unset HAKMEM_BUILD HAKMEM_SOURCE
for needed in python3 git clang-tidy cppcheck; do
    command -v "$needed" >/dev/null || { echo "gate: $needed is not installed (ci/setup --test): skipped" && exit 77; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failures=0

# refuses NAME ARGUMENT...: exit 2, and a word about why.
refuses() {
    local name=$1 code=0
    shift
    ci/gate "$@" >"$work/said" 2>&1 </dev/null || code=$?
    if [ "$code" -ne 2 ] || ! grep -q "^ci/gate: error: \|^gate: \|error: " "$work/said"; then
        echo "gate: $name: it ended with $code, not with 2:" && cat "$work/said" && failures=1
    fi
}
refuses 'a stage that is none' --only nosuch
refuses 'a base that is none' --base nosuch --only cppcheck --out "$work/out"
refuses 'no processes' --jobs 0
refuses 'two sizes' --quick --full
refuses 'a seed that is none' --seed x

# The table of the page is that of the gate.
python3 - <<'EOF' || failures=1
import re, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "ci")
from gatekeeper import stage_build, stages
page = open("docs/contribute.md", encoding="utf-8").read()
red = page[page.index("| red |"):]
red = red[:red.index("\n\n")]
named = {name for row in red.splitlines()[2:] for name in re.findall(r"`([a-z.-]+)`", row.split("|")[1])}
night = {"replay-proof", "hosted", "ci-test"}  # they say by themselves what to do
for stage in stages.names():
    if stage not in night and not any(stage == name or name.endswith("...") and stage.startswith(name[:-3]) for name in named):
        sys.exit(f"gate: docs/contribute.md does not say what to do when {stage} is red")
for name in named:
    if not any(stage == name or name.endswith("...") and stage.startswith(name[:-3]) for stage in stages.names()):
        sys.exit(f"gate: docs/contribute.md speaks of {name}, which is no stage")
for stage in stages.STAGES:
    wrong = set(stage.needs) - set(stages.names())
    if wrong:
        sys.exit(f"gate: stage {stage.name} needs {wrong}, which is no stage")
if set(stage_build.USED) - set(stages.names()):
    sys.exit("gate: stage_build.USED names what is no stage")
EOF

tests/gate --static --build "$build" --out "$work/proof" || failures=1

# What the last of them left: every report, and none needs anything from elsewhere.
for folder in "$work"/proof/lost-test "$work"/proof/test-removed-with-reason; do
    python3 - "$folder" <<'EOF' || failures=1
import json, os, re, sys
import xml.etree.ElementTree as xml
folder = sys.argv[1]
gate = json.load(open(os.path.join(folder, "gate.json")))
sarif = json.load(open(os.path.join(folder, "gate.sarif")))
suite = xml.parse(os.path.join(folder, "gate.xml")).getroot().find("testsuite")
page = open(os.path.join(folder, "gate.html"), encoding="utf-8").read()
red = [stage["name"] for stage in gate["stages"] if stage["status"] == "fail"]
found = sum(len(stage["findings"]) for stage in gate["stages"])
assert gate["exit"] == (1 if red else 0), gate
assert int(suite.get("tests")) == len(gate["stages"]) and int(suite.get("failures")) == len(red), suite.attrib
assert sarif["version"] == "2.1.0" and len(sarif["runs"][0]["results"]) == found, sarif
assert {r["ruleId"] for r in sarif["runs"][0]["results"]} == {r["id"] for r in sarif["runs"][0]["tool"]["driver"]["rules"]}
assert not re.search(r"(src|href)=\"(?!#)|@import|url\(|<script", page), "the page needs something else"
for stage in gate["stages"]:
    assert stage["name"] in page and os.path.exists(os.path.join(folder, stage["log"])), stage
EOF
done

[ "$failures" -eq 0 ] && echo 'gate: it can fail, and need not'
exit "$failures"
