"""orders: what `hakfuzz orders` has found already. A forgotten memory order shows on weak memory only, which is its
subject; docs/orders.md has its table, whose lines the gate holds against the code."""
import os
import re

PAGE = "docs/orders.md"


class Orders:
    def __init__(self, page=PAGE):
        """(file, line, weakened to) -> verdict, of those that were found."""
        self.found = {}
        if not os.path.exists(page):
            return
        with open(page, encoding="utf-8") as file:
            for line in file:
                cells = [cell.strip(" `") for cell in line.strip().strip("|").split("|")]
                site = re.match(r"(\w+\.[ch]):(\d+)", cells[0])
                if site and len(cells) == 6 and cells[3] != "not found":
                    self.found[f"allocator/{site.group(1)}", int(site.group(2)), cells[2]] = cells[3]

    def verdict(self, mutant):
        if mutant.operator != "order":
            return None
        return self.found.get((mutant.file, mutant.line, mutant.new))
