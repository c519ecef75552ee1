"""store: verdicts, a line of JSON each, appended as they are found, so that an interrupted run goes on where it was. The
last line of a mutant counts. A mutant's name changes with its line; what other lines do to its verdict nobody knows, so
`--again` forgets."""
import json
import os

from build import TREE

PATH = f"{TREE}/verdicts.jsonl"


class Store:
    def __init__(self, path=PATH):
        self.path, self.verdicts = path, {}
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    try:
                        verdict = json.loads(line)
                    except ValueError:
                        continue  # the last one, cut short
                    self.verdicts[verdict["id"]] = verdict
        self.file = open(path, "a", encoding="utf-8", buffering=1)

    def forget(self, which):
        """which: None, "survived" or "all"."""
        for name in list(self.verdicts):
            if which == "all" or (which == "survived" and self.verdicts[name]["verdict"] == "survived"):
                del self.verdicts[name]

    def add(self, mutant, verdict, by, how, met, seconds):
        row = {"id": mutant.id, "file": mutant.file, "function": mutant.function, "line": mutant.line, "text": mutant.text,
               "change": mutant.change(), "operator": mutant.operator, "verdict": verdict, "by": by, "how": how,
               "met": met, "seconds": round(seconds, 2)}
        self.verdicts[mutant.id] = row
        self.file.write(json.dumps(row) + "\n")

    def of(self, mutant):
        return self.verdicts.get(mutant.id)
