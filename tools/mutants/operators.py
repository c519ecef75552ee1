"""operators: what an ordinary mistake is. Each operator looks at one node of the tree and yields edits of the text,
(begin, end, replacement), that turn it into what somebody might have written instead.

The table at the end is the list. What only planted faults do (HAK_FAULT and what it guards) and what only proofs do
(assertions) is nobody's mistake and is left out before they are asked."""
import re

from source import Kind

COMPARISONS = {"==": ("!=",), "!=": ("==",), "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<")}
LOGIC = {"&&": ("||",), "||": ("&&",)}
ARITHMETIC = {"+": ("-",), "-": ("+",), "*": ("+",), "/": ("*",), "%": ("/",), "<<": (">>",), ">>": ("<<",),
              "&": ("|",), "|": ("&",), "^": ("&",),
              "+=": ("-=",), "-=": ("+=",), "|=": ("&=",), "&=": ("|=",), "<<=": (">>=",), ">>=": ("<<=",)}
BODY_LAST = (Kind.WHILE_STMT, Kind.FOR_STMT, Kind.CASE_STMT, Kind.DEFAULT_STMT, Kind.LABEL_STMT) if Kind else ()
ACTIONS = (Kind.CALL_EXPR, Kind.COMPOUND_ASSIGNMENT_OPERATOR, Kind.BREAK_STMT, Kind.CONTINUE_STMT, Kind.UNARY_OPERATOR,
           Kind.BINARY_OPERATOR, Kind.StmtExpr, Kind.CSTYLE_CAST_EXPR, Kind.PAREN_EXPR, Kind.UNEXPOSED_EXPR) if Kind else ()
INTEGERS = ("int", "unsigned", "long", "short", "char", "size_t", "uint", "uintptr", "_Bool", "bool")


def operator_between(source, cursor):
    """(text, begin, end) of a binary operator as it is written; None where it comes from a macro's body."""
    children = list(cursor.get_children())
    if len(children) != 2:
        return None
    begin, end = source.range_of(children[0])[1], source.range_of(children[1])[0]
    gap = re.sub(r"/\*.*?\*/", lambda found: " " * len(found.group()), source.slice(begin, end), flags=re.S)
    found = re.fullmatch(r"[\s()]*([^\s()\w\"']+)[\s()]*", gap)
    if begin >= end or not found:
        return None
    return found.group(1), begin + found.start(1), begin + found.end(1)


def exchange(kinds, table):
    def operator(source, cursor, _parent):
        if cursor.kind in kinds:
            found = operator_between(source, cursor)
            for other in table.get(found[0], ()) if found else ():
                yield found[1], found[2], other
    return operator


def is_statement(cursor, parent):
    """Whether it stands where a statement does: in a block, or as what a branch or a loop does."""
    children = list(parent.get_children())
    at = children.index(cursor)
    if parent.kind == Kind.COMPOUND_STMT:
        return True
    if parent.kind == Kind.IF_STMT:
        return at > 0
    if parent.kind == Kind.DO_STMT:
        return at == 0
    return parent.kind in BODY_LAST and at == len(children) - 1


def delete(source, cursor, parent):
    """A statement whose value nobody takes. The line breaks in it stay, so that the lines behind keep their numbers."""
    if parent is None or cursor.kind not in ACTIONS or not is_statement(cursor, parent):
        return
    begin, end = source.range_of(cursor)
    text = source.slice(begin, end)
    before = source.slice(max(0, begin - 200), begin).rstrip()
    stands_alone = re.search(r"([;{}):]|\*/|\belse|\bdo)$", before) and source.text[end:].lstrip()[:1] == b";"
    if stands_alone and begin < end and not re.fullmatch(r"\(void\)\s*\w+", text):
        yield begin, end, "\n" * text.count("\n")


def constant(source, cursor, _parent):
    if cursor.kind != Kind.INTEGER_LITERAL:
        return
    begin, end = source.range_of(cursor)
    text = source.slice(begin, end)
    if text in ("true", "false"):
        yield begin, end, "false" if text == "true" else "true"
    found = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", text)
    if found:
        yield begin, end, f"({text} + 1)"
        if found.group(1).strip("0xX"):
            yield begin, end, f"({text} - 1)"


