"""stage_real: what runs the library itself: tests, real threads, real programs, instructions; and coverage."""
import json
import os
import platform
import re
import subprocess
import xml.etree.ElementTree as xml

from .machine import Finding, Red, Unable, build, read, tail
from .run import Skip

BUDGET = "ci/budget.json"
SLOWER = 0.03  # more instructions than this share is red
ROUNDS = 1000

# ctest's choice in each size. test_tidy is stage rules, programs stage programs; full has ci-test, which has all.
SLOW = "test_real_memory|test_reduce|test_real_misuse|test_repertoire|test_explore"
TESTS = {
    "quick": ["-L", "unit|corpus", "-E", f"^({SLOW})$"],
    "default": ["-E", "^(programs|conditions|cli_emit|test_tidy|gate)$"],
    "full": ["-E", "^(programs|test_tidy)$"],
}


def tests(context):
    results = os.path.join(context.options.out, "ctest.xml")
    if os.path.exists(results):
        os.remove(results)
    code, out = context.log.run(["ctest", "--test-dir", "build/release", *TESTS[context.size], "--no-tests=error",
                                 "--output-on-failure", "-j", context.jobs, "--timeout", 300,
                                 "--output-junit", results], limit_s=context.of(400, 900, 3600))
    if not os.path.exists(results):
        raise Red([Finding("tests", f"ctest left no results: {tail(out)}")])
    cases = xml.parse(results).getroot().findall("testcase")
    findings = []
    for case in cases:
        if case.find("failure") is not None:
            said = case.findtext("system-out") or ""
            why = [line for line in said.splitlines() if re.search(r"FAILED|failed|error|finding|differ", line)]
            name = case.get("name")
            file = next((path for path in (f"tests/{name}.c", f"tests/{name}.sh") if os.path.exists(path)), None)
            findings.append(Finding("tests", f"{name}: " + (tail("\n".join(why), 4) or tail(said, 4)), file))
    # Each unit test of the tree ran: a file that is there and not in ctest is a test that is lost.
    known = json.loads(context.log.run(["ctest", "--test-dir", "build/release", "--show-only=json-v1"], quiet=True)[1])
    known = {test["name"] for test in known["tests"]}
    for name in sorted(os.listdir("tests")):
        stem, suffix = os.path.splitext(name)
        if (suffix == ".c" and name.startswith("test_") or suffix == ".sh") and stem not in known:
            findings.append(Finding("tests", f"{stem} is no test of ctest's", f"tests/{name}"))
    if findings or code != 0:
        raise Red(findings or [Finding("tests", tail(out))])
    skipped = sum(case.find("skipped") is not None for case in cases)
    return f"{len(cases)} of {len(known)} tests" + (f", {skipped} skipped" if skipped else "")


def tsan(context):
    """Halts at the first report. Its own exit code is 66."""
    commands = [["build/tsan/hakfuzz", "real", "corpus/threads", "corpus/oom"],
                ["build/tsan/hakfuzz", "real", "--threads", 16, "--times", context.of(1, 2, 50), "corpus/threads"],
                ["build/tsan/hakfuzz", "real", "--generate", context.of(50, 300, 20000), "--seed", context.seed % 2**31],
                ["build/tsan/test_real_threads"]]
    findings = []
    for command in commands:
        code, out = context.log.run(command, limit_s=context.of(300, 600, 7200), env={"TSAN_OPTIONS": "halt_on_error=1"})
        summary = re.search(r"^SUMMARY: ThreadSanitizer: (.*)$", out, re.MULTILINE)
        if code != 0:
            findings.append(Finding("tsan", f"{' '.join(map(str, command))}: " + (summary[1] if summary else tail(out, 4))))
    if findings:
        raise Red(findings)
    return f"{len(commands)} runs"


def programs(context):
    code, out = context.log.run(["tests/programs", *context.of(["--quick"], ["--quick"], []), "--library",
                                 "build/release/libhakmem.so"], limit_s=context.of(300, 600, 7200))
    if code == 2:
        raise Unable(tail(out, 3))
    if code != 0:
        lines = [line for line in out.splitlines() if "FAILED" in line]
        raise Red([Finding("programs", line) for line in lines] or [Finding("programs", tail(out))])
    return tail(out, 1)


# ---- instructions ----------------------------------------------------------------------------------------------------

def compiler():
    """Budgets belong to a compiler and a machine's kind: others make other code."""
    cache = read("build/release/CMakeCache.txt")
    path = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache, re.MULTILINE)[1]
    who = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    version = subprocess.run([path, "-dumpversion"], capture_output=True, text=True).stdout.strip()
    return f"{'gcc' if 'Free Software Foundation' in who else 'clang'} {version.split('.')[0]} {platform.machine()}"


