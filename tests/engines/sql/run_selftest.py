"""Proves that `targets/sql/run.py` gives, slice by slice on Spark over files, the alerts of `catena replay` over the raw logs.

In: the program `catena`. Out: nothing, or what differs. A world of six hours with many chains of one key, alerts that look
alike, slices that cut chains, a slice that runs twice, records that come late; and what the runner says when it cannot run.
usage: .engines/spark/bin/python run_selftest.py CATENA [PART …]
"""

import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import ingest
import spark as engine
import tables
from world import HOURS, at, world

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "targets" / "sql"))

import run

# None begins where a chain does.
SLICES = [(0, 9000), (9000, 14400), (14400, 25200)]
NAME = "aws_untrusted_image_launch"
FIELDS = {
    "console": ["actor.id", "cloud.account.id", "event.id"],
    "launch": ["actor.id", "cloud.account.id", "cloud.region", "event.id", "image.id", "instance.eni", "instance.id"],
    "egress": ["cloud.account.id", "destination.ip", "destination.port", "instance.eni"],
}
# The rule's own silence is longer than the world.
DEDUPE = {"seconds": 2400, "columns": ["launch_actor_id", "launch_instance_eni"]}


def expected(catena, folder, events, rule):
    """The alerts of `catena replay`, with the fields that the query shows."""
    calls = [event["raw"] for event in events if event["source"] == "aws.cloudtrail"]
    flows = [event["raw"] for event in events if event["source"] == "aws.vpcflow"]
    (folder / "ct.json").write_text(json.dumps({"Records": calls}))
    lines = [" ".join(flows[0]), *(" ".join(raw.values()) for raw in flows)]
    (folder / "flow.log").write_text("\n".join(lines) + "\n")
    given = ["--events", f"aws.cloudtrail={folder}/ct.json", "--events", f"aws.vpcflow={folder}/flow.log"]
    ran = subprocess.run([catena, "replay", rule, *given], capture_output=True, text=True, check=True)
    return sorted(told(reduced(json.loads(line))) for line in ran.stdout.splitlines())


def reduced(alert):
    steps = {name: {field: value for field, value in alert["steps"][name].items() if field in ["time", *fields]}
             for name, fields in FIELDS.items()}  # fmt: skip
    return {"rule": alert["rule"], "time": alert["time"], "steps": steps}


def told(alert):
    """What is one: of several launches between a sign-in and a flow, the evidence may be any."""
    for field in ("time", "event.id", "instance.id"):
        alert["steps"]["launch"].pop(field)
    return json.dumps(alert, sort_keys=True)


def rule_files(folder, dedupe):
    """The rule with another silence, or none."""
    text = (ROOT / "rules/an1318/aws.chain").read_text()
    clause = "" if not dedupe else f"dedupe {dedupe['seconds']}s by launch.actor.id, launch.instance.eni"
    text, count = re.subn(r"dedupe .*", clause, text)
    assert count == 1
    shutil.copytree(ROOT / "rules/an1318/lists", folder / "lists", dirs_exist_ok=True)
    (folder / "rule.chain").write_text(text)
    return str(folder / "rule.chain")


def build(catena, folder, rule, *more):
    """The folder that `run.py` is given: as a user builds it."""
    command = [catena, "build", rule, "--target", "sql", "--dialect", "spark", "-o", folder, *more]
    subprocess.run(command, capture_output=True, check=True)
    return folder / "sql" / "spark"


