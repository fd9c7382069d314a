"""All families of operations, in the order in which their rows are run."""

import actions
import aggregators
import controls
import findings
import hub
import insights
import members
import organization
import products
import rules
import standards
import tags

FAMILIES = [
    hub.FAMILY,
    standards.FAMILY,
    controls.FAMILY,
    findings.FAMILY,
    tags.FAMILY,
    rules.FAMILY,
    products.FAMILY,
    actions.FAMILY,
    insights.FAMILY,
    # These change who sees what: last, and in this order.
    members.FAMILY,
    aggregators.FAMILY,
    organization.FAMILY,
]
