#!/usr/bin/env python3
"""What pySigma's converters take of Catena's Sigma output: `benches/sigma_converters.py CATENA [--work DIR] [--only NAME]`.

In: a built program; the rules under `rules` and `tests/cases`; converters from PyPI, each in a virtual environment of its
own that is removed afterwards. Out: a Markdown table on stdout: for every back end how many base rules, single
correlations and whole files it converts, as emitted and with `sigma: { cased: never }`, and what becomes of an allowlist
of patterns. Exit 0: these are measurements. The table in docs/sigma.md is its output.

A base rule is converted alone, as `catena compile --split` writes it. A single correlation goes with the base rules that
it names. Taken means converted without an error; whether the query is right is read by hand, and stands in `RIGHT` for
the patterns and in `REMARKS` for the rest.
"""

import argparse
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Converters, with the versions that were read.
PACKAGES = {
    "carbonblack": "0.1.14", "crowdstrike": "3.0.0", "databricks": "0.1.7", "datadog": "0.3.1",
    "elasticsearch": "2.1.1", "golangexpr": "1.0.0", "kusto": "1.0.1", "logpoint": "1.0.2", "loki": "0.15.1",
    "netwitness": "0.3.0", "opensearch": "2.0.3", "panther": "0.3.1", "qradar-aql": "0.3.2",
    "qradar-community": "0.4.0", "quickwit": "0.1.4", "secops": "1.0.0", "splunk": "2.1.0", "sqlite": "2.1.1",
    "sumologic": "0.2.5", "surrealql": "0.1.0", "uberagent": "0.3.72", "varpulis": "0.3.1", "victorialogs": "0.2.0",
}  # fmt: skip

# Back ends of a package on which others depend.
OF_ELASTIC = ["elastalert", "eql", "esql", "lucene"]

# How a back end writes the pattern of the probe, where that was read and is right; another text is not.
LUCENE = r"arn\:aws\:iam\:\:*\:role\/terraform\-*"
SQL = "LIKE 'arn:aws:iam::%:role/terraform-%'"
RIGHT = {
    "carbon_black": LUCENE,
    "databricks": r"rlike '(?isu)^arn:aws:iam::.*:role/terraform\\-.*$'",
    "elastalert": LUCENE,
    "eql": ':"arn:aws:iam::*:role/terraform-*"',
    "esql": 'like "arn:aws:iam::*:role/terraform-*"',
    "golang_expr": 'matches "arn:aws:iam::.*:role/terraform-.*"',
    "log_scale": r"=/^arn:aws:iam::.*:role\/terraform-/i",
    "logpoint": '="arn:aws:iam::*:role/terraform-*"',
    "loki": r"!~`(?i)^arn:aws:iam::.*:role/terraform\-.*`",
    "lucene": LUCENE,
    "open_search_ppl": '"arn:aws:iam::%:role/terraform-%")',
    "opensearch_lucene": LUCENE,
    "panther": 'r"^arn:aws:iam::.*:role/terraform-.*$"',
    "qradar-aql-community": SQL,
    "splunk": '="arn:aws:iam::*:role/terraform-*"',
    "splunk_spl2": 'LIKE "arn:aws:iam::%:role/terraform-%"',
    "sqlite": SQL,
    "varpulis": r"'(?is)^arn:aws:iam::.*:role/terraform\-.*$'",
    "victoria_logs": ':~"arn:aws:iam::.*:role/terraform-.*"',
}
OLD = "fails on any `not`"
REMARKS = {
    "carbon_black": "no null",
    "datadog": OLD,
    "eql": "the converter ends each sequence in ` by  with runs=2`, which EQL refuses",
    "kusto": "a field with a dot becomes a text",
    "log_scale": "no two networks in one `or`",
    "net_witness": "wildcards are dropped",
    "open_search_ppl": "correlations lose their order and their aliases, in silence",
    "q_radar_aql": OLD,
    "quickwit": "wildcards stand in quotes",
    "secops": "an expression without its slashes; the `not` before a null is lost",
    "sqlite": "misses steps at the same instant, and keys of further items",
    "sumologic_cse": "wildcards become an expression as they are",
    "sumologic_cse_rule": "wildcards become an expression as they are",
    "surreal_ql": OLD,
    "uberagent": OLD,
}

PROBE = """title: Probe
id: 6d7a3a52-5d8f-4f0a-9f37-6f3f5a0d7f10
name: probe
status: experimental
description: A pattern in an exception.
author: Catena
logsource:
    product: aws
    service: cloudtrail
detection:
    selection:
        eventName: 'RunInstances'
    filter_main_automation:
        userIdentity.sessionContext.sessionIssuer.arn: 'arn:aws:iam::*:role/terraform-*'
    condition: selection and not 1 of filter_main_*
falsepositives:
    - Unknown
level: informational
"""

CHILD = """
import json, sys
from sigma.collection import SigmaCollection
from sigma.plugins import InstalledSigmaPlugins
import importlib.metadata as metadata

texts = json.load(sys.stdin)
others = texts.pop("others")
answers = {"pysigma": metadata.version("pysigma"), "backends": {}}
for name, backend in sorted(InstalledSigmaPlugins.autodiscover().backends.items()):
    if name in others:
        continue
    def convert(text):
        try:
            rules = SigmaCollection.from_yaml(text)
            queries = backend().convert(rules)
            queries = [queries] if isinstance(queries, (str, bytes)) else queries
            return {"query": [str(query) for query in queries]} if queries else {"error": "no query"}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
    answers["backends"][name] = {kind: [convert(text) for text in group] for kind, group in texts.items()}
json.dump(answers, sys.stdout)
"""


