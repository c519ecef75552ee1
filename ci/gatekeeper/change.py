"""change: what a branch changes against its base, and what that says: which targets get more executions, which tests are
gone, which files are looked at more closely."""
import re
import subprocess

from .machine import Unable, targets

# A file's path begins with the left one: the targets on the right get more executions. Nothing of what is not named
# here changes how a target runs.
REACH = [
    ("allocator/bigcache", "bigcache oom sequence"),
    ("allocator/big", "bigcache oom sequence"),
    ("allocator/class", "class sequence"),
    ("allocator/map", "map sequence oom"),
    ("allocator/region", "run oom threads"),
    ("allocator/run", "run oom threads"),
    ("allocator/shard", "run threads"),
    ("allocator/large", "run bigcache sequence"),
    ("allocator/pool", "pool threads oom"),
    ("allocator/superslab", "pool lazy oom"),
    ("allocator/slab", "pool sequence threads"),
    ("allocator/lazy", "lazy oom"),
    ("allocator/backing", "lazy pool oom misuse"),
    ("allocator/complain", "misuse"),
    ("allocator/decay", "lazy run threads"),
    ("allocator/remote", "remote threads adopt"),
    ("allocator/pending", "remote threads"),
    ("allocator/links", "remote sequence threads"),
    ("allocator/heaps", "adopt threads start"),
    ("allocator/thread", "adopt start threads"),
    ("allocator/process", "start threads"),
    ("allocator/option", "option start"),
    ("allocator/realloc", "sequence oom threads"),
    ("allocator/", "threads sequence oom"),
    ("fuzz_targets/", "*"),
    ("oracle/", "*"),
]
MORE = 4  # times the executions of the others


class Change:
    """base: a commit, or None where there is no history to compare with; then everything counts as changed."""

    def __init__(self, base, head, files, seed):
        self.base, self.head, self.files, self.seed = base, head, files, seed
        every = {target.name for target in targets().values()}
        self.targets = set()
        for path in files if files is not None else ["oracle/"]:
            for begin, names in REACH:
                if path.startswith(begin):
                    self.targets |= every if names == "*" else every & set(names.split())
                    break
            corpus = re.match(r"(?:corpus/|fuzz_targets/fuzz_)([a-z_]+)", path)
            if corpus and corpus.group(1) in every:
                self.targets.add(corpus.group(1))

    def touches(self, *begins):
        return self.files is None or any(path.startswith(begins) for path in self.files)

    def changed(self, paths):
        """Those of the paths that are changed."""
        return list(paths) if self.files is None else [path for path in paths if path in set(self.files)]

    def sentence(self):
        if self.files is None:
            return "no history to compare with: everything counts as changed"
        what = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'} changed since {self.base[:10]}"
        more = ", ".join(sorted(self.targets))
        return what + (f"; more executions for {more}" if more else "")


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, errors="replace")
    return done.stdout if done.returncode == 0 else None


def find_base(asked):
    if asked is not None:
        base = git("rev-parse", "--verify", "--quiet", asked + "^{commit}")
        if base is None:
            raise Unable(f"--base '{asked}' is no commit of this repository")
        return base.strip()
    for main in ("origin/main", "main"):
        base = git("merge-base", "HEAD", main)
        if base:
            return base.strip()
    return None


def find(asked, seed):
    head = git("rev-parse", "HEAD")
    base = find_base(asked) if head or asked else None
    head = head.strip() if head else ""
    files = None
    if base:
        files = sorted({*(git("diff", "--name-only", "-z", base) or "").split("\0"),
                        *(git("ls-files", "--others", "--exclude-standard", "-z") or "").split("\0")} - {""})
    return Change(base, head, files, seed if seed is not None else int(head[:8] or "1", 16))
