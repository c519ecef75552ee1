"""stage_world: programs in the simulated world: the corpus, the catalogue, fuzzing, determinism, memory orders."""
import collections
import glob
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from .machine import Finding, Red, Unable, faults, read, tail, targets

HAKFUZZ = "build/release/hakfuzz"


def corpus_folder(name):
    return f"build/release/corpus/{name}"


def clean_targets():
    return [target for target in targets().values() if not target.planted]


def report_of(out):
    """The finding in a program's words: the line for machines, and what a person reads first."""
    line = re.search(r'^hakmem-finding: (\{.*\})$', out, re.MULTILINE)
    if line:
        try:
            found = json.loads(line.group(1))
            return found.get("check", "finding"), f"{found.get('message', '')} ({found.get('signature', '')})"
        except ValueError:
            pass
    summary = re.search(r"^SUMMARY: (.*)$", out, re.MULTILINE)
    return ("sanitizer", summary.group(1)) if summary else ("crash", tail(out, 6))


def json_of(out):
    """The object that a verb prints with --json, after its notes."""
    try:
        return json.loads(out[out.index("{"):])
    except ValueError:
        raise Unable(f"no JSON: {tail(out, 4)}") from None


# ---- replay ----------------------------------------------------------------------------------------------------------

def run_corpus(context, hakfuzz, folder):
    """Every program once; findings name the entry of the tree, whichever copy ran."""
    code, out = context.log.run([hakfuzz, "run", "--keep-going", "--fault", "none", "--json", folder],
                                apart=True, quiet=True)
    if code not in (0, 1):
        raise Red([Finding("replay", f"{hakfuzz} run {folder} ended with {code}: {tail(out)}")])
    result = json_of(out)
    if result["programs"] == 0 or result["unusable"] > 0:
        raise Red([Finding("replay", f"{result['programs']} programs ran, {result['unusable']} cannot be read", folder)])
    return result["programs"], [
        Finding(item["check"], f"{item['message']} ({item['signature']}); {hakfuzz} repro --target {item['target']} "
                f"{item['file']}", item["file"][item["file"].index("corpus/"):]) for item in result["findings"]]


def in_geometry(context, name):
    """The corpus again, in another geometry: its texts with that line changed, or put in."""
    folder = os.path.join(context.options.out, "geometry", name)
    shutil.rmtree(folder, ignore_errors=True)
    for path in glob.glob("corpus/*/*/*.hak"):
        text, count = re.subn(r"^geometry \S+", f"geometry {name}", read(path), flags=re.MULTILINE)
        if count == 0:
            text = re.sub(r"^(hakmem \d+.*\n)", rf"\1geometry {name}\n", text, count=1, flags=re.MULTILINE)
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.relpath(os.path.join(folder, "corpus"))


def replay(context):
    """real is the geometry of the product."""
    count, findings = run_corpus(context, HAKFUZZ, "corpus")
    again, more = run_corpus(context, HAKFUZZ, in_geometry(context, "real"))
    if findings or more:
        raise Red(findings + more)
    return f"{count} programs as they are, {again} in geometry real"


def replay_header(context):
    count, findings = run_corpus(context, "build/header/hakfuzz", "corpus")
    for test in ("test_faults", "test_corpus", "test_real_header"):
        code, out = context.log.run([f"build/header/{test}"], env={"HAKMEM_BUILD": os.path.abspath("build/header"),
                                                                  "HAKMEM_SOURCE": os.getcwd()})
        if code != 0:
            findings.append(Finding("replay-header", f"{test}: {tail(out)}", f"tests/{test}.c"))
    if findings:
        raise Red(findings)
    return f"{count} programs, and every fault"


def replay_sanitizers(context):
    """Files that are given run twice in each target, and are compared: the trace is part of it."""
    findings, count = [], 0
    for target in clean_targets():
        files = sorted(glob.glob(f"{corpus_folder(target.name)}/*/*.bin"))
        count += len(files)
        binary = f"build/fuzz/fuzz_{target.name}"
        if not files:
            findings.append(Finding("replay-sanitizers", f"target {target.name} has no corpus"))
        code, out = context.log.run([binary, *files], quiet=True) if files else (0, "")
        if code == 0:
            continue
        for file in files:  # the engine ends at the first: who else?
            code, out = context.log.run([binary, file])
            if code != 0:
                rule, message = report_of(out)
                findings.append(Finding(rule, f"{target.name}: {message}; {binary} {file}",
                                        os.path.relpath(file, "build/release").replace(".bin", ".hak")))
    if findings:
        raise Red(findings)
    return f"{count} programs, twice each"


