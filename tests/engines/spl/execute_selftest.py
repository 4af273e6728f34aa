"""Proves that the executor tells good chains from bad ones and refuses what is outside the subset.

usage: .engines/duck/bin/python execute_selftest.py
"""

import json

from execute import run
from translate import Refused, translate

SEARCH = """| multisearch
    ```a then b within 5 seconds by one key, never the same event```
    [ search `log` kind="a"
      | spath output=key path=who.key
      | eval id=printf("=%s", md5(_raw)), chain_step=1
      | where isnotnull(key) | fields _time, chain_step, id, key | fields - _raw ]
    [ search `log`
      | spath output=item path=who.items{} | spath output=key path=who.key
      | eval id=printf("=%s", md5(_raw)), chain_step=2
      | fields _time, chain_step, id, key, item | fields - _raw
      | mvexpand item
      | where isnotnull(key) AND (isnull(item) OR NOT match(item, "^[.]b(?!.)")) | fields _time, chain_step, id, key, item ]
| eval due=if(chain_step=1, _time + 5, null()), path=if(chain_step=1, printf("%.6f|%.6f|%s", _time + 5, _time, id), null())
| sort 0 +_time, -chain_step
| streamstats window=0 max(due) AS late BY key
| sort 0 +_time, +chain_step
| streamstats window=0 values(path) AS ties BY key, _time
| eval tie=mvindex(mvsort(mvmap(ties, if(mvindex(split(ties, "|"), 2)!=id, ties, "0"))), -1), tied=tonumber(mvindex(split(tie, "|"), 0))
| where chain_step=2 AND ((isnum(late) AND _time <= late) OR (isnum(tied) AND _time <= tied))
| table _time, key, item
"""

REFUSED = [
    "search `log` | stats count",
    "search `log` | sort +_time",
    "search `log` | where x=1",
    'search `log` | where x="a" OR y="b" AND z="c"',
    "search `log` | eval x=max(1, 2)",
    "search `log` | eval x=mvindex(x, 1)",
    'search `log` x="a\\\\*"',
    "search `log` wo/rd",
    "search `log` x=1",
    "search index=main",
    'search `log` | where match(x, "[0-9]\\d")',
    "search `log` | table made_by_nobody",
]


def event(time, kind, **who):
    return {"_time": time, "_raw": json.dumps({"at": time, "kind": kind, "who": who}), "kind": kind}


def main():
    scenarios = [
        [event(1, "A", key="k"), event(6, "b", key="k")],
        [event(1, "a", key="k"), event(6.1, "b", key="k")],
        [event(1, "a", key="k")],
        [event(1, "a", key="k"), event(1, "b", key="k", items=[".b", "c"])],
        [event(1, "a"), event(2, "b")],
        [event(2, "a", key="k"), event(1, "b", key="k")],
    ]
    rows = run(SEARCH, {"log": scenarios})
    assert [len(found) for found in rows] == [1, 0, 0, 1, 0, 0], rows
    assert rows[3] == [{"_time": 1.0, "key": "k", "item": "c"}], rows[3]
    for text in REFUSED:
        try:
            translate(text)
        except Refused:
            continue
        raise SystemExit(f"not refused: {text}")
    print("spl execute: selftest passed")


if __name__ == "__main__":
    main()
