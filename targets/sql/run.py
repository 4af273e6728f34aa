"""Runs rules as Catena's SQL on Spark over one slice of time, and appends their alerts to a table.

usage: spark-submit run.py --rules DIR --alerts TABLE_OR_PATH (--from TIME --to TIME | --every 1h) [--table NAME=SOURCE] …

--rules    the folder that `catena build` wrote: rules.json, a text for each rule, CSV files of lists
--from     alerts whose last event lies in [from, to) are reported; what came before is read as far back as a chain reaches
--every    instead of both: the last whole slice of that length that all logs have reached (now less the delay of the slowest)
--alerts   a table of the catalog, or a path (anything with a `/`); made if it is not there. Run again over a slice, and only
           what is new is appended, such as alerts of events that came late
--table    where a table that the texts name is: a table of the catalog, or FORMAT:PATH, such as parquet:s3://logs/flows/.
           Without it, the catalog has a table of that name
--partition NAME=COLUMN:FORMAT: the table's files lie in folders of days, as cloudtrail_logs=timestamp:yyyy/MM/dd or
           vpc_flow_logs=date:yyyy-MM-dd. Rows are read of the days that the chains of the slice can reach, and one on each side
--state    for rules in two texts (`catena build --staged`): where their tables of chains that lack the last step are kept, a
           schema of the catalog or a path (anything with a `/`). A run makes what an earlier one has not made
--only     a rule, if not all are run; may be repeated
--format   of the alerts: delta, iceberg, parquet (default: parquet at a path, the catalog's own in a table)
--print    the new alerts on standard output, a JSON object a line, as `catena replay` prints them

Columns of the alerts: rule, time, key (of `dedupe`), id (of the last event), alert (JSON, as `catena replay` has it), day.
`dedupe` counts from the alerts in the table, so keep them at least as long as its window. Let no two runs overlap.
Status: 0, 1 if a rule failed (the others ran), 2 if nothing could run. Needs Spark 4 and nothing else.
"""

import argparse
import datetime
import json
import os
import re
import sys

try:
    from pyspark.errors import AnalysisException, PySparkException
    from pyspark.sql import SparkSession, Window
    from pyspark.sql import functions as F
except ImportError as error:
    print(f"run.py: {error}: start it by spark-submit of Spark 4, or pip install 'pyspark>=4,<5'", file=sys.stderr)
    sys.exit(2)
try:
    from py4j.protocol import Py4JError
except ImportError:  # a client of Spark Connect has none
    Py4JError = PySparkException

UTC = datetime.timezone.utc
VERSION = 1
# What fails inside a job, such as a damaged file, is not always one of the exceptions of PySpark.
FAILURES = (PySparkException, Py4JError)
COLUMNS = {"rule", "time", "key", "id", "alert", "day"}


class Stop(Exception):
    """Nothing can run, and why."""


# ---------------------------------------------------------------- what is asked


def options(arguments):
    reader = argparse.ArgumentParser(prog="run.py", usage=__doc__.split("\n")[2][7:])
    reader.add_argument("--rules", required=True)
    reader.add_argument("--alerts", required=True)
    reader.add_argument("--from", dest="start")
    reader.add_argument("--to", dest="end")
    reader.add_argument("--every")
    reader.add_argument("--table", action="append", default=[])
    reader.add_argument("--partition", action="append", default=[])
    reader.add_argument("--state")
    reader.add_argument("--only", action="append", default=[])
    reader.add_argument("--format")
    reader.add_argument("--print", action="store_true")
    return reader.parse_args(arguments)


