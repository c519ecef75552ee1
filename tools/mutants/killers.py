"""killers: what a mutant has to pass, in the order it meets them: those that are cheap for what they kill come first.

Each is a program of the build tree, with a fixed number of executions and a fixed seed where it fuzzes. A mutant is dead
when one of them ends otherwise than it does without it, or uses far more processor time."""
import os
import re
import resource
import signal
import subprocess
import time
from collections import namedtuple

from build import PROGRAMS, TREE
from source import Unable

# status: what it ends with when all is well.
Killer = namedtuple("Killer", "name layer budget command status", defaults=(0,))

UNIT_WORLD = ("corpus", "faults", "ace", "ace_cache", "bigcache", "bigcache_resize", "meta", "pool", "print", "option",
              "option_environment", "run", "run_decay", "run_proof", "slab_pages", "world_weak", "weak_race", "component")
UNIT_REAL = ("api", "check", "class", "first", "heaps", "huge", "poison", "ring", "stats", "system", "limits", "header",
             "realloc", "threads", "mremap", "pinned", "fork")
SLOW_WORLD = ("bigcache_model", "run_model", "world", "explore", "weak")
SLOW_REAL = ("memory", "misuse")
BUDGETS = ("short", "tests", "full")  # each has what those before it have
DATA_BYTES_MAX = 8 << 30  # a mutant that grows for ever ends here
OUTPUT_BYTES_MAX = 256 << 20
SPARE_S, SLOWER = 4, 5    # processor time that is too much: so many times what is usual, and so much more
SHORT_RUNS, FULL_RUNS = 3000, 40000


def fuzz(target, runs, seed, budget):
    return Killer(f"fuzz {target} {runs}", "world", budget,
                  (f"fuzz_{target}", "--random", "--seed", str(seed), "--runs", str(runs), "--artifacts", "@"))


def unit(names, prefix, layer, budget):
    return [Killer(f"{prefix}{name}", layer, budget, (f"{prefix}{name}",)) for name in names]


def table(targets):
    """All there are. targets: names of the fuzz targets without a planted fault."""
    face = [Killer(name, "face", "short", (name,) if name != "face" else (name, "@/info")) for name in PROGRAMS
            if name != "calls"]
    return [Killer("replay", "world", "short", ("hakfuzz", "run", "corpus")),
            *unit(UNIT_WORLD, "test_", "world", "short"),
            *unit(UNIT_REAL, "test_real_", "real", "short"),
            *face,
            *[fuzz(target, SHORT_RUNS, 1, "short") for target in targets],
            *unit(SLOW_REAL, "test_real_", "real", "tests"),
            Killer("calls", "face", "tests", ("calls",), 7),
            *unit(SLOW_WORLD, "test_", "world", "tests"),
            *[fuzz(target, FULL_RUNS, 2, "full") for target in targets]]


def targets_to_build(killers):
    return sorted({killer.command[0] for killer in killers if killer.command[0] not in PROGRAMS} | {"corpus"})


def limit(cpu_seconds):
    def before():
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES_MAX, DATA_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return before


def kill(killer, directory, usual_s):
    """(dead, how, seconds). directory: where the libraries of the mutant are. usual_s: None where it is not known yet."""
    root = os.path.abspath(TREE)
    name, *rest = killer.command
    command = [f"{root}/{name}", *(word.replace("@", directory) for word in rest)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HAKMEM_", "LD_"))}
    environment.update(LD_LIBRARY_PATH=directory, HAKMEM_BUILD=root, HAKMEM_SOURCE=os.getcwd(), TMPDIR=directory)
    cpu_s = int((usual_s if usual_s is not None else 60) * SLOWER + SPARE_S)
    begin = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=limit(cpu_s))
    try:
        status = process.wait(timeout=cpu_s * 6 + 30)  # one that sleeps for ever uses no processor
    except subprocess.TimeoutExpired:
        status = -signal.SIGXCPU
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    seconds = time.monotonic() - begin
    if status in (126, 127):
        raise Unable(f"{killer.name} does not start: {' '.join(command)}")
    how = "does not end" if status in (-signal.SIGXCPU, -signal.SIGKILL) else f"status {status}"
    return status != killer.status, how, seconds


def clean_targets(text):
    """Of the table in oracle/target.h, those without a planted fault."""
    rows = re.findall(r'X\([A-Z_]+,\s*"([a-z_]+)",[^"]*"([a-z0-9-]*)"', text)
    return [name for name, planted in rows if not planted]
