"""How the rows of a family are written. boto3 calls them (`run.py`), and the AWS CLI has them typed (`cli.py`).

`World` is what rows may need: it is asked by functions, since ARNs and ids are known only once the server runs.
"""

from dataclasses import dataclass, field
from typing import Any, Callable

ADMIN, MEMBER, STRANGER = "111122223333", "444455556666", "999999999999"
HOME, LINKED = "eu-west-1", "us-east-1"


@dataclass
class Call:
    """A valid call. `given`: its input, or a function of the world that gives it. `then`: what must be true of the answer.

    `pages`: the paginator is to bring with this page size what one page brings. `account`: who calls. `advance`: seconds that
    the clock is stepped ahead first. `before`: what is done first, beside the tests.
    """

    operation: str
    given: Any = field(default_factory=dict)
    then: Callable[[dict], bool] = lambda answer: True
    pages: int | None = None
    account: str = ADMIN
    region: str = HOME
    advance: int = 0
    before: Callable[[Any], None] | None = None


@dataclass
class Fails:
    """A call that is refused with `code`."""

    operation: str
    code: str
    given: Any = field(default_factory=dict)
    account: str = ADMIN
    region: str = HOME
    advance: int = 0


@dataclass
class Family:
    """Rows in their order: they change the one server. `not_provoked`: documented errors with why they cannot come."""

    rows: list
    not_provoked: dict[tuple[str, str], str] = field(default_factory=dict)
