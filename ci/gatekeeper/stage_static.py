"""stage_static: what can be seen without running the allocator."""
import glob
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

from .change import git
from .machine import Finding, Red, compiler_findings, read, tail
from .run import Skip

LOOKED_AT = ("allocator", "oracle", "fuzz_targets", "tools")  # by cppcheck


def rules(context):
    """tests/test_tidy.sh; each of its lines is a finding."""
    code, out = context.log.run(["bash", "tests/test_tidy.sh"], env={"HAKMEM_BUILD": os.path.abspath("build/release")})
    if code == 0:
        return out.strip().splitlines()[-1] if out.strip() else ""
    findings, rule = [], "rules"
    for line in out.splitlines():
        title = re.match(r"tidy: (.*):$", line)
        if title:
            rule = title.group(1)
        elif line.startswith("    "):
            place = re.match(r"\s+([\w./-]+\.\w+):(\d+):", line)
            findings.append(Finding("rules", f"{rule}: {line.strip()}", *((place[1], int(place[2])) if place else ())))
    raise Red(findings or [Finding("rules", tail(out))])


# ---- tests that are gone ---------------------------------------------------------------------------------------------

CASE = re.compile(r"cmocka_unit_test\w*\(\s*(\w+)")


def kept_things(names, content):
    """What must not go: test scripts, corpus entries, and the cases that tests/test_*.c register."""
    things = {name for name in names if re.fullmatch(r"tests/[^/]+\.sh|corpus/.+\.hak", name)}
    for name in names:
        if re.fullmatch(r"tests/test_\w+\.c", name):
            things.update(CASE.findall(content(name)))
    return things


def lost_tests(context):
    """A test that goes with a reason has it in a commit message of the branch: 'Test-removed: NAME because ...'."""
    base = context.change.base
    if base is None:
        raise Skip("no history to compare with")
    before = (git("ls-tree", "-r", "--name-only", base, "tests", "corpus") or "").splitlines()
    now = [path for folder in ("tests", "corpus") for path in glob.glob(f"{folder}/**", recursive=True)]
    changed = set(context.change.files)
    here = {name for name in now if os.path.isfile(name)}

    def was(name):
        return git("show", f"{base}:{name}") or "" if name in changed else read(name)

    removed = set(re.findall(r"^Test-removed: (\S+)", git("log", "--format=%B", f"{base}..HEAD") or "", re.MULTILINE))
    old, new = kept_things(before, was), kept_things(here, read)
    findings = [Finding("lost-tests", f"{thing} is gone; if it must, a commit message says 'Test-removed: {thing} "
                        "because ...'", thing if "/" in thing else None) for thing in sorted(old - new - removed)]
    # What is left in a file and not registered runs no more.
    for name in sorted(here & changed):
        if re.fullmatch(r"tests/test_\w+\.c", name):
            text = read(name)
            idle = set(re.findall(r"^static void (test_\w+)\(void \*\*", text, re.MULTILINE)) - set(CASE.findall(text))
            idle = {case for case in idle if len(re.findall(rf"\b{case}\b", text)) == 1}
            findings += [Finding("lost-tests", f"{case} is never run: it is in no table of cases", name)
                         for case in sorted(idle)]
    if findings:
        raise Red(findings)
    return f"{len(new)} cases, scripts and corpus entries, of {len(old)} in the base"


# ---- linters ---------------------------------------------------------------------------------------------------------

def compiled():
    """The C files of build/release, which is where clang-tidy has its flags from. Engines of other trees are not there."""
    entries = json.loads(read("build/release/compile_commands.json"))
    here = os.getcwd()
    files = {os.path.relpath(entry["file"], here) for entry in entries if entry["file"].endswith(".c")}
    return sorted(name for name in files if not name.startswith(("..", "build/")))


def clang_tidy(context):
    files = compiled()
    if context.size == "quick" and not context.change.touches(".clang-tidy", "tests/.clang-tidy"):
        headers = [name for name in context.change.files or [] if name.endswith(".h")]
        users = [name for name in files if any(f'"{header}"' in read(name) for header in headers)]
        files = sorted({*context.change.changed(files), *users})
    if not files:
        return "no C file is changed"
    jobs = [["--extra-arg=-Wno-ignored-optimization-argument", *files[i::8]] for i in range(8) if files[i::8]]
    if context.size == "full":
        jobs += [["--checks=-*,clang-analyzer-*", "--extra-arg=-Wno-ignored-optimization-argument", name]
                 for name in files if name.startswith("allocator/")]
    with ThreadPoolExecutor(context.jobs) as pool:
        runs = list(pool.map(lambda words: context.log.run(
            ["clang-tidy", "-p", "build/release", "--quiet", *words], quiet=True), jobs))
    bad = "\n".join(out for code, out in runs if code != 0)
    if bad:
        raise Red(compiler_findings(bad) or [Finding("clang-tidy", tail(bad))])
    return f"{len(files)} files"


def cppcheck(context):
    definitions = {"_GNU_SOURCE": 1, "HAK_SIM": 1, "HAK_CHECK": 1, "HAK_HEADER": 0, "HAK_FAULTS": 1, "HAK_OVERRIDE": 0,
                   "HAK_PROMISES": 0}
    code, out = context.log.run(
        ["cppcheck", "-j", context.jobs, "--quiet", "--enable=warning,performance,portability", "--inline-suppr",
         "--suppressions-list=ci/cppcheck.txt", "--error-exitcode=1", "--std=c11", "-I.",
         *[f"-D{name}={value}" for name, value in definitions.items()], *LOOKED_AT])
    if code != 0:
        raise Red(compiler_findings(out) or [Finding("cppcheck", tail(out))])
    return f"{sum(len(glob.glob(f'{folder}/*.c')) for folder in LOOKED_AT)} files"