# ---- determinism -----------------------------------------------------------------------------------------------------

def traces(context, hakfuzz, files):
    code, out = context.log.run([hakfuzz, "run", "--keep-going", "--traces", "--fault", "none", *files], quiet=True,
                                apart=True)
    lines = [line.split(" ", 2) for line in out.splitlines() if re.match(r"[0-9a-f]{16} \S+ ", line)]
    if code not in (0, 1) or len(lines) != len(files):
        raise Red([Finding("determinism", f"{hakfuzz} run --traces ended with {code}, {len(lines)} traces of "
                           f"{len(files)}: {tail(out)}")])
    return {path: f"{trace} {signature}" for trace, signature, path in lines}


def determinism(context):
    """All in one process, forwards and backwards; each in a process of its own; and by clang's code."""
    files = sorted(glob.glob("corpus/*/*/*.hak"))
    if not files:
        raise Unable("corpus/ has no programs")
    reference = traces(context, HAKFUZZ, files)
    others = {"in one process, backwards": traces(context, HAKFUZZ, files[::-1])}
    alone = {}
    with ThreadPoolExecutor(context.jobs) as pool:
        for one in pool.map(lambda file: traces(context, HAKFUZZ, [file]), files):
            alone.update(one)
    others["in a process of its own"] = alone
    if context.size != "quick":
        others["compiled by clang"] = traces(context, "build/release-clang/hakfuzz", files)
    findings = [Finding("determinism", f"{what}: trace {seen[file]}, not {reference[file]}", file)
                for what, seen in others.items() for file in files if seen[file] != reference[file]]
    if findings:
        raise Red(findings)
    return f"{len(files)} programs, {1 + len(others)} times each"


# ---- teeth -----------------------------------------------------------------------------------------------------------

def teeth(context):
    """Each fault with its regress input: found, by the check that is to see it. And by fuzzing: canary's."""
    findings, catalogue = [], faults()

    def bite(fault):
        path = f"corpus/{fault.target}/regress/{fault.name}.hak"
        if not os.path.isfile(path):
            return Finding("teeth", f"fault {fault.name} has no {path}")
        differs = fault.check == "nondeterminism"  # which one run does not show
        verb = ["repro", "--times", "5"] if differs else ["run", "--json"]
        code, out = context.log.run([HAKFUZZ, *verb, "--target", fault.target, "--fault", fault.name, path], quiet=True,
                                    apart=not differs)
        if code not in (0, 1):
            return Finding("teeth", f"fault {fault.name}: ended with {code}: {tail(out, 3)}", path)
        if differs:
            seen = [fault.check] if code == 1 and fault.check in out else []
        else:
            seen = [item["check"] for item in json_of(out)["findings"]]
        if seen != [fault.check]:
            what = f"by {seen[0]}, not by {fault.check}" if seen else f"no more; {fault.check} should see it"
            return Finding("teeth", f"fault {fault.name} is found {what}", path)
        return None

    with ThreadPoolExecutor(context.jobs) as pool:
        findings += [finding for finding in pool.map(bite, catalogue) if finding]
    for target in targets().values():
        if target.planted:
            code, out = context.log.run([f"build/release/fuzz_{target.name}", "--random", "--seed", context.seed, "--runs",
                                         200000, "--artifacts", context.options.out], quiet=True)
            if code != 1 or "hakmem-finding:" not in out:
                findings.append(Finding("teeth", f"{target.name}: its planted fault {target.planted} is not found in "
                                        f"200000 executions: {tail(out, 3)}"))
    if findings:
        raise Red(findings)
    return f"{len(catalogue)} faults, and canary's by fuzzing"


# ---- fuzzing ---------------------------------------------------------------------------------------------------------

