"""process: one run of a command with a malloc in front of it, measured by bench/measure.c; and the counts of strace.

The environment of what is run is small and the same for all; HAKMEM_ variables of the caller are part of it.
"""
import json
import os
import signal
import subprocess
import tempfile

TIMEOUT_S = 900
MEMORY_CALLS = "mmap,munmap,madvise,mremap,brk,mprotect"


class Failed(Exception):
    """A run that crashed, ended otherwise than it should, or whose result is wrong."""


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name.startswith("HAKMEM_") and name != "HAKMEM_BUILD"
            and name != "HAKMEM_SOURCE"}
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **kept, **more}


def last_line(text):
    lines = text.strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def outcome(code):
    """What a return code of subprocess means."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit {code}"


def finish(process):
    """Output of a process that was started in a session of its own; what takes too long is killed with its children."""
    try:
        return process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        kill(process)
        raise Failed(f"still running after {TIMEOUT_S} s") from None
    except BaseException:
        kill(process)
        raise


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


def start(command, directory, env):
    return subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)


class Measured:
    """A command under bench/measure: started, and later finished, so that others can talk to it in between."""

    def __init__(self, build, command, preload, directory, env, repeats=1):
        handle, self.report = tempfile.mkstemp(dir=directory, prefix="measured.")
        os.close(handle)
        measure = [os.path.join(build, "bench_measure"), self.report, str(repeats), preload or "-"]
        self.process = start(measure + command, directory, env)

    def abandon(self):
        kill(self.process)
        if os.path.exists(self.report):
            os.unlink(self.report)

    def finish(self):
        """(measurements, standard output)"""
        try:
            stdout, stderr = finish(self.process)
            with open(self.report, encoding="ascii") as file:
                text = file.read()
        finally:
            os.unlink(self.report)
        if self.process.returncode != 0 or not text:
            raise Failed(f"bench_measure could not run it{last_line(stderr)}")
        measured = json.loads(text)
        if measured["signal"]:
            raise Failed(outcome(-measured["signal"]) + last_line(stderr))
        if measured["exit"] != 0:
            raise Failed(outcome(measured["exit"]) + last_line(stderr))
        measured["cpu_s"] = round(measured.pop("user_s") + measured.pop("system_s"), 6)
        return measured, stdout


def values(line):
    """NAME=VALUE ... as programs of bench/ print it."""
    return dict(item.split("=", 1) for item in line.split() if "=" in item)


def run_program(build, program, arguments, preload, directory, repeats=1):
    """A program of bench/: measurements with what it says itself."""
    command = [os.path.join(build, f"bench_{program}"), *arguments]
    measured, stdout = Measured(build, command, preload, directory, environment(), repeats).finish()
    said = values((stdout.splitlines() or [""])[-1])
    if "checksum" not in said:
        raise Failed("it printed no result")
    measured.update(operations=int(said["operations"]), ns_per_operation=float(said["ns_per_operation"]),
                    checksum=said["checksum"], served_by=said.get("malloc", ""),
                    misaligned=int(said.get("misaligned", 0)))
    return measured


def memory_calls(command, preload, directory, env):
    """How many system calls for memory a command makes, with its children."""
    report = os.path.join(directory, "strace.txt")
    tracer = ["strace", "-f", "-qq", "--seccomp-bpf", "-c", "-o", report, "-e", f"trace={MEMORY_CALLS}"]
    if preload:
        tracer += ["-E", f"LD_PRELOAD={preload}"]
    process = start(tracer + command, directory, env)
    stderr = finish(process)[1]
    if process.returncode != 0:
        raise Failed(f"under strace: {outcome(process.returncode)}{last_line(stderr)}")
    with open(report, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    os.unlink(report)
    return sum(int(row[3]) for row in rows if len(row) >= 5 and row[-1] in MEMORY_CALLS.split(","))
