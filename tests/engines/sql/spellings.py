"""Whether emitted SQL reads addresses in every spelling, and prints hostile texts so that the engine's lexer gives them back.

In: the program `catena`. Out: nothing, or what differs. Each rule is one test of a field; the oracle is Python's `ipaddress`
and plain comparison of texts. Must not know: how a test is printed.
usage: .engines/sql/bin/python spellings.py CATENA [--dialect duckdb|trino] [--addresses N]
       .engines/spark/bin/python spellings.py CATENA --dialect spark
"""

import argparse
import ipaddress
import json
import pathlib
import random
import re
import subprocess
import tempfile

import harness

START = 1_767_225_600
RULE = """rule {name} {{
  title       {title}
  id          "00000000-0000-4000-8000-{number:012}"
  description "Every spelling; not a rule: ${{env:HOME}} {{{{ x }}}} ; -- */ 'quoted'"
  date        2026-11-24
  severity    low
  false_positives "None, it is a test"

  chain within 1h {{
    step only from {source}
      where {where}
  }}

  alert {{
    entity {entity}
    show {show}
  }}
}}
"""
TITLE = '"A title with ; and \' and ${env:HOME} and {{ x }} and /* and --"'
FLOW = ("aws.vpcflow", "ip only.source.ip", "only.network.bytes")
CALL = ("aws.cloudtrail", "account only.actor.id", "only.event.id")

# ---------------------------------------------------------------- addresses

NETWORKS = """10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 192.0.2.128/25 100.64.0.0/10 10.1.2.0/31 10.1.2.3 8.0.0.0/5 0.0.0.0/1
255.255.255.255 10.0.0.0/9 10.128.0.0/9 fc00::/7 2001:db8::/32 2001:db8::1 ::1 ::ffff:0:0/96 ::ffff:10.0.0.0/104 fe80::/10
2001:db8:0:1::/64 2001:db8:ffff:ffff:ffff:ffff:ffff:fff0/124 ::/1 64:ff9b::/96 1:2:3:4:5:6:7:8 ff00::/8""".split()
MANY = [f"10.{number}.0.0/16" for number in range(0, 200, 3)] + [f"2001:db8:{number:x}::/48" for number in range(40)]
ODD = """- ec2.amazonaws.com :: ::: : :1 1: 1:: ::1 ::1.2.3.4 1.2.3.4:: 1::1.2.3.4 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8
1:2:3:4:5:6:7::8 1:2:3:4::5:6:7:8 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 ::1:2:3:4:5:6:1.2.3.4
1::2::3 12345:: g:: 0x0a.1.2.3 10.1.2 10.1.2.3.4 10..2.3 .10.1.2.3 10.1.2.3. 010.1.2.3 10.01.2.3 10.1.2.03 10.1.2.256
10.1.2.-3 +10.1.2.3 10.1.2.3/32 1e1.1.2.3 fe80::1%eth0 [::1] ::FFFF:10.1.2.3 ::ffff:0a01:0203 ::ffff:10.1.2.03
::ffff:10.1.2.300 ::ffff:10.1.2 0:0:0:0:0:ffff:10.1.2.3 ::10.1.2.3 0000:0000:0000:0000:0000:0000:0000:0001 00001::1
2001:DB8::1 2001:db8::0001 2001:db8:0:0:0:0:0:1 ١٠.1.2.3 10.1.2.３ 167838211 0xa010203 10.66051 fd00::/8 ::1/128""".split()
ODD += ["1700000000.5", "x1700000000.123", "1.2.9000000.4", "::1700000000.1"]
ODD += ["AWS Internal", "10.1.2.3\u00a0", "\u200b10.1.2.3", "10.1.2.3 10.1.2.3", "10.1.2.3,10.1.2.4"]
ENDS = [" ", "\n", "\t", "\r\n", "\u2028", "x", "\u0001"]


