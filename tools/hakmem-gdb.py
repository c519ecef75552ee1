"""gdb commands that explain memory of hakmem: in a process that uses libhakmem, in its core file, and in hakfuzz.

  hak heap            the heaps: what their threads cache, their slabs, the queues of blocks that others freed
  hak slabs [BYTES]   all slabs that heaps own, or those of one block size
  hak map             what lies where: SuperSlabs, regions of runs, big mappings
  hak where ADDRESS   what an address belongs to, and whether its block is free
  hak report          in `hakfuzz repro --gdb`: the report of the finding

Only reads memory, by the types in the debug information of the library; calls nothing, so cores will do. Loaded by gdb
itself from beside the library where its auto-load safe-path allows, or with `source hakmem-gdb.py`.
"""
import os

import gdb

LIST_MAX = 1 << 20  # blocks of a list: more than that is a circle
SENTINEL = 0x0000B10C5EA1ED01
ARENA, ARENA_BITS, ARENA_LEAVES = 0x551000000000, 25, 64  # the simulated world's addresses: os.h, map.h
TAG_MASK = 63
BIG, PAGES, REGION, SUPERSLAB = 1, 2, 3, 4


def number(value):
    return int(value)


def pointer(value):
    return int(value.cast(gdb.lookup_type("unsigned long")))


def typed(address, name):
    return gdb.Value(address).cast(gdb.lookup_type(name).pointer()).dereference()


def words(address, count):
    data = gdb.selected_inferior().read_memory(address, 8 * count).tobytes()
    return [int.from_bytes(data[8 * i:8 * i + 8], "little") for i in range(count)]


def plural(count, word):
    return f"{count} {word}{'' if count == 1 else 's'}"


class Memory:
    """The state root, and sizes that follow from it."""

    def __init__(self):
        try:
            self.root = gdb.parse_and_eval("hak_root")
            self.names = [field.name for field in self.root.type.fields()]
        except (gdb.error, TypeError):
            raise gdb.GdbError("there is no hakmem with debug information in this program") from None
        self.simulated = "geometry" in self.names
        self.page_shift = 12 if "x86-64" in gdb.selected_inferior().architecture().name() else 16
        self.cell_shift, self.region_shift = 21, 22
        if self.simulated and pointer(self.root["geometry"]) != 0:
            geometry = self.root["geometry"].dereference()
            self.page_shift = number(geometry["page_shift"])
            self.cell_shift = number(geometry["superslab_shift"])
            self.region_shift = number(geometry["region_shift"])
        self.key = number(self.root["link_key"])
        self.cell_bytes = 1 << self.cell_shift

    # ---- lists ----

    def blocks(self, head):
        """Addresses in a list of free blocks, by their links. The last one is None where the list is broken."""
        block = head
        for _ in range(LIST_MAX):
            if block in (0, SENTINEL) or block & 7:
                return
            yield block
            try:
                block = words(block, 1)[0] ^ self.key
            except gdb.MemoryError:
                block = 1 << 63
            if block >> 48:
                yield None
                return
        yield None

    def count(self, head):
        blocks = list(self.blocks(head))
        broken = bool(blocks) and blocks[-1] is None
        return f"{len(blocks) - broken}{' and then a broken link' if broken else ''}"

    # ---- heaps ----

    def heaps(self):
        heap = pointer(self.root["heaps"]["known"])
        while heap:
            value = typed(heap, "struct hak_heap")
            yield value
            heap = pointer(value["next_known"])

    @staticmethod
    def slab_list(slab):
        seen = set()
        while slab and slab not in seen:
            seen.add(slab)
            value = typed(slab, "struct hak_slab")
            yield value
            slab = pointer(value["next"])

    # ---- the region map ----

    def entries(self):
        """(address of the cell, entry) of all cells that hold something."""
        field = self.root["map"]["root"]
        low, high = field.type.range()
        leaves = words(int(field.address), high - low + 1)
        base, bits = (ARENA, ARENA_BITS) if len(leaves) == ARENA_LEAVES else (0, 48)
        leaf_bits = (bits - self.cell_shift + 1) // 2
        for index, leaf in enumerate(leaves):
            for cell, entry in enumerate(words(leaf, 1 << leaf_bits) if leaf else []):
                if entry:
                    yield base + ((index << leaf_bits) + cell) * self.cell_bytes, entry

    def entry(self, address):
        cell = address & ~(self.cell_bytes - 1)
        for start, entry in self.entries():
            if start == cell:
                return entry
        return 0

    def superslabs(self):
        for _, entry in self.entries():
            if entry & TAG_MASK >= SUPERSLAB:
                address = (entry & ~TAG_MASK) & ~(self.cell_bytes - 1)
                yield address, typed(address, "struct hak_superslab")

    def slabs(self):
        """(index, slab, superslab's address) of all that heaps own."""
        for address, superslab in self.superslabs():
            for index in range(1, number(superslab["slab_count"]) + 1):
                slab = superslab["slabs"][index]
                if number(slab["state"]) != 0:
                    yield index, slab, address


