"""session: all runs of one call of bench/run. In every round every malloc does every case once, and the order of the
mallocs moves by one from case to case and from round to round, so that a machine that is busy for a while is busy for
all of them.

A run that fails is kept with its reason, and that malloc is not asked to do that case again.
"""
import os
import shutil
import sys
from collections import namedtuple

from suite import real
from suite.process import Failed, environment, memory_calls, run_program
from suite.tables import GROWTH_BYTES, LIBC, LIBC_FILES, STEADY

# A malloc as it is here. preload: None for libc's own.
Contestant = namedtuple("Contestant", "name preload package known")


class Session:
    def __init__(self, build, out, rounds, quick):
        self.build, self.out, self.rounds, self.quick = build, out, rounds, quick
        self.runs = []      # one dictionary each
        self.failures = []  # (case, malloc, why)
        self.notes = []
        self.calls = {}     # (case, malloc): system calls for memory
        self.steady = {}    # (case, malloc): those beyond start-up in STEADY iterations
        self.rounds_done = 0
        self.programs = {}  # case: real program with its inputs
        self.checksums = {}
        self.bad = set()

    # ---- what is there -----------------------------------------------------------------------------------------------

    def probe(self, contestant):
        """Whether this malloc serves a process at all; raises Failed if not, LookupError if it is another that does."""
        measured = run_program(self.build, "one_malloc", [], contestant.preload, self.out)
        served_by = os.path.realpath(measured["served_by"])
        if contestant.preload and served_by != os.path.realpath(contestant.preload):
            raise LookupError(f"with {contestant.preload} preloaded, malloc is still that of {served_by}")

    def fail(self, case, malloc, why):
        self.failures.append({"case": case, "malloc": malloc, "why": why})
        self.bad.add((case, malloc))

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def prepare(self, cases):
        """Makes inputs; returns the cases that can be run here."""
        ready = []
        for case in cases:
            if case.workload.group == "real":
                program, why = real.make(case.workload, self.out, self.quick)
                if program is None:
                    self.note(f"{case.name} is left out: {why}")
                    continue
                self.programs[case.name] = program
            elif case.workload.group == "growth" and int(case.arguments[0]) * GROWTH_BYTES > memory_available():
                self.note(f"{case.name} is left out: it needs about {int(case.arguments[0]) * GROWTH_BYTES >> 20} MiB")
                continue
            ready.append(case)
        return ready

    # ---- running -----------------------------------------------------------------------------------------------------

    def progress(self, text):
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{text[:width]}")
            sys.stderr.flush()

    def measure(self, cases, contestants):
        total = self.rounds * len(cases) * len(contestants)
        done = 0
        for number in range(1, self.rounds + 1):
            for index, case in enumerate(cases):
                first = (index + number) % len(contestants)
                for contestant in contestants[first:] + contestants[:first]:
                    self.progress(f"round {number} of {self.rounds}: {case.name} with {contestant.name} "
                                  f"({100 * done // total} %)")
                    if (case.name, contestant.name) not in self.bad:
                        self.run(case, contestant, number)
                    done += 1
            self.rounds_done = number

    def run(self, case, contestant, number):
        record = {"case": case.name, "malloc": contestant.name, "round": number, "threads": case.threads,
                  "failed": None}
        try:
            record.update(self.run_once(case, contestant))
            self.check(case, contestant, record)
        except Failed as error:
            record["failed"] = str(error)
            self.fail(case.name, contestant.name, str(error))
        self.runs.append(record)

    def run_once(self, case, contestant):
        if case.name in self.programs:
            preload = contestant.preload
            if contestant.name == LIBC:
                preload = next(filter(os.path.exists, LIBC_FILES), None)
            return self.programs[case.name].run(self.build, preload)
        return run_program(self.build, case.workload.program, case.arguments, contestant.preload, self.out,
                           case.workload.repeats)

    def check(self, case, contestant, record):
        """What a program tallied is the same with every malloc, and so it is a result."""
        if record.get("checksum", "") != self.checksums.setdefault(case.name, record.get("checksum", "")):
            raise Failed(f"its checksum is {record['checksum']}, but {self.checksums[case.name]} with others")
        if record.get("misaligned"):
            known = contestant.known.get(case.workload.name)
            if known is None:
                raise Failed(f"{record['misaligned']} blocks were not aligned as asked for")
            self.note(f"{contestant.name}: {known}: {record['misaligned']} blocks in {case.name}")

    # ---- system calls ------------------------------------------------------------------------------------------------

    def count_calls(self, cases, contestants):
        """One more run each under strace. Nothing is timed meanwhile."""
        if shutil.which("strace") is None:
            self.note("system calls are not counted: strace is not installed (ci/setup --bench)")
            return
        for case in cases:
            for contestant in contestants:
                self.progress(f"system calls: {case.name} with {contestant.name}")
                if (case.name, contestant.name) not in self.bad and not self.count_case(case, contestant):
                    return

    def count_case(self, case, contestant):
        directory, env = self.out, environment()
        if case.name in self.programs:
            program = self.programs[case.name]
            if not hasattr(program, "command"):
                return True
            command, directory, env = program.command(), program.directory, program.environment()
        else:
            command = [os.path.join(self.build, f"bench_{case.workload.program}"), *case.arguments]
        try:
            self.calls[case.name, contestant.name] = memory_calls(command, contestant.preload, directory, env)
            if case.workload.program == "random_mixed" and case.threads == 1:
                self.count_steady(case, contestant)
        except Failed as error:
            self.note(f"system calls are not counted: {case.name} with {contestant.name} {error}")
            return False
        return True

    def count_steady(self, case, contestant):
        start = memory_calls([os.path.join(self.build, "bench_one_malloc")], contestant.preload, self.out,
                             environment())
        command = [os.path.join(self.build, "bench_random_mixed"), *map(str, case.workload.arguments(STEADY, 1))]
        count = memory_calls(command, contestant.preload, self.out, environment())
        self.steady[case.name, contestant.name] = count - start


def memory_available():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))
