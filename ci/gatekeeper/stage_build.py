"""stage_build: the trees. They are those of ci/test, configured in the same words, so that whoever ran one of the two has
warm trees for the other; the gate builds less in most of them."""
import json

from .machine import Unable, build, read


def objects_and(*programs):
    """Every C object of the tree, for its warnings, but only these programs linked."""
    def targets(tree):
        try:
            entries = json.loads(read(f"build/{tree}/compile_commands.json"))
        except (OSError, ValueError) as why:
            raise Unable(f"build/{tree}/compile_commands.json: {why}") from why
        objects = {entry.get("output", "") for entry in entries if entry["file"].endswith(".c")}
        return [name for name in sorted(objects) if name] + list(programs)
    return targets


# What stages use of build/release; nothing is all of it, as does who is not here.
USED = {
    "build-sanitizers": ["corpus"], "build-clang": ["hakfuzz"], "build-tsan": ["hakfuzz"], "build-header": ["hakfuzz"],
    "replay": ["hakfuzz"], "replay-sanitizers": ["corpus"], "replay-header": ["hakfuzz"], "determinism": ["hakfuzz"],
    "teeth": ["hakfuzz", "fuzz_canary"], "fuzz": ["corpus", "hakfuzz"], "orders": ["hakfuzz"], "tsan": ["hakfuzz"],
    "budget": ["hakmem_shared", "bench_paths"], "programs": ["hakmem_shared"], "coverage": ["corpus"],
    "rules": ["hakmem_shared", "hakmem_static", "hakmem_recorder", "hak_world"], "lost-tests": ["hakfuzz"],
    "cppcheck": ["hakfuzz"], "clang-tidy": ["hakfuzz"], "build": ["hakfuzz"],
}


def release(context):
    chosen = set(context.stages)
    targets = sorted({name for stage in chosen for name in USED[stage]}) if chosen <= set(USED) else []
    return build(context.log, "release", "release", ["-DHAKMEM_TESTS=ON"], targets, context.jobs)


def clang(context):
    return build(context.log, "release-clang", "release", ["-DHAKMEM_TESTS=ON", "-DCMAKE_C_COMPILER=clang"],
                 objects_and("hakfuzz", "hakmem_shared"), context.jobs)


def header(context):
    programs = ["hakfuzz", "hakmem_shared", "hakmem_static", "test_real_header", "test_faults", "test_corpus"]
    return build(context.log, "header", "release", ["-DHAKMEM_TESTS=ON", "-DHAKMEM_HEADER=1"], programs, context.jobs)


def fuzz(context):
    # AddressSanitizer's own instance of the corpus would be the same bytes: they come from build/release.
    return build(context.log, "fuzz", "fuzz", ["-DHAKMEM_TESTS=ON"], ["fuzz_targets"], context.jobs)


def tsan(context):
    return build(context.log, "tsan", "tsan", ["-DHAKMEM_TESTS=ON"], ["hakfuzz", "hakmem_trial", "test_real_threads"],
                 context.jobs)
