"""build: the tree of mutants, build/mutants. There the allocator is shared libraries (HAKMEM_EXCHANGE): libhak_world.so
with the oracle around it, libhakmem_core.so for tests of hak_*, libhakmem.so with libc's names. A mutant is one object
compiled anew, and these libraries linked with it into a directory that LD_LIBRARY_PATH names; the programs stay.

Commands come from what CMake wrote down, without debug information and warnings, which nobody reads here."""
import json
import os
import re
import shlex
import shutil
import subprocess

from source import Unable

TREE = "build/mutants"
FAST_LINKER = ["-fuse-ld=gold"] if shutil.which("ld.gold") else []
# Directory of objects, library, name it is asked for by, and further arguments of the linker.
LIBRARIES = {
    "world": ("CMakeFiles/hak_world_allocator.dir", "libhak_world.so", ()),
    "real": ("CMakeFiles/hakmem_core.dir", "libhakmem_core.so", ()),
    "face": ("CMakeFiles/hakmem_face.dir", "libhakmem.so.0",
             ("-z", "initfirst", "-z", "now", "-Bsymbolic-functions", "--dynamic-list=cmake/replaceable.list")),
}
PROGRAMS = {"face": "tests/install/face.c", "operators": "tests/install/operators.cpp",
            "replaced": "tests/install/replaced.cpp", "silent": "tests/install/silent.c",
            "calls": "tests/programs.d/calls.c"}


def run(command, what):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Unable(f"{what} failed: {shlex.join(command)[:200]}\n{done.stdout[-2000:]}")


class Build:
    def __init__(self, targets, jobs):
        self.make(targets, jobs)
        self.commands = self.read_commands()
        self.objects = {layer: self.objects_of(layer) for layer in LIBRARIES}
        self.plain = {}

    def make(self, targets, jobs):
        run(["cmake", "-G", "Ninja", "-B", TREE, "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DHAKMEM_EXCHANGE=ON",
             "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], "configuring " + TREE)
        run(["ninja", f"-j{jobs}", "-C", TREE, "hakfuzz", "hakmem_shared", *targets], "building " + TREE)
        for name, path in PROGRAMS.items():
            compiler = ["g++", "-std=c++17"] if path.endswith(".cpp") else ["gcc", "-std=c17"]
            run([*compiler, "-D_GNU_SOURCE", "-O1", "-w", "-fno-builtin", "-Iallocator", path, "-o", f"{TREE}/{name}",
                 f"-L{TREE}", "-lhakmem", "-pthread", "-ldl", f"-Wl,-rpath,{os.path.abspath(TREE)}"], "building " + name)

    def read_commands(self):
        """(layer, path) -> words up to the file that is compiled."""
        commands = {}
        with open(f"{TREE}/compile_commands.json", encoding="utf-8") as file:
            for entry in json.load(file):
                words = shlex.split(entry["command"])
                path = os.path.relpath(entry["file"])
                for layer, (directory, _, _) in LIBRARIES.items():
                    if directory + "/" in entry["command"]:
                        kept = [word for word in words[:words.index("-o")] if not re.match(r"-W|-g$", word)]
                        commands[layer, path] = [*kept, "-w", "-g0", "-frandom-seed=0"]
        return commands

    def objects_of(self, layer):
        directory = f"{TREE}/{LIBRARIES[layer][0]}/allocator"
        found = {f"allocator/{name[:-2]}": f"{directory}/{name}" for name in os.listdir(directory)
                 if name.endswith(".o")}
        if layer == "world":
            oracle = f"{TREE}/CMakeFiles/hak_world.dir/oracle"
            found.update({f"oracle/{name}": f"{oracle}/{name}" for name in os.listdir(oracle) if name.endswith(".o")})
        if layer == "face":
            found = {**self.objects_of("real"), **found}
        return found

    def layers_of(self, path):
        return [layer for layer in LIBRARIES if (layer, path) in self.commands]

    def definitions_of(self, path):
        """For clang's reading of it: the definitions of the first layer it is built for."""
        layers = self.layers_of(path)
        if not layers:
            raise Unable(f"{path} is no file of the allocator")
        words = self.commands[layers[0], path]
        return [word for word in words if word.startswith(("-D", "-I", "-std="))]

    def compile(self, layer, path, text, out):
        """The object of a text that stands for the file at `path`, or None."""
        command = [*self.commands[layer, path], "-x", "c", "-", "-o", out, "-c", "-I" + os.path.dirname(path),
                   f"-fmacro-prefix-map=<stdin>={path}"]
        done = subprocess.run(command, input=b'#line 1 "' + path.encode() + b'"\n' + text, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=120)
        if done.returncode != 0:
            return None
        with open(out, "rb") as file:
            return file.read()

    def plain_object(self, layer, path, text, out):
        """What the file as it is becomes under the same command."""
        if (layer, path) not in self.plain:
            self.plain[layer, path] = self.compile(layer, path, text, out)
            if self.plain[layer, path] is None:
                raise Unable(f"{path} does not compile as it is")
        return self.plain[layer, path]

    def link(self, layer, path, new_object, directory):
        _, library, arguments = LIBRARIES[layer]
        objects = [new_object if name == path else there for name, there in self.objects[layer].items()]
        words = ",".join(("-Wl", "-Bsymbolic", "-S", "-soname", library, *arguments))
        run(["gcc", *FAST_LINKER, "-shared", words, "-o", f"{directory}/{library}", *objects, "-lm"],
            "linking a mutant")
