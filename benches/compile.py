#!/usr/bin/env python3
"""Benchmarks compilation against `sigma convert`. Prints the ratios of one run on this machine, without a verdict.

usage: python3 benches/compile.py [--runs N] [--large]
needs: cargo build --release, and tests/engines/setup.sh for the comparison
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
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATENA = ROOT / "target" / "release" / "catena"
ENGINES = Path(os.environ.get("CATENA_ENGINES", ROOT / ".engines"))
SIGMA = ENGINES / "sigma" / "bin" / "sigma"
RULE = ROOT / "rules" / "an1318" / "aws.chain"

SHORT = ROOT / "tests" / "cases" / "three_steps_one_window.chain"
SHORT_TEST = """
  test "one step alone stays silent" {
    stop at 0s { actor.id: "arn:aws:iam::123456789012:user/alice" }
    expect no alert
  }
}
"""

SIGMA_RULE = """title: Instance Launched Number {number}
id: {id}
status: test
description: Detects a launch in region {number}
logsource:
    product: aws
    service: cloudtrail
detection:
    selection:
        eventSource: ec2.amazonaws.com
        eventName: RunInstances
        awsRegion: 'region-{number}'
    filter:
        requestParameters.instancesSet.items.imageId:
            - 'ami-{number}'
            - 'ami-0{number}'
    condition: selection and not filter
level: medium
"""


def rule_text(number: int) -> str:
    """The shipped rule under another name and id, with a window of its own."""
    text = RULE.read_text()
    text = text.replace('"lists/', f'"{RULE.parent}/lists/')
    text = text.replace("rule aws_untrusted_image_launch", f"rule aws_untrusted_image_launch_{number}")
    text = text.replace("5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318", str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))))
    return text.replace("launch_to_egress  = 10m", f"launch_to_egress  = {1 + number % 15}m")


def short_text(number: int) -> str:
    """A rule of three steps and one test, as most rules are."""
    text = SHORT.read_text().rstrip().removesuffix("}")
    text = text.replace("rule three_steps_one_window", f"rule three_steps_{number}")
    text = re.sub(r'id +"[^"]+"', f'id "{uuid.uuid5(uuid.NAMESPACE_OID, str(number))}"', text, count=1)
    return text + SHORT_TEST


def write_rules(folder: Path, count: int, text) -> None:
    for number in range(count):
        (folder / f"rule_{number:05}.chain").write_text(text(number))


def write_sigma(folder: Path, count: int) -> None:
    for number in range(count):
        text = SIGMA_RULE.format(number=number, id=uuid.uuid5(uuid.NAMESPACE_URL, str(number)))
        (folder / f"rule_{number:05}.yml").write_text(text)


def measure(command: list, runs: int) -> tuple[float, float]:
    """Smallest and median wall time in seconds."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return min(times), statistics.median(times)


def peak_megabytes(command: list) -> float:
    """Largest resident size of one run, in MB."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(write, str(peak).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(read, 64)) / 1024


def row(name: str, seconds: tuple[float, float], extra: str = "") -> None:
    print(f"{name:<58} {seconds[0] * 1000:10.1f} {seconds[1] * 1000:10.1f}  {extra}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=7)
    options.add_argument("--large", action="store_true", help="also 10,000 rules")
    chosen = options.parse_args()
    if not CATENA.exists():
        print("build first: cargo build --release", file=sys.stderr)
        return 2
    print(f"{'':<58} {'min ms':>10} {'median ms':>10}")
    one = measure([CATENA, "compile", RULE, "--target", "all"], chosen.runs * 3)
    row("catena compile, AN1318, 4 targets", one)
    sizes = [1000, 10000] if chosen.large else [1000]
    many = {}
    for name, text in [("rules like AN1318", rule_text), ("rules of 3 steps", short_text)]:
        for count in sizes:
            with tempfile.TemporaryDirectory() as folder:
                write_rules(Path(folder), count, text)
                command = [CATENA, "compile", folder, "--target", "all"]
                many[count] = measure(command, chosen.runs)
                row(f"catena compile, {count:,} {name}, 4 targets", many[count], f"{peak_megabytes(command):.0f} MB")
    if SIGMA.exists():
        with tempfile.TemporaryDirectory() as folder:
            write_sigma(Path(folder), 1)
            single = measure([SIGMA, "convert", "-t", "splunk", "--without-pipeline", folder], 3)
            row("sigma convert, 1 simple rule, 1 target", single, f"{single[0] / one[0]:.0f} x catena")
        with tempfile.TemporaryDirectory() as folder:
            write_sigma(Path(folder), 1000)
            thousand = measure([SIGMA, "convert", "-t", "splunk", "--without-pipeline", folder], 3)
            row("sigma convert, 1,000 simple rules, 1 target", thousand, f"{thousand[0] / many[1000][0]:.0f} x catena")
    else:
        print("sigma convert: not installed (tests/engines/setup.sh)")
    if chosen.large:
        print(f"10,000 rules take {many[10000][0] / many[1000][0]:.1f} times as long as 1,000")
    print(f"binary: {CATENA.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
