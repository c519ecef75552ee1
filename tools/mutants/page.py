"""page: docs/mutants.md, where mutants that change nothing are written down with the reason, and the table of what was
measured stands between two marks.

A file is a heading, a paragraph is a reason, and the indented lines under it are what it is for: `id function: change`."""
import re
from collections import namedtuple

PAGE = "docs/mutants.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"

Entry = namedtuple("Entry", "id file words reason line")


def words_of(mutant):
    return f"{mutant.id} {mutant.function or '-'}: {mutant.change()}"


def entries(page=PAGE):
    """All of them, by name."""
    found, path, reason = {}, None, ""
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            heading = re.match(r"## (allocator/\S+)", line)
            entry = re.match(r"    ([0-9a-f]{10}) (.*)", line)
            if line.startswith("#"):
                path, reason = heading.group(1) if heading else None, ""
            elif entry and path:
                found[entry.group(1)] = Entry(entry.group(1), path, line.strip(), reason.strip(), number)
            elif path and line.strip() and not line.startswith("    "):
                reason = line if reason.endswith("\n\n") or not reason else reason + line
            elif path and not line.strip():
                reason += "\n"
    return found


def complaints(listed, mutants_of):
    """What is wrong with the list. mutants_of: path -> the mutants of a file today."""
    wrong = []
    for entry in listed.values():
        today = {mutant.id: mutant for mutant in mutants_of(entry.file)}.get(entry.id)
        if today is None:
            wrong.append(f"{PAGE}:{entry.line}: {entry.file} has no mutant {entry.id} any more; the line it was in has "
                         "changed: remove it, or name the one that took its place")
        elif words_of(today) != entry.words:
            wrong.append(f"{PAGE}:{entry.line}: {entry.id} is '{words_of(today)}'")
        elif not entry.reason:
            wrong.append(f"{PAGE}:{entry.line}: {entry.id} has no reason above it")
    return wrong


def write_table(table, page=PAGE):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    with open(page, "w", encoding="utf-8") as file:
        file.write(text[:begin] + "\n\n" + table + "\n" + text[end:])
