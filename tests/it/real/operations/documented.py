"""The commands that AWS documents for the AWS CLI: they ship with it, with ids of AWS's own examples."""

import re
import shlex
import textwrap
from pathlib import Path

import awscli

# Whose they are, mostly.
ACCOUNT, REGION = "123456789012", "us-west-1"

# Examples that cannot be understood as they are, with why. All others name what is there, or what could be.
ODD = {
    "batch-disable-standards": "PCI DSS 3.2.1 is not subscribed to",
    "get-finding-history": "its finding is not there, for which the operation has no error of its own",
    "list-automation-rules": "its token is invented",
    "list-security-control-definitions": "one asks about a standard of us-east-1, and others of us-west-1",
}


def examples():
    """Each with the name of its command, and taken to pieces as a shell does."""
    for page in sorted(Path(awscli.__file__).parent.glob("examples/securityhub/*.rst")):
        for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", page.read_text()):
            text = textwrap.dedent(block).replace("\\\n", " ").strip()
            if text.startswith("aws securityhub "):
                yield page.stem, shlex.split(text)[1:]