def emitted(catena, settings):
    """Texts of base rules, single correlations and whole files, as the program writes them under the settings."""
    with tempfile.TemporaryDirectory() as folder:
        environment = pathlib.Path(folder, "catena.yaml")
        environment.write_text(settings, encoding="utf-8")
        cases = sorted((ROOT / "tests/cases").glob("*.chain")) + sorted((ROOT / "rules").rglob("*.chain"))
        cases = [path for path in cases if not path.name.startswith("err_")]
        command = [catena, "compile", "--target", "sigma", "--split", "--allow-subset", "--format", "json"]
        command += ["--env", str(environment), "--as-of", "2026-01-01"]
        # One by one: many cases have the same name.
        ran = [subprocess.run([*command, case], capture_output=True, text=True, check=False) for case in cases]
    emissions = [emission for each in ran if each.stdout.strip() for emission in json.loads(each.stdout)]
    bases, singles, files = [], [], []
    for emission in emissions:
        documents = [text for part in emission["parts"] for text in re.split(r"^---\n", part["text"], flags=re.M)]
        base = {name_of(text): text for text in documents if "\ndetection:\n" in text}
        bases += base.values()
        files.append("---\n".join(documents))
        for text in documents:
            named = re.findall(r"^        - ([a-z0-9_]+-[a-z0-9_-]+)$", text, flags=re.M)
            if "\ncorrelation:\n" in text and named and all(name in base for name in named):
                singles.append("---\n".join([*(base[name] for name in named), text]))
    return {"base": list(dict.fromkeys(bases)), "single": list(dict.fromkeys(singles)), "full": list(dict.fromkeys(files))}


def name_of(text):
    return re.search(r"^name: (.+)$", text, flags=re.M).group(1)


def ask(package, version, texts, work):
    """What the back ends of one package answer; the environment goes when they have."""
    place = work / package
    try:
        subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
        pip = [place / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, f"pysigma-backend-{package}=={version}"], capture_output=True, text=True, check=False)
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1]}
        child = [place / "bin/python", "-c", CHILD]
        others = [] if package == "elasticsearch" else OF_ELASTIC
        texts = texts | {"others": others}
        ran = subprocess.run(child, input=json.dumps(texts), capture_output=True, text=True, timeout=900, check=False)
        return json.loads(ran.stdout) if ran.returncode == 0 else {"failed": ran.stderr.strip().splitlines()[-1]}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def taken(answers):
    return sum("query" in answer for answer in answers)


def pattern_verdict(name, answer):
    if "error" in answer:
        return "refused"
    # One back end gives a query letter by letter.
    return "right" if name in RIGHT and RIGHT[name] in "".join(answer["query"]) else "wrong"


def row(name, package, answers, answered):
    counts = {kind: f"{taken(answers[kind])} / {len(answers[kind])}" for kind in answers if kind != "probe"}
    version = f"{package} {PACKAGES[package]}, pySigma {answered['pysigma']}"
    cells = [counts["base"], counts["never_base"], pattern_verdict(name, answers["probe"][0]), counts["single"], counts["full"]]
    return f"| {name} | {version} | {' | '.join(cells)} | {REMARKS.get(name, '')} |"


def main():
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("catena")
    reader.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir(), "sigma-converters"))
    reader.add_argument("--only", help="one package")
    reader.add_argument("--keep", type=pathlib.Path, help="a file for all answers, to read them")
    reader.add_argument("--read", type=pathlib.Path, help="such a file, in place of installing anything")
    options = reader.parse_args()
    earlier = json.loads(options.read.read_text(encoding="utf-8")) if options.read else {}
    never = emitted(options.catena, "sigma: { cased: never }\n")
    texts = emitted(options.catena, "{}\n") | {"never_base": never["base"], "probe": [PROBE]}
    options.work.mkdir(parents=True, exist_ok=True)
    print(f"Measured on {datetime.date.today()}\n")
    print("| back end | package | base rules | with `cased: never` | a pattern in an exception | single correlations | whole files | remark |")
    print("|---|---|---|---|---|---|---|---|")
    kept, wide = {}, {"base": 0, "never_base": 0}
    for package, version in PACKAGES.items():
        if options.only not in (None, package):
            continue
        answered = kept[package] = earlier.get(package) or ask(package, version, texts, options.work)
        for name, answers in answered.get("backends", {}).items():
            print(row(name, package, answers, answered), flush=True)
            for kind in wide:
                wide[kind] += taken(answers[kind]) >= 0.85 * len(answers[kind])
        if "failed" in answered:
            print(f"| | {package} {version} | {answered['failed']} |", flush=True)
    print(f"\nof {len(texts['base'])} base rules, {len(texts['single'])} correlations and {len(texts['full'])} files")
    print(f"back ends that take 85 % of the base rules: {wide['base']}, with `cased: never` {wide['never_base']}")
    if options.keep:
        options.keep.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
