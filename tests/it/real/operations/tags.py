"""Tags of resources: the hub's. Removing is asked in the query, and keys that are not there are no error."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

ARN = f"arn:aws:securityhub:{HOME}:{ADMIN}:hub/default"
# Of an account whose hub is off until it is enabled, with tags.
ENABLED, REGION = "432143214321", "ap-northeast-1"
NEW = f"arn:aws:securityhub:{REGION}:{ENABLED}:hub/default"


def tag(tags, arn=ARN):
    return {"ResourceArn": arn, "Tags": tags}


def untag(*keys, arn=ARN):
    return {"ResourceArn": arn, "TagKeys": list(keys)}


def of(arn=ARN):
    return {"ResourceArn": arn}


def are(tags):
    return lambda answer: answer["Tags"] == tags


FAMILY = Family(
    [
        Call("ListTagsForResource", of(), then=are({})),
        Call("TagResource", tag({"team": "sec", "hubkeeper.dev/cluster": "a b@c"})),
        Call("TagResource", tag({"team": "pay", "empty": ""})),
        Call("ListTagsForResource", of(), then=are({"team": "pay", "hubkeeper.dev/cluster": "a b@c", "empty": ""})),
        Call("UntagResource", untag("hubkeeper.dev/cluster", "empty", "never")),
        Call("ListTagsForResource", of(), then=are({"team": "pay"})),
        # Another Region's hub is another resource.
        Call("ListTagsForResource", of(ARN.replace(HOME, LINKED)), region=LINKED, then=are({})),
        *[Fails("TagResource", "InvalidInputException", tag(bad)) for bad in ({"aws:x": "y"}, {"a b": "y"}, {"k": "x" * 257}, {"k": "aws:v"})],
        Fails("TagResource", "InvalidInputException", tag({f"more{number}": "" for number in range(50)})),
        Fails("UntagResource", "InvalidInputException", untag("aws:x")),
        *[
            Fails(operation, code, {**given, "ResourceArn": arn})
            for operation, given in (("ListTagsForResource", {}), ("TagResource", tag({"k": "v"})), ("UntagResource", untag("k")))
            for code, arn in (
                ("ResourceNotFoundException", ARN.replace(ADMIN, MEMBER)),
                ("ResourceNotFoundException", ARN.replace(HOME, LINKED)),
                ("ResourceNotFoundException", ARN.replace("default", "other")),
                ("InvalidInputException", "arn:aws:nothing"),
            )
        ],
        # A hub that is off is not there; it comes with tags, and has them again when it is on again.
        Fails("ListTagsForResource", "ResourceNotFoundException", of(NEW), account=ENABLED, region=REGION),
        Fails("EnableSecurityHub", "InvalidInputException", {"Tags": {"aws:x": "y"}}, account=ENABLED, region=REGION),
        Call("EnableSecurityHub", {"Tags": {"team": "sec"}}, account=ENABLED, region=REGION),
        Call("ListTagsForResource", of(NEW), account=ENABLED, region=REGION, then=are({"team": "sec"})),
        Call("DisableSecurityHub", account=ENABLED, region=REGION),
        Call("EnableSecurityHub", account=ENABLED, region=REGION),
        Call("ListTagsForResource", of(NEW), account=ENABLED, region=REGION, then=are({"team": "sec"})),
        Call("ListTagsForResource", of()),
    ]
)