def store(session, folder, events, mode="overwrite"):
    """The logs as a lake has them: Parquet by days of delivery."""
    for source, rows in ingest.rows([events]).items():
        (folder / "rows.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        found = session.read.schema(engine.columns_of(tables.TABLES[source])).json(str(folder / "rows.json"))
        found.write.mode(mode).partitionBy(tables.PARTITIONS[source]).parquet(str(folder / tables.NAMES[source]))


def arguments(folder, rules, alerts, start, end):
    given = [f"--table={name}=parquet:{folder}/{name}" for name in ("cloudtrail_logs", "vpc_flow_logs")]
    given += ["--partition=cloudtrail_logs=timestamp:yyyy/MM/dd", "--partition=vpc_flow_logs=date:yyyy-MM-dd"]
    return [*given, f"--rules={rules}", f"--alerts={alerts}", f"--from={at(start)}", f"--to={at(end)}", "--print"]


def runs(session, given):
    """What a run prints, and its status."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = run.run(run.options(given), session)
        except run.Stop as stop:
            status = str(stop)
    return status, out.getvalue().splitlines(), err.getvalue()


def run_all(session, folder, rules, alerts, slices=SLICES, more=()):
    found = []
    for start, end in slices:
        status, lines, err = runs(session, [*arguments(folder, rules, alerts, start, end), *more])
        assert status == 0, err
        found += lines
    return found


def plain(lines):
    return sorted(told(json.loads(line)) for line in lines)


def same(what, found, wanted):
    assert found == wanted, f"{what}: {len(found)} alerts, not {len(wanted)}: {set(found) ^ set(wanted)}"
    print(f"run.py: {what}: {len(found)} alerts", file=sys.stderr)


def slices(session, catena, folder, dedupe, alerts):
    events = world(5, 900)
    store(session, folder, events)
    rule = rule_files(folder, dedupe)
    texts = build(catena, folder / "built", rule)
    wanted = expected(catena, folder, events, rule)
    same(f"slice by slice, dedupe {dedupe}", plain(run_all(session, folder, texts, alerts)), wanted)
    assert not run_all(session, folder, texts, alerts, SLICES[1:2]), "the second run over a slice appends again"


def staged(session, catena, folder):
    """In two texts: the same alerts, and those of a slice before which there is no state yet."""
    events = world(5, 900)
    store(session, folder, events)
    rule = rule_files(folder, None)
    texts = build(catena, folder / "staged", rule, "--staged", NAME)
    wanted, more = expected(catena, folder, events, rule), [f"--state={folder}/state"]
    same("in two texts", plain(run_all(session, folder, texts, folder / "two_texts", more=more)), wanted)
    assert not run_all(session, folder, texts, folder / "two_texts", SLICES[1:2], more), "a slice gives its alerts again"
    session.sql("CREATE DATABASE open_chains")
    last = run_all(session, folder, texts, folder / "last", SLICES[2:], ["--state=open_chains"])
    since = at(SLICES[2][0])
    same("in two texts, the last slice alone", plain(last), [alert for alert in wanted if json.loads(alert)["time"] >= since])
    status, _, _ = runs(session, arguments(folder, texts, folder / "none", 0, 3600))
    assert "name by --state" in str(status), status


def state_at_a_path(session, catena, folder):
    """A slice without a chain, of which no row is kept; one after it; and state that is damaged."""
    events = world(5, 60)
    store(session, folder, events)
    rule = rule_files(folder, None)
    texts, more = build(catena, folder / "staged_few", rule, "--staged", NAME), [f"--state={folder}/few"]
    assert not run_all(session, folder, texts, folder / "few_alerts", [(-40000, -36000)], more), "alerts before the world"
    found = run_all(session, folder, texts, folder / "few_alerts", [(0, 25200)], more)
    same("in two texts, after a slice without a chain", plain(found), expected(catena, folder, events, rule))
    damage(folder / "few" / f"{open_table(texts)}_slices")
    status, _, err = runs(session, [*arguments(folder, texts, folder / "few_alerts", 0, 3600), *more])
    assert status == 1 and f"{NAME}: failed: [FAILED_READ_FILE" in err, err


def open_table(texts):
    return json.loads((texts / "rules.json").read_text())["rules"][0]["open"]["table"]


def damage(folder):
    """Breaks the rows of Parquet files and leaves what says which columns they have."""
    for path in folder.rglob("*.parquet"):
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
        held = path.read_bytes()
        columns = int.from_bytes(held[-8:-4], "little") + 8
        path.write_bytes(held[:4] + b"\xff" * (len(held) - columns - 4) + held[-columns:])


def damaged(session, catena, folder):
    """A rule over damaged files fails, and one that comes after it gives its alerts."""
    events = world(5, 60)
    store(session, folder, events)
    rule = rule_files(folder, None)
    texts = build(catena, folder / "damaged_rules", rule)
    shutil.copytree(folder / "cloudtrail_logs", folder / "damaged_logs")
    damage(folder / "damaged_logs")
    (texts / "broken.sql").write_text((texts / f"{NAME}.sql").read_text().replace("cloudtrail_logs", "damaged_logs"))
    manifest = json.loads((texts / "rules.json").read_text())
    (good,) = manifest["rules"]
    manifest["rules"] = [good | {"rule": "broken", "file": "broken.sql", "tables": ["damaged_logs", "vpc_flow_logs"]}, good]
    (texts / "rules.json").write_text(json.dumps(manifest))
    given = arguments(folder, texts, folder / "of_the_other", 0, 25200)
    given.append(f"--table=damaged_logs=parquet:{folder}/damaged_logs")
    status, lines, err = runs(session, given)
    assert status == 1 and re.search(r"broken: failed: \[FAILED_READ_FILE.*parquet.*\(.*Exception: ", err), err
    same("beside a rule that fails", plain(lines), expected(catena, folder, events, rule))


def late(session, catena, folder):
    """Records that come after their slice has run are found by a run over the day, and only those."""
    events = world(6, 500)
    early = [event for place, event in enumerate(events) if place % 7 or event["source"] != "aws.vpcflow"]
    rule = rule_files(folder, None)
    texts = build(catena, folder / "built", rule)
    store(session, folder, early)
    first = run_all(session, folder, texts, folder / "late", [(0, HOURS * 3600 + 3600)])
    store(session, folder, events)
    status, more, err = runs(session, arguments(folder, texts, folder / "late", 0, HOURS * 3600 + 3600))
    assert status == 0 and more, err
    same("late records", plain(first + more), expected(catena, folder, events, rule))


def refusals(session, catena, folder):
    store(session, folder, world(5, 60))
    rules = build(catena, folder / "refused_rules", rule_files(folder, None))
    good = arguments(folder, rules, folder / "refused", 0, 3600)
    without = [one for one in good if not one.startswith(("--table", "--partition"))]
    (folder / "empty").mkdir()
    session.range(1).write.parquet(str(folder / "other"))
    for given, said in [
        ([*good, "--from=soon"], "`soon` is no time"),
        ([*good, f"--to={at(-1)}"], "is not before --to"),
        ([*good, "--every=1h"], "give --every, or --from and --to"),
        ([*good, f"--rules={folder}/empty"], "there is no rules.json"),
        ([*good, f"--rules={folder}/nowhere"], "cannot be read"),
        ([*good, "--only=another"], "no rule is called another"),
        (without, "there is no table cloudtrail_logs, vpc_flow_logs"),
        ([*good, "--table=x"], "--table x: write NAME=TABLE"),
        ([*good, "--table=x=parquet:/nowhere"], "no text reads a table `x`"),
        ([*good, "--partition=cloudtrail=timestamp:yyyy/MM/dd"], "they read cloudtrail_logs, vpc_flow_logs"),
        ([*good, "--table=vpc_flow_logs=parquet:/nowhere"], "=parquet:/nowhere cannot be read: [PATH_NOT_FOUND]"),
        ([*good, "--partition=vpc_flow_logs=day:yyyy"], "the table has no column day"),
        ([*without, "--partition=vpc_flow_logs=date:yyyy-MM-dd"], "vpc_flow_logs cannot be read: [TABLE_OR_VIEW_NOT_FOUND]"),
        ([*good, "--partition=vpc_flow_logs=date:yyyy/MM/dd"], "date is a DATE, whose format is yyyy-MM-dd"),
        ([*good, "--partition=cloudtrail_logs=timestamp:yyyy-MM-dd"], "`, and in this format a day is `2026-"),
        ([*good, "--partition=cloudtrail_logs=timestamp:YYYY/mm/DD"], "YYYY/mm/DD is no format of days"),
        ([*good, "--partition=cloudtrail_logs=timestamp:dd/MM/yyyy"], "dd/MM/yyyy is no format of days"),
        ([*good, "--partition=cloudtrail_logs=eventid:yyyyMMdd"], "eventid holds `"),
        ([*good, "--format=delta"], "cannot be read: [DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta"),
        ([*good, f"--alerts={folder}/other"], "is no table of alerts"),
    ]:
        for name in ("cloudtrail_logs", "vpc_flow_logs"):
            session.catalog.dropTempView(name)
        status, _, _ = runs(session, given)
        assert isinstance(status, str) and said in status, f"{given}: {status}"
    (rules / f"{NAME}.sql").write_text("SELECT nothing")
    status, _, err = runs(session, good)
    assert status == 1 and f"{NAME}: failed" in err, err
    (rules / "rules.json").write_text('{"version": 2, "rules": []}')
    assert "another version" in runs(session, good)[0]
    (rules / "rules.json").write_text("{")
    assert "rules.json is damaged" in runs(session, good)[0]


def without_java(_session, _catena, folder):
    command = [sys.executable, ROOT / "targets/sql/run.py", f"--rules={folder}", "--alerts=alerts", "--every=1h"]
    environment = os.environ | {"JAVA_HOME": str(folder / "nowhere")}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    said = ran.stderr.strip().splitlines()[-1]
    assert ran.returncode == 2 and "it needs Java 17 or later" in said and "Traceback" not in ran.stderr, ran.stderr


def other_columns_of_days(session, _catena, _folder):
    """Days as numbers, and as timestamps; a table without rows has no format that does not fit."""
    start, end = run.instant("2026-11-27").date(), run.instant("2026-11-28").date()
    days = session.sql("SELECT explode(sequence(DATE'2026-11-20', DATE'2026-11-30')) AS day")
    for column, form in [("date_format(day, 'yyyyMMdd')", "yyyyMMdd"),
                         ("CAST(date_format(day, 'yyyyMMdd') AS INT)", "yyyyMMdd"),
                         ("CAST(day AS TIMESTAMP)", "yyyy-MM-dd"), ("date_format(day, 'yyyy/MM/dd/HH')", "yyyy/MM/dd/HH"),
                         ("date_format(day, 'yyyy-MM')", "yyyy-MM")]:  # fmt: skip
        table = days.selectExpr(f"{column} AS day")
        found = run.of_days(table, "--partition", "day", form, (start, end)).count()
        assert found == (11 if form == "yyyy-MM" else 2), f"{column}: {found}"
        assert run.of_days(table.limit(0), "--partition", "day", form, (start, end)).count() == 0
    none = days.selectExpr("CAST(NULL AS STRING) AS day")
    try:
        run.of_days(none, "--partition", "day", "yyyy-MM-dd", (start, end))
    except run.Stop as stop:
        assert "day holds no day" in str(stop), stop
    else:
        raise AssertionError("a column without a day")


def submitted(_session, catena, folder):
    """As it is started, with alerts in a table of the catalog."""
    rule = rule_files(folder, DEDUPE)
    texts = build(catena, folder / "submitted", rule)
    home = pathlib.Path(sys.prefix) / "bin" / "spark-submit"
    settings = ["spark.ui.enabled=false", "spark.sql.shuffle.partitions=3", f"spark.sql.warehouse.dir={folder}/lake"]
    conf = ["--master", "local[2]", *(word for setting in settings for word in ("--conf", setting))]
    command = [home, *conf, ROOT / "targets/sql/run.py", *arguments(folder, texts, "alerts", 0, 5 * 3600)]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        ran = subprocess.run(command, stdout=out, stderr=err, env=environment, cwd=folder, timeout=300, check=False)
    # Java writes warnings of its own.
    lines = [line for line in (folder / "out").read_text().splitlines() if line.startswith("{")]
    assert ran.returncode == 0 and lines and json.loads(lines[0])["rule"] == NAME, (folder / "err").read_text()[-3000:]
    print(f"run.py: spark-submit: {len(lines)} alerts", file=sys.stderr)


def in_a_folder(session, catena, folder):
    slices(session, catena, folder, DEDUPE, folder / "alerts")


def in_a_table(session, catena, folder):
    slices(session, catena, folder, None, "alerts_table")


PARTS = [in_a_folder, in_a_table, staged, state_at_a_path, damaged, other_columns_of_days, without_java, submitted, late, refusals]


def main():
    catena, *names = sys.argv[1:]
    session = engine.Engine("America/New_York").spark
    with tempfile.TemporaryDirectory() as name:
        for part in PARTS:
            if not names or part.__name__ in names:
                began = time.perf_counter()
                part(session, catena, pathlib.Path(name))
                print(f"run.py: {part.__name__}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print("run.py: selftest passed")


if __name__ == "__main__":
    main()