def instant(text):
    """ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Stop(f"`{text}` is no time: write 2026-01-31T14:00:00Z or 2026-01-31") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text):
    found = re.fullmatch(r"([1-9][0-9]*)(m|h|d)", text)
    if not found:
        raise Stop(f"`{text}` is no duration: write 15m, 1h or 1d")
    return datetime.timedelta(seconds=int(found[1]) * {"m": 60, "h": 3600, "d": 86400}[found[2]])


def slice_of(asked, rules, now):
    if asked.every:
        if asked.start or asked.end:
            raise Stop("give --every, or --from and --to")
        every, grace = duration(asked.every), max(rule["grace"] for rule in rules)
        epoch = datetime.datetime(1970, 1, 1, tzinfo=UTC)
        end = epoch + (now - datetime.timedelta(seconds=grace) - epoch) // every * every
        return end - every, end
    if not (asked.start and asked.end):
        raise Stop("give --from and --to, or --every")
    start, end = instant(asked.start), instant(asked.end)
    if start >= end:
        raise Stop(f"--from {asked.start} is not before --to {asked.end}")
    return start, end


# ---------------------------------------------------------------- what is read


def files(spark, folder):
    """Name and text of each file; a folder of this machine, or of whatever the cluster reads from."""
    if os.path.isdir(folder):
        names = (name for name in sorted(os.listdir(folder)) if name.endswith((".sql", ".json", ".csv")))
        return {name: open(os.path.join(folder, name), encoding="utf-8", newline="").read() for name in names}
    try:
        read = spark.read.text(folder, wholetext=True).select(F.input_file_name().alias("name"), "value")
        return {row["name"].rsplit("/", 1)[-1]: row["value"] for row in read.collect()}
    except FAILURES as error:
        raise Stop(f"--rules {folder} cannot be read: {first_line(error)}") from error


def rules_of(held, folder, only):
    if "rules.json" not in held:
        raise Stop(f"there is no rules.json in {folder}: give the folder `sql/spark` of what `catena build` wrote")
    try:
        manifest = json.loads(held["rules.json"])
    except ValueError as error:
        raise Stop(f"{folder}/rules.json is damaged: {error}: run `catena build` again") from error
    if manifest.get("version") != VERSION or manifest.get("dialect") != "spark":
        raise Stop(f"{folder}/rules.json is of another version or dialect: this program reads version {VERSION} for spark")
    rules = manifest["rules"]
    unknown = set(only) - {rule["rule"] for rule in rules}
    if unknown:
        raise Stop(f"no rule is called {', '.join(sorted(unknown))}")
    named = [text["file"] for rule in rules for text in (rule, rule.get("open")) if text]
    missing = [name for name in named if name not in held]
    if missing:
        raise Stop(f"{folder} lacks {', '.join(missing)}, which its rules.json names")
    return rules


def loaded(spark, option, source):
    """A table of the catalog, or files as FORMAT:PATH."""
    kind, _, path = source.partition(":")
    try:
        return spark.read.format(kind).load(path) if path else spark.table(source)
    except FAILURES as error:
        raise Stop(f"{option} cannot be read: {first_line(error)}") from error


def register(spark, tables, partitions, days):
    """Views for the tables that are elsewhere, or of which a few days are read."""
    found = {}
    for entry in tables:
        name, _, source = entry.partition("=")
        if not source:
            raise Stop(f"--table {entry}: write NAME=TABLE or NAME=FORMAT:PATH")
        found[name] = loaded(spark, f"--table {entry}", source)
    for entry in partitions:
        name, _, column = entry.partition("=")
        column, _, form = column.partition(":")
        if not form or "." in name:
            raise Stop(f"--partition {entry}: write NAME=COLUMN:FORMAT, and give a name without dots by --table")
        table = found[name] if name in found else loaded(spark, f"--partition {entry}: {name}", name)
        if column not in table.columns:
            raise Stop(f"--partition {entry}: the table has no column {column}")
        found[name] = of_days(table, f"--partition {entry}", column, form, days)
    for name, table in found.items():
        table.createOrReplaceTempView(name)


def check_names(asked, rules):
    """That a text reads what is said to be elsewhere."""
    read = {name for rule in rules for name in rule.get("tables", [])}
    for name in [entry.partition("=")[0] for entry in asked.table + asked.partition if "=" in entry]:
        if name.lower() not in map(str.lower, read):
            raise Stop(f"no text reads a table `{name}`, of --table or --partition: they read {', '.join(sorted(read))}")


def of_days(table, option, column, form, days):
    """What a table has of these days. A format that does not fit would leave nothing, and nobody would notice."""
    kind, named = table.schema[column].dataType.typeName(), F.col(f"`{column}`")
    if kind in ("date", "timestamp", "timestamp_ntz"):
        if form != "yyyy-MM-dd":
            raise Stop(f"{option}: {column} is a {kind.upper()}, whose format is yyyy-MM-dd: write {column}:yyyy-MM-dd")
        return table.where(named.between(*map(F.lit, days)))
    # They are compared as texts: the year comes first, and each part has all its digits.
    if not re.fullmatch(r"yyyy(?:[^A-Za-z'%]*MM(?:[^A-Za-z'%]*dd(?:[^A-Za-z'%]*HH)?)?)?", form):
        raise Stop(f"{option}: {form} is no format of days: write yyyy/MM/dd, yyyy-MM-dd or yyyyMMdd, like its values")
    codes = form.replace("yyyy", "%Y").replace("MM", "%m").replace("dd", "%d").replace("HH", "%H")
    texts = [day.strftime(codes) for day in days]
    bounds = [int(text) if text.isdigit() and kind != "string" else text for text in texts]
    found = table.where(named.between(*map(F.lit, bounds)))
    try:
        # With the right format the first of them finds one, and lists the files of a few days only.
        row = found.select(named.cast("string")).first() or table.select(named.cast("string")).first()
    except FAILURES as error:
        say(f"{option}: {column} was not compared with the format: {first_line(error)}")
        return found
    if len({re.sub("[0-9]", "0", text or "") for text in [texts[0], *(row or [])]}) > 1:
        held = f"`{row[0]}`" if row[0] else "no day"
        raise Stop(f"{option}: {column} holds {held}, and in this format a day is `{texts[0]}`: nothing would be read")
    return found


def days_of(rules, start, end):
    """The days of which files are read: files may lie in the folder of the day on which they came."""
    reach, grace = (datetime.timedelta(seconds=max(rule[key] for rule in rules)) for key in ("reach", "grace"))
    day = datetime.timedelta(days=1)
    return (start - reach - day).date(), (end + grace + day).date()


def register_lists(spark, rules, held):
    """Lists that texts read by name, from the CSV files beside them."""
    import csv
    import io

    for entry in {one["name"]: one for rule in rules for one in rule.get("lists", [])}.values():
        if entry["file"] not in held:
            raise Stop(f"the list {entry['name']} has no file {entry['file']} beside the texts")
        rows = csv.DictReader(io.StringIO(held[entry["file"]], newline=""), strict=True)
        values = [(row["value"], row["until"] or None) for row in rows]
        spark.createDataFrame(values, "value string, until string").createOrReplaceTempView(entry["name"])


def check_tables(spark, rules):
    names = sorted({name for rule in rules for name in rule.get("tables", [])})
    missing = [name for name in names if not spark.catalog.tableExists(name)]
    if missing:
        names = ", ".join(missing)
        raise Stop(f"there is no table {names}: name it by --table NAME=…, or define it (`catena sources SOURCE --ddl spark`)")


def check_state(asked, rules):
    staged = [rule["rule"] for rule in rules if "open" in rule]
    if staged and not asked.state:
        raise Stop(f"{', '.join(staged)} is in two texts: name by --state where its chains without the last step are kept")


# ---------------------------------------------------------------- a rule


def iso(time):
    """As `catena replay` writes times: without a fraction that is none."""
    text = F.date_format(time, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    return F.concat(F.regexp_replace(text, r"\.?0+$", ""), F.lit("Z"))


def shown(found, column):
    """A value; an empty text is none."""
    kind = found.schema[column].dataType.typeName()
    value = F.col(f"`{column}`")
    if kind == "timestamp":
        return iso(value)
    return F.when(value != "", value) if kind == "string" else value


def asked_of(spark, rule, text, start, end):
    """What a text gives for a slice."""
    bounds = {"from": start.isoformat(), "to": end.isoformat()}
    return spark.sql(text, args={name: bounds[name] for name in rule.get("parameters", [])})


def alerts(spark, rule, text, start, end):
    """The alerts of the slice, before `dedupe`: a row for each."""
    found = asked_of(spark, rule, text, start, end)
    steps = {step["name"]: step["fields"] for step in rule["steps"]}
    lacking = {column for fields in steps.values() for column in fields.values()} - set(found.columns)
    if lacking:
        raise Stop(f"the text has no column {', '.join(sorted(lacking))}, which rules.json names")
    times = [F.col(f"`{fields['time']}`") for fields in steps.values()]
    time = F.greatest(*times) if len(times) > 1 else times[0]
    each = {
        name: F.struct(*(shown(found, column).alias(field) for field, column in fields.items()))
        for name, fields in steps.items()
    }
    named = F.struct(*(value.alias(name) for name, value in each.items()))
    whole = F.struct(F.lit(rule["rule"]).alias("rule"), iso(time).alias("time"), named.alias("steps"))
    last = F.struct(*each.values()) if rule.get("any_order") else list(each.values())[-1]
    keys = [shown(found, column).cast("string") for column in rule.get("dedupe", {}).get("columns", [])]
    key = F.to_json(F.array(*keys)) if keys else F.lit(None).cast("string")
    rows = found.select(
        F.lit(rule["rule"]).alias("rule"),
        time.alias("time"),
        F.unix_micros(time).alias("t"),
        key.alias("key"),
        F.sha2(F.to_json(F.struct(F.lit(rule["rule"]), iso(time), last)), 256).alias("id"),
        F.to_json(whole).alias("alert"),
    )
    return rows.where((F.col("time") >= F.lit(start)) & (F.col("time") < F.lit(end)))


def deduped(rows, rule, history, start):
    """The first alert of each key, and the next one that is later than the window after the one that was kept."""
    if "dedupe" not in rule:
        return rows
    window = rule["dedupe"]["seconds"] * 1_000_000
    found = rows.groupBy("key").agg(F.array_sort(F.collect_list(F.struct("t", "alert", "id", "time", "rule"))).alias("rows"))
    before = micros(start)
    if history is None:
        found = found.withColumn("last", F.lit(None).cast("bigint"))
    else:
        told = history.where(F.unix_micros("time").between(before - window, before - 1))
        told = told.groupBy(F.col("key").alias("told")).agg(F.max(F.unix_micros("time")).alias("last"))
        found = found.join(told, F.col("key") == F.col("told"), "left")
    fold = f"""inline(aggregate(rows, named_struct('last', last, 'kept', slice(rows, 1, 0)),
      (a, x) -> CASE WHEN a.last IS NULL OR x.t - a.last > {window}
        THEN named_struct('last', x.t, 'kept', array_append(a.kept, x)) ELSE a END,
      a -> a.kept))"""
    return found.selectExpr("key", fold).select("rule", "time", "t", "key", "id", "alert")


def new_ones(rows, history, start, end):
    """Without those that an earlier run over the slice has appended. Some alerts look alike, so they are counted."""
    if history is None:
        return rows
    same = history.where((F.col("time") >= F.lit(start)) & (F.col("time") < F.lit(end)))
    same = same.groupBy(F.col("id").alias("known")).agg(F.count("*").alias("times"))
    number = F.row_number().over(Window.partitionBy("id").orderBy("alert"))
    rows = rows.withColumn("number", number).join(same, F.col("id") == F.col("known"), "left")
    return rows.where(F.col("times").isNull() | (F.col("number") > F.col("times")))


# ---------------------------------------------------------------- what is kept


class Kept:
    """A table that runs add to, in the catalog or at a path."""

    def __init__(self, spark, target, kind):
        self.spark, self.target, self.kind = spark, target, kind
        self.is_path = "/" in target

    def read(self):
        """None if there is no table yet."""
        if not self.is_path:
            return self.spark.table(self.target) if self.spark.catalog.tableExists(self.target) else None
        try:
            return self.spark.read.format(self.kind or "parquet").load(self.target)
        except AnalysisException as error:
            if "PATH_NOT_FOUND" in str(error) or "UNABLE_TO_INFER_SCHEMA" in str(error):
                return None
            raise

    def append(self, rows, *parts):
        writer = rows.coalesce(1).write.mode("append").partitionBy(*parts)
        writer = writer.format(self.kind or "parquet") if self.is_path or self.kind else writer
        if self.is_path:
            writer.save(self.target)
        else:
            writer.saveAsTable(self.target)


class Alerts:
    """The table of alerts."""

    def __init__(self, spark, target, kind):
        self.target, self.table = target, Kept(spark, target, kind)

    def check(self):
        """That alerts can be kept in it, if it is there."""
        try:
            held = self.table.read()
        except FAILURES as error:
            raise Stop(f"--alerts {self.target} cannot be read: {first_line(error)}") from error
        lacking = set() if held is None else COLUMNS - set(held.columns)
        if lacking:
            raise Stop(f"--alerts {self.target} is no table of alerts: it has no column {', '.join(sorted(lacking))}")

    def of(self, rule, since):
        """What is known of a rule; none if there is no table yet."""
        held = self.table.read()
        return None if held is None else held.where((F.col("rule") == rule) & (F.col("day") >= F.lit(since.date())))

    def append(self, rows):
        self.table.append(rows.select("rule", "time", "key", "id", "alert", F.to_date("time").alias("day")), "day")


class Open:
    """The table of a rule's chains that lack their last step, and of the slices for which it has them."""

    def __init__(self, spark, place, rule, kind):
        def kept(name):
            return Kept(spark, f"{place.rstrip('/')}/{name}" if "/" in place else f"{place}.{name}", kind)

        self.spark, self.rule, self.name = spark, rule, rule["open"]["table"]
        self.rows, self.slices = kept(self.name), kept(f"{self.name}_slices")

    def fill(self, text, start, end):
        """Makes the rows of the slice, and those before it that no run has made. A row twice changes no answer, so a slice is
        made again when it is asked for again: of events that came late."""
        reach = datetime.timedelta(seconds=self.rule["reach"])
        held = self.slices.read()
        made = [] if held is None else [(row["start"], row["end"]) for row in held.collect()]
        for since, until in [*missing(made, micros(start - reach), micros(start)), (micros(start), micros(end))]:
            found = asked_of(self.spark, self.rule, text, moment(since), moment(until))
            self.rows.append(found.withColumn("day", F.to_date(F.timestamp_micros("_at"))), "day")
            made = self.spark.createDataFrame([(since, until)], "start bigint, end bigint")
            self.slices.append(made)
        day = F.col("day").between((start - reach).date(), end.date())
        kept = self.rows.read()  # a path to which no row was written is no table
        kept = found.limit(0) if kept is None else kept.where(day).drop("day")
        kept.createOrReplaceTempView(self.name)


