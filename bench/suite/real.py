"""real: real programs with a malloc in front of them, on inputs that are made here and always the same.

A program is a class with the commands it needs, prepare() and run(); the table in suite/tables.py names them. One
that is a command line alone has command(), which is traced too.
"""
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

from suite.process import Failed, Measured, environment, outcome

REDIS_REQUESTS, REDIS_KEYS = 300000, 60000


class Program:
    needs = ()
    env = {}

    def __init__(self, directory, quick):
        self.directory = directory
        self.scale = 10 if quick else 1

    def missing(self):
        return [name for name in self.needs if shutil.which(name, path="/usr/bin:/bin") is None]

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def environment(self):
        return environment(HOME=self.directory, **self.env)

    def run(self, build, preload):
        return Measured(build, self.command(), preload, self.directory, self.environment()).finish()[0]


def c_source(functions):
    """C with what compilers allocate for: types, inlining, loops, tables."""
    parts = ["#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"]
    for i in range(functions):
        parts.append(f"""
struct node{i} {{ struct node{i} *left, *right; long key; double weight[{i % 7 + 1}]; char name[{i % 31 + 1}]; }};
static const int table{i}[] = {{ {", ".join(str((i * k * 37) % 1009) for k in range(1, 40))} }};
static struct node{i} *insert{i}(struct node{i} *root, long key, double weight) {{
    if (!root) {{
        root = malloc(sizeof *root);
        memset(root, 0, sizeof *root);
        root->key = key;
        for (int k = 0; k < {i % 7 + 1}; k++) root->weight[k] = weight * table{i}[k % 39] + k;
    }} else if (key < root->key) root->left = insert{i}(root->left, key, weight);
    else root->right = insert{i}(root->right, key, weight);
    return root;
}}
static double total{i}(const struct node{i} *root, int depth) {{
    double sum = 0;
    if (!root || depth > {i % 50 + 20}) return 0;
    for (int k = 0; k < {i % 7 + 1}; k++) sum += root->weight[k] * (k & 1 ? depth : -depth);
    switch (root->key % 5) {{
    case 0: sum *= 2; break;
    case 1: sum += table{i}[root->key % 39]; break;
    case 2: sum -= total{i}(root->left, depth + 2); break;
    default: sum += 1;
    }}
    return sum + total{i}(root->left, depth + 1) + total{i}(root->right, depth + 1);
}}
double use{i}(long seed) {{
    struct node{i} *root = 0;
    for (long k = 0; k < {i % 90 + 10}; k++) root = insert{i}(root, (seed * k) % {i + 101}, (double)k / 3);
    return total{i}(root, 0);
}}
""")
    return "".join(parts)


