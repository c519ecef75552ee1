"""figures: medians, ratios and targets out of single runs. Ratios are paired: a round of one malloc is divided by the
same round of the other, and the median, least and greatest of these are what is told. Below 1 is better.
"""
import math
from collections import namedtuple
from statistics import median

from suite.tables import (FACTORS, HAKMEM, LIBC, MEMORY_GEOMEAN, MEMORY_RIVALS, MEMORY_WORST, REFERENCE, START_CASE,
                          START_KIB, START_US, TIME_GEOMEAN, TIME_WORST)

Ratio = namedtuple("Ratio", "median least most")
Target = namedtuple("Target", "what wanted measured met where", defaults=("",))

# name: (field of a run, what it is, format of a value)
METRICS = {
    "time": ("wall_s", "time, wall clock", lambda value: f"{value * 1e3:.1f} ms"),
    "cpu": ("cpu_s", "processor time, user and system", lambda value: f"{value * 1e3:.1f} ms"),
    "cycles": ("cycles", "processor cycles", lambda value: f"{value / 1e6:.0f} M"),
    "memory": ("resident_kib", "peak resident memory", lambda value: f"{value / 1024:.1f} MiB"),
    "faults": ("faults", "page faults", lambda value: f"{value:.0f}"),
    "calls": ("calls", "system calls for memory, of one run under strace", lambda value: f"{value:.0f}"),
}


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values and min(values) > 0 else None


class Figures:
    def __init__(self, session, cases, contestants):
        self.session = session
        self.cases = [case for case in cases if case.workload.group != "growth"]
        self.growth_cases = [case for case in cases if case.workload.group == "growth"]
        self.names = [contestant.name for contestant in contestants]
        self.rows = {}
        for run in session.runs:
            if run["failed"] is None and (run["case"], run["malloc"]) not in session.bad:
                self.rows.setdefault((run["case"], run["malloc"]), []).append(run)
        self.reference = REFERENCE if REFERENCE in self.names else self.names[0]

    def values(self, case, name, field):
        """By round; empty where it was not measured."""
        if field == "calls":
            count = self.session.calls.get((case, name))
            return {} if count is None else {1: count}
        return {run["round"]: run[field] for run in self.rows.get((case, name), []) if run.get(field) is not None}

    def value(self, case, name, field):
        values = self.values(case, name, field)
        return median(values.values()) if values else None

    def ratio(self, case, name, other, field):
        mine, theirs = self.values(case, name, field), self.values(case, other, field)
        pairs = [mine[number] / theirs[number] for number in mine if theirs.get(number)]
        return Ratio(median(pairs), min(pairs), max(pairs)) if pairs else None

    def best_ratio(self, case, name, other, field):
        mine, theirs = self.values(case, name, field), self.values(case, other, field)
        if not mine or not theirs or not min(theirs.values()):
            return None
        value = min(mine.values()) / min(theirs.values())
        return Ratio(value, value, value)

    def geomean(self, name, other, field, ratio=None):
        ratios = [(ratio or self.ratio)(case.name, name, other, field) for case in self.cases]
        return geomean(r.median for r in ratios if r)

    def measured(self, field):
        return any(self.values(case.name, name, field) for case in self.cases for name in self.names)

    def behind(self, field, name, rivals, limit):
        """(case, factor, whose) where `name` is more than `limit` times the least of the rivals; worst first."""
        found = []
        for case in self.cases:
            others = [(self.ratio(case.name, name, rival, field), rival) for rival in rivals if rival != name]
            worst = max(((ratio.median, rival) for ratio, rival in others if ratio), default=(0, ""))
            if worst[0] > limit:
                found.append((case.name, *worst))
        return sorted(found, key=lambda entry: -entry[1])

    # ---- targets -----------------------------------------------------------------------------------------------------

    def targets(self):
        """What hakmem is held to, as far as it was measured."""
        if HAKMEM not in self.names:
            return []
        found = []
        if REFERENCE in self.names and len(self.cases) > 1:
            found += self.mean_target("time", "wall_s", TIME_GEOMEAN)
            found += self.worst_target("time", "wall_s", self.names, TIME_WORST, "the fastest")
            found += self.mean_target("memory", "resident_kib", MEMORY_GEOMEAN)
            found += self.worst_target("memory", "resident_kib", [n for n in MEMORY_RIVALS if n in self.names],
                                       MEMORY_WORST, f"the least of {', '.join(MEMORY_RIVALS)}")
        for case, other, factor in FACTORS:
            ratio = self.ratio(case, other, HAKMEM, "ns_per_operation")
            if ratio:
                found.append(Target(f"{case}: times as fast as {other}", f">= {factor:.2f}", f"{ratio.median:.2f}",
                                    ratio.median >= factor, f"{ratio.least:.2f} .. {ratio.most:.2f}"))
        return found + self.start_targets()

    def mean_target(self, what, field, limit):
        mean = self.geomean(HAKMEM, REFERENCE, field)
        if mean is None:
            return []
        return [Target(f"{what}: geometric mean, to {REFERENCE}", f"<= {limit:.2f}", f"{mean:.2f}", mean <= limit)]

    def worst_target(self, what, field, rivals, limit, of_whom):
        behind = self.behind(field, HAKMEM, rivals, 0)
        if not behind:
            return []
        over = [entry for entry in behind if entry[1] > limit]
        return [Target(f"{what}: worst workload, to {of_whom}", f"<= {limit:.2f}", f"{behind[0][1]:.2f}", not over,
                       f"{behind[0][0]}, to {behind[0][2]}; {len(over)} of {len(self.cases)} above")]

    def start_targets(self):
        found = []
        for what, field, unit, scale, limit in (("resident memory", "resident_kib", "KiB", 1, START_KIB),
                                                ("start-up", "wall_s", "us", 1e6, START_US)):
            mine, theirs = self.value(START_CASE, HAKMEM, field), self.value(START_CASE, LIBC, field)
            if mine is not None and theirs is not None:
                above = (mine - theirs) * scale
                found.append(Target(f"{START_CASE}: {what} above {LIBC}", f"<= {limit} {unit}", f"{above:.0f} {unit}",
                                    above <= limit, f"{theirs * scale:.0f} {unit} with {LIBC}"))
        return found