def owner_name(slab):
    owner = number(slab["owner_word"]) & ~1
    return f"heap {number(typed(owner, 'struct hak_heap')['id'])}" if owner else "no heap"


def slab_words(slab):
    return (f"{number(slab['block_bytes'])} B, {number(slab['used'])} used of {number(slab['carved'])} carved of "
            f"{number(slab['capacity'])}, {owner_name(slab)}")


# ---- commands ----


def show_heaps(memory, _):
    states = ("owned", "orphan", "spare")
    for heap in memory.heaps():
        caches = [heap["caches"][i] for i in range(heap["caches"].type.range()[1] + 1)]
        cached = [(i, memory.count(pointer(cache["head"]))) for i, cache in enumerate(caches) if pointer(cache["head"])]
        full = list(memory.slab_list(pointer(heap["full"])))
        some = [slab for i in range(len(caches)) for slab in memory.slab_list(pointer(heap["available"][i]))]
        head = pointer(heap["remote"]["head"])
        print(f"heap {number(heap['id'])} at {int(heap.address):#x}: {states[number(heap['state'])]}, "
              f"{plural(len(full), 'full slab')}, {len(some)} with room")
        for index, count in cached:
            print(f"  cache of class {index}: {count} of {number(caches[index]['capacity'])}")
        if head & 1:
            print("  queue of blocks that other threads freed: closed" if head == SENTINEL else
                  f"  queue of blocks that other threads freed: {head:#x}, which is no block")
        else:
            print(f"  queue of blocks that other threads freed: {memory.count(head)}")
        for slab in full + some:
            print(f"  slab {int(slab.address):#x} from {pointer(slab['start']):#x}: {slab_words(slab)}")


def show_slabs(memory, argument):
    wanted = int(gdb.parse_and_eval(argument)) if argument else 0
    count = 0
    for index, slab, address in memory.slabs():
        if wanted in (0, number(slab["block_bytes"])):
            free = memory.count(pointer(slab["free"]))
            print(f"slab {index} of SuperSlab {address:#x}, from {pointer(slab['start']):#x}: {slab_words(slab)}, "
                  f"{free} in its free list")
            count += 1
    print(plural(count, "slab"))


def big_words(big):
    states = ("none", "live", "cached", "leaving")
    return f"big mapping, {number(big['size_bytes'])} B, {states[number(big['state'])]}"


def region_runs(memory, region):
    """(first page, pages, whether it is live)"""
    page, pages = 0, 1 << (memory.region_shift - memory.page_shift)
    while page < pages:
        entry = number(region["entries"][page])
        length = entry & 2047
        if length == 0:
            return
        yield page, length, bool(entry & 1 << 12)
        page += length


def show_map(memory, _):
    seen = set()
    for cell, entry in memory.entries():
        tag, record = entry & TAG_MASK, entry & ~TAG_MASK
        if tag >= SUPERSLAB:
            superslab = typed(record & ~(memory.cell_bytes - 1), "struct hak_superslab")
            free = bin(number(superslab["free_mask"]) >> 1).count("1")
            print(f"{cell:#x} +{memory.cell_bytes:#x}  SuperSlab: {number(superslab['slab_count'])} slabs of "
                  f"{1 << number(superslab['slab_shift'])} B, {free} free"
                  f"{', in the lazy cache' if superslab['cached'] else ''}")
        elif tag == REGION and record not in seen:
            runs = list(region_runs(memory, typed(record, "struct hak_region")))
            live = [length for _, length, is_live in runs if is_live]
            print(f"{cell:#x} +{1 << memory.region_shift:#x}  region: {plural(len(live), 'live run')} of "
                  f"{sum(live) << memory.page_shift} B in all, {len(runs) - len(live)} free")
        elif tag in (BIG, PAGES):
            bigs = [record] if tag == BIG else words(
                int(typed(record, "struct hak_map_pages")["big"].address), memory.cell_bytes >> memory.page_shift)
            for address in bigs:
                if address and address not in seen:
                    big = typed(address, "struct hak_big")
                    print(f"{pointer(big['base']):#x} +{number(big['size_bytes']):#x}  {big_words(big)}")
                    seen.add(address)
        seen.add(record)