def address(text):
    """An address as the embedded engine reads one; none for anything else."""
    if not text.isascii() or "%" in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def spelled(rng):
    """An address in some spelling, perhaps damaged."""
    if rng.random() < 0.4:
        text = str(ipaddress.IPv4Address(near(rng, 4)))
    else:
        groups = [f"{group:x}" for group in near(rng, 6)]
        if rng.random() < 0.3:
            groups = [group.zfill(rng.randint(1, 4)) for group in groups]
        if rng.random() < 0.3:
            last = int(groups[6], 16) << 16 | int(groups[7], 16)
            groups[6:] = [str(ipaddress.IPv4Address(last))]
        text = ":".join(groups)
        if rng.random() < 0.7:
            first = rng.randrange(len(groups))
            after = rng.randint(first, len(groups))
            text = ":".join(groups[:first]) + "::" + ":".join(groups[after:])
    text = text.upper() if rng.random() < 0.2 else text
    if rng.random() < 0.2:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["", ".", ":", "0", "f", "g", " "]) + text[at + rng.randint(0, 1) :]
    return text + rng.choice(ENDS) if rng.random() < 0.1 else text


def near(rng, version):
    """Bits at or near the edge of a network."""
    networks = MANY if rng.random() < 0.3 else NETWORKS
    network = ipaddress.ip_network(rng.choice([text for text in networks if (":" in text) == (version == 6)]))
    width = 32 if version == 4 else 128
    edge = int(rng.choice([network.network_address, network.broadcast_address]))
    bits = (edge + rng.choice([0, 0, 1, -1, rng.getrandbits(width) >> rng.randrange(width)])) % (1 << width)
    return bits if version == 4 else [bits >> shift & 0xFFFF for shift in range(112, -1, -16)]


def within(networks):
    parsed = [ipaddress.ip_network(text) for text in networks]

    def holds(text):
        found = address(text)
        return found is not None and any(found in network for network in parsed if network.version == found.version)

    return holds


def address_cases():
    """(what, predicate, oracle over a source and a destination)"""
    for network in NETWORKS:
        yield f"in {network}", f'source.ip in ("{network}")', lambda a, _, holds=within([network]): holds(a)
    several = ", ".join(f'"{network}"' for network in MANY)
    yield "in many", f"source.ip in ({several})", lambda a, _: within(MANY)(a)
    yield "not in many", f"source.ip not in ({several})", lambda a, _: not within(MANY)(a)
    yield "exists", "exists(source.ip)", lambda a, _: address(a) is not None
    yield "exists not", "not exists(source.ip)", lambda a, _: address(a) is None
    yield "equal", "source.ip == destination.ip", lambda a, b: address(a) is not None and address(a) == address(b)
    yield "unequal", "not source.ip == destination.ip", lambda a, b: address(a) is None or address(a) != address(b)


def respelled(text, rng):
    """Another spelling of the same address, where there is one."""
    found = address(text)
    if found is None or found.version == 4 or rng.random() < 0.3:
        return text
    return rng.choice([found.compressed, found.exploded, found.compressed.upper()])


def addresses(number):
    rng = random.Random(11)
    texts = list(dict.fromkeys(ODD + NETWORKS + [spelled(rng) for _ in range(number)]))
    pairs = [(text, respelled(text, rng)) for text in texts]
    flows = [flow(place, *pair) for place, pair in enumerate(pairs)]
    return [(what, where, FLOW, flows, oracle_over(pairs, oracle)) for what, where, oracle in address_cases()]


def oracle_over(values, oracle):
    return {place for place, value in enumerate(values) if oracle(*value)}


def flow(place, source, destination):
    times = {"start": str(START + place % 3000), "end": str(START + place % 3000)}
    raw = {"version": "2", "interface-id": "eni-1", "srcaddr": source, "dstaddr": destination, "bytes": str(place)}
    return {"source": "aws.vpcflow", "raw": raw | times}


# ---------------------------------------------------------------- texts

