#!/usr/bin/env python3
"""Times `catena build` of many rules for all packs, cold and again. Prints figures of one run on this machine, each beside
its bar, `met` or `NOT MET`.

In: the rules of compile.py, long and short in turns. Out: seconds of a clock and of the processor, the highest memory, bytes
and files.

usage: python3 benches/build.py [--rules N] [--runs N] [--cores N] [--program PATH] [--target NAME]…
needs: cargo build --release
"""
import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compile import CATENA, rule_text, short_text

BAR = 1.0
MEGABYTE = 1024


def told(what, figure, met=None):
    print(f"  {what:48} {figure:>18}" + ("" if met is None else "   met" if met else "   NOT MET"))


def ran(command, cores):
    """Seconds of a clock, seconds of the processor, megabytes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    limited = ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]
    done = subprocess.run(limited, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(limited)}: {done.returncode}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, work, after.ru_maxrss / MEGABYTE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--program", type=Path, default=CATENA)
    parser.add_argument("--target", action="append", default=[])
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: options.cores]
    packs = options.target or ["all"]
    with tempfile.TemporaryDirectory() as name:
        rules = Path(name) / "rules"
        rules.mkdir()
        for number in range(options.rules):
            text = rule_text(number) if number % 2 == 0 else short_text(number)
            # A SIEM keeps rules by their titles.
            text = re.sub(r'(?m)^(  title +"[^"]*)"', rf'\1, {number}"', text, count=1)
            (rules / f"rule_{number:05}.chain").write_text(text, encoding="utf-8")
        for pack in packs:
            print(f"{options.rules} rules, --target {pack}, {len(cores)} cores, {options.runs} runs, the median of each")
            first, again, out = [], [], None
            for run in range(options.runs):
                out = Path(name) / f"out_{pack}_{run}"
                command = [options.program, "build", rules, "--target", pack, "-o", out]
                first.append(ran(command, cores))
                again.append(ran(command, cores))
            for what, found in (("into an empty folder", first), ("again, nothing changed", again)):
                clock, work, memory = (statistics.median(figures) for figures in zip(*found))
                told(f"{what}: seconds", f"{clock:.2f}", clock <= BAR if pack == "all" else None)
                told(f"{what}: of the processor; megabytes", f"{work:.2f}; {memory:.0f}")
            files = [path for path in out.rglob("*") if path.is_file()]
            told("files; megabytes", f"{len(files)}; {sum(path.stat().st_size for path in files) / MEGABYTE**2:.1f}")


if __name__ == "__main__":
    main()
