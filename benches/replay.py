#!/usr/bin/env python3
"""How fast logs are replayed, beside a scan written by hand for the one rule, DuckDB, and decompression alone.

usage: python3 benches/replay.py [--lines N] [--runs N] [--data DIR] [--keep]
needs: cargo build --release, cargo build --release --manifest-path benches/replay/Cargo.toml, and tests/engines/setup.sh for DuckDB

Logs are generated, the same ones everywhere; 10,000,000 lines are 5.4 GB. The commands take turns and what is printed are ratios of one
run on this machine; nothing is judged, but that all find the same number of alerts is checked.
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
DUCK = [ENGINES / "duck" / "bin" / "python", ROOT / "benches" / "replay" / "duck.py"]
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

    def __init__(self, name: str, command: list, note=None):
        self.name, self.command, self.note = name, [str(part) for part in command], note
        self.wall, self.processor, self.peak, self.alerts = [], [], 0.0, None

    def run(self, counted: bool = True) -> None:
        with tempfile.TemporaryFile() as out:
            started = time.perf_counter()
            child = subprocess.Popen(self.command, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
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


def ratio(left: Ran, right: Ran) -> str:
    """Wall time and processor time, as medians over the runs taken in turn."""
    of = lambda lefts, rights: statistics.median(a / b for a, b in zip(lefts, rights))
    return f"{of(left.wall, right.wall):.2f} (processor {of(left.processor, right.processor):.2f})"


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


def one_rule(data: Path, chosen) -> None:
    """One rule and a hundred over the same lines."""
    folder, lines = data / "logs", chosen.lines
    alerts = generate(folder, lines, "--text", "--records")
    trail, flows = folder / "trail.ndjson", folder / "flows.ndjson"
    size = trail.stat().st_size + flows.stat().st_size
    speed = lambda wall: f"{size / wall / 1e9:.2f} GB/s"
    print(f"{lines:,} lines, {size / 1e9:.2f} GB, {alerts:,} alerts")
    hundred = data / "rules"
    hundred.mkdir(exist_ok=True)
    for number in range(100):
        (hundred / f"rule_{number:03}.chain").write_text(rule_text(number))
    catena = Ran("catena replay, AN1318", replay(RULE, folder), speed)
    scan = Ran("scan written by hand", [TOOLS / "scan", trail, flows], speed)
    many = Ran("catena replay, 100 rules", replay(hundred, folder), speed)
    count = Ran("counting line ends", [TOOLS / "scan", "lines", trail, flows], speed)
    all_ran, compared = [catena, scan, many, count], [catena, scan]
    if DUCK[0].exists():
        parquet = [folder / "trail.parquet", folder / "flows.parquet"]
        if not all(path.exists() for path in parquet):
            subprocess.run([*DUCK, "convert", trail, flows, *parquet], check=True)
        json_lines = Ran("DuckDB, JSON lines", [*DUCK, "jsonl", trail, flows], speed)
        columns = Ran("DuckDB, Parquet", [*DUCK, "parquet", *parquet])
        all_ran += [json_lines, columns]
        compared += [json_lines, columns]
    take_turns(all_ran, chosen.runs)
    heading()
    for ran in all_ran:
        ran.row()
    for ran in compared:
        if ran.alerts != alerts:
            raise SystemExit(f"{ran.name} found {ran.alerts} alerts")
    print(f"catena / scan written by hand: {ratio(catena, scan)}")
    print(f"100 rules / 1 rule: {ratio(many, catena)}")
    if len(compared) > 2:
        print(f"DuckDB over JSON lines / catena: {ratio(compared[2], catena)}")
        print(f"DuckDB over Parquet / catena: {ratio(compared[3], catena)}")
    else:
        print("DuckDB: not installed (tests/engines/setup.sh)")


def other_forms(data: Path, chosen) -> None:
    """Compressed CloudTrail beside decompression alone; flow logs as text."""
    folder = data / "logs"
    files = sorted((folder / "records").glob("*.gz"))
    records = Ran("catena replay, CloudTrail .json.gz", [CATENA, "replay", RULE, "--events", f"aws.cloudtrail={folder / 'records'}"])
    inflate = Ran("decompressing the same files", [TOOLS / "scan", "inflate", *files])
    count = sum(1 for _ in (folder / "flows.txt").open("rb"))
    speed = lambda wall: f"{count / wall / 1e6:.2f} million lines/s"
    text = Ran("catena replay, flow logs as text", [CATENA, "replay", RULE, "--events", f"aws.vpcflow={folder / 'flows.txt'}"], speed)
    take_turns([records, inflate, text], chosen.runs)
    heading()
    for ran in [records, inflate, text]:
        ran.row()
    print(f"CloudTrail .json.gz / decompressing: {ratio(records, inflate)}")


def growth(data: Path, chosen) -> None:
    """A tenth of the lines and all of them; many keys and one."""
    all_ran = []
    for name, options in [("many keys", []), ("one caller, one interface", ["--hot"])]:
        for part, lines in [("a tenth", chosen.lines // 10), ("all", chosen.lines)]:
            full = part == "all" and not options
            folder = data / ("logs" if full else f"{part[-5:]}{''.join(options)}")
            alerts = generate(folder, lines, *options)
            ran = Ran(f"catena replay, {name}, {part}", replay(RULE, folder), lambda wall, lines=lines: f"{lines / wall / 1e6:.2f} million lines/s")
            ran.run()
            if ran.alerts != alerts:
                raise SystemExit(f"{ran.name} found {ran.alerts} alerts, not {alerts}")
            all_ran.append(ran)
    take_turns(all_ran, chosen.runs)
    heading()
    for ran in all_ran:
        ran.row()
    for small, large in zip(all_ran[::2], all_ran[1::2]):
        print(f"{large.name} / a tenth: {ratio(large, small)}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=10_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--data", type=Path, help="where the logs are written (twice their size is needed)")
    options.add_argument("--keep", action="store_true", help="leave the logs for the next time")
    chosen = options.parse_args()
    for tool in [CATENA, TOOLS / "generate", TOOLS / "scan"]:
        if not tool.exists():
            print(f"{tool} is missing: see `needs` in --help", file=sys.stderr)
            return 2
    data = chosen.data or Path(tempfile.mkdtemp(prefix="replay-bench-"))
    data = data / str(chosen.lines)
    data.mkdir(parents=True, exist_ok=True)
    try:
        for part in [one_rule, other_forms, growth]:
            part(data, chosen)
            print()
    finally:
        if not chosen.keep:
            shutil.rmtree(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