HOSTILE = [
    "${env:HOME}", "$" + "{spark.app.name}", "${hiveconf:x}", "${", "$$", "$1", "\\$", "{{ x }}", "{% raw %}", "{# c #}", "{", "}",
    "'", "''", "'''", "\\'", "\\\\'", '"', '""', "`", "\\", "\\\\", "\\n", "\\u0024", "\\u{24}", "\\x41", "\\101", "\\%", "\\_",
    "%", "_", "~", "~%", "~~", "[a]", "^a$", "a|b", "(a)", "a.b", "a*b", "a?b", "a+b", ";", "; DROP TABLE x; --", "--", "-- x", "/*",
    "*/", "/* x */", "' OR '1'='1", "'; --", "\\'; --", "E'a'", "U&'\\0041'", "X'41'", "$$a$$", "$tag$a$tag$", ":from", "?", "@x",
    "\n", "\r", "\r\n", "\t", "\b", "\f", "\v", "\u0001", "\u001a", "\u001b[31m", "\u007f", "\u0085", "\u00a0", "\u00ad", "\u2028",
    "\u2029", "\ufeff", "\u202e", "\u200b", "\ufffd", "\U0001f600", "\U000e0041", "é", "e\u0301", "ß", "ẞ", "İ", "ı", "K", "ſ", "日本語",
    " a", "a ", "a\n", "\na", "null", "NULL", "true", "1", "01", "1.0", "-", "ami-1\\", "C:\\Windows\\x", "\\\\srv\\share", "%env%",
    "a" * 300, "'" * 50, "\\" * 33, "CHAR(65)", "chr(65)", "||", "a'||'b", "<b>", "&amp;", "\\E", "\\Q", "(?i)a", "#{x}", "<%= x %>",
]  # fmt: skip
LETTERS = "'\\\"`$%_~;{}()[]*?.|^-/:\n\r\t\u0001\u0085\u2028aA"


def chain_string(text):
    """A string of the rule language; what is not plain ASCII by its number."""
    plain = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(plain.get(c, c if " " <= c <= "~" else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def wildcard(text):
    return re.sub(r"([\\*?])", r"\\\1", text)


def mutated(text, rng):
    """A text that a literal must not be taken for."""
    at = rng.randrange(len(text))
    return rng.choice([
        text[:at] + text[at + 1 :],
        text[:at] + text[at] + text[at:],
        text + "\n",
        text.swapcase(),
        text.replace("\\", ""),
        text.replace("\\", "\\\\"),
        text.replace("'", "''"),
        text.replace("$", "\\$"),
        text[:at] + rng.choice(LETTERS) + text[at:],
    ])  # fmt: skip


def chunks(items, size):
    return [items[at : at + size] for at in range(0, len(items), size)]


def lowered(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def text_cases(literals):
    """(what, predicate, oracle over a text). A text that is empty is missing."""
    for number, some in enumerate(chunks(literals, 60)):
        yield from listed(number, some)
    for number, some in enumerate(chunks([text for text in literals if len(text) > 1], 40)):
        yield from parts(number, some)


def listed(number, some):
    field, held = "user_agent.original", strings(some)
    yield f"in {number}", f"{field} in ({held})", lambda v: v in some
    yield f"not in {number}", f"{field} not in ({held})", lambda v: v not in some
    yield f"contains {number}", f"{field} contains ({held})", lambda v: any(one in v for one in some)
    plain = [text for text in some if text.isascii()]
    folded = {lowered(text) for text in plain}
    # The Kelvin sign and the long s are letters of ASCII to some engines; the oracle takes them for none.
    yield f"in~ {number}", f"{field} in~ ({strings(plain)})", lambda v: v.isascii() and lowered(v) in folded


def parts(number, some):
    field = "user_agent.original"
    likes = strings(f"?{wildcard(text[1:])}*" for text in some)
    yield f"like {number}", f"{field} like ({likes})", lambda v: any(v[1:].startswith(one[1:]) for one in some)
    ends = ((chain_string(text[:-1]), chain_string(text[-1])) for text in some)
    both = " or ".join(f"({field} starts_with {start} and {field} ends_with {end})" for start, end in ends)
    oracle = lambda v: any(v.startswith(one[:-1]) and v.endswith(one[-1]) for one in some)
    yield f"starts and ends {number}", both, oracle


def strings(texts):
    return ", ".join(chain_string(text) for text in texts)


def texts():
    rng = random.Random(12)
    literals = [text for text in HOSTILE if text]
    literals += ["".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 9))) for _ in range(120)]
    literals = list(dict.fromkeys(literals))
    values = list(dict.fromkeys([*literals, *(mutated(text, rng) for text in literals * 3), "", "plain"]))
    calls = [call(place, value) for place, value in enumerate(values)]
    one = [(value,) for value in values]
    cases = text_cases(literals)
    # An empty text is a missing field, which no test but a negation holds for.
    return [(what, where, CALL, calls, present(one, oracle, where)) for what, where, oracle in cases]


