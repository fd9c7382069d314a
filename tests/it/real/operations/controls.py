"""Security controls, and whether they are on in which standard."""

from table import ADMIN, HOME, MEMBER, Call, Fails, Family

FSBP = f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"
PCI = f"arn:aws:securityhub:{HOME}::standards/pci-dss/v/4.0.1"
TAGGING = f"arn:aws:securityhub:{HOME}::standards/aws-resource-tagging-standard/v/1.0.0"
S3 = f"arn:aws:securityhub:{HOME}:{ADMIN}:security-control/S3.8"


def codes(answer, name):
    return [item["ErrorCode"] for item in answer[name]]


def update(control, standard, status="DISABLED", reason="accepted"):
    return {"SecurityControlId": control, "StandardsArn": standard, "AssociationStatus": status, "UpdatedReason": reason}


def updates(*all):
    return {"StandardsControlAssociationUpdates": list(all)}


def association(answer, standard):
    [found] = [s for s in answer["StandardsControlAssociationSummaries"] if s["StandardsArn"] == standard]
    return found["AssociationStatus"], found.get("UpdatedReason")


def parameters(value, kind="CUSTOM", control="ACM.1", name="daysToExpiration", **more):
    return {"SecurityControlId": control, "Parameters": {name: {"ValueType": kind, "Value": value}}, **more}


def definition(answer):
    return answer["SecurityControlDefinition"]


FAMILY = Family(
    [
        Call("ListSecurityControlDefinitions", then=lambda a: len(a["SecurityControlDefinitions"]) == 25 and "NextToken" in a),
        Call("ListSecurityControlDefinitions", {"StandardsArn": PCI, "Providers": ["AWS"]}, pages=30),
        Call("ListSecurityControlDefinitions", {"Providers": ["GCP"]}, then=lambda a: a["SecurityControlDefinitions"] == []),
        Fails("ListSecurityControlDefinitions", "InvalidInputException", {"StandardsArn": "arn:aws:nothing"}),
        Call(
            "GetSecurityControlDefinition",
            {"SecurityControlId": "EC2.18"},
            then=lambda a: definition(a)["ParameterDefinitions"]["authorizedTcpPorts"]["ConfigurationOptions"]["IntegerList"]["DefaultValue"] == [80, 443],
        ),
        Call("GetSecurityControlDefinition", {"SecurityControlId": "S3.8"}, then=lambda a: "ParameterDefinitions" not in definition(a)),
        Fails("GetSecurityControlDefinition", "ResourceNotFoundException", {"SecurityControlId": "Quantum.1"}),
        Fails("GetSecurityControlDefinition", "InvalidInputException", {"SecurityControlId": S3}),
        # Associations.
        Call("ListStandardsControlAssociations", {"SecurityControlId": S3}, pages=2, then=lambda a: association(a, FSBP) == ("ENABLED", None)),
        Fails("ListStandardsControlAssociations", "InvalidInputException", {"SecurityControlId": "Quantum.1"}),
        Call(
            "BatchUpdateStandardsControlAssociations",
            updates(update("S3.8", FSBP), update("S3.8", TAGGING), update("Quantum.1", FSBP), update("S3.8", "arn:x")),
            then=lambda a: codes(a, "UnprocessedAssociationUpdates") == ["RESOURCE_NOT_FOUND", "RESOURCE_NOT_FOUND", "INVALID_INPUT"],
        ),
        Call(
            "BatchUpdateStandardsControlAssociations",
            updates(update("S3.8", FSBP, "OFF"), update("S3.8", FSBP)),
            then=lambda a: codes(a, "UnprocessedAssociationUpdates") == ["INVALID_INPUT"],
        ),
        Call("ListStandardsControlAssociations", {"SecurityControlId": "S3.8"}, then=lambda a: association(a, FSBP) == ("DISABLED", "accepted")),
        Call("BatchUpdateStandardsControlAssociations", updates(update("S3.8", FSBP, reason="again")), then=lambda a: a["UnprocessedAssociationUpdates"] == []),
        Call("ListStandardsControlAssociations", {"SecurityControlId": "S3.8"}, then=lambda a: association(a, FSBP) == ("DISABLED", "accepted")),
        Call("ListStandardsControlAssociations", {"SecurityControlId": "S3.8"}, account=MEMBER, then=lambda a: association(a, FSBP) == ("ENABLED", None)),
        Call(
            "BatchGetStandardsControlAssociations",
            {"StandardsControlAssociationIds": [{"SecurityControlId": S3, "StandardsArn": FSBP}, {"SecurityControlId": "S3.8", "StandardsArn": TAGGING}]},
            then=lambda a: len(a["StandardsControlAssociationDetails"][0]["StandardsControlArns"]) == 1
            and codes(a, "UnprocessedAssociations") == ["RESOURCE_NOT_FOUND"],
        ),
        Call(
            "BatchGetSecurityControls",
            {"SecurityControlIds": ["s3.8", "Quantum.1", S3.replace(ADMIN, MEMBER), "arn:x"]},
            then=lambda a: a["SecurityControls"][0]["SecurityControlStatus"] == "ENABLED"
            and codes(a, "UnprocessedIds") == ["RESOURCE_NOT_FOUND", "ACCESS_DENIED", "INVALID_INPUT"],
        ),
        Call("BatchUpdateStandardsControlAssociations", updates(update("S3.8", FSBP, "ENABLED"))),
        # Parameters.
        Call("UpdateSecurityControl", parameters({"Integer": 60}, LastUpdateReason="two months")),
        Fails("UpdateSecurityControl", "ResourceInUseException", parameters({"Integer": 61})),
        Call(
            "BatchGetSecurityControls",
            {"SecurityControlIds": ["ACM.1"]},
            then=lambda a: (a["SecurityControls"][0]["UpdateStatus"], a["SecurityControls"][0]["Parameters"]["daysToExpiration"])
            == ("UPDATING", {"ValueType": "CUSTOM", "Value": {"Integer": 60}}),
        ),
        Fails("UpdateSecurityControl", "ResourceNotFoundException", parameters({"Integer": 60}, control="Quantum.1")),
        Fails("UpdateSecurityControl", "InvalidInputException", parameters({"Integer": 1})),
        Fails("UpdateSecurityControl", "InvalidInputException", parameters({"String": "60"})),
        Fails("UpdateSecurityControl", "InvalidInputException", parameters({"Integer": 60}, name="days")),
        Fails("UpdateSecurityControl", "InvalidInputException", parameters({"Integer": 60}, kind="OWN")),
        Fails("UpdateSecurityControl", "InvalidInputException", parameters({"Integer": 60}, LastUpdateReason="see: PAY/1")),
        Call("UpdateSecurityControl", parameters({"Integer": 60}, kind="DEFAULT"), advance=30),
        Call(
            "BatchGetSecurityControls",
            {"SecurityControlIds": ["ACM.1", "RDS.14"]},
            advance=30,
            then=lambda a: [c["UpdateStatus"] for c in a["SecurityControls"]] == ["READY", "READY"]
            and a["SecurityControls"][0]["Parameters"]["daysToExpiration"]["Value"] == {"Integer": 30}
            and a["SecurityControls"][1]["Parameters"]["BacktrackWindowInHours"] == {"ValueType": "DEFAULT"},
        ),
    ]
)
