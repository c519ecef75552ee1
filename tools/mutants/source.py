"""source: a file of the allocator as clang reads it, and where in its text things stand.

Positions are byte offsets into the file as it is written: what stands in the argument of a macro has a place there, what
comes out of a macro's body has none and is left alone. A file is parsed with the definitions of the simulated world,
where it is built for that, else with those of the library."""
import ctypes
import re

try:
    from clang import cindex
    from clang.cindex import CursorKind as Kind
except ImportError:
    cindex = Kind = None


class Unable(Exception):
    """What the machine lacks, or the caller got wrong; not a verdict."""


def open_clang():
    try:
        return cindex.Index.create()
    except Exception:  # the bindings are not there, or their library is not
        raise Unable("clang cannot be asked: apt install python3-clang (ci/setup --test)") from None


def offset_of(location):
    """Where it was written, also in the argument of a macro."""
    cfile, line, column, offset = ctypes.c_void_p(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    cindex.conf.lib.clang_getFileLocation(location, ctypes.byref(cfile), ctypes.byref(line), ctypes.byref(column),
                                          ctypes.byref(offset))
    return offset.value


class Source:
    def __init__(self, path, arguments, index=None):
        self.path = path
        with open(path, "rb") as file:
            self.text = file.read()
        self.unit = (index or open_clang()).parse(path, args=arguments)
        wrong = [d for d in self.unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if wrong:
            raise Unable(f"{path}: clang does not read it: {wrong[0].spelling}")
        self.line_starts = [0] + [match.end() for match in re.finditer(rb"\n", self.text)]

    def range_of(self, cursor):
        return offset_of(cursor.extent.start), offset_of(cursor.extent.end)

    def slice(self, begin, end):
        return self.text[begin:end].decode()

    def line_of(self, offset):
        """The number of the line from 1 on."""
        low, high = 0, len(self.line_starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.line_starts[middle] <= offset else (low, middle)
        return low + 1

    def line_text(self, line):
        begin = self.line_starts[line - 1]
        end = self.text.find(b"\n", begin)
        return self.text[begin:end if end >= 0 else len(self.text)].decode().strip()

    def own_roots(self):
        """What the file itself defines: functions with a body, and data with a value."""
        for cursor in self.unit.cursor.get_children():
            if cursor.location.file is None or cursor.location.file.name != self.path:
                continue
            if cursor.kind == Kind.FUNCTION_DECL and cursor.is_definition():
                yield cursor
            elif cursor.kind in (Kind.VAR_DECL, Kind.ENUM_DECL):
                yield cursor

    def calls_of_macro(self, pattern):
        """(name, begin, end) of each use of a macro whose name matches; end is behind the closing bracket."""
        for match in re.finditer(rb"\b(" + pattern.encode() + rb")\s*\(", self.text):
            depth, at = 1, match.end()
            while depth > 0 and at < len(self.text):
                depth += {40: 1, 41: -1}.get(self.text[at], 0)
                at += 1
            yield match.group(1).decode(), match.start(), at