def missing(made, start, end):
    """What slices leave of a time."""
    left = []
    for since, until in sorted(made):
        if until <= start or start >= end:
            continue
        if since > start:
            left.append((start, min(since, end)))
        start = max(start, until)
    return [*left, (start, end)] if start < end else left


def micros(time):
    return (time - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)


def moment(microseconds):
    return datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=microseconds)


def first_line(error):
    """What Spark names it, and what began it, out of a trace of Java."""
    text = str(error).strip()
    if isinstance(error, Stop):
        return text
    named = re.search(r"\[[A-Z][A-Z0-9_.]+\] .*", text)
    causes = re.findall(r"^(?:Caused by)?: (.+)", text, re.MULTILINE)
    first = named[0] if named else [*causes, text.split("\n")[0]][0]
    return first if not causes or first in causes[-1] else f"{first} ({causes[-1]})"


def run_rule(spark, rule, text, table, bounds, prints):
    start, end = bounds
    window = datetime.timedelta(seconds=rule.get("dedupe", {}).get("seconds", 0))
    history = table.of(rule["rule"], start - window)
    rows = deduped(alerts(spark, rule, text, start, end), rule, history, start)
    rows = new_ones(rows, history, start, end).persist()
    try:
        number = rows.count()
        # Before they are appended: Spark then drops what it keeps of a plan that reads the table.
        lines = [row["alert"] for row in rows.orderBy("t", "alert").collect()] if prints else []
        if number:
            table.append(rows)
        for line in lines:
            print(line, flush=True)
        return number
    finally:
        rows.unpersist()


