"""tables: the lists that everything else is made from: the mallocs, the workloads, and the targets hakmem is held to.

A workload of ours is a program bench/NAME.c with its arguments; a real program names a class of suite/real.py. A case
is a workload with a number of threads, and has the name that tables and --only use: larson/2.
"""
import os
import sysconfig
from collections import namedtuple

# ---- mallocs ---------------------------------------------------------------------------------------------------------

# files: the first that exists is preloaded; none means libc as it is. known: what is wrong with it, by workload: said,
# but no failure of a run.
Malloc = namedtuple("Malloc", "name package files known", defaults=({},))

_folders = [f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}", "/usr/lib64", "/usr/lib", "/usr/local/lib"]


def _in_folders(*names):
    return [os.path.join(folder, name) for folder in _folders for name in names]


MALLOCS = [
    Malloc("libc", "libc6", []),
    Malloc("mimalloc", "libmimalloc2.0", _in_folders("libmimalloc.so.2.0", "libmimalloc.so.2"),
           {"aligned-mix": "its aligned_alloc(256, 256) returns addresses that are not aligned (2.0.9)"}),
    Malloc("jemalloc", "libjemalloc2", _in_folders("libjemalloc.so.2")),
    Malloc("tcmalloc", "libtcmalloc-minimal4", _in_folders("libtcmalloc_minimal.so.4")),
    Malloc("tbbmalloc", "libtbbmalloc2", _in_folders("libtbbmalloc_proxy.so.2")),
]
HAKMEM, REFERENCE, LIBC = "hakmem", "mimalloc", "libc"
# redis is linked with jemalloc, so without another malloc in front it would not be libc's that is measured.
LIBC_FILES = _in_folders("libc.so.6")

# ---- workloads -------------------------------------------------------------------------------------------------------

# arguments(count, threads): `count` is the size of the whole load, whichever the threads. repeats: processes in a run.
Workload = namedtuple("Workload", "name program arguments count threads about repeats group", defaults=(1, "own"))
Case = namedtuple("Case", "name workload threads arguments")


