"""The table `src/wire/finding_shapes.txt`: what the service's model says of a finding.

Written by `make shapes` and compared by a test. Shapes come from botocore's service-2.json: types, required members, bounds and
vocabularies. Most bounds are only in the model's documentation ("Length Constraints: ...", "Array Members: ..."), in words that
are always the same, so they are read from there.
"""

import gzip
import json
import re
from pathlib import Path

import botocore

ROOT = "AwsSecurityFinding"
SCALARS = {"string": "text", "integer": "int", "long": "long", "double": "number", "boolean": "truth"}
LENGTH = re.compile(r"(?:Length Constraints|Array Members): Minimum (?:length |number )?of (\d+)[^.]*\. Maximum (?:length |number )?of (\d+)")
MOST = re.compile(r"(?:Length Constraints:|Array Members: Maximum number of) (\d+)")
PERCENT = re.compile(r"0-100 basis|score of 100 is reserved|integer between <code>0</code> and <code>100</code>")
# What the documentation says of the same field one level higher.
TWINS = {("FindingProviderFields", "Types"), ("FindingProviderFields", "RelatedFindings")}


def shapes():
    found = sorted(Path(botocore.__file__).parent.glob("data/securityhub/*/service-2.json.gz"))
    return json.loads(gzip.decompress(found[-1].read_bytes()))["shapes"]


class Table:
    def __init__(self):
        self.shapes = shapes()
        self.seen = {}

    def kind(self, name):
        """What a value is called in the table."""
        shape = self.shapes[name]
        if shape["type"] == "structure" or "enum" in shape:
            self.visit(name)
            return name
        if shape["type"] == "list":
            return f"[{self.kind(shape['member']['shape'])}]"
        if shape["type"] == "map":
            assert self.kind(shape["value"]["shape"]) == "text"
            return "map"
        return SCALARS[shape["type"]]

    def bounds(self, owner, name, member):
        """Of characters, items or a number: ` 1..512`, ` ..50`."""
        if (owner, name) in TWINS:
            owner, member = ROOT, self.shapes[ROOT]["members"][name]
        shape, said = self.shapes[member["shape"]], re.sub("</?p>", "", member.get("documentation", ""))
        if shape["type"] in ("structure", "map"):
            return ""
        if both := LENGTH.search(said):
            least, most = both.groups()
        elif upper := MOST.search(said):
            least, most = "", upper[1]
        elif shape["type"] == "integer" and PERCENT.search(said):
            least, most = "0", "100"
        else:
            least, most = shape.get("min", ""), shape.get("max", "")
        return f" {least}..{most}" if f"{least}{most}" else ""

    def visit(self, name):
        if name in self.seen:
            return
        shape = self.shapes[name]
        if "enum" in shape:
            self.seen[name] = [f"{name} = {' '.join(shape['enum'])}"]
            return
        lines = self.seen[name] = [name]
        for member, of in sorted(shape["members"].items()):
            required = "!" if member in shape.get("required", []) else ""
            lines.append(f"  {member}{required} {self.kind(of['shape'])}{self.bounds(name, member, of)}")


def table():
    made = Table()
    made.visit(ROOT)
    head = ["# Made by tests/it/real/finding_shapes.py from the service's model; `make shapes` writes it anew."]
    return "\n".join(head + [line for name in sorted(made.seen) for line in made.seen[name]]) + "\n"


if __name__ == "__main__":
    print(table(), end="")
