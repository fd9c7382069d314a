"""Every operation that is served, by the AWS CLI as it ships: cli.py ENDPOINT.

The rows are those of boto3 (`families.py`), typed: as options, as people do, and as `--cli-input-json`, in turns. The CLI runs in this
process, since each process of it takes a second to start; some of the lines in `typed.py` start it as a shell does. It has a botocore of
its own, which is older than boto3's and knows fewer operations.

Prints JSON: checks, failures by operation, operations and calls, errors provoked, and what the CLI refuses by itself.
"""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass

# First: from now on `botocore` is the CLI's own.
from awscli.clidriver import create_clidriver
import jmespath
from botocore import xform_name

import documented
from families import FAMILIES
from shapes import least
from table import ADMIN, HOME, Fails
from typed import LINES
from world import BY_FAULT, World

ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \(reached max retries: \d+\))?: (.*\S)", re.DOTALL)
# What the CLI finds wrong without asking anybody.
BY_ITSELF = ("Parameter validation failed", "Error parsing parameter", "the following arguments are required")
READS = ("BatchGet", "Describe", "Get", "List")


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def answer(self):
        # For an empty answer the CLI prints nothing.
        return json.loads(self.out or "{}")


class Shell(World):
    """The AWS CLI. Who calls, and where, is in the environment."""

    def __init__(self, endpoint):
        super().__init__(endpoint)
        path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_SECRET_ACCESS_KEY="alice", AWS_MAX_ATTEMPTS="1", PATH=path)
        self.drivers = {}
        self.commands = 0
        self.body = b""
        self.model = self.driver(ADMIN, HOME).session.get_service_model("securityhub")

    def driver(self, account, region):
        os.environ.update(AWS_ACCESS_KEY_ID=account, AWS_DEFAULT_REGION=region)
        if (account, region) not in self.drivers:
            self.drivers[account, region] = driver = create_clidriver()
            driver.session.register("after-call.securityhub", self.keep)
        return self.drivers[account, region]

    def keep(self, http_response, **_):
        self.body = http_response.content

    def type(self, words, account=ADMIN, region=HOME):
        driver, out, err = self.driver(account, region), io.StringIO(), io.StringIO()
        self.commands += 1
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = driver.main(words)
            except SystemExit as end:  # The parser of options.
                code = end.code
        return Said(code, out.getvalue(), err.getvalue())

    def type_line(self, line):
        """What a person typed: by a shell that starts `aws`, or as a shell would have taken it to pieces."""
        if not line.shell:
            words = [os.path.expandvars(word) for word in shlex.split(line.text)]
            assert words.pop(0) == "aws"
            return self.type(words, line.account, line.region)
        self.driver(line.account, line.region)
        self.commands += line.text.count("aws ")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line.text], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return Said(done.returncode, done.stdout, done.stderr)

    def call(self, operation, given, account=ADMIN, region=HOME):
        said = self.type(self.words(operation, given, False), account, region)
        assert said.code == 0, said
        return said.answer()

    def words(self, operation, given, as_options, *more):
        """The command, with one page for an answer unless `more` says how to go through them."""
        words = ["securityhub", xform_name(operation, "-"), *(more or ["--no-paginate"])]
        if not as_options:
            return [*words, "--cli-input-json", json.dumps(given)]
        members = self.model.operation_model(operation).input_shape.members
        for name, value in given.items():
            words += option(members[name], xform_name(name, "-"), value)
        return words

    def paged(self, operation):
        """What its pages bring; `None`: it has none."""
        paginators = self.driver(ADMIN, HOME).session.get_paginator_model("securityhub")
        try:
            return paginators.get_paginator(operation)["result_key"]
        except ValueError:
            return None


def option(shape, name, value):
    """A member of an input, as people type it."""
    kind = shape.type_name
    if kind == "boolean":
        return [f"--{name}" if value else f"--no-{name}"]
    if kind == "list" and value and all(isinstance(item, str) for item in value):
        return [f"--{name}", *value]
    return [f"--{name}", value if isinstance(value, str) else json.dumps(value)]


