"""What the service's model, as botocore has it, says of an answer and of an input."""

import re

NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def problems(shape, value, path="answer"):
    """Where JSON is not of its shape: members that are missing, unknown or of another type, words that are not in a vocabulary."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        found = [f"{path}.{name} is required and missing" for name in shape.required_members if name not in value]
        names = {shape.members[name].serialization.get("name", name): name for name in shape.members}
        for name, member in value.items():
            if name not in names:
                found.append(f"{path}.{name} is not in the model")
            elif member is None:
                found.append(f"{path}.{name} is null")
            else:
                found += problems(shape.members[names[name]], member, f"{path}.{name}")
        return found
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [p for number, item in enumerate(value) for p in problems(shape.member, item, f"{path}[{number}]")]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path} is no map"]
        return [p for name, item in value.items() for p in problems(shape.value, item, f"{path}.{name}")]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{path} is no boolean: {value!r}"]
    if kind in NUMBERS:
        right = isinstance(value, NUMBERS[kind]) and not isinstance(value, bool)
        return [] if right else [f"{path} is no {kind}: {value!r}"]
    if not isinstance(value, str):
        return [f"{path} is no {kind}: {value!r}"]
    if kind == "timestamp":
        return [] if ISO8601.fullmatch(value) else [f"{path} is no time: {value}"]
    if shape.enum and value not in shape.enum:
        return [f"{path} is {value}, which is not one of {shape.enum}"]
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        return [f"{path} does not match {pattern}: {value!r}"]
    return []


def least(shape):
    """The smallest input that the model allows: for operations that are refused whatever they are asked."""
    kind = shape.type_name
    if kind == "structure":
        required = shape.required_members
        if not required and shape.metadata.get("union"):
            required = list(shape.members)[:1]
        return {name: least(shape.members[name]) for name in required}
    if kind == "list":
        return [least(shape.member)] * max(1, shape.metadata.get("min", 0))
    if kind == "map":
        return {"key": least(shape.value)}
    if kind == "boolean":
        return True
    if kind in NUMBERS:
        return shape.metadata.get("min", 1)
    if kind == "timestamp":
        return "2026-11-21T08:00:00Z"
    return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 0))


def spoilt(shape, given):
    """Inputs that the model does not allow, each with what is wrong: for the errors that every operation has."""
    location = {name: member.serialization.get("location") for name, member in shape.members.items()}
    for name, member in shape.members.items():
        if location[name] == "uri":
            continue
        if name in shape.required_members:
            yield f"no {name}", {key: value for key, value in given.items() if key != name}
        kind, most, fewest = member.type_name, member.metadata.get("max"), member.metadata.get("min")
        if kind in NUMBERS:
            if fewest is not None:
                yield f"{name} too small", {**given, name: fewest - 1}
            if most is not None:
                yield f"{name} too large", {**given, name: most + 1}
        if kind == "string" and member.enum:
            yield f"{name} not of its vocabulary", {**given, name: "NONSENSE"}
        if kind == "list":
            items = given.get(name) or [least(member.member)]
            if name in given and (fewest or name in shape.required_members):
                yield f"{name} empty", {**given, name: []}
            if most is not None:
                yield f"{name} too long", {**given, name: (items * (most + 1))[: most + 1]}
            if getattr(member.member, "enum", None):
                yield f"{name} not of its vocabulary", {**given, name: ["NONSENSE"]}
        if kind == "map":
            if name in given and (fewest or name in shape.required_members):
                yield f"{name} empty", {**given, name: {}}
            if most is not None:
                yield f"{name} too long", {**given, name: {f"key{number}": least(member.value) for number in range(most + 1)}}
        if name == "NextToken":
            yield "a token that nobody gave", {**given, name: "63.ff"}