def present(values, oracle, where):
    empty = " not in " in where
    return {place for place, (value,) in enumerate(values) if (oracle(value) if value else empty)}


def call(place, value):
    raw = {"eventID": str(place), "eventName": "x", "eventTime": "2026-01-01T00:10:00Z", "userAgent": value}
    return {"source": "aws.cloudtrail", "raw": raw}


# ---------------------------------------------------------------- the run


def compiled(catena, dialect, cases):
    """The text of each case, by its number."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, where, (source, entity, show), _, _) in enumerate(cases):
            values = {"name": f"spelling_{number}", "title": TITLE, "number": number, "source": source, "where": where}
            text = RULE.format(entity=entity, show=show, **values)
            (pathlib.Path(folder) / f"{number}.chain").write_text(text, encoding="utf-8")
        command = [catena, "compile", "--target", "sql", "--dialect", dialect, "--format", "json", folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode or not ran.stdout:
        raise RuntimeError(f"catena ended with {ran.returncode}: {ran.stderr[:3000]}")
    parts = {emission["rule"]: emission["parts"] for emission in json.loads(ran.stdout)}
    return [parts[f"spelling_{number}"][0]["text"] for number in range(len(cases))]


def differences(engine, text, case):
    what, _, _, events, expected = case
    parts = [{"name": "r", "id": "r", "role": "query", "text": text}]
    request = {"rule": "r", "parts": parts, "starts": [START], "scenarios": [events]}
    found = harness.respond(engine, json.dumps(request).encode())
    if "error" in found:
        return [f"{what}: {found['error']}"]
    name = "only_network_bytes" if "aws.vpcflow" == case[2][0] else "only_event_id"
    numbers = [int(row[name]) for row in found["answers"][0]]
    wrong = sorted(set(numbers) ^ expected)
    shown = [events[number]["raw"].get("srcaddr", events[number]["raw"].get("userAgent")) for number in wrong[:5]]
    problems = [f"{what}: {len(wrong)} of {len(events)} differ, such as {shown}"] if wrong else []
    return problems + ([f"{what}: an event twice"] if len(numbers) != len(set(numbers)) else [])


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("catena")
    reader.add_argument("--dialect", default="duckdb", choices=["duckdb", "trino", "spark"])
    reader.add_argument("--addresses", type=int, default=1500)
    asked = reader.parse_args()
    cases = addresses(asked.addresses) + texts()
    engine = harness.engine_of(asked.dialect)
    queries = compiled(asked.catena, asked.dialect, cases)
    problems = [one for text, case in zip(queries, cases, strict=True) for one in differences(engine, text, case)]
    matched = sum(len(case[4]) for case in cases)
    if problems:
        raise SystemExit("\n".join(problems))
    print(f"sql spellings, {asked.dialect}: {len(cases)} rules, {matched} matches, none differs")


if __name__ == "__main__":
    main()
