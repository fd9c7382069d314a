"""The server, as every client of it has it: what no client of AWS can do is done here."""

import json
import urllib.request

from table import ADMIN, HOME

# Errors that are provoked alike for every operation, by switches of the server.
BY_FAULT = {
    "InternalException": {"serverError": 500},
    "LimitExceededException": {"throttle": "LimitExceededException"},
    "AccessDeniedException": "accessDenied",
}


class World:
    """What rows may ask for. Who calls is said by the client's own `call`."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def call(self, operation, given, account=ADMIN, region=HOME):
        """The answer, by the client; an error is an exception."""
        raise NotImplementedError

    def admin(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/_local/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def advance(self, seconds):
        if seconds:
            self.admin("POST", "advance", {"seconds": seconds})

    def calls(self, operation):
        """How many calls of an operation have arrived."""
        return self.admin("GET", "calls").get(operation, {}).get("calls", 0)

    def fault(self, operation, fault):
        self.admin("PUT", "faults", {"calls": [{"operation": operation, "fault": fault}]})

    def no_faults(self):
        self.admin("PUT", "faults", {})

    def given(self, row):
        return row.given(self) if callable(row.given) else row.given
