"""machine: what a figure depends on besides the malloc: processor, kernel, huge pages, versions."""
import os
import platform
import re
import subprocess

from suite.tables import HAKMEM


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=os.path.dirname(__file__))
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def chosen(path):
    """The word in brackets: always [madvise] never"""
    found = re.search(r"\[(\w+)\]", read(path))
    return found.group(1) if found else "?"


def package_version(package):
    return output("dpkg-query", "-W", "-f", "${Version}", package) or "?"


def describe(contestants):
    cpu = re.search(r"^(?:model name|CPU part)\s*:\s*(.*)$", read("/proc/cpuinfo"), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", read("/proc/meminfo"), re.M)
    versions = {}
    for contestant in contestants:
        if contestant.package:
            versions[contestant.name] = f"{contestant.package} {package_version(contestant.package)}"
        elif contestant.name == HAKMEM:
            versions[contestant.name] = output("git", "describe", "--always", "--dirty") or "this tree"
        else:
            versions[contestant.name] = contestant.preload
    return {
        "cpu": cpu.group(1).strip() if cpu else "?",
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "memory_mib": int(memory.group(1)) // 1024 if memory else 0,
        "kernel": platform.release(),
        "huge_pages": chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        "huge_pages_defrag": chosen("/sys/kernel/mm/transparent_hugepage/defrag"),
        "load": os.getloadavg()[0],
        "options": {name: value for name, value in sorted(os.environ.items()) if name.startswith("HAKMEM_")
                    and name not in ("HAKMEM_BUILD", "HAKMEM_SOURCE")},
        "mallocs": versions,
    }


def lines(machine):
    yield (f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_mib']} MiB, {machine['architecture']}, "
           f"Linux {machine['kernel']}; transparent huge pages: {machine['huge_pages']}, "
           f"defrag {machine['huge_pages_defrag']}; load at the start {machine['load']:.1f}")
    yield "; ".join(f"{name}: {version}" for name, version in machine["mallocs"].items())
    if machine["options"]:
        yield "options: " + " ".join(f"{name}={value}" for name, value in machine["options"].items())