def where_in_slab(memory, address, superslab_address):
    superslab = typed(superslab_address, "struct hak_superslab")
    index = (address - superslab_address) >> number(superslab["slab_shift"])
    slab = superslab["slabs"][index]
    if index == 0:
        return f"the header of SuperSlab {superslab_address:#x}"
    place = f"slab {index} of SuperSlab {superslab_address:#x}"
    if number(slab["state"]) == 0:
        return f"{place}, which is free"
    start, size = pointer(slab["start"]), number(slab["block_bytes"])
    place = f"{place} ({slab_words(slab)})"
    if address < start or (address - start) // size >= number(slab["capacity"]):
        return f"{place}, in no block"
    at = (address - start) // size
    block = start + at * size
    inside = f", {address - block} B inside" if address != block else ""
    return f"block {at} at {block:#x}{inside}, {block_state(memory, slab, block, at)}; {place}"


def block_state(memory, slab, block, at):
    if at >= number(slab["carved"]):
        return "never handed out"
    if block in memory.blocks(pointer(slab["free"])):
        return "free, in its slab's list"
    for heap in memory.heaps():
        name = f"heap {number(heap['id'])}"
        cache = heap["caches"][number(slab["class_id"])]
        if block in memory.blocks(pointer(cache["head"])):
            return f"free, in the cache of {name}"
        if block in memory.blocks(pointer(heap["remote"]["head"])):
            return f"freed, in the queue of {name}"
    return "live (or on its way between lists)"


def show_where(memory, argument):
    if not argument:
        raise gdb.GdbError("hak where ADDRESS: an address is wanted, or an expression that gives one")
    address = int(gdb.parse_and_eval(argument).cast(gdb.lookup_type("unsigned long")))
    entry = memory.entry(address)
    tag, record = entry & TAG_MASK, entry & ~TAG_MASK
    if tag >= SUPERSLAB:
        words_of = where_in_slab(memory, address, record & ~(memory.cell_bytes - 1))
    elif tag == REGION:
        words_of = where_in_region(memory, address, typed(record, "struct hak_region"))
    else:
        if tag == PAGES:
            page = (address & (memory.cell_bytes - 1)) >> memory.page_shift
            record = pointer(typed(record, "struct hak_map_pages")["big"][page])
        words_of = f"{address - pointer(typed(record, 'struct hak_big')['base'])} B inside a " \
                   f"{big_words(typed(record, 'struct hak_big'))}" if tag and record else "not the allocator's"
    print(f"{address:#x}: {words_of}")


def where_in_region(memory, address, region):
    base = pointer(region["base"])
    page = (address - base) >> memory.page_shift
    for first, length, is_live in region_runs(memory, region):
        if first <= page < first + length:
            start = base + (first << memory.page_shift)
            return (f"{address - start} B inside a {'live' if is_live else 'free'} run at {start:#x} of "
                    f"{length << memory.page_shift} B, in the region {base:#x}")
    return f"the region {base:#x}, in no run"


def show_report(_, __):
    path = os.environ.get("HAKFUZZ_REPORT", "")
    if not path:
        raise gdb.GdbError("there is no report: this gdb was not started by hakfuzz repro --gdb")
    with open(path, encoding="utf-8", errors="replace") as file:
        print(file.read(), end="")


COMMANDS = {"heap": show_heaps, "slabs": show_slabs, "map": show_map, "where": show_where, "report": show_report}


class Hak(gdb.Command):
    __doc__ = __doc__

    def __init__(self):
        super().__init__("hak", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION, True)


class HakVerb(gdb.Command):
    """One of the commands of hakmem: see 'help hak'."""

    def __init__(self, name, function):
        self.function = function
        super().__init__(f"hak {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        del from_tty
        self.function(None if self.function is show_report else Memory(), argument.strip())


Hak()
for name, function in COMMANDS.items():
    HakVerb(name, function)
