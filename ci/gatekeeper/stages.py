"""stages: the table of what there is to run. Its order is the order in which stages begin, as far as what they need and
the processors let them."""
import sys
from collections import namedtuple

from . import stage_build, stage_real, stage_static, stage_world

SIZES = ("quick", "default", "full")


class Stage(namedtuple("Stage", "name about needs least function share", defaults=(1,))):
    """least: the smallest size of the gate it is in. share: of the processes, 1 is one of them, 2 half, 0 all."""

    def width(self, jobs):
        return jobs if self.share == 0 else max(1, jobs // 2) if self.share == 2 else 1


STAGES = [
    Stage("lost-tests", "no test and no corpus entry of the base is gone", (), "quick", stage_static.lost_tests),
    Stage("build", "gcc, plain layout, warnings are errors", (), "quick", stage_build.release, 0),
    Stage("build-sanitizers", "clang, ASan and UBSan, the fuzz targets", ("build",), "quick", stage_build.fuzz, 2),
    Stage("rules", "layers, links, state root, exports, sizes, format", ("build",), "quick", stage_static.rules),
    Stage("replay", "the corpus, as it is and in the product's geometry", ("build",), "quick", stage_world.replay),
    Stage("teeth", "every fault of the catalogue falls to the corpus", ("build",), "quick", stage_world.teeth),
    Stage("budget", "instructions of the paths of malloc and free", ("build",), "quick", stage_real.budget),
    Stage("tests", "ctest in build/release", ("build",), "quick", stage_real.tests, 2),
    Stage("clang-tidy", "the checks of .clang-tidy", ("build",), "quick", stage_static.clang_tidy),
    Stage("cppcheck", "cppcheck, with ci/cppcheck.txt", (), "quick", stage_static.cppcheck),
    Stage("replay-sanitizers", "the corpus by every target under ASan and UBSan", ("build-sanitizers",), "quick",
          stage_world.replay_sanitizers),
    Stage("build-clang", "clang, warnings are errors", ("build",), "default", stage_build.clang, 2),
    Stage("determinism", "one process or many, gcc or clang: the same traces", ("build", "build-clang"), "quick",
          stage_world.determinism),
    Stage("fuzz", "every target, a fixed number of executions", ("build-sanitizers",), "quick", stage_world.fuzz),
    Stage("build-tsan", "clang, ThreadSanitizer", ("build",), "default", stage_build.tsan, 2),
    Stage("orders", "memory orders are those of docs/orders.md, and needed", ("build",), "default", stage_world.orders),
    Stage("tsan", "programs on real threads under ThreadSanitizer", ("build-tsan",), "default", stage_real.tsan),
    Stage("build-header", "gcc, layout with headers, warnings are errors", ("build",), "default", stage_build.header, 2),
    Stage("replay-header", "corpus and faults in the layout with headers", ("build-header",), "default",
          stage_world.replay_header),
    Stage("programs", "real programs on the library", ("build",), "default", stage_real.programs),
    Stage("coverage", "lines of the allocator that the corpus reaches", ("build",), "default", stage_real.coverage, 2),
    Stage("replay-proof", "one finding, one signature, in five builds", ("build",), "full", stage_real.replay_proof, 0),
    Stage("hosted", "the build contract of hosted fuzzers", (), "full", stage_real.hosted, 0),
    Stage("ci-test", "ci/test: every test in every build", (), "full", stage_real.ci_test, 0),
]

# What --update writes down.
UPDATES = {"budget": stage_real.update_budget, "coverage": stage_real.update_coverage}


def names():
    return [stage.name for stage in STAGES]


def choose(size, only, builds=True):
    """The stages of a size, or those named and what they need; KeyError names one that is none."""
    if only is None:
        return [stage for stage in STAGES if SIZES.index(stage.least) <= SIZES.index(size)
                and (builds or not stage.name.startswith("build"))]
    by_name = {stage.name: stage for stage in STAGES}
    wanted, open_names = set(), [name.strip() for name in only.split(",") if name.strip()]
    if not open_names:
        raise KeyError("''")
    while open_names:
        stage = by_name[open_names.pop()]
        wanted.add(stage.name)
        open_names += [name for name in stage.needs if name not in wanted and builds
                       and not (size == "quick" and by_name[name].least != "quick")]
    return [stage for stage in STAGES if stage.name in wanted]


def listing():
    rows = [("stage", "from size", "needs", "what must hold")]
    rows += [(stage.name, stage.least, ", ".join(stage.needs) or "-", stage.about) for stage in STAGES]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join("  ".join([cell.ljust(width) for cell, width in zip(row, widths)] + [row[3]]) for row in rows)


if sys.version_info < (3, 9):
    raise SystemExit("gate: python3 3.9 or later is needed")
