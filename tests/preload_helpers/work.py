"""Real work for an interpreter that takes all of its objects from malloc (PYTHONMALLOC=malloc)."""
import concurrent.futures
import hashlib
import json
import re
import subprocess
import sys


def records(count):
    for i in range(count):
        yield {"id": i, "name": "n%d" % (i * 7919 % count), "tags": ["t%d" % (j * i % 13) for j in range(i % 7)], "half": i / 2}


rows = list(records(20000))
text = json.dumps(rows, sort_keys=True)
assert json.loads(text) == rows
rows.sort(key=lambda row: (row["name"], row["id"]))
print(len(text), rows[0], rows[-1])
found = re.findall(r'"name": "n(\d*)7", "tags": \[("t\d+",? ?){3}', text)
print(len(found), found[:5])
groups = {}
for row in rows:
    groups.setdefault(len(row["tags"]), []).append(row["half"])
print({key: sum(values) for key, values in sorted(groups.items())})


def digest(seed):
    parts = [("%d" % (seed * i)) * (i % 300) for i in range(3000)]
    return hashlib.sha256("".join(reversed(parts)).encode()).hexdigest()


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(digest, range(8))))
child = subprocess.run([sys.executable, "-c", "print(sum(len(str(i)) for i in range(100000)))"], stdout=subprocess.PIPE)
print(child.returncode, child.stdout.decode())
numbers = []
for i in range(200000):
    numbers.append(i)
print(sum(numbers), sum(bytearray(3000000)))
with open("rows.json", "w") as file:
    file.write(text)
sys.exit(3)
