"""Every operation of Security Hub against Security Hub Local, by boto3: run.py ENDPOINT.

Each family of operations is a table of rows (`table.py`). Beside the rows, each operation that is served is tried in all that
can be told from the service's model: inputs that it forbids, errors that every operation has, pages. Each answer is checked
against the model as it came over the wire. Operations that are not served must say so by name.

Prints JSON: checks, failures by operation, operations served and refused.
"""

import json
import re
import sys
from collections import defaultdict

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from families import FAMILIES
from shapes import least, problems, spoilt
from table import ADMIN, HOME, STRANGER, Fails
from world import BY_FAULT, World


class Boto(World):
    """boto3."""

    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.clients = {}
        self.raw = None

    def client(self, account=ADMIN, region=HOME):
        key = (account, region)
        if key not in self.clients:
            client = boto3.client(
                "securityhub",
                endpoint_url=self.endpoint,
                region_name=region,
                aws_access_key_id=account,
                aws_secret_access_key="alice",
                # What is not valid must reach the server.
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
            client.meta.events.register("after-call.securityhub", self.keep)
            self.clients[key] = client
        return self.clients[key]

    def keep(self, http_response, **_):
        self.raw = http_response

    def call(self, operation, given, account=ADMIN, region=HOME):
        return getattr(self.client(account, region), xform_name(operation))(**given)


class Tests:
    def __init__(self, world):
        self.world = world
        self.model = world.client().meta.service_model
        self.checks = 0
        self.failures = defaultdict(list)
        self.provoked = set()
        # The last valid input of each operation, and who may give it.
        self.valid = {}

    def check(self, operation, condition, what):
        self.checks += 1
        if not condition:
            self.failures[operation].append(what)

    def row(self, row):
        self.world.advance(row.advance)
        given = self.world.given(row)
        if isinstance(row, Fails):
            self.refused(row.operation, row.code, given, f"{json.dumps(given)[:200]}", row.account, row.region)
            return
        if row.before:
            row.before(self.world)
        answer = self.answered(row.operation, given, row.account, row.region)
        if answer is None:
            return
        self.valid[row.operation] = row, given
        try:
            right = row.then(answer)
        except Exception as error:  # Whatever it stumbles over is news.
            right = False
            answer = f"{error!r}: {answer}"
        self.check(row.operation, right, f"{json.dumps(given)[:200]} is answered by {str(answer)[:600]}")
        if row.pages:
            self.pages(row, given)

    def answered(self, operation, given, account=ADMIN, region=HOME):
        try:
            answer = self.world.call(operation, given, account, region)
        except Exception as error:  # botocore's parser too.
            self.check(operation, False, f"{json.dumps(given, default=str)[:300]} fails: {error}")
            return None
        shape = self.model.operation_model(operation).output_shape
        body = json.loads(self.world.raw.content or b"{}")
        for problem in problems(shape, body) if shape else []:
            # What is not processed comes back as it was said.
            echo = re.search(r" is (\w+), which is not one of", problem)
            if not (echo and f'"{echo[1]}"' in json.dumps(given, default=str)):
                self.check(operation, False, problem)
        self.check(operation, self.world.raw.status_code == 200, f"status {self.world.raw.status_code}")
        return answer

    def pages(self, row, given):
        client = self.world.client(row.account, row.region)
        self.check(row.operation, client.can_paginate(xform_name(row.operation)), "botocore has no paginator for it")
        paginator = client.get_paginator(xform_name(row.operation))
        [key] = [expression.expression for expression in paginator.result_keys]
        run = lambda size: [page[key] for page in paginator.paginate(**given, PaginationConfig={"PageSize": size})]
        some, whole = run(row.pages), run(50)
        flat = lambda pages: [json.dumps(item, default=str, sort_keys=True) for page in pages for item in page]
        self.check(row.operation, len(some) > 1, f"{row.pages} a page made {len(some)} page")
        self.check(row.operation, flat(some) == flat(whole), "pages do not bring what one page brings")
        self.check(row.operation, all(len(page) <= row.pages for page in some), "a page is too long")

    def refused(self, operation, code, given, what, account=ADMIN, region=HOME):
        modelled = {shape.name: shape for shape in self.model.operation_model(operation).error_shapes}
        try:
            self.world.call(operation, given, account, region)
        except ClientError as error:
            got, raw = error.response["Error"]["Code"], self.world.raw
            self.check(operation, got == code, f"{what}: {got} and not {code}: {error}")
            self.check(operation, raw.headers.get("x-amzn-errortype") == got, f"{what}: the header is not {got}")
            if code in modelled:
                status = modelled[code].metadata["error"]["httpStatusCode"]
                self.check(operation, raw.status_code == status, f"{what}: status {raw.status_code} and not {status}")
                for problem in problems(modelled[code], json.loads(raw.content)):
                    self.check(operation, False, f"{what}: {problem}")
            if got == code:
                self.provoked.add((operation, code))
        else:
            self.check(operation, False, f"{what}: is not refused")

    def in_general(self, operation, excused):
        """What the model alone tells of an operation that is served."""
        if operation not in self.valid:
            self.check(operation, False, "is served, and no row calls it")
            return
        row, given = self.valid[operation]
        model = self.model.operation_model(operation)
        documented = {shape.name for shape in model.error_shapes}
        if model.input_shape and "InvalidInputException" in documented:
            for what, bad in spoilt(model.input_shape, given):
                self.refused(operation, "InvalidInputException", bad, what, row.account, row.region)
        for code, fault in BY_FAULT.items():
            if code in documented:
                self.world.fault(operation, fault)
                self.refused(operation, code, given, f"{code} by a fault", row.account, row.region)
                self.world.no_faults()
        off = operation, "InvalidAccessException"
        if off[1] in documented and off not in self.provoked and off not in excused:
            self.refused(operation, "InvalidAccessException", given, "the hub is off", STRANGER, "sa-east-1")

    def not_served(self, operation):
        given = least(self.model.operation_model(operation).input_shape)
        try:
            self.world.call(operation, given)
            self.check(operation, False, "is answered, and said not to be served")
        except ClientError as error:
            right = error.response["Error"]["Code"] == "NotImplementedException" and operation in str(error)
            self.check(operation, right, f"is not refused by name: {error}")


def main(endpoint):
    world = Boto(endpoint)
    tests = Tests(world)
    # The day there are some, they are to be used.
    tests.check("all", world.client().waiter_names == [], f"botocore has waiters: {world.client().waiter_names}")
    known = {operation["name"]: operation for operation in world.admin("GET", "operations")}
    for name in tests.model.operation_names:
        model = tests.model.operation_model(name)
        path = model.http["requestUri"].replace("+}", "}")
        listed = known.get(name, {})
        right = (listed.get("method"), listed.get("path")) == (model.http["method"], path)
        tests.check(name, right, f"the server has it at {listed}, and the model at {model.http['method']} {path}")
    tests.check("all", set(known) == set(tests.model.operation_names), "the server lists other operations than the model")
    served = [name for name in known if known[name]["served"]]
    for family in FAMILIES:
        for row in family.rows:
            tests.row(row)
    excused = {key: why for family in FAMILIES for key, why in family.not_provoked.items()}
    for name in served:
        tests.in_general(name, excused)
    for name in served:
        for shape in tests.model.operation_model(name).error_shapes:
            key = (name, shape.name)
            tests.check(name, (key in tests.provoked) != (key in excused), f"{shape.name} is documented; it must be provoked, or excused")
    refused = [name for name in known if not known[name]["served"]]
    for name in refused:
        tests.not_served(name)
    print(
        json.dumps(
            {
                "checks": tests.checks,
                "failures": tests.failures,
                "errorsProvoked": len(tests.provoked),
                "errorsExcused": {" ".join(key): why for key, why in excused.items()},
                "served": served,
                "refused": refused,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
