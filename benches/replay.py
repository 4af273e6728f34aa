#!/usr/bin/env python3
"""Benchmarks log replay against a hand-written scan for the one rule, DuckDB, and decompression alone.

usage: python3 benches/replay.py [--lines N] [--runs N] [--data DIR] [--keep] [--no-build]
needs: cargo; for the comparison with DuckDB, either tests/engines/setup.sh or access to PyPI for `duckdb`

Builds what it measures and generates deterministic logs: 10,000,000 lines are 5.4 GB, about 20 GB in all formats, below
--data or the system's temporary folder. They are removed at the end unless --keep is given. Commands take turns, after one
warm-up round, so that other load on the machine affects all of them alike. The output has the times and, at the end, each
ratio beside its bar with `met` or `NOT MET`: the median over the rounds of the ratio of wall times, followed by that of CPU
times, which a busy machine disturbs less. Decompression counts as the bound of .json.gz if it alone takes half of the time
or more. Slowness never fails the benchmark, but every command must find the alerts that were generated.

A machine with other load, or with a page cache smaller than the logs, measures itself: use fewer --lines there. The scan
(benches/replay/src/bin/scan.rs) is what a programmer would write for this one rule: a search for a few literals in each
line, sonic-rs into structs of just the fields that the rule reads, a hash join, all cores. It parses every accepted flow
record, as catena does with `--stats`; without it, catena checks the link keys first and skips flow records that no launch
leads to.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATENA = ROOT / "target" / "release" / "catena"
TOOLS = ROOT / "benches" / "replay" / "target" / "release"
ENGINES = Path(os.environ.get("CATENA_ENGINES", ROOT / ".engines"))
DUCK = ROOT / "benches" / "replay" / "duck.py"
RULE = ROOT / "rules" / "an1318" / "aws.chain"

# Calls that detection rules watch.
ACTIONS = """AddUserToGroup AssociateIamInstanceProfile AttachGroupPolicy AttachRolePolicy AttachUserPolicy AttachVolume
AuthorizeSecurityGroupEgress CreateAccessKey CreateAccountAssignment CreateBucket CreateCluster CreateEventSourceMapping CreateFlowLogs
CreateFunction20150331 CreateGrant CreateImage CreateInstanceExportTask CreateLoginProfile CreateNetworkAclEntry CreateOpenIDConnectProvider
CreatePolicyVersion CreateProject CreateRole CreateRoute CreateSAMLProvider CreateSnapshot CreateStack CreateTrafficMirrorSession CreateUser
CreateVirtualMFADevice CreateVolume CreateVpcPeeringConnection DeactivateMFADevice DeleteAccountPublicAccessBlock DeleteBucketPolicy
DeleteConfigRule DeleteDetector DeleteFlowLogs DeleteLogGroup DeleteLogStream DeleteNetworkAclEntry DeleteRolePermissionsBoundary
DeleteRolePolicy DeleteRule DeleteRuleGroup DeleteSecret DeleteSnapshot DeleteTrail DeleteUser DeleteWebACL DetachRolePolicy DisableKey
DisableSecurityHub DisassociateFromMasterAccount EnableSerialConsoleAccess ExecuteCommand GetPasswordData GetSecretValue ImportKeyPair
InviteAccountToOrganization LeaveOrganization ModifyDBInstance ModifyImageAttribute ModifyInstanceAttribute ModifySnapshotAttribute
PutBucketAcl PutBucketLifecycle PutBucketPolicy PutBucketReplication PutEventSelectors PutGroupPolicy PutImage PutKeyPolicy PutRolePolicy
PutUserPolicy RebootInstances RemoveRoleFromInstanceProfile RestoreDBInstanceFromDBSnapshot ScheduleKeyDeletion SendCommand SendSSHPublicKey
SetDefaultPolicyVersion SharedSnapshotCopyInitiated StartBuild StartInstances StartSession StopConfigurationRecorder StopInstances StopLogging
TerminateInstances UpdateAccessKey UpdateAssumeRolePolicy UpdateFunctionCode20150331v2 UpdateLoginProfile UpdateTrail""".split()
PORTS = [21, 22, 23, 25, 53, 110, 135, 389, 445, 587, 993, 1080, 1433, 3306, 3333, 3389, 4444, 5555, 5900, 6379, 6667, 8080, 8443, 9001, 14444]

CALLS = """rule calls_{number} {{
  title "{first}, then {second}" id "{id}" description "One caller does one after the other."
  date 2026-11-24 status test severity low
  chain within {window}m scope cloud.account.id {{
    step first from aws.cloudtrail where event.action == "{first}" and event.outcome == "success"
    then within {window}m on actor.id
    step second from aws.cloudtrail where event.action == "{second}" and event.outcome == "success"
  }}
  alert {{ entity account second.actor.id show first.cloud.region dedupe 1h by second.actor.id }}
}}
"""


def rule_text(number: int) -> str:
    """One of a hundred rules: one in four is like AN1318, to one port each; the others watch two calls each."""
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    if number % 4 == 0:
        text = RULE.read_text().replace('"lists/', f'"{RULE.parent}/lists/')
        text = text.replace("rule aws_untrusted_image_launch", f"rule aws_untrusted_image_launch_{number}")
        text = text.replace("5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318", name)
        text = text.replace("destination.port < 32768", f"destination.port == {PORTS[number // 4]}")
        return text[: text.index("  test ")] + "}\n"
    first, second = ACTIONS[number % len(ACTIONS)], ACTIONS[(number * 7 + 1) % len(ACTIONS)]
    return CALLS.format(number=number, first=first, second=second, id=name, window=5 + number % 25)


class Ran:
    """What a command took, run by run."""

    def __init__(self, name: str, command: list, note=None, status: int = 0):
        self.name, self.command, self.note = name, [str(part) for part in command], note
        self.status = status
        self.wall, self.processor, self.peak, self.alerts = [], [], 0.0, None

    def run(self, counted: bool = True) -> None:
        with tempfile.TemporaryFile() as out:
            started = time.perf_counter()
            child = subprocess.Popen(self.command, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != self.status:
                raise SystemExit(f"{self.command} ended with {child.returncode}")
            out.seek(0)
            text = out.read().decode()
        self.alerts = text.count("\n") if "catena" in Path(self.command[0]).name else int(text)
        if counted:
            self.wall.append(wall)
            self.processor.append(usage.ru_utime + usage.ru_stime)
            self.peak = max(self.peak, usage.ru_maxrss / 1024)

    def row(self) -> None:
        wall, processor = statistics.median(self.wall), statistics.median(self.processor)
        note = self.note(wall) if self.note else ""
        print(f"{self.name:<46} {min(self.wall):8.2f} {wall:8.2f} {processor:8.2f} {self.peak:8.0f}  {note}")


WORDS = {True: "met", False: "NOT MET", None: ""}


class Bars:
    """Figures beside what they have to reach."""

    def __init__(self):
        self.rows = []

    def at_most(self, name: str, bar: float, value: float, more: str = "") -> None:
        self.rows.append((name, value, f"<= {bar:g}", value <= bar, more))

    def at_least(self, name: str, bar: float, value: float, more: str = "") -> None:
        self.rows.append((name, value, f">= {bar:g}", value >= bar, more))

    def no_bar(self, name: str, value: float, more: str = "") -> None:
        self.rows.append((name, value, "", None, more))

    def show(self) -> None:
        print(f"{'':<58} {'measured':>8}  {'bar':<8}")
        for name, value, bar, met, more in self.rows:
            print(f"{name:<58} {value:8.2f}  {bar:<8} {WORDS[met]:<8} {more}")


def wall(left: Ran, right: Ran) -> float:
    """How many times as long the left one takes."""
    return statistics.median(a / b for a, b in zip(left.wall, right.wall))


def processor(left: Ran, right: Ran) -> str:
    return f"processor {statistics.median(a / b for a, b in zip(left.processor, right.processor)):.2f}"


def generate(folder: Path, lines: int, *options: str) -> int:
    """The logs, and how many alerts they hold."""
    known = folder / "alerts"
    if not known.exists():
        made = subprocess.run([TOOLS / "generate", folder, str(lines), *options], check=True, capture_output=True)
        known.write_bytes(made.stdout)
    return int(known.read_text())


def replay(rules: Path, folder: Path) -> list:
    events = [f"aws.cloudtrail={folder / 'trail.ndjson'}", f"aws.vpcflow={folder / 'flows.ndjson'}"]
    return [CATENA, "replay", rules, "--events", events[0], "--events", events[1]]


def take_turns(all_ran: list, runs: int) -> None:
    for number in range(runs + 1):
        for ran in all_ran:
            ran.run(counted=number > 0)


def heading() -> None:
    print(f"{'':<46} {'min s':>8} {'median s':>8} {'cpu s':>8} {'peak MB':>8}")


def duck_python(data: Path):
    """A Python that has DuckDB: the one of the engines, or one set up for this."""
    ready = ENGINES / "duck" / "bin" / "python"
    if ready.exists():
        return ready
    own = data / "duck"
    made = subprocess.run([sys.executable, "-m", "venv", own]).returncode == 0
    if made and subprocess.run([own / "bin" / "python", "-m", "pip", "install", "--quiet", "duckdb==2.0.0"]).returncode == 0:
        return own / "bin" / "python"
    return None


def duck_rows(data: Path, folder: Path, speed) -> list:
    """DuckDB over JSON lines and over Parquet; nothing where it cannot be had."""
    python = duck_python(data)
    if python is None:
        print("DuckDB: cannot be installed")
        return []
    trail, flows = folder / "trail.ndjson", folder / "flows.ndjson"
    columns = [folder / "trail.parquet", folder / "flows.parquet"]
    if not all(path.exists() for path in columns):
        subprocess.run([python, DUCK, "convert", trail, flows, *columns], check=True)
    return [
        Ran("DuckDB, JSON lines", [python, DUCK, "jsonl", trail, flows], speed),
        Ran("DuckDB, Parquet", [python, DUCK, "parquet", *columns]),
    ]


def hundred_rules(data: Path) -> Path:
    folder = data / "rules"
    folder.mkdir(exist_ok=True)
    for number in range(100):
        (folder / f"rule_{number:03}.chain").write_text(rule_text(number))
    return folder


def one_rule(data: Path, chosen, bars: Bars) -> None:
    """One rule and a hundred over the same lines."""
    folder, lines = data / "logs", chosen.lines
    alerts = generate(folder, lines, "--text", "--records")
    trail, flows = folder / "trail.ndjson", folder / "flows.ndjson"
    size = trail.stat().st_size + flows.stat().st_size
    speed = lambda wall: f"{size / wall / 1e9:.2f} GB/s"
    print(f"{lines:,} lines, {size / 1e9:.2f} GB, {alerts:,} alerts")
    catena = Ran("catena replay, AN1318", replay(RULE, folder), speed)
    scan = Ran("scan written by hand", [TOOLS / "scan", trail, flows], speed)
    counting = Ran("catena replay, AN1318, --stats", [*replay(RULE, folder), "--stats"], speed)
    many = Ran("catena replay, 100 rules", replay(hundred_rules(data), folder), speed)
    count = Ran("counting line ends", [TOOLS / "scan", "lines", trail, flows], speed)
    duck = duck_rows(data, folder, speed)
    all_ran = [catena, counting, scan, many, count, *duck]
    take_turns(all_ran, chosen.runs)
    heading()
    for ran in all_ran:
        ran.row()
    for ran in [catena, counting, scan, *duck]:
        if ran.alerts != alerts:
            raise SystemExit(f"{ran.name} found {ran.alerts} alerts")
    bars.at_most("AN1318: catena / scan written by hand", 1.3, wall(catena, scan), processor(catena, scan))
    bars.no_bar("AN1318: catena --stats / scan written by hand", wall(counting, scan), processor(counting, scan))
    if duck:
        lines_of_json, columns = duck
        bars.at_least("AN1318: DuckDB, JSON lines / catena", 3, wall(lines_of_json, catena), processor(lines_of_json, catena))
        bars.no_bar("AN1318: DuckDB, Parquet / catena", wall(columns, catena), processor(columns, catena))
    bars.at_most("100 rules / 1 rule", 3, wall(many, catena), processor(many, catena))
    bars.at_most("peak memory, AN1318, MB (no file is mapped)", 200, catena.peak)
    bars.at_most("peak memory, 100 rules, MB", 200, many.peak)


def other_forms(data: Path, chosen, bars: Bars) -> None:
    """Compressed CloudTrail beside decompression alone; flow logs as text."""
    folder = data / "logs"
    files = sorted((folder / "records").glob("*.gz"))
    # The rule reads two sources; with one of them it is measured how fast that is read, and the status says what lacks.
    command = [CATENA, "replay", RULE, "--events", f"aws.cloudtrail={folder / 'records'}"]
    records = Ran("catena replay, CloudTrail .json.gz", command, status=2)
    inflate = Ran("decompressing the same files", [TOOLS / "scan", "inflate", *files])
    with (folder / "flows.txt").open("rb") as lines:
        count = sum(1 for _ in lines)
    speed = lambda wall: f"{count / wall / 1e6:.2f} million lines/s"
    command = [CATENA, "replay", RULE, "--events", f"aws.vpcflow={folder / 'flows.txt'}"]
    text = Ran("catena replay, flow logs as text", command, speed, status=2)
    counting = Ran("catena replay, flow logs as text, --stats", [*command, "--stats"], speed, status=2)
    all_ran = [records, inflate, text, counting]
    take_turns(all_ran, chosen.runs)
    heading()
    for ran in all_ran:
        ran.row()
    bars.at_most("CloudTrail .json.gz: catena / decompressing alone", 2, wall(records, inflate), processor(records, inflate))
    for name, ran in [("flow logs as text, million lines/s", text), ("flow logs as text, --stats, million lines/s", counting)]:
        bars.at_least(name, 3, count / statistics.median(ran.wall) / 1e6)


def growth(data: Path, chosen, bars: Bars) -> None:
    """A tenth of the lines and all of them; many keys and one."""
    all_ran = []
    for name, options in [("many keys", []), ("one caller, one interface", ["--hot"])]:
        for part, lines in [("a tenth", chosen.lines // 10), ("all", chosen.lines)]:
            full = part == "all" and not options
            folder = data / ("logs" if full else f"{part[-5:]}{''.join(options)}")
            alerts = generate(folder, lines, *options)
            ran = Ran(f"catena replay, {name}, {part}", replay(RULE, folder), lambda wall, lines=lines: f"{lines / wall / 1e6:.2f} million lines/s")
            ran.run(counted=False)
            if ran.alerts != alerts:
                raise SystemExit(f"{ran.name} found {ran.alerts} alerts, not {alerts}")
            all_ran.append(ran)
    take_turns(all_ran, chosen.runs)
    heading()
    for ran in all_ran:
        ran.row()
    for small, large in zip(all_ran[::2], all_ran[1::2]):
        bars.at_most(f"10 x the lines, time: {large.name[15:-5]}", 11, wall(large, small), processor(large, small))
        bars.at_most(f"peak memory, MB: {large.name[15:-5]}", 200, large.peak, f"a tenth of the lines {small.peak:.0f}")


def build() -> None:
    for options in [[], ["--manifest-path", ROOT / "benches" / "replay" / "Cargo.toml"]]:
        subprocess.run(["cargo", "build", "--quiet", "--release", *options], cwd=ROOT, check=True)


def arguments(description: str, lines: int, runs: int) -> argparse.Namespace:
    """What a benchmark over generated logs is asked; the binaries are built unless it says otherwise."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=lines)
    options.add_argument("--runs", type=int, default=runs)
    options.add_argument("--data", type=Path, help="folder for the logs")
    options.add_argument("--keep", action="store_true", help="keep the logs for the next run")
    options.add_argument("--no-build", action="store_true", help="measure the existing binaries")
    chosen = options.parse_args()
    if not chosen.no_build:
        build()
    return chosen


def main() -> int:
    chosen = arguments(__doc__, lines=10_000_000, runs=3)
    data = chosen.data or Path(tempfile.mkdtemp(prefix="replay-bench-"))
    data = data / str(chosen.lines)
    data.mkdir(parents=True, exist_ok=True)
    bars = Bars()
    try:
        for part in [one_rule, other_forms, growth]:
            part(data, chosen, bars)
            print()
        bars.show()
    finally:
        if not chosen.keep:
            shutil.rmtree(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