class compile_gcc(Program):
    needs = ("gcc",)

    def prepare(self):
        self.write("source.c", c_source(50 // self.scale))

    def command(self):
        return ["gcc", "-std=gnu17", "-O2", "-g", "-c", "source.c", "-o", "source.o"]


class compile_clang(compile_gcc):
    needs = ("clang",)

    def command(self):
        return ["clang", *super().command()[1:]]


class python_json(Program):
    needs = ("python3",)
    env = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        numbers = random.Random(1)
        records = [{"id": i, "name": f"record {numbers.randrange(10**6)}", "price": numbers.random() * 100,
                    "tags": [f"tag{numbers.randrange(500)}" for _ in range(numbers.randrange(6))],
                    "place": {"x": numbers.randrange(10**4), "y": numbers.randrange(10**4)}}
                   for i in range(30000 // self.scale)]
        self.write("records.json", json.dumps(records))
        self.write("work.py", """import json
text = open("records.json").read()
for i in range(3):
    records = json.loads(text)
    groups = {}
    for record in records:
        for tag in record["tags"]:
            groups.setdefault(tag, []).append((record["place"]["x"], record["name"].upper()))
    for group in groups.values():
        group.sort()
    text = json.dumps(records, indent=i or None)
print(len(text), len(groups))
""")

    def command(self):
        return ["python3", "work.py"]


class sqlite_rows(Program):
    needs = ("sqlite3",)

    def prepare(self):
        self.write("rows.sql", f"""
create table items (id integer primary key, name text, price real, kind integer);
with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {1000000 // self.scale})
    insert into items select n, 'item ' || (n * 7919 % 1000003), (n * 31 % 9973) / 7.0, n * 17 % 1000 from numbers;
create index by_name on items (name);
select kind, count(*), sum(price) from items group by kind order by 3 desc limit 5;
select count(*) from items a join items b on a.name = b.name where a.kind < 100;
update items set name = name || ' again' where kind % 10 = 3;
delete from items where kind % 3 = 1;
select count(*), max(length(name)) from items;
""")

    def command(self):
        return ["sqlite3", ":memory:", ".read rows.sql"]


class git_gc(Program):
    needs = ("git",)
    env = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}

    def prepare(self):
        """A history of text files that change a little in each commit, by fast-import."""
        numbers = random.Random(2)
        words = [f"word{i}" for i in range(3000)]
        files = [[" ".join(numbers.choices(words, k=9)) for _ in range(200)] for _ in range(60)]
        stream = []
        for commit in range(100 // self.scale):
            stream.append(f"commit refs/heads/main\ncommitter a <a@example.org> {1700000000 + commit} +0000\n"
                          f"data 8\nchange {commit % 10}\n")
            for number in range(60) if commit == 0 else numbers.sample(range(60), 8):
                for _ in range(5):
                    files[number][numbers.randrange(200)] = " ".join(numbers.choices(words, k=9))
                text = "\n".join(files[number]) + "\n"
                stream.append(f"M 100644 inline file{number}\ndata {len(text)}\n{text}\n")
        shutil.rmtree(self.path("repository"), ignore_errors=True)
        subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q", "--bare", "repository"],
                       cwd=self.directory, env=self.environment(), check=True)
        subprocess.run(["git", "-C", "repository", "fast-import", "--quiet"], input="".join(stream), text=True,
                       cwd=self.directory, env=self.environment(), check=True)

    def command(self):
        # Aggressive: it computes every delta again, so the second time is as the first.
        return ["git", "-C", "repository", "-c", "pack.threads=2", "gc", "--aggressive", "--prune=now", "--quiet"]


class redis_server(Program):
    needs = ("redis-benchmark", "redis-cli")

    def missing(self):
        return super().missing() + ([] if self.server() else ["redis-server"])

    @staticmethod
    def server():
        # The checker is the same program by another name, in a package without a service.
        return next(filter(None, (shutil.which(name, path="/usr/bin:/bin")
                                  for name in ("redis-server", "redis-check-rdb"))), None)

    def prepare(self):
        numbers = random.Random(3)
        lines = []
        for i in range(REDIS_KEYS // self.scale):
            lines.append(f"SET string:{i} {'x' * numbers.randrange(1, 300)}")
            lines.append(f"HSET hash:{i % 5000} field{i} {'y' * numbers.randrange(1, 60)}")
            lines.append(f"RPUSH list:{i % 2000} {'z' * numbers.randrange(1, 100)}")
            if i % 3 == 0:
                lines.append(f"DEL string:{numbers.randrange(i + 1)}")
        self.write("commands.txt", "\n".join(lines) + "\n")
        os.symlink(self.server(), self.path("redis-server.new"))
        os.replace(self.path("redis-server.new"), self.path("redis-server"))

    def tool(self, *command, stdin=subprocess.DEVNULL):
        done = subprocess.run([command[0], "-s", self.socket, *command[1:]], stdin=stdin, capture_output=True,
                              text=True, env=environment(), timeout=300)
        if done.returncode != 0:
            raise Failed(f"{command[0]}: {outcome(done.returncode)}: {(done.stderr or done.stdout).strip()[-200:]}")
        return done.stdout

    def run(self, build, preload):
        """Time is that of filling and of redis-benchmark; the rest is the server's."""
        with tempfile.TemporaryDirectory(prefix="redis.") as folder:
            self.socket = os.path.join(folder, "socket")
            command = [self.path("redis-server"), "--port", "0", "--unixsocket", self.socket, "--save", "",
                       "--appendonly", "no", "--dir", folder]
            server = Measured(build, command, preload, self.directory, self.environment())
            try:
                self.wait(server)
                begin = time.monotonic()
                with open(self.path("commands.txt"), encoding="ascii") as commands:
                    self.tool("redis-cli", "--pipe", stdin=commands)
                filled = time.monotonic()
                self.tool("redis-benchmark", "-n", str(REDIS_REQUESTS // self.scale // 6), "-r", "50000", "-d", "64",
                          "-c", "20", "-P", "16", "-q", "-t", "set,get,lpush,rpop,sadd,hset")
                done = time.monotonic()
                self.tool("redis-cli", "shutdown", "nosave")
            except BaseException as error:
                if isinstance(error, Failed) and server.process.poll() is not None:
                    server.finish()  # says how the server died
                server.abandon()
                raise
            measured = server.finish()[0]
        measured.update(wall_s=round(done - begin, 6), best_s=round(done - begin, 6),
                        requests_per_s=round(REDIS_REQUESTS // self.scale / (done - filled)))
        return measured

    def wait(self, server):
        deadline = time.monotonic() + 20
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                if os.path.exists(self.socket) and self.tool("redis-cli", "ping").strip() == "PONG":
                    return
            except Failed:
                pass
            time.sleep(0.02)
        raise Failed("the server did not start")


def make(workload, out, quick):
    """The program of a workload, its inputs made; or None and why."""
    directory = os.path.join(out, "inputs", workload.name)
    os.makedirs(directory, exist_ok=True)
    program = globals()[workload.program](directory, quick)
    missing = program.missing()
    if missing:
        return None, f"{', '.join(missing)} is not installed (ci/setup --bench)"
    program.prepare()
    return program, None