def run(asked, spark):
    if int(spark.version.split(".")[0]) < 4:
        raise Stop(f"this is Spark {spark.version}; the texts are for Spark 4 (Databricks Runtime 17)")
    # Nothing in the texts depends on it; the times of the alerts do.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    held = files(spark, asked.rules)
    every = rules_of(held, asked.rules, asked.only)
    rules = [rule for rule in every if not asked.only or rule["rule"] in asked.only]
    bounds = slice_of(asked, rules, datetime.datetime.now(UTC))
    check_names(asked, every)
    register(spark, asked.table, asked.partition, days_of(rules, *bounds))
    register_lists(spark, rules, held)
    check_tables(spark, rules)
    check_state(asked, rules)
    table, failed = Alerts(spark, asked.alerts, asked.format), 0
    table.check()
    say(f"alerts from {bounds[0].isoformat()} to {bounds[1].isoformat()}")
    for rule in rules:
        try:
            if "open" in rule:
                Open(spark, asked.state, rule, asked.format).fill(held[rule["open"]["file"]], *bounds)
            number = run_rule(spark, rule, held[rule["file"]], table, bounds, asked.print)
            say(f"{rule['rule']}: {number} new")
        except (Stop, *FAILURES) as error:
            failed += 1
            say(f"{rule['rule']}: failed: {first_line(error)}")
    return 1 if failed else 0


def say(text):
    print(f"run.py: {text}", file=sys.stderr, flush=True)


def main():
    asked = options(sys.argv[1:])
    try:
        return run(asked, SparkSession.builder.appName("catena").getOrCreate())
    except (Stop, OSError, *FAILURES) as error:
        java = ": Spark does not start: it needs Java 17 or later, in the folder that JAVA_HOME names"
        say(first_line(error) + (java if "JAVA_GATEWAY" in str(error) else ""))
        return 2


if __name__ == "__main__":
    sys.exit(main())