def count_paths(log, out):
    """{path: instructions of one operation}: what is inside path_*, without its own loop."""
    file = os.path.join(out, "callgrind.out")
    code, said = log.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", "--collect-atstart=no", "--toggle-collect=path_*",
         "--compress-strings=no", "--compress-pos=no", "build/release/bench_paths", ROUNDS],
        env={"LD_PRELOAD": os.path.abspath("build/release/libhakmem.so")})
    if code != 0:
        raise Red([Finding("budget", f"bench_paths under callgrind ended with {code}: {tail(said)}")])
    function, callee, inclusive, own = "", None, {}, {}
    with open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("fn="):
                function = line[3:].strip()
            elif line.startswith("cfn="):
                name = line[4:].strip()
            elif line.startswith("calls="):
                callee = name
            elif line[:1].isdigit() or line[:1] in "+-*":
                cost = int(line.split()[1])
                if callee is None and function.startswith("path_"):
                    own[function] = own.get(function, 0) + cost
                elif callee is not None and callee.startswith("path_"):
                    inclusive[callee] = inclusive.get(callee, 0) + cost
                callee = None
    table = set(re.findall(r"^ +X\((\w+), before_", read("bench/paths.c"), re.MULTILINE))
    if not table or {f"path_{name}" for name in table} != set(inclusive):
        raise Unable(f"callgrind shows {len(inclusive)} paths of the {len(table)} in bench/paths.c (was one inlined?)")
    return {name: round((inclusive[f"path_{name}"] - own.get(f"path_{name}", 0)) / ROUNDS, 2) for name in sorted(table)}


def budgets():
    try:
        return json.loads(read(BUDGET))
    except OSError:
        return {}
    except ValueError as why:
        raise Unable(f"{BUDGET}: {why}") from why


def budget(context):
    who, now = compiler(), count_paths(context.log, context.options.out)
    allowed = budgets().get(who)
    if allowed is None:
        raise Skip(f"{BUDGET} has nothing for {who}; 'ci/gate --update budget' in the base writes it")
    findings, better = [], 0
    for name, instructions in now.items():
        context.log.write(f"{name:18} {instructions:10.2f}  budget {allowed.get(name, '-')}")
        if name not in allowed:
            findings.append(Finding("budget", f"path {name} has no budget: ci/gate --update budget", BUDGET))
        elif instructions > allowed[name] * (1 + SLOWER):
            findings.append(Finding("budget", f"path {name} takes {instructions} instructions, {allowed[name]} are allowed: "
                                    f"{100 * (instructions / allowed[name] - 1):.1f} % more; if that has to be: "
                                    "ci/gate --update budget, and the reason in the commit message", BUDGET))
        better += instructions < allowed[name] * (1 - SLOWER) if name in allowed else 0
    findings += [Finding("budget", f"budget of {name}, which is no path of bench/paths.c", BUDGET)
                 for name in sorted(set(allowed) - set(now))]
    if findings:
        raise Red(findings)
    note = f"{len(now)} paths, a cached pair {now['cached_pair']:g} instructions"
    return note + (f"; {better} are faster by 3 % or more: ci/gate --update budget keeps that" if better else "")


def update_budget(options):
    from .machine import Log
    log = Log(os.path.join(options.out, "update.log"))
    build(log, "release", "release", ["-DHAKMEM_TESTS=ON"], ["bench_paths", "hakmem_shared"], options.jobs)
    who, table = compiler(), budgets()
    before, table[who] = table.get(who, {}), count_paths(log, options.out)
    with open(BUDGET, "w", encoding="utf-8") as file:
        json.dump(table, file, indent=2, sort_keys=True)
        file.write("\n")
    for name, value in table[who].items():
        print(f"{name:18} {before.get(name, '-'):>10} -> {value}")
    print(f"{BUDGET} is written, for {who}; commit it with the change that made it so")
    return 0


# ---- coverage, and what other scripts do -----------------------------------------------------------------------------

def script(context, rule, command, limit_s):
    code, out = context.log.run(command, limit_s=limit_s)
    if code == 2:
        raise Unable(tail(out, 3))
    if code != 0:
        raise Red([Finding(rule, tail(out, 10))])
    return tail(out, 1)


def coverage(context):
    code, out = context.log.run(["ci/coverage", "--corpus", "build/release/corpus", "--jobs", context.jobs], limit_s=900)
    if code == 2:
        raise Unable(tail(out, 3))
    lines = re.findall(r"^(\S+\.[ch]):(\d+): (not named: .*)$", out, re.MULTILINE)
    findings = [Finding("coverage", f"this line runs with no input of the corpus, and is {message}", file, int(line))
                for file, line, message in lines]
    findings += [Finding("coverage", line, "docs/coverage.md") for line in out.splitlines()
                 if line.startswith("docs/coverage.md:")]
    if code != 0:
        raise Red(findings or [Finding("coverage", tail(out, 3))])
    return tail(out, 1)


def update_coverage(options):
    done = subprocess.run(["ci/coverage", "--write-floor", "--jobs", str(options.jobs)])
    return done.returncode


def replay_proof(context):
    return script(context, "replay-proof", ["ci/replay-proof", "--times", 20], 7200)


def hosted(context):
    return script(context, "hosted", ["ci/check-build"], 7200)


def ci_test(context):
    return script(context, "ci-test", ["ci/test"], 7200)
