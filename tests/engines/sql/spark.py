"""Spark as the engine: one local session, tables as JSON files of several parts in no order, one statement run.

In: rows by source, rows of lists, a text of Spark's SQL. Out: names of columns and rows, times in microseconds.
Must not know: scenarios, dialects but its own.
"""

import atexit
import datetime
import json
import logging
import pathlib
import random
import shutil
import subprocess
import tempfile

from py4j.java_gateway import is_instance_of
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tables import NAMES, TABLES

PARTS = 3
LOGICAL = "org.apache.spark.sql.catalyst.plans.logical"
COMMANDS = [f"{LOGICAL}.Command", f"{LOGICAL}.ParsedStatement"]
LIST = {"value": "string", "until": "string"}
SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.catalogImplementation": "in-memory",
}


class NoQuery(Exception):
    """A command."""


def columns_of(fields):
    return ", ".join(f"`{name}` {' '.join(kind.split())}" for name, kind in fields.items())


def session(zone, folder):
    """The JVM gets files, not our pipes: it may outlive us for a moment, and a reader would wait for it."""
    log = (folder / "spark.log").open("wb")
    more = {"spark.sql.session.timeZone": zone, "spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "lake")}
    conf = SparkConf().setAll([*SETTINGS.items(), *more.items()])
    gateway = launch_gateway(conf, {"stdout": log, "stderr": subprocess.STDOUT})
    context = SparkContext(gateway=gateway, conf=conf)
    context.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").disabled = True
    return SparkSession(context)


class Engine:
    Error = PySparkException

    def __init__(self, zone):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="catena-spark-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.spark = session(zone, self.folder)
        self.order = random.Random(7)
        self.loads = 0
        self.filled = set(TABLES)
        self.load({}, {})

    def load(self, held, lists):
        """Tables that stay empty are left alone."""
        now = {source for source, rows in held.items() if rows}
        shutil.rmtree(self.folder / str(self.loads), ignore_errors=True)
        self.loads += 1
        for source in self.filled | now:
            self.fill(NAMES[source], TABLES[source], held.get(source, []))
        self.filled = now
        for name, rows in lists.items():
            self.fill(name, LIST, rows)

    def fill(self, table, fields, rows):
        folder = self.folder / (str(self.loads) if rows else "empty") / table
        folder.mkdir(parents=True, exist_ok=True)
        rows = self.order.sample(rows, len(rows))
        for part in range(min(PARTS, len(rows))):
            lines = "".join(json.dumps(row) + "\n" for row in rows[part::PARTS])
            (folder / f"part-{part}.json").write_text(lines, encoding="utf-8")
        found = self.spark.read.schema(columns_of(fields)).option("mode", "FAILFAST").json(str(folder))
        found.createOrReplaceTempView(f"`{table}`")

    def define(self, table, text):
        """What a text defines, in place of a table."""
        self.spark.catalog.dropTempView(table)
        for statement in text.split(";\n"):
            if statement.strip():
                self.spark.sql(statement)

    def query(self, text):
        """The text as a query, bound to the tables and not run; a command would run at once."""
        plan = self.spark._jsparkSession.sessionState().sqlParser().parsePlan(text)
        if any(is_instance_of(self.spark._sc._gateway, plan, kind) for kind in COMMANDS):
            raise NoQuery(f"no query but {plan.nodeName()}")
        return self.spark.sql(text)

    def run(self, text):
        found = self.query(text)
        kinds = found.dtypes
        found = found.toDF(*(f"c{at}" for at in range(len(kinds))))
        times = (F.unix_micros(f"c{at}") if kind == "timestamp" else F.col(f"c{at}") for at, (_, kind) in enumerate(kinds))
        rows = found.select(*times).collect()
        return [name for name, _ in kinds], [[plain(value) for value in row] for row in rows]

    def judged(self, text):
        """Why the text is no query over the tables, or none, and its columns. Nothing is run."""
        try:
            return None, self.query(text).columns
        except (PySparkException, NoQuery) as error:
            return f"{type(error).__name__}: {error}", []


def plain(value):
    if isinstance(value, datetime.datetime):
        raise TypeError("a time without a zone: timestamp_ntz depends on the zone of the session")
    return value
