"""judge: the verdict over one mutant, and the baseline that verdicts are worth something against.

    stillborn   it does not compile
    same        its code is that of the original in every library it is part of
    killed      by the killer named, after so many seconds
    survived    none of the budget's killers has seen it

Each job has a directory of its own; jobs share the build, which they only read."""
import os
import shutil
import subprocess
import time

import killers
from build import TREE
from orders import Orders

CONTROL = "allocator/malloc.c"


class Judge:
    def __init__(self, build, table, budget):
        self.build, self.budget, self.orders = build, budget, Orders()
        self.killers = [killer for killer in table
                        if killers.BUDGETS.index(killer.budget) <= killers.BUDGETS.index(budget)]
        self.usual_s, self.left_out = {}, []

    def directory_of(self, job):
        directory = os.path.abspath(f"{TREE}/work/{job}")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        return directory

    def baseline(self, say):
        """Each killer once on the allocator as it is, compiled and linked as a mutant is: those that fail there are no
        witnesses."""
        directory = self.directory_of("baseline")
        with open(CONTROL, "rb") as file:
            text = file.read()
        for layer in self.build.layers_of(CONTROL):
            self.build.plain_object(layer, CONTROL, text, f"{directory}/{layer}.o")
            self.build.link(layer, CONTROL, f"{directory}/{layer}.o", directory)
        self.build.link("face", CONTROL, f"{directory}/real.o", directory)
        for killer in self.killers:
            dead, how, seconds = killers.kill(killer, directory, None)
            self.usual_s[killer.name] = seconds
            if dead:
                self.left_out.append((killer.name, how))
        names = {name for name, _ in self.left_out}
        self.killers = [killer for killer in self.killers if killer.name not in names]
        say(f"{len(self.killers)} killers, {sum(self.usual_s.values()):.0f} s for a mutant that survives")
        return self.left_out

    def compile(self, mutant, text, directory):
        """The layers in which its code differs; None when it does not compile."""
        differs = []
        mutated = mutant.apply(text)
        for layer in self.build.layers_of(mutant.file):
            out = f"{directory}/{layer}.o"
            plain = self.build.plain_object(layer, mutant.file, text, f"{directory}/plain.o")
            try:
                new = self.build.compile(layer, mutant.file, mutated, out)
            except subprocess.TimeoutExpired:
                new = None
            if new is None:
                return None
            if new != plain:
                differs.append(layer)
        if "real" in differs:
            differs.append("face")  # it is linked from the same objects
        return differs

    def link(self, mutant, layers, directory):
        for layer in layers:
            own = layer if (layer, mutant.file) in self.build.commands else "real"
            self.build.link(layer, mutant.file, f"{directory}/{own}.o", directory)

    def judge(self, mutant, text, job, tried=()):
        """(verdict, by, how, killers met, seconds)."""
        begin = time.monotonic()
        site = self.orders.verdict(mutant)
        if site is not None:
            return "killed", "hakfuzz orders", site, [], time.monotonic() - begin
        directory = self.directory_of(job)
        layers = self.compile(mutant, text, directory)
        if not layers:
            return "stillborn" if layers is None else "same", "", "", [], time.monotonic() - begin
        self.link(mutant, layers, directory)
        met = list(tried)
        for killer in self.killers:
            if killer.layer not in layers or killer.name in met:
                continue
            dead, how, _ = killers.kill(killer, directory, self.usual_s[killer.name])
            met.append(killer.name)
            if dead:
                return "killed", killer.name, how, met, time.monotonic() - begin
        return "survived", "", "", met, time.monotonic() - begin