def fuzz(context):
    """So many executions a target, not so many seconds: the same commit does the same on every machine. Where the branch
    touches what a target is about, change.MORE times as many."""
    from .change import MORE
    runs = context.of(500, 6000, 2000000)
    work = os.path.join(context.options.out, "fuzz")
    shutil.rmtree(work, ignore_errors=True)
    findings, total, lines = [], 0, []
    for target in clean_targets():
        name, count = target.name, runs * (MORE if target.name in context.change.targets else 1)
        artifacts = os.path.join(context.options.out, "findings", "")
        os.makedirs(os.path.join(work, name))
        os.makedirs(artifacts, exist_ok=True)
        folders = [folder for folder in (f"{corpus_folder(name)}/seed", f"{corpus_folder(name)}/regress")
                   if os.path.isdir(folder) and os.listdir(folder)]
        code, out = context.log.run(
            [f"build/fuzz/fuzz_{name}", f"-runs={count}", f"-seed={context.seed % 2**31 + 1}", "-print_final_stats=1",
             f"-artifact_prefix={artifacts}", os.path.join(work, name), *folders], limit_s=context.of(300, 600, 36000),
            quiet=True)
        done = re.search(r"stat::number_of_executed_units: (\d+)", out)
        total += int(done.group(1)) if done else 0
        if code != 0:
            rule, message = report_of(out)
            artifact = re.findall(r"Test unit written to (\S+)", out)
            command = f"{HAKFUZZ} repro --target {name} {os.path.relpath(artifact[-1])}" if artifact else f"fuzz_{name}"
            findings.append(Finding(rule, f"{name}: {message}; {command}"))
        lines.append(f"{name} {count}")
    context.log.write("executions: " + ", ".join(lines))
    if findings:
        raise Red(findings)
    return f"{total} executions, seed {context.seed % 2**31 + 1}"


# ---- memory orders ---------------------------------------------------------------------------------------------------

ROW = re.compile(r"^\| `([a-z_]+\.[ch]):\d+ ([a-z ]+)` \| (\w+) \| (\w+) \| ([^|]+?) \| (\d+) \| ([^|]*?) \|",
                 re.MULTILINE)


EARLY = 400  # executions


def orders(context):
    """docs/orders.md, by file, access and order, since lines move: as many sites as it says, and as many of them found to
    be needed. Its executions are too many for a gate: the short form asks for those that the corpus shows at once."""
    rows = ROW.findall(read("docs/orders.md"))
    if not rows:
        raise Unable("docs/orders.md has no table of sites")
    runs = context.of(500, 3000, 50000)
    code, out = context.log.run([HAKFUZZ, "orders", "--json", "--max-runs", runs, "corpus/threads", "corpus/oom"],
                                limit_s=context.of(300, 600, 36000), quiet=True, apart=True)
    if code not in (0, 1):
        raise Red([Finding("orders", f"hakfuzz orders ended with {code}: {tail(out)}")])
    sites = collections.Counter(row[:4] for row in rows)
    early = collections.Counter(row[:4] for row in rows
                                if row[4] != "not found" and int(row[5]) <= EARLY and "generated" not in row[6])
    sites_now, found_now, findings = collections.Counter(), collections.Counter(), []
    for site in json_of(out)["orders"]:
        file, verb = re.match(r"(?:.*/)?([a-z_]+\.[ch]):\d+ ([a-z ]+)", site["site"]).groups()
        key = (file, verb, site["order"], site["weakened"])
        sites_now[key] += 1
        found_now[key] += site["found"]
        if site["found_without_too"]:
            findings.append(Finding("orders", f"{site['site']}: {site['message']}, also with no order weakened",
                                    f"allocator/{file}"))
    for key in sorted(sites | sites_now):
        file, verb, order, weak = key
        if sites[key] != sites_now[key]:
            findings.append(Finding("orders", f"{file}: {sites_now[key]} {verb} with {order} (weakened to {weak}), "
                                    f"{sites[key]} in docs/orders.md, where each has its reason", f"allocator/{file}"))
        elif found_now[key] < early[key]:
            findings.append(Finding("orders", f"{file}: of {sites[key]} {verb} with {order} weakened to {weak}, "
                                    f"{found_now[key]} are found to be needed, {early[key]} should be at once",
                                    f"allocator/{file}"))
    if findings:
        raise Red(findings)
    return f"{sum(sites_now.values())} sites, {sum(found_now.values())} of them found to be needed"
