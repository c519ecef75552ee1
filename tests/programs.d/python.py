"""Part of python's own regression tests, and work of the usual kind, again and again in one process.

Usage: python.py ROUNDS SIZES MODULE...   Prints what each test came to, which must be the same in every round. The file
SIZES gets a line for each round: what the process occupies. All objects come from malloc with PYTHONMALLOC=malloc.
"""
import concurrent.futures
import gc
import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import unittest


def work():
    rows = []
    for i in range(20000):
        tags = ["t%d" % (j * i % 13) for j in range(i % 7)]
        rows.append({"id": i, "name": "n%d" % (i * 7919 % 20000), "tags": tags, "half": i / 2})
    text = json.dumps(rows, sort_keys=True)
    assert json.loads(text) == rows
    rows.sort(key=lambda row: (row["name"], row["id"]))
    yield len(text), rows[0], rows[-1]
    found = re.findall(r'"name": "n(\d*)7", "tags": \[("t\d+",? ?){3}', text)
    yield len(found), found[:5]
    groups = {}
    for row in rows:
        groups.setdefault(len(row["tags"]), []).append(row["half"])
    yield {key: sum(values) for key, values in sorted(groups.items())}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield list(pool.map(digest, range(8)))
    code = "print(sum(len(str(i)) for i in range(100000)))"
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    yield child.returncode, child.stdout.decode()
    yield sum(list(range(200000))), sum(bytearray(3000000))


def digest(seed):
    parts = [("%d" % (seed * i)) * (i % 300) for i in range(3000)]
    return hashlib.sha256("".join(reversed(parts)).encode()).hexdigest()


class Outcomes(unittest.TestResult):
    """One line for each test: its name and what it came to. No times, no addresses."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, test, outcome):
        self.lines.append("%s: %s" % (test.id(), outcome))

    def addSuccess(self, test):
        self.note(test, "passed")

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.note(test, "failed, as expected")

    def addUnexpectedSuccess(self, test):
        self.note(test, "passed, unexpectedly")

    def addFailure(self, test, err):
        self.note(test, "FAILED")
        print(self._exc_info_to_string(err, test), file=sys.stderr)

    addError = addFailure


def run_tests(modules):
    outcomes = Outcomes()
    for module in modules:
        suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module("test." + module))
        stdout, sys.stdout = sys.stdout, io.StringIO()
        try:
            suite.run(outcomes)
        finally:
            sys.stdout = stdout
    return outcomes.lines


def note_size(file):
    with open("/proc/self/status", encoding="ascii") as status:
        values = dict(line.split(":", 1) for line in status)
    print(values["VmSize"].split()[0], values["VmRSS"].split()[0], file=file, flush=True)


def main():
    rounds, modules = int(sys.argv[1]), sys.argv[3:]
    first = None
    with open(sys.argv[2], "w", encoding="ascii") as sizes:
        for i in range(rounds):
            lines = run_tests(modules) + [repr(result) for result in work()]
            if first is None:
                first = lines
                failed = sum(line.endswith(": FAILED") for line in lines)
                if failed * 20 > len(lines):
                    sys.exit("%d of %d tests fail: this says nothing" % (failed, len(lines)))
                print("\n".join(lines))
            elif lines != first:
                differ = [pair for pair in zip(first, lines) if pair[0] != pair[1]]
                sys.exit("round %d differs: %s" % (i + 1, differ[:3]))
            gc.collect()
            note_size(sizes)


main()
