"""mutant: one small mistake in one file, with a name that outlives edits elsewhere. The name is made of the file, the
function, the text of the line, and the change; which of several equal ones in a function it is, is counted."""
import hashlib
import re
from collections import namedtuple

import operators
from source import Kind, Source

PROOFS = r"hak_assert|hak_debug_assert|hak_heap_assert|_Static_assert|HAK_FAULT|HAK_FAULT_IF"


class Mutant(namedtuple("Mutant", "id file function operator line text begin end old new")):
    """line: its number today, from 1 on. text: that line as it is. begin, end: offsets in bytes."""

    def apply(self, source_bytes):
        return source_bytes[:self.begin] + self.new.encode() + source_bytes[self.end:]

    def change(self):
        squeeze = [re.sub(r"\s+", " ", words).strip() for words in (self.old, self.new)]
        return f"{self.operator}: {squeeze[0]} -> {squeeze[1] or 'nothing'}"


def forbidden(source):
    """Ranges in which nothing is changed: proofs and planted faults."""
    return [(begin, end) for _, begin, end in source.calls_of_macro(PROOFS)]


def walk(source, cursor, parent, closed):
    """All nodes below, with their parents, but for what a planted fault does."""
    yield cursor, parent
    children = list(cursor.get_children())
    if cursor.kind in (Kind.IF_STMT, Kind.CONDITIONAL_OPERATOR) and children:
        begin, end = source.range_of(children[0])
        if re.match(r"\(*(HAK_FAULT(_IF)?|hak_faults)\b", source.slice(begin, end)):
            closed += [(begin, end), source.range_of(children[1])]
            children = children[2:]
    for child in children:
        yield from walk(source, child, cursor, closed)


def edits(source):
    """(function, operator, begin, end, replacement), each once."""
    seen = set()
    for root in source.own_roots():
        closed = forbidden(source)
        is_code = root.kind == Kind.FUNCTION_DECL
        found = []
        for cursor, parent in walk(source, root, None, closed):
            for name, operator in operators.OPERATORS:
                if is_code or name == "constant":
                    found += [(name, *edit) for edit in operator(source, cursor, parent)]
        begin, end = source.range_of(root)
        for _, macro_begin, macro_end in source.calls_of_macro(operators.ORDER_MACROS):
            if begin <= macro_begin and macro_end <= end:
                found += [("order", *edit) for edit in operators.order(source, macro_begin, macro_end)]
        for name, edit_begin, edit_end, new in found:
            inside = begin <= edit_begin <= edit_end <= end
            shut = any(low <= edit_begin and edit_end <= high for low, high in closed)
            if inside and not shut and (edit_begin, edit_end, new) not in seen:
                seen.add((edit_begin, edit_end, new))
                yield root.spelling if root.spelling.isidentifier() else "", name, edit_begin, edit_end, new


def of_file(path, arguments, index=None):
    """(text of the file, all its mutants in the order of the text)."""
    source = Source(path, arguments, index)
    counts, mutants = {}, []
    for function, operator, begin, end, new in sorted(edits(source), key=lambda edit: (edit[2], edit[3], edit[1], edit[4])):
        line = source.line_of(begin)
        text, old = source.line_text(line), source.slice(begin, end)
        key = "\0".join((path, function, operator, text, old, new))
        counts[key] = counts.get(key, 0) + 1
        digest = hashlib.sha256(f"{key}\0{counts[key]}".encode()).hexdigest()[:10]
        mutants.append(Mutant(digest, path, function, operator, line, text, begin, end, old, new))
    return source.text, mutants


def sample(mutants, count):
    """So many of a file, by their names: an edit elsewhere changes none of them."""
    chosen = {mutant.id for mutant in sorted(mutants, key=lambda mutant: mutant.id)[:count]}
    return [mutant for mutant in mutants if mutant.id in chosen]
