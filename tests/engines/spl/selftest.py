"""Texts that the SPL checker must pass, and texts that it must refuse with the code beside them."""

from pathlib import Path

CHAIN = Path(__file__).with_name("selftest_chain.spl").read_text(encoding="utf-8")
BASE = "search `cloudtrail` eventName=x"


def where(condition):
    return f"{BASE} | where {condition}"


def changed(old, new):
    assert old in CHAIN, old
    return CHAIN.replace(old, new, 1)


GOOD = [
    CHAIN,
    '``` a note: (unbalanced, "odd" | join [text ``` ' + BASE,
    'search `cloudtrail` (eventName="a" OR eventName IN ("b", "c d")) NOT errorCode=* src_port>=3',
    where('\'a.b\'="quote \\" slash \\\\ pipe | bracket [ ] $x$ % *"'),
    where('(isnull(a) OR NOT (a="x")) AND (match(b,"^(a|b)$") OR in(c,"x","y"))'),
    where("_time - chain_start <= 1800 AND isnum(n) AND n > -1.5"),
    where('a="x" . urldecode("%60")'),
    where('a="x | join y | sort z [ transaction"'),
    f'{BASE} | eval a=if(b < c,b,c), d=case(a=1,"x",true(),null())',
    f"{BASE} | dedup a b keepempty=true",
    f'{BASE} | fieldformat a=strftime(a, "%F %T %Z")',
    'search `cloudtrail` (imageId OR "a.b" OR port>=3)',
    f"{BASE} | streamstats window=0 current=f max(a) AS b, last(f_*) AS f_*, values(c) AS d, count BY e, _time",
    f"{BASE} | streamstats window=3 global=f count AS n, min(_time) AS first, sum(a) AS s BY e | addinfo",
    f"{BASE} | lookup t key AS 'a' OUTPUT key AS hit | rename a AS b, c AS d | table _time b d",
    f"{BASE} | stats min(a) AS b, max(a) AS c BY d, e | inputlookup append=true t | outputlookup override_if_empty=false t",
    f'{BASE} | eval d=replace(\'x.y\',"(a)","\\1") | spath output=i path=a.b{{}}.c | mvexpand i',
]

BAD = [
    ("CP01", BASE + ' | where a="x'),
    ("CP01", BASE + " | where 'a=1"),
    ("CP01", BASE + " | eval x=`m"),
    ("CP01", "| multisearch [ search a=1 ] [ search b=1"),
    ("CP01", "search a=1 ]"),
    ("CP01", BASE + " | | where a=1"),
    ("CP01", BASE + " |"),
    ("CP01", ""),
    ("CP02", where("(a=1")),
    ("CP02", where("a=1)")),
    ("CP02", where("a=1 AND")),
    ("CP02", where("a = = 1")),
    ("CP02", where("a b")),
    ("CP02", BASE + " | eval a"),
    ("CP02", BASE + " | eval a=1, "),
    ("CP02", "search (a=1"),
    ("CP02", "search a=1 OR"),
    ("CP02", BASE + " | streamstats window=0 max(a BY b"),
    ("CP03", BASE + ' | fieldformat a=strftime(a, "%F"), b=c'),
    ("CP03", BASE + " | wehre a=1"),
    ("CP03", BASE + ' | rex field=a "(?<b>.)"'),
    ("CP03", BASE + " | stats count BY a"),
    ("CP03", BASE + " | stats max(a) AS b"),
    ("CP04", BASE + " | stats list(a) AS b BY c"),
    ("CP03", BASE + " | inputlookup t"),
    ("CP03", BASE + " | inputlookup append=true max=10 t"),
    ("CP03", BASE + " | outputlookup t"),
    ("CP03", BASE + " | outputlookup append=true t"),
    ("CP03", BASE + " | join a [ search b=1 ]"),
    ("CP03", BASE + ' | map search="x"'),
    ("CP03", BASE + " | eventstats max(a) AS b"),
    ("CP03", BASE + " | spath"),
    ("CP03", BASE + " | mvexpand a limit=10"),
    ("CP03", BASE + " | lookup t key AS a"),
    ("CP03", BASE + " | multisearch [ search a=1 ] [ search b=1 ]"),
    ("CP03", "| multisearch [ search a=1 ]"),
    ("CP04", where('searchmatch("a")')),
    ("CP04", where('json_keys(a)=1')),
    ("CP04", where("if(a=1,2)")),
    ("CP04", where("coalesce(a,null())=1")),
    ("CP03", BASE + " | dedup a"),
    ("CP03", BASE + " | dedup a keepempty=true sortby=b"),
    ("CP04", BASE + " | streamstats window=0 list(a) AS b"),
    ("CP05", where("a=1 and b=2")),
    ("CP05", where("not a=1")),
    ("CP05", where('a in ("x")')),
    ("CP05", where("a==1")),
    ("CP05", "search a=1 or b=2"),
    ("CP06", where("a=1 AND b=2 OR c=3")),
    ("CP06", "search a=1 b=2 OR c=3"),
    ("CP07", where('userIdentity.arn="x"')),
    ("CP07", where("s2-s1 > 3")),
    ("CP07", where('items{}.id="x"')),
    ("CP07", where('"userIdentity.arn"="x"')),
    ("CP08", BASE + " | sort +_time"),
    ("CP08", BASE + " | sort 100 +_time"),
    ("CP09", BASE + " | streamstats time_window=30m max(a) AS b"),
    ("CP09", BASE + " | streamstats max(a) AS b"),
    ("CP09", BASE + " | streamstats window=5 max(a) AS b"),
    ("CP09", BASE + " | streamstats window=20000 global=f max(a) AS b BY c"),
    ("CP03", BASE + " | addinfo a"),
    ("CP10", "search a=1 NOT [ search b=1 ]"),
    ("CP10", BASE + " | where a IN [ search b=1 ]"),
    ("CP10", "| multisearch [ search a=1 | sort 0 +_time ] [ search b=1 ]"),
    ("CP11", where('a="x`y"')),
    ("CP11", where('a="x\ny"')),
    ("CP11", where('a="x\u2028y"')),
    ("CP12", "search (`cloudtrail`) a=1"),
    ("SPL003", BASE + " | join a [ search b=1 ]"),
    ("SPL004", BASE + " | transaction a"),
    ("SPL005", BASE + " | sort _time"),
    ("SPL005", "``` noqa ``` " + BASE + " | sort _time"),
    ("CP08", changed("sort 0 ", "sort ")),
    ("CP07", changed("'responseElements.ConsoleLogin'", "responseElements.ConsoleLogin")),
    ("CP10", changed("| fields - _raw ]", "| streamstats window=0 max(a) AS b ]")),
]