def is_integer(cursor):
    spelling = cursor.type.get_canonical().spelling
    return "*" not in spelling and any(re.search(rf"\b{word}", spelling) for word in INTEGERS) and "_Bool" not in spelling


def arguments_of(cursor):
    return list(cursor.get_arguments()) if cursor.kind == Kind.CALL_EXPR else []


def off_by_one(source, cursor, _parent):
    """An index, an argument or a result that is one too many. Literals have an operator of their own."""
    places = arguments_of(cursor)
    if cursor.kind == Kind.ARRAY_SUBSCRIPT_EXPR:
        places = list(cursor.get_children())[1:]
    elif cursor.kind == Kind.RETURN_STMT:
        places = list(cursor.get_children())
    for place in places:
        begin, end = source.range_of(place)
        text = source.slice(begin, end)
        if begin < end and is_integer(place) and not re.fullmatch(r"[0-9xXa-fA-FuUlL]+|true|false|NULL", text):
            yield begin, end, f"({text}) + 1"


def swap(source, cursor, _parent):
    """Two arguments side by side of one type."""
    arguments = arguments_of(cursor)
    for first, second in zip(arguments, arguments[1:]):
        (begin, middle), (again, end) = source.range_of(first), source.range_of(second)
        same = first.type.get_canonical().spelling == second.type.get_canonical().spelling
        if begin < middle <= again < end and (same or (is_integer(first) and is_integer(second))):
            one, two = source.slice(begin, middle), source.slice(again, end)
            if one != two:
                yield begin, end, two + source.slice(middle, again) + one


def negate(source, cursor, _parent):
    """A condition that stands for its opposite; those that compare have an operator of their own."""
    if cursor.kind == Kind.UNARY_OPERATOR:
        begin, end = source.range_of(cursor)
        inner = source.range_of(next(cursor.get_children()))[0]
        if begin < inner <= end and source.slice(begin, begin + 1) == "!":
            yield begin, begin + 1, ""
        return
    if cursor.kind not in (Kind.IF_STMT, Kind.WHILE_STMT, Kind.CONDITIONAL_OPERATOR):
        return
    condition = next(cursor.get_children())
    begin, end = source.range_of(condition)
    text = source.slice(begin, end)
    if begin < end and not re.search(r"[=<>!]=|[<>]|&&|\|\||^!", re.sub(r"->|<<|>>", "", text)):
        yield begin, end, f"!({text})"


def step(source, cursor, _parent):
    """++ and --, before or behind."""
    if cursor.kind != Kind.UNARY_OPERATOR:
        return
    begin, end = source.range_of(cursor)
    text = source.slice(begin, end)
    for sign, other in (("++", "--"), ("--", "++")):
        if text.startswith(sign):
            yield begin, begin + 2, other
        elif text.endswith(sign):
            yield end - 2, end, other


def order(source, begin, end):
    """A memory order that is forgotten; of acq_rel each half. For uses of the macros of allocator/atomic.h and lock.h."""
    text = source.slice(begin, end)
    for found in re.finditer(r"\b(acquire|release|acq_rel|seq_cst)\b(?=\s*[,)])", text):
        for weaker in {"acq_rel": ("acquire", "release")}.get(found.group(1), ("relaxed",)):
            yield begin + found.start(1), begin + found.end(1), weaker


if Kind:
    BINARY = (Kind.BINARY_OPERATOR, Kind.COMPOUND_ASSIGNMENT_OPERATOR)
    OPERATORS = (("delete", delete), ("compare", exchange(BINARY, COMPARISONS)), ("logic", exchange(BINARY, LOGIC)),
                 ("negate", negate), ("arithmetic", exchange(BINARY, ARITHMETIC)), ("step", step),
                 ("constant", constant), ("off-by-one", off_by_one), ("swap", swap))
ORDER_MACROS = "hak_(?:load|store|exchange|fetch_add|fetch_or|fetch_and|cas_weak|cas|fence|swap)[a-z_]*"
