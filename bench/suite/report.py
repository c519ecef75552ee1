"""report: figures as text, JSON and CSV."""
import csv
import json

from suite import machine as machine_lines
from suite.figures import METRICS
from suite.tables import HAKMEM, LIBC, STEADY, TIME_WORST

FIELDS = ["case", "threads", "malloc", "round", "wall_s", "best_s", "cpu_s", "cycles", "resident_kib", "faults",
          "ns_per_operation", "operations", "requests_per_s", "checksum", "misaligned", "failed"]


def table(rows, header, right=True):
    """Columns as wide as they must be: the first to the left, the others to the right."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for number, row in enumerate([header, *rows]):
        cells = [str(cell).rjust(width) if i and right else str(cell).ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def cell(ratio, spread):
    if ratio is None:
        return "-"
    if spread and ratio.least != ratio.most:
        return f"{ratio.median:.2f} ({ratio.least:.2f}..{ratio.most:.2f})"
    return f"{ratio.median:.2f}"


def ratio_table(figures, metric, other, spread, best=False):
    field, what, show = METRICS[metric]
    ratio = figures.best_ratio if best else figures.ratio
    names = [name for name in figures.names if name != other]
    rows = []
    for case in figures.cases:
        base = figures.value(case.name, other, field)
        cells = [cell(ratio(case.name, name, other, field), spread) for name in names]
        rows.append([case.name, "-" if base is None else show(base), *cells])
    means = [figures.geomean(name, other, field, ratio) for name in names]
    rows.append(["geometric mean", "", *("-" if mean is None else f"{mean:.2f}" for mean in means)])
    title = f"{what}{', best run' if best else ''}: ratio to {other}"
    return ["", title + (" (least..greatest of the rounds)" if spread else ""), "", *table(rows, ["", other, *names])]


def own_lines(figures):
    """Nanoseconds per operation, as the programs count them."""
    rows = [[case.name, *(f"{value:.1f}" if value is not None else "-" for value in
                          (figures.value(case.name, name, "ns_per_operation") for name in figures.names))]
            for case in figures.cases + figures.growth_cases if case.workload.group != "real"]
    return ["", "ns per operation, of the part that the program times: medians", "", *table(rows, ["", *figures.names])]


def steady_lines(figures):
    steady = figures.session.steady
    cases = list(dict.fromkeys(case for case, _ in steady))
    rows = [[case, *(steady.get((case, name), "-") for name in figures.names)] for case in cases]
    return ["", f"system calls for memory beyond start-up, in {STEADY} iterations", "",
            *table(rows, ["", *figures.names])] if rows else []


def behind_lines(figures):
    if HAKMEM not in figures.names or len(figures.names) < 2:
        return []
    lines = []
    for field, what in (("wall_s", "time"), ("cpu_s", "processor time"), ("resident_kib", "memory")):
        rows = [[case, f"{factor:.2f}", whose]
                for case, factor, whose in figures.behind(field, HAKMEM, figures.names, TIME_WORST)]
        if rows:
            lines += ["", f"where {HAKMEM} is more than {TIME_WORST:.2f} times the least in {what}", "",
                      *table(rows, ["", "factor", "to"])]
    return lines


def target_lines(targets):
    rows = [[t.what, t.wanted, t.measured, "yes" if t.met else "NO", t.where] for t in targets]
    header = ["target", "wanted", "measured", "met", "where"]
    return ["", "targets", "", *table(rows, header, right=False)] if rows else []


def failure_lines(session):
    rows = [[f["case"], f["malloc"], f["why"]] for f in session.failures]
    return ["", "FAILED", "", *table(rows, ["", "malloc", "why"], right=False)] if rows else []


def text(figures, machine, targets):
    session = figures.session
    lines = [*machine_lines.lines(machine),
             f"{session.rounds_done} interleaved rounds{', quick' if session.quick else ''}"]
    if figures.cases:
        for metric, (field, _, _) in METRICS.items():
            if figures.measured(field):
                lines += ratio_table(figures, metric, figures.reference, True)
                if metric == "time":
                    lines += ratio_table(figures, metric, figures.reference, False, best=True)
                if LIBC in figures.names and figures.reference != LIBC:
                    lines += ratio_table(figures, metric, LIBC, False)
    lines += own_lines(figures) + steady_lines(figures) + behind_lines(figures) + target_lines(targets)
    if not any(run.get("cycles") for run in session.runs):
        session.note("cycles are not counted: this machine has no counter for them")
    lines += ["", *(f"note: {note}" for note in session.notes)] if session.notes else []
    return "\n".join(lines + failure_lines(session)) + "\n"


def summary(figures):
    found = []
    for case in figures.cases + figures.growth_cases:
        for name in figures.names:
            entry = {"case": case.name, "malloc": name}
            for metric, (field, _, _) in {**METRICS, "ns_per_operation": ("ns_per_operation", "", None)}.items():
                values = list(figures.values(case.name, name, field).values())
                if values:
                    ratio = figures.ratio(case.name, name, figures.reference, field)
                    entry[metric] = {"median": figures.value(case.name, name, field), "least": min(values),
                                     "most": max(values), "ratio": ratio._asdict() if ratio else None}
            found.append(entry)
    return found


def write_json(path, figures, machine, targets, command):
    session = figures.session
    document = {
        "command": command,
        "machine": machine,
        "rounds": session.rounds_done,
        "quick": session.quick,
        "reference": figures.reference,
        "workloads": [{"case": case.name, "threads": case.threads, "arguments": case.arguments,
                       "about": case.workload.about, "group": case.workload.group}
                      for case in figures.cases + figures.growth_cases],
        "summary": summary(figures),
        "geometric_means": {metric: {name: figures.geomean(name, figures.reference, field) for name in figures.names}
                            for metric, (field, _, _) in METRICS.items()},
        "calls_beyond_start": [{"case": case, "malloc": name, "iterations": STEADY, "calls": count}
                               for (case, name), count in session.steady.items()],
        "targets": [target._asdict() for target in targets],
        "notes": session.notes,
        "failures": session.failures,
        "runs": session.runs,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def write_csv(path, session):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(session.runs)
