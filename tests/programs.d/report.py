"""Sum up what tests/programs did: a table, and JSON for machines.

Usage: report.py DIRECTORY LIBRARY QUICK [JSON]   DIRECTORY/results has a line for each program: name, outcome, repeats,
seconds, growth of VmSize and of VmRSS in KiB (or -), message; separated by tabs. DIRECTORY/statistics.NAME, when the
library wrote one, has a JSON object on each line, one for each process: how many blocks came from which tier.
"""
import json
import os
import sys

COLUMNS = ("name", "outcome", "repeats", "seconds", "vmsize_growth_kb", "vmrss_growth_kb", "message")
HEADS = ("program", "outcome", "repeats", "seconds", "VmSize +KiB", "VmRSS +KiB")


def tiers_of(path):
    """The number of blocks for each tier, over all processes; None when there is nothing to read."""
    sums, processes = {}, 0
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in lines:
        try:
            tiers = json.loads(line)["tiers"]
            for name, tier in tiers.items():
                sums[name] = sums.get(name, 0) + int(tier["blocks"])
            processes += 1
        except (ValueError, KeyError, TypeError, AttributeError):
            sys.exit("report: %s has a line that is not understood: %.200s" % (path, line))
    return {"processes": processes, "blocks": sums} if processes else None


def main():
    directory, library, quick = sys.argv[1:4]
    programs = []
    with open(os.path.join(directory, "results"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            row = dict(zip(COLUMNS, line.split("\t")))
            for name in COLUMNS[2:6]:
                row[name] = None if row[name] == "-" else int(row[name])
            row["statistics"] = tiers_of(os.path.join(directory, "statistics." + row["name"]))
            programs.append(row)
    layout = "%-10s %-8s %7s %7s %12s %12s  %s"
    print(layout % (HEADS + ("blocks by tier",)))
    for row in programs:
        cells = ["-" if row[name] is None else row[name] for name in COLUMNS[:6]]
        statistics = row["statistics"]
        used = "no statistics"
        if statistics:
            used = ", ".join("%s %d" % pair for pair in statistics["blocks"].items())
        print(layout % tuple(cells + [used]))
    if len(sys.argv) > 4:
        with open(sys.argv[4], "w", encoding="utf-8") as file:
            json.dump({"library": library, "quick": quick == "1", "programs": programs}, file, indent=2)
            file.write("\n")


main()