def leaves(value):
    """Every text and number in an answer."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [str(value)]


class Tests:
    def __init__(self, shell):
        self.shell = shell
        self.checks = 0
        self.failures = defaultdict(list)
        self.turns = Counter()
        # Operations that answered; whose answers were shown in every way; what was refused, by the server and by the CLI itself.
        self.valid = {}
        self.shown = set()
        self.provoked = set()
        self.by_itself = 0

    def check(self, operation, condition, what):
        self.checks += 1
        if not condition:
            self.failures[operation].append(what)

    def so(self, operation, then, what):
        try:
            right, stumbled = then(), ""
        except Exception as error:  # Whatever it stumbles over is news.
            right, stumbled = False, f"{error!r}: "
        self.check(operation, right, stumbled + what)

    def in_turns(self, operation, given):
        self.turns[operation] += 1
        return self.shell.words(operation, given, self.turns[operation] % 2 == 1)

    def answered(self, operation, words, row):
        said = self.shell.type(words, row.account, row.region)
        self.check(operation, (said.code, said.err) == (0, ""), f"{words} ends with {said.code}: {said.err[:600]}")
        return said

    def row(self, row):
        self.shell.advance(row.advance)
        given = self.shell.given(row)
        if isinstance(row, Fails):
            self.refused(row.operation, row.code, self.in_turns(row.operation, given), row.account, row.region)
            return
        if row.before:
            row.before(self.shell)
        words = self.in_turns(row.operation, given)
        said = self.answered(row.operation, words, row)
        if said.code:
            return
        answer, sent = said.answer(), json.loads(self.shell.body or b"{}")
        self.check(row.operation, answer == sent, f"{words} shows {said.out[:600]} of {self.shell.body[:600]}")
        self.so(row.operation, lambda: row.then(answer), f"{words} is answered by {said.out[:600]}")
        self.valid[row.operation] = row, given
        if row.operation.startswith(READS) and row.operation not in self.shown and answer:
            self.shown.add(row.operation)
            self.in_every_way(row, given, answer)
        if row.pages:
            self.pages(row, given)

    def in_every_way(self, row, given, answer):
        """What reads is asked again, each way, and shown in each."""
        of = row.operation
        if given:
            for as_options in (True, False):
                said = self.answered(of, self.shell.words(of, given, as_options), row)
                self.check(of, said.answer() == answer, f"as options {as_options}: {said.out[:600]}")
        for output in ("text", "table"):
            said = self.answered(of, [*self.shell.words(of, given, True), "--output", output], row)
            missing = [leaf for leaf in leaves(answer) if leaf not in said.out]
            self.check(of, not missing, f"as {output} there is no {missing[:3]} in {said.out[:600]}")
        key = self.shell.paged(of)
        if key:
            every = {name: value for name, value in given.items() if name != "MaxResults"}
            said = self.answered(of, self.shell.words(of, every, True, "--max-items", "1000"), row)
            found = said.answer().get(key, [])
            self.check(of, found[: len(answer[key])] == answer[key], f"all pages are {said.out[:600]}")
        for name, value in answer.items():
            if isinstance(value, list):
                query = ["--query", f"length({name})", "--output", "text"]
                said = self.answered(of, [*self.shell.words(of, given, True), *query], row)
                self.check(of, said.out.strip() == str(len(value)), f"{len(value)} of {name}, and {query} says {said.out}")

    def pages(self, row, given):
        """The CLI's own way through pages: all of them, small ones, and some items at a time."""
        of, key = row.operation, self.shell.paged(row.operation)
        given = {name: value for name, value in given.items() if name != "MaxResults"}

        def items(*more):
            before = self.shell.calls(of)
            said = self.answered(of, self.shell.words(of, given, True, *more), row)
            answer = said.answer()
            return answer.get(key, []), answer.get("NextToken"), self.shell.calls(of) - before

        whole, token, _ = items("--page-size", "50")
        self.check(of, len(whole) > 1 and token is None, f"{len(whole)} items in all, token {token}")
        small, token, calls = items("--page-size", str(row.pages))
        self.check(of, small == whole and token is None, f"pages of {row.pages} bring {len(small)} items, all is {len(whole)}")
        self.check(of, calls > 1, f"pages of {row.pages} are {calls} call")
        some = max(1, len(whole) // 3)
        found, token, _ = items("--max-items", str(some), "--page-size", str(row.pages))
        self.check(of, found == whole[:some] and token, f"{some} at most brings {len(found)}, token {token}")
        while token and len(found) <= len(whole):
            more, token, _ = items("--max-items", str(some), "--page-size", str(row.pages), "--starting-token", token)
            found += more
        self.check(of, found == whole, f"{some} at a time bring {len(found)} items, all is {len(whole)}")

    def refused(self, operation, code, words, account=ADMIN, region=HOME):
        said = self.shell.type(words, account, region)
        found = ERROR.search(said.err)
        if not found and code == "InvalidInputException" and any(complaint in said.err for complaint in BY_ITSELF):
            self.by_itself += 1
            self.check(operation, said.code in (2, 255), f"{words} ends with {said.code}: {said.err}")
            return
        right = found and (found[1], found[2]) == (code, operation)
        self.check(operation, right, f"{words} is to fail with {code}: {said}")
        self.check(operation, (said.code, said.out) == (255, ""), f"{words} ends with {said.code}, saying {said.out}")
        if right:
            self.provoked.add((operation, code))

    def in_general(self, operation):
        """An operation that is served was called, refused with an error that is documented, and typed in both ways."""
        if operation not in self.valid:
            self.check(operation, False, "is served, and no row calls it")
            return
        row, given = self.valid[operation]
        if operation.startswith(READS):
            self.check(operation, operation in self.shown, "its answers were all empty")
        documented = {shape.name for shape in self.shell.model.operation_model(operation).error_shapes}
        if not any((operation, code) in self.provoked for code in documented):
            code = next(code for code in BY_FAULT if code in documented)
            self.shell.fault(operation, BY_FAULT[code])
            self.refused(operation, code, self.in_turns(operation, given), row.account, row.region)
            self.shell.no_faults()
        self.check(operation, any((operation, code) in self.provoked for code in documented), "no documented error was provoked")
        self.check(operation, self.turns[operation] > 1, "was typed in one way only")

    def not_served(self, operation):
        """Gives whether the CLI knows it."""
        if operation not in self.shell.model.operation_names:
            said = self.shell.type(["securityhub", xform_name(operation, "-")])
            self.check(operation, said.code == 2 and "Invalid choice" in said.err, f"the CLI does not know it: {said}")
            return False
        given = least(self.shell.model.operation_model(operation).input_shape)
        said = self.shell.type(self.shell.words(operation, given, False))
        found = ERROR.search(said.err)
        right = found and found[1] == "NotImplementedException" and operation in found[3]
        self.check(operation, right and (said.code, said.out) == (255, ""), f"is not refused by name: {said}")
        return True

    def line(self, line):
        name = line.text.split()[2]
        said = self.shell.type_line(line)
        self.check(name, said.code == line.code, f"{line.text} ends with {said.code}: {said}")
        if said.code:
            self.so(name, lambda: line.then(said.err), f"{line.text} says {said.err}")
            return
        self.check(name, said.err == "", f"{line.text} complains: {said.err}")
        shown = said.answer() if said.out.startswith(("{", "[")) else said.out.strip()
        self.so(name, lambda: line.then(shown), f"{line.text} says {said.out[:600]}")
        for variable, query in line.keep.items():
            os.environ[variable] = jmespath.search(query, shown) or ""

    def documented(self, served):
        """What AWS documents is understood, and where it is not answered, then for what it names."""
        shell, as_documented, odd = self.shell, Counter(), set()
        shell.call("EnableSecurityHub", {}, documented.ACCOUNT, documented.REGION)
        for name, words in documented.examples():
            operation = next((operation for operation in served if xform_name(operation, "-") == words[1]), None)
            if not operation:
                continue
            # A driver stays in the Region that it was told by an option.
            region = words[words.index("--region") + 1] if "--region" in words else documented.REGION
            said = shell.type(words, documented.ACCOUNT, region)
            found = ERROR.search(said.err)
            as_documented[found[1] if found else "answered"] += 1
            if found and found[1] == "InvalidInputException":
                odd.add(name)
            codes = {shape.name for shape in shell.model.operation_model(operation).error_shapes}
            self.check(operation, found[1] in codes if found else said.code == 0, f"{words} ends with {said}")
        self.check("all", odd == set(documented.ODD), f"not understood: {odd}, and excused: {set(documented.ODD)}")
        return as_documented


def main(endpoint):
    shell = Shell(endpoint)
    tests = Tests(shell)
    said = shell.type(["securityhub", "wait", "hub-enabled"])
    # The day there are some, they are to be used.
    tests.check("all", said.code == 2 and "Invalid choice" in said.err, f"the CLI has waiters: {said}")
    known = {operation["name"]: operation["served"] for operation in shell.admin("GET", "operations")}
    for family in FAMILIES:
        for row in family.rows:
            tests.row(row)
    for name in known:
        if known[name]:
            tests.in_general(name)
    strangers = [name for name in known if not known[name] and not tests.not_served(name)]
    for line in LINES:
        tests.line(line)
    as_documented = tests.documented(tests.valid)
    print(
        json.dumps(
            {
                "checks": tests.checks,
                "commands": shell.commands,
                "failures": tests.failures,
                "errorsProvoked": len(tests.provoked),
                "refusedByItself": tests.by_itself,
                "documentedExamples": as_documented,
                "served": sorted(tests.valid),
                "refused": [name for name in known if not known[name] and name not in strangers],
                "unknown": strangers,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
