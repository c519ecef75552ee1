"""machine: commands, build trees and the tables in C. A command's output goes to the log of its stage.

A stage ends in one of three ways: it returns a note, it raises Red with findings, or it raises Unable when something is
not there that it needs, which says nothing about the branch."""
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import namedtuple

Finding = namedtuple("Finding", "rule message file line", defaults=(None, None))


class Unable(Exception):
    """Could not run: the machine's fault or the caller's, not the branch's."""


class Red(Exception):
    """What a stage found."""

    def __init__(self, findings):
        super().__init__(f"{len(findings)} findings")
        self.findings = findings


def enter_root():
    """Everything runs from the root of the sources, and sees no HAKMEM_ variable of the caller."""
    os.chdir(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
    for name in [name for name in os.environ if name.startswith("HAKMEM_") or name == "LD_PRELOAD"]:
        del os.environ[name]


def setup():
    if subprocess.run(["ci/setup", "--test"], stdin=subprocess.DEVNULL).returncode != 0:
        raise Unable("what it needs is not installed (see ci/setup --help)")


class Log:
    """The log of a stage, and its running processes, so that an interruption ends those and no others."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "w", encoding="utf-8", errors="replace")
        self.lock = threading.Lock()
        self.running = set()
        self.stopped = False

    def write(self, text):
        with self.lock:
            if not self.file.closed:
                self.file.write(text if text.endswith("\n") else text + "\n")
                self.file.flush()

    def stop(self):
        with self.lock:
            self.stopped = True
            for process in self.running:
                try:
                    os.killpg(process.pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass

    def run(self, command, limit_s=900, quiet=False, env=None, apart=False):
        """Exit code and output: both streams in one, or with `apart` standard output alone. A command that takes longer
        than its limit is red: it hangs."""
        command = [str(word) for word in command]
        self.write("$ " + " ".join([f"{name}={value}" for name, value in (env or {}).items()] + command))
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE if apart else subprocess.STDOUT, start_new_session=True,
                                       env={**os.environ, **(env or {})})
        except OSError as why:
            raise Unable(f"{command[0]}: {why.strerror}") from why
        with self.lock:
            self.running.add(process)
            stopped = self.stopped
        try:
            if stopped:
                raise Unable("interrupted")
            out, beside = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise Red([Finding("time-limit", f"{command[0]} was not done after {limit_s} s: {' '.join(command)}")]) from None
        finally:
            with self.lock:
                self.running.discard(process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        out = out.decode(errors="replace")
        if not quiet or process.returncode != 0:
            self.write(out + (beside or b"").decode(errors="replace"))
        if self.stopped:
            raise Unable("interrupted")
        return process.returncode, out


# ---- trees -----------------------------------------------------------------------------------------------------------

def tail(text, lines=12):
    return "\n".join(text.strip().splitlines()[-lines:])


def drop_foreign(tree):
    """A tree that was configured at another place starts afresh."""
    try:
        with open(f"build/{tree}/CMakeCache.txt", encoding="utf-8") as cache:
            if f"CMAKE_HOME_DIRECTORY:INTERNAL={os.getcwd()}\n" in cache:
                return
    except OSError:
        return
    os.remove(f"build/{tree}/CMakeCache.txt")
    shutil.rmtree(f"build/{tree}/CMakeFiles", ignore_errors=True)


def compiler_findings(output):
    """What a compiler or linter said, as findings with their places."""
    pattern = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:fatal )?(?:error|warning|style|performance|portability|information): "
                         r"(.*?)(?: \[([^\]]*)\])?$", re.MULTILINE)
    found = []
    for path, line, message, rule in pattern.findall(output):
        path = os.path.relpath(path) if os.path.isabs(path) else path
        finding = Finding((rule or "compiler").split(",")[0], message, path, int(line))
        if finding not in found:
            found.append(finding)
    return found


def build(log, tree, preset, options, targets, jobs):
    """Configure and build. What does not build is red: the tools that builds need are there, or ci/setup had said so."""
    drop_foreign(tree)
    code, out = log.run(["cmake", "--preset", preset, "-B", f"build/{tree}", *options])
    if code == 0:
        targets = targets(tree) if callable(targets) else targets
        code, out = log.run(["cmake", "--build", f"build/{tree}", "-j", jobs]
                            + (["--target", *targets] if targets else []))
    if code != 0:
        raise Red(compiler_findings(out) or [Finding("build", tail(out))])
    done = re.findall(r"^\[(\d+)/\d+\]", out, re.MULTILINE)
    return f"{done[-1] if done else 0} steps"


# ---- tables in C -----------------------------------------------------------------------------------------------------

Target = namedtuple("Target", "name threads planted")
Fault = namedtuple("Fault", "name check target")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def targets():
    """oracle/target.h: {ID: Target}."""
    rows = re.findall(r'X\(([A-Z_]+),\s*"([a-z_]+)",\s*(\d+),\s*\w+,\s*"([a-z0-9-]*)"', read("oracle/target.h"))
    if not rows:
        raise Unable("oracle/target.h: no table of targets")
    return {row[0]: Target(row[1], int(row[2]), row[3]) for row in rows}


def faults():
    """oracle/fault.c: every row of the catalogue."""
    table = re.search(r"^#define CATALOGUE.*?^$", read("oracle/fault.c"), re.DOTALL | re.MULTILINE)
    names = targets()
    rows = re.findall(r'ROW\(with, [A-Z0-9_]+,\s*"([a-z0-9-]+)".*?,\s*([A-Z_0-9]+),\s*([A-Z]+)\)\s*(?=ROW|$)',
                      table.group(0).replace("\\\n", "\n") if table else "", re.DOTALL)
    if not rows:
        raise Unable("oracle/fault.c: no table of faults")
    return [Fault(name, check.lower().replace("_", "-"), names[target].name) for name, check, target in rows]
