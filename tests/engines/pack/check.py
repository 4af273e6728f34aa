"""Checks the folder of a `catena build` with what the vendors offer, and with what their documents say.

In: folder of a build, schema of its manifest. Out: a JSON list of problems on standard output; exit 0 if it could look.
Must not know: rules. Splunk: AppInspect, precert, without and with the tag `cloud`; its exit status says nothing, its
report does. Sentinel: Microsoft's models, and the limits of Azure-Sentinel's CI. Elastic: what the tests of
elastic/detection-rules and Kibana's import demand.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import elastic
import jsonschema
import sentinel

BAD = ("failure", "error", "warning", "future_failure")
# A rule may name an address; AppInspect warns of every one.
ADDRESSES = ("warning", "check_hostnames_and_ips")


def appinspect(archive: pathlib.Path, tag: str | None) -> list[str]:
    """What AppInspect finds in an archive."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        program = pathlib.Path(sys.executable).with_name("splunk-appinspect")
        command = [str(program), "inspect", str(archive), "--mode", "precert"]
        command += ["--included-tags", tag] if tag else []
        command += ["--output-file", str(report), "--data-format", "json"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.exists():
            return [f"AppInspect gave no report: {ran.stderr[-500:]}"]
        found = json.loads(report.read_text())
    problems = []
    for group in (group for each in found["reports"] for group in each["groups"]):
        for check in group["checks"]:
            if check["result"] in BAD and (check["result"], check["name"]) != ADDRESSES:
                messages = [message["message"] for message in check["messages"]]
                problems.append(f"{archive.name}: {check['result']} {check['name']}: {messages[:3]}")
    # A report about nothing would have no failures either.
    if found["summary"]["success"] < 50:
        problems.append(f"{archive.name}: AppInspect made only {found['summary']['success']} checks")
    return problems


def manifest(folder: pathlib.Path, schema: pathlib.Path) -> list[str]:
    """What is wrong with the manifest: its form, and files that it names or forgets."""
    document = json.loads((folder / "manifest.json").read_text())
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    problems = [f"manifest: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    named = {file["path"] for file in document["files"]}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    problems += [f"manifest: {path} is in one of manifest and folder" for path in sorted(named ^ there)]
    return problems


def main() -> None:
    folder, schema = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    problems = manifest(folder, schema)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        archives = sorted((folder / "splunk").glob("*.tgz"))
        runs = [pool.submit(appinspect, archive, tag) for archive in archives for tag in (None, "cloud")]
        problems += sentinel.problems(folder / "sentinel")
        problems += elastic.problems(folder / "elastic")
        problems += [problem for run in runs for problem in run.result()]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
