"""report: counts by file, in Markdown, as text or as JSON. The score is killed / (killed + survived): what is written down
as equivalent, what has the same code and what does not compile is not counted in it."""
import json

COLUMNS = ("mutants", "same", "stillborn", "equivalent", "killed", "survived")


class Row:
    def __init__(self, name):
        self.name, self.seconds, self.all = name, 0.0, 0
        self.counts = {column: 0 for column in COLUMNS}

    def add(self, verdict, seconds):
        self.counts["mutants"] += 1
        self.counts[verdict] += 1
        self.seconds += seconds

    def score(self):
        told = self.counts["killed"] + self.counts["survived"]
        return 100 * self.counts["killed"] / told if told else None

    def cells(self):
        score = self.score()
        return [self.name, str(self.all), *(str(self.counts[column]) for column in COLUMNS),
                "-" if score is None else f"{score:.1f} %", f"{self.seconds:.0f}"]


def rows(by_file, store, listed):
    """by_file: path -> (all mutants, chosen mutants). The last row is the sum. Mutants without a verdict are not in it."""
    total, out = Row("all"), []
    for path, (mutants, chosen) in by_file.items():
        row = Row(path)
        row.all = len(mutants)
        total.all += len(mutants)
        for mutant in chosen:
            verdict = store.of(mutant)
            if verdict is not None:
                word = verdict["verdict"]
                word = "equivalent" if word == "survived" and mutant.id in listed else word
                row.add(word, verdict["seconds"])
                total.add(word, verdict["seconds"])
        out.append(row)
    return [*out, total]


def markdown(table):
    head = ["file", "possible", "tried", *COLUMNS[1:], "score", "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for row in table:
        cells = row.cells()
        cells[0] = f"`{row.name}`" if "/" in row.name else f"**{row.name}**"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plain(table):
    cells = [["file", "possible", "tried", *COLUMNS[1:], "score", "seconds"], *(row.cells() for row in table)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])])
                     for row in cells)


def survivors(by_file, store, listed):
    return [store.of(mutant) for _, chosen in by_file.values() for mutant in chosen
            if store.of(mutant) and store.of(mutant)["verdict"] == "survived" and mutant.id not in listed]


def killers_of(by_file, store):
    counts = {}
    for _, chosen in by_file.values():
        for mutant in chosen:
            verdict = store.of(mutant)
            if verdict and verdict["verdict"] == "killed":
                counts[verdict["by"]] = counts.get(verdict["by"], 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def json_text(table, left, killed_by, complaints):
    return json.dumps({"verb": "detect", "mutants": True,
                       "files": [{"file": row.name, "possible": row.all, **row.counts, "score_percent": row.score(),
                                  "seconds": round(row.seconds, 1)} for row in table[:-1]],
                       "all": {"possible": table[-1].all, **table[-1].counts, "score_percent": table[-1].score()},
                       "killed_by": killed_by, "survivors": left, "complaints": complaints}, indent=1)
