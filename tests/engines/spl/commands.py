"""Judges each command of a parsed search against the closed list.

In: a pipeline of lexer.py and the closed list. Out: (offset, code, message) for each finding.

CP01 quotes, brackets, pipes    CP02 syntax of an expression    CP03 command or its options outside the closed list
CP04 function                   CP05 AND/OR/NOT in lower case, ==                   CP06 AND and OR mixed
CP07 name without quotes        CP08 sort without 0             CP09 streamstats with a window for all groups
CP10 subsearch                  CP11 character in a literal     CP12 macro without spaces round it
"""

from expression import Expression, Terms
from lexer import Fault

WINDOWS = {"window", "time_window", "global", "reset_on_change", "reset_before", "reset_after", "allnum"}


class Judge:
    def __init__(self, text, closed):
        self.text, self.closed, self.found = text, closed, []
        self.rules = {
            "multisearch": self.multisearch,
            "search": self.search,
            "where": self.where,
            "eval": self.eval,
            "fieldformat": self.fieldformat,
            "spath": self.spath,
            "mvexpand": self.mvexpand,
            "addinfo": self.addinfo,
            "lookup": self.lookup,
            "stats": self.stats,
            "inputlookup": self.inputlookup,
            "outputlookup": self.outputlookup,
            "sort": self.sort,
            "streamstats": self.streamstats,
            "dedup": self.dedup,
        }

    def report(self, token, code, message):
        self.found.append((token.start, code, message))

    def pipeline(self, commands, is_branch=False):
        for position, command in enumerate(commands):
            try:
                self.command(command, position, is_branch)
            except Fault as fault:
                self.found.append((fault.offset, fault.code, fault.message))

    def command(self, command, position, is_branch):
        self.literals(command.arguments)
        first = command.arguments[0] if command.arguments else None
        if command.name is None and command.after_pipe and first and first.kind == "macro" and len(command.arguments) == 1:
            return
        name = command.name.text if command.name else "search"
        place = command.name or first
        if command.name is None and command.after_pipe:
            self.report(place, "CP03", f"{place.text} is not a command")
            return
        if name not in self.closed["commands"]:
            self.report(place, "CP03", f"the command {name} is outside the closed list")
        elif is_branch and name not in self.closed["branch_commands"]:
            self.report(place, "CP10", f"{name} does not stream, so it cannot stand in a multisearch branch")
        if name == "multisearch" and (position or not command.after_pipe):
            self.report(place, "CP03", "multisearch must be the first command, behind a pipe")
        self.subsearches(command, name)
        self.rules.get(name, self.names)(command)

    def subsearches(self, command, name):
        for token in command.arguments:
            if token.kind == "search":
                if name != "multisearch":
                    self.report(token, "CP10", f"a subsearch in {name}")
                self.pipeline(token.pipeline, is_branch=True)

    def literals(self, tokens):
        for token in tokens:
            if token.kind in ("string", "name"):
                odd = next((c for c in token.text if c == "`" or ord(c) < 0x20 or c in "\x7f\x85\u2028\u2029"), None)
                if odd:
                    self.report(token, "CP11", f"{odd!r} inside a literal: write it through urldecode")
            if token.kind == "macro":
                around = self.text[token.start - 1 : token.start] + self.text[token.end : token.end + 1]
                if around.strip():
                    self.report(token, "CP12", "a macro needs spaces round it")

    def end(self, command):
        last = command.arguments[-1] if command.arguments else command.name
        return last.end

    def names(self, command):
        """Commands that take names only: fields, table, rename."""
        if not command.arguments:
            self.report(command.name, "CP02", "names are expected")
        for token in command.arguments:
            if token.kind not in ("word", "string", "comma", "name"):
                self.report(token, "CP02", f"{token.text} is not a name")

    def multisearch(self, command):
        branches = [token for token in command.arguments if token.kind == "search"]
        if len(branches) < 2 or len(branches) != len(command.arguments):
            self.report(command.name, "CP03", "multisearch takes two or more branches and nothing else")

    def search(self, command):
        Terms(command.arguments, self.end(command), self.closed, self.report).whole()

    def where(self, command):
        Expression(command.arguments, self.end(command), self.closed, self.report).whole()

    def eval(self, command):
        for assignment in split_commas(command.arguments):
            if len(assignment) < 3 or assignment[0].kind not in ("word", "name") or assignment[1].text != "=":
                raise Fault(assignment[0].start if assignment else self.end(command), "CP02", "name=expression is expected")
            Expression(assignment[2:], assignment[-1].end, self.closed, self.report).whole()

    def fieldformat(self, command):
        self.eval(command)
        if len(split_commas(command.arguments)) != 1:
            self.report(command.name, "CP03", "fieldformat takes one column")

    def options(self, command):
        """The name=value pairs among the arguments, by name."""
        tokens = command.arguments
        return {
            tokens[i].text: tokens[i] for i in range(len(tokens) - 2) if tokens[i].kind == "word" and tokens[i + 1].text == "="
        }

    def spath(self, command):
        options = self.options(command)
        for name, token in options.items():
            if name not in self.closed["spath_options"]:
                self.report(token, "CP03", f"the option {name} of spath")
        if "path" not in options:
            self.report(command.name, "CP03", "spath without path= stops reading at 5,000 bytes")

    def mvexpand(self, command):
        if len(command.arguments) != 1:
            self.report(command.name, "CP03", "mvexpand takes one field and no limit")

    def addinfo(self, command):
        if command.arguments:
            self.report(command.name, "CP03", "addinfo takes nothing")

    def lookup(self, command):
        if not any(token.text in ("OUTPUT", "OUTPUTNEW") for token in command.arguments):
            self.report(command.name, "CP03", "lookup without OUTPUT overwrites every field of the table's names")

    def stats(self, command):
        """Only what takes the same memory however many rows there are, for each key."""
        texts = [token.text for token in command.arguments]
        if "BY" not in texts:
            self.report(command.name, "CP03", "stats without BY gives a row where nothing was read")
        for part in split_commas(command.arguments[: texts.index("BY")] if "BY" in texts else command.arguments):
            if len(part) != 6 or part[1].kind != "left" or part[4].text != "AS":
                self.report(command.name, "CP03", "stats takes FUNCTION(FIELD) AS NAME")
            elif part[0].text not in ("min", "max"):
                self.report(part[0], "CP04", f"the aggregate {part[0].text} is outside the closed list")
        balanced(command.arguments, self.end(command))

    def inputlookup(self, command):
        texts = [token.text for token in command.arguments]
        if texts[:3] != ["append", "=", "true"] or len(texts) != 4:
            self.report(command.name, "CP03", "inputlookup takes append=true, without which the rows so far are gone, and a name")

    def outputlookup(self, command):
        texts = [token.text for token in command.arguments]
        if texts[:3] != ["override_if_empty", "=", "false"] or len(texts) != 4:
            self.report(command.name, "CP03", "outputlookup takes override_if_empty=false, without which no rows clear the list")

    def sort(self, command):
        if not command.arguments or command.arguments[0].text != "0":
            self.report(command.name, "CP08", "sort without 0 keeps 10,000 rows")
        for token in command.arguments[1:]:
            if token.kind != "comma" and token.text[0] not in "+-":
                self.report(token, "CP08", f"{token.text} has no direction")

    def dedup(self, command):
        options = self.options(command)
        for name, token in options.items():
            if name != "keepempty":
                self.report(token, "CP03", f"the option {name} of dedup")
        if "keepempty" not in options:
            self.report(command.name, "CP03", "dedup without keepempty=true drops rows that lack a field")
        if command.arguments[0].text.isdigit():
            self.report(command.arguments[0], "CP03", "dedup keeps one row of each")

    def streamstats(self, command):
        texts = [token.text for token in command.arguments]
        by_group = texts[3:6] == ["global", "=", "f"] and texts[2].isdecimal() and 2 <= int(texts[2]) <= 10_000
        if texts[:2] != ["window", "="] or (texts[2] != "0" and not by_group):
            self.report(command.name, "CP09", "streamstats without window=0, which some pages read as 10,000 rows")
        for name, token in self.options(command).items():
            if name in ("window", "global") and (by_group or (name, texts[2]) == ("window", "0")):
                continue
            if name not in self.closed["streamstats_options"]:
                code = "CP09" if name in WINDOWS else "CP03"
                self.report(token, code, f"streamstats {name}= forgets events or resets")
        tokens = command.arguments
        calls = [token for token, after in zip(tokens, tokens[1:]) if token.kind == "word" and after.kind == "left"]
        for call in calls:
            if call.text not in self.closed["aggregates"]:
                self.report(call, "CP04", f"the aggregate {call.text} is outside the closed list")
        if not calls and not any(token.text == "count" for token in tokens):
            self.report(command.name, "CP02", "streamstats without an aggregate")
        balanced(tokens, self.end(command))


def balanced(tokens, end):
    depth = 0
    for token in tokens:
        depth += {"left": 1, "right": -1}.get(token.kind, 0)
        if depth < 0:
            raise Fault(token.start, "CP02", ") closes nothing")
    if depth:
        raise Fault(end, "CP02", ") is expected")


def split_commas(tokens):
    """The tokens between top-level commas."""
    parts, depth = [[]], 0
    for token in tokens:
        depth += {"left": 1, "right": -1}.get(token.kind, 0)
        if token.kind == "comma" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