def _mixed(slots, size):
    return lambda count, threads: [count // threads, slots, size, 1, threads]


def _batch(shuffled, remote):
    return lambda count, threads: [max(1, count // threads), 10000, 256, shuffled, remote, threads]


ALL = (1, 2, 8)
WORKLOADS = [
    Workload("mixed-256-256", "random_mixed", _mixed(256, 256), 8000000, (1,),
             "random malloc and free: 256 slots, 16 to 256 bytes"),
    Workload("mixed-256-1024", "random_mixed", _mixed(256, 1024), 8000000, (1,), "the same, to 1024 bytes"),
    Workload("mixed-8192-1024", "random_mixed", _mixed(8192, 1024), 6000000, ALL, "8192 slots, to 1024 bytes"),
    Workload("mixed-65536-4096", "random_mixed", _mixed(65536, 4096), 2000000, (1,), "65536 slots, to 4096 bytes"),
    Workload("larson", "larson", lambda count, threads: [count // threads, threads], 4000000, ALL,
             "a server: threads replace blocks at random, then hand them all to a successor and end"),
    Workload("producer-consumer-1-1", "producer_consumer", lambda count, threads: [count, 1, 1], 2500000, (2,),
             "one thread allocates messages, the other frees them"),
    Workload("producer-consumer-n-n", "producer_consumer",
             lambda count, threads: [count // (threads // 2), threads // 2, threads // 2], 1500000, (4, 8),
             "half of the threads allocate, the other half frees"),
    Workload("batch-same-order", "batch", _batch(0, 0), 250, ALL,
             "10000 blocks are allocated, then freed in that order"),
    Workload("batch-other-order", "batch", _batch(1, 0), 250, ALL, "the same, freed in another order"),
    Workload("batch-remote", "batch", _batch(0, 1), 200, (2, 8), "the same, freed in order by another thread"),
    Workload("batch-remote-other", "batch", _batch(1, 1), 200, (2, 8),
             "the same, freed in another order by another thread"),
    Workload("lifetimes", "lifetimes", lambda count, threads: [count // threads, threads], 2000000, ALL,
             "short, medium and long lives; threads end while their blocks live"),
    Workload("realloc-small", "realloc_grow",
             lambda count, threads: [count // threads, 64, 65536, threads], 500000, ALL,
             "buffers that grow by half up to 64 KiB"),
    Workload("realloc-large", "realloc_grow",
             lambda count, threads: [count // threads, 4, 16 << 20, threads], 1500, (1,),
             "buffers that grow by half up to 16 MiB"),
    Workload("large", "large",
             lambda count, threads: [max(1, count // threads), 4, 1 << 20, 32 << 20, threads], 160, ALL,
             "blocks of 1 MiB to 32 MiB, every page touched"),
    Workload("interpreter", "interpreter", lambda count, threads: [count // threads, 20000, threads], 3000000, ALL,
             "small blocks of a language's run time: frames, temporaries, objects, lists"),
    Workload("thread-churn", "thread_churn", lambda count, threads: [max(1, count // threads), threads], 6000, ALL,
             "threads that allocate 20 blocks, free them and end"),
    Workload("aligned-mix", "aligned_mix", lambda count, threads: [count // threads, 2000, 2048, threads], 3000000, ALL,
             "half of the blocks aligned to 32 to 4096 bytes"),
    Workload("fragment", "fragment", lambda count, threads: [count, (32 << 20) // threads, 20, threads], 16, ALL,
             "runs long: sizes drift from phase to phase, a fifth of the blocks stays"),
    Workload("one-malloc", "one_malloc", lambda count, threads: [100], 1, (1,),
             "a process that does one malloc: start-up and resident memory", 100),
    Workload("gcc", "compile_gcc", None, 1, (1,), "gcc -O2 compiles a file", 1, "real"),
    Workload("clang", "compile_clang", None, 1, (1,), "clang -O2 compiles the same file", 1, "real"),
    Workload("python3", "python_json", None, 1, (1,), "python3 reads and writes JSON, its objects from malloc",
             1, "real"),
    Workload("sqlite3", "sqlite_rows", None, 1, (1,), "sqlite3: a million rows, an index, aggregates, deletes",
             1, "real"),
    Workload("redis", "redis_server", None, 1, (1,),
             "redis filled, then under redis-benchmark; memory is the server's", 1, "real"),
    Workload("git", "git_gc", None, 1, (1,), "git gc --aggressive of a repository of 100 commits", 1, "real"),
]
GROWTH_LIVE = [10**3, 10**4, 10**5, 10**6, 10**7, 10**8]
GROWTH_THREADS = [2, 4, 8, 16, 32, 64]
GROWTH_LIVE_OF_THREADS = 10**5
GROWTH_BYTES = 80  # of memory for each live block and its slot, at least: what does not fit is left out
QUICK_DIVISOR = 10
STEADY = 100000  # iterations in which system calls beyond start-up are counted


def growth_workloads():
    def of_live(live):
        return lambda count, threads: [live, count, 48, threads]

    return [Workload(f"growth-{live}", "growth", of_live(live), 2000000,
                     (1, *GROWTH_THREADS) if live == GROWTH_LIVE_OF_THREADS else (1,),
                     f"replaces small blocks beside {live} live ones", 1, "growth") for live in GROWTH_LIVE]


def cases_of(workload, quick):
    count = max(1, workload.count // (QUICK_DIVISOR if quick else 1))
    for threads in workload.threads:
        name = f"{workload.name}/{threads}" if len(workload.threads) > 1 else workload.name
        arguments = [str(a) for a in workload.arguments(count, threads)] if workload.arguments else []
        yield Case(name, workload, threads, arguments)


def listing():
    """The table of workloads, as it is in docs/performance.md."""
    lines = ["| workload | threads | what it is |", "|---|---|---|"]
    for workload in WORKLOADS:
        threads = ", ".join(map(str, workload.threads)) if workload.group == "own" else "-"
        lines.append(f"| `{workload.name}` | {threads} | {workload.about} |")
    lines.append(f"| `growth` | 1 to {GROWTH_THREADS[-1]} | with `--growth`: small blocks are replaced beside "
                 f"{GROWTH_LIVE[0]} to {GROWTH_LIVE[-1]} live ones |")
    return "\n".join(lines)


# ---- targets ---------------------------------------------------------------------------------------------------------

TIME_GEOMEAN, TIME_WORST = 0.85, 1.10      # of mimalloc; of the fastest
MEMORY_GEOMEAN, MEMORY_WORST = 0.75, 1.15  # of mimalloc; of the smallest of these three
MEMORY_RIVALS = ("mimalloc", "tcmalloc", "jemalloc")
# How many times as fast, case by case: (case, the other one, factor)
FACTORS = [
    ("mixed-256-256", LIBC, 1.5),
    ("mixed-256-1024", LIBC, 1.25),
    ("mixed-8192-1024/1", LIBC, 1.75),
    ("mixed-65536-4096", LIBC, 3.6),
    ("producer-consumer-1-1", LIBC, 2.2),
    ("producer-consumer-1-1", REFERENCE, 1.4),
]
START_CASE, START_KIB, START_US = "one-malloc", 300, 50  # above libc
