//! Every operation of Security Hub: name, method, path and quota. The one list: what is served, throttled or refused by name is
//! looked up here. Source: the service's model (securityhub 2018-10-26); quotas: its service documentation.

use super::limits::{
    RATE_ENABLE_STANDARDS as ENABLE_STANDARDS, RATE_GET_FINDINGS as GET_FINDINGS, RATE_IMPORT_FINDINGS as IMPORT_FINDINGS,
    RATE_OTHER as OTHER, RATE_STANDARDS_CONTROL as STANDARDS_CONTROL, RATE_UPDATE_FINDINGS as UPDATE_FINDINGS, Rate,
};

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// `GetFindings`.
    pub name: &'static str,
    /// `POST`.
    pub method: &'static str,
    /// `/findings`; a label in braces stands for the rest of the path up to what follows it.
    pub path: &'static str,
    /// Its token bucket.
    pub rate: Rate,
}

/// The operations whose quota is listed by name; of all others the documentation gives one quota.
const LISTED: [&str; 5] =
    ["BatchEnableStandards", "BatchImportFindings", "BatchUpdateFindings", "GetFindings", "UpdateStandardsControl"];

impl Operation {
    /// Whether its quota is listed by name.
    pub fn has_own_quota(&self) -> bool {
        LISTED.contains(&self.name)
    }
}

/// The operation behind `method` and `path`, and what its label stands for, as it is in the path; empty where it has none.
/// `None`: Security Hub has no operation there.
pub fn find<'p>(method: &str, path: &'p str) -> Option<(&'static Operation, &'p str)> {
    let of_method = || ALL.iter().filter(|operation| operation.method == method);
    let exact = of_method().find(|operation| operation.path == path).map(|operation| (operation, ""));
    exact.or_else(|| of_method().find_map(|operation| Some((operation, label(operation.path, path)?))))
}

/// The operation of this name.
pub fn named(name: &str) -> Option<&'static Operation> {
    ALL.iter().find(|operation| operation.name == name)
}

/// What the label of `pattern` stands for: ARNs hold slashes.
fn label<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    path.strip_prefix(before)?.strip_suffix(after).filter(|label| !label.is_empty())
}

const fn op(method: &'static str, path: &'static str, name: &'static str, rate: Rate) -> Operation {
    Operation { name, method, path, rate }
}

/// All of them, by name.
#[rustfmt::skip] // a table
pub const ALL: &[Operation] = &[
    op("POST", "/administrator", "AcceptAdministratorInvitation", OTHER),
    op("POST", "/master", "AcceptInvitation", OTHER),
    op("POST", "/automationrules/delete", "BatchDeleteAutomationRules", OTHER),
    op("POST", "/standards/deregister", "BatchDisableStandards", OTHER),
    op("POST", "/standards/register", "BatchEnableStandards", ENABLE_STANDARDS),
    op("POST", "/automationrules/get", "BatchGetAutomationRules", OTHER),
    op("POST", "/configurationPolicyAssociation/batchget", "BatchGetConfigurationPolicyAssociations", OTHER),
    op("POST", "/securityControls/batchGet", "BatchGetSecurityControls", OTHER),
    op("POST", "/associations/batchGet", "BatchGetStandardsControlAssociations", OTHER),
    op("POST", "/findings/import", "BatchImportFindings", IMPORT_FINDINGS),
    op("PATCH", "/automationrules/update", "BatchUpdateAutomationRules", OTHER),
    op("PATCH", "/findings/batchupdate", "BatchUpdateFindings", UPDATE_FINDINGS),
    op("PATCH", "/findingsv2/batchupdatev2", "BatchUpdateFindingsV2", OTHER),
    op("PATCH", "/associations", "BatchUpdateStandardsControlAssociations", OTHER),
    op("POST", "/exportjobsv2/{ExportJobId}/cancel", "CancelExportJobV2", OTHER),
    op("POST", "/actionTargets", "CreateActionTarget", OTHER),
    op("POST", "/aggregatorv2/create", "CreateAggregatorV2", OTHER),
    op("POST", "/automationrules/create", "CreateAutomationRule", OTHER),
    op("POST", "/automationrulesv2/create", "CreateAutomationRuleV2", OTHER),
    op("POST", "/configurationPolicy/create", "CreateConfigurationPolicy", OTHER),
    op("POST", "/connectors", "CreateConnector", OTHER),
    op("POST", "/connectorsv2", "CreateConnectorV2", OTHER),
    op("POST", "/findingAggregator/create", "CreateFindingAggregator", OTHER),
    op("POST", "/insights", "CreateInsight", OTHER),
    op("POST", "/members", "CreateMembers", OTHER),
    op("POST", "/ticketsv2", "CreateTicketV2", OTHER),
    op("POST", "/invitations/decline", "DeclineInvitations", OTHER),
    op("DELETE", "/actionTargets/{ActionTargetArn}", "DeleteActionTarget", OTHER),
    op("DELETE", "/aggregatorv2/delete/{AggregatorV2Arn}", "DeleteAggregatorV2", OTHER),
    op("DELETE", "/automationrulesv2/{Identifier}", "DeleteAutomationRuleV2", OTHER),
    op("DELETE", "/configurationPolicy/{Identifier}", "DeleteConfigurationPolicy", OTHER),
    op("DELETE", "/connectors/{ConnectorId}", "DeleteConnector", OTHER),
    op("DELETE", "/connectorsv2/{ConnectorId}", "DeleteConnectorV2", OTHER),
    op("DELETE", "/findingAggregator/delete/{FindingAggregatorArn}", "DeleteFindingAggregator", OTHER),
    op("DELETE", "/insights/{InsightArn}", "DeleteInsight", OTHER),
    op("POST", "/invitations/delete", "DeleteInvitations", OTHER),
    op("POST", "/members/delete", "DeleteMembers", OTHER),
    op("POST", "/actionTargets/get", "DescribeActionTargets", OTHER),
    op("GET", "/accounts", "DescribeHub", OTHER),
    op("GET", "/organization/configuration", "DescribeOrganizationConfiguration", OTHER),
    op("GET", "/products", "DescribeProducts", OTHER),
    op("GET", "/productsV2", "DescribeProductsV2", OTHER),
    op("GET", "/hubv2", "DescribeSecurityHubV2", OTHER),
    op("GET", "/standards", "DescribeStandards", OTHER),
    op("GET", "/standards/controls/{StandardsSubscriptionArn}", "DescribeStandardsControls", OTHER),
    op("DELETE", "/productSubscriptions/{ProductSubscriptionArn}", "DisableImportFindingsForProduct", OTHER),
    op("POST", "/organization/admin/disable", "DisableOrganizationAdminAccount", OTHER),
    op("DELETE", "/accounts", "DisableSecurityHub", OTHER),
    op("DELETE", "/hubv2/feature/{FeatureName}", "DisableSecurityHubFeatureV2", OTHER),
    op("DELETE", "/hubv2", "DisableSecurityHubV2", OTHER),
    op("POST", "/administrator/disassociate", "DisassociateFromAdministratorAccount", OTHER),
    op("POST", "/master/disassociate", "DisassociateFromMasterAccount", OTHER),
    op("POST", "/members/disassociate", "DisassociateMembers", OTHER),
    op("POST", "/productSubscriptions", "EnableImportFindingsForProduct", OTHER),
    op("POST", "/organization/admin/enable", "EnableOrganizationAdminAccount", OTHER),
    op("POST", "/accounts", "EnableSecurityHub", OTHER),
    op("POST", "/hubv2/feature/{FeatureName}", "EnableSecurityHubFeatureV2", OTHER),
    op("POST", "/hubv2", "EnableSecurityHubV2", OTHER),
    op("POST", "/recommendedPolicyV2/{MetadataUid}", "GenerateRecommendedPolicyV2", OTHER),
    op("GET", "/administrator", "GetAdministratorAccount", OTHER),
    op("GET", "/aggregatorv2/get/{AggregatorV2Arn}", "GetAggregatorV2", OTHER),
    op("GET", "/automationrulesv2/{Identifier}", "GetAutomationRuleV2", OTHER),
    op("GET", "/configurationPolicy/get/{Identifier}", "GetConfigurationPolicy", OTHER),
    op("POST", "/configurationPolicyAssociation/get", "GetConfigurationPolicyAssociation", OTHER),
    op("GET", "/connectors/{ConnectorId}", "GetConnector", OTHER),
    op("GET", "/connectorsv2/{ConnectorId}", "GetConnectorV2", OTHER),
    op("POST", "/standards/get", "GetEnabledStandards", OTHER),
    op("GET", "/exportjobsv2/{ExportJobId}", "GetExportJobV2", OTHER),
    op("GET", "/findingAggregator/get/{FindingAggregatorArn}", "GetFindingAggregator", OTHER),
    op("POST", "/findingHistory/get", "GetFindingHistory", OTHER),
    op("POST", "/findingsv2/statistics", "GetFindingStatisticsV2", OTHER),
    op("POST", "/findings", "GetFindings", GET_FINDINGS),
    op("POST", "/findingsTrendsv2", "GetFindingsTrendsV2", OTHER),
    op("POST", "/findingsv2", "GetFindingsV2", OTHER),
    op("GET", "/insights/results/{InsightArn}", "GetInsightResults", OTHER),
    op("POST", "/insights/get", "GetInsights", OTHER),
    op("GET", "/invitations/count", "GetInvitationsCount", OTHER),
    op("GET", "/master", "GetMasterAccount", OTHER),
    op("POST", "/members/get", "GetMembers", OTHER),
    op("GET", "/recommendedPolicyV2/{MetadataUid}", "GetRecommendedPolicyV2", OTHER),
    op("POST", "/GetRemediationsV2", "GetRemediationsV2", OTHER),
    op("POST", "/resourcesv2/statistics", "GetResourcesStatisticsV2", OTHER),
    op("POST", "/resourcesTrendsv2", "GetResourcesTrendsV2", OTHER),
    op("POST", "/resourcesv2", "GetResourcesV2", OTHER),
    op("GET", "/securityControl/definition", "GetSecurityControlDefinition", OTHER),
    op("POST", "/softwarev2/resources", "GetSoftwareResourcesV2", OTHER),
    op("POST", "/softwarev2/statistics", "GetSoftwareStatisticsV2", OTHER),
    op("POST", "/softwarev2", "GetSoftwareV2", OTHER),
    op("POST", "/members/invite", "InviteMembers", OTHER),
    op("GET", "/aggregatorv2/list", "ListAggregatorsV2", OTHER),
    op("GET", "/automationrules/list", "ListAutomationRules", OTHER),
    op("GET", "/automationrulesv2/list", "ListAutomationRulesV2", OTHER),
    op("GET", "/configurationPolicy/list", "ListConfigurationPolicies", OTHER),
    op("POST", "/configurationPolicyAssociation/list", "ListConfigurationPolicyAssociations", OTHER),
    op("GET", "/connectors", "ListConnectors", OTHER),
    op("GET", "/connectorsv2", "ListConnectorsV2", OTHER),
    op("GET", "/productSubscriptions", "ListEnabledProductsForImport", OTHER),
    op("GET", "/exportjobsv2", "ListExportJobsV2", OTHER),
    op("POST", "/ListExposuresByRemediationV2", "ListExposuresByRemediationV2", OTHER),
    op("GET", "/findingAggregator/list", "ListFindingAggregators", OTHER),
    op("POST", "/freetrial/statusv2/list", "ListFreeTrialStatusesV2", OTHER),
    op("GET", "/invitations", "ListInvitations", OTHER),
    op("GET", "/members", "ListMembers", OTHER),
    op("GET", "/organization/admin", "ListOrganizationAdminAccounts", OTHER),
    op("GET", "/securityControls/definitions", "ListSecurityControlDefinitions", OTHER),
    op("GET", "/associations", "ListStandardsControlAssociations", OTHER),
    op("GET", "/tags/{ResourceArn}", "ListTagsForResource", OTHER),
    op("POST", "/connectorsv2/register", "RegisterConnectorV2", OTHER),
    op("POST", "/configurationPolicyAssociation/associate", "StartConfigurationPolicyAssociation", OTHER),
    op("POST", "/configurationPolicyAssociation/disassociate", "StartConfigurationPolicyDisassociation", OTHER),
    op("POST", "/exportjobsv2", "StartExportJobV2", OTHER),
    op("POST", "/tags/{ResourceArn}", "TagResource", OTHER),
    op("DELETE", "/tags/{ResourceArn}", "UntagResource", OTHER),
    op("PATCH", "/actionTargets/{ActionTargetArn}", "UpdateActionTarget", OTHER),
    op("PATCH", "/aggregatorv2/update/{AggregatorV2Arn}", "UpdateAggregatorV2", OTHER),
    op("PATCH", "/automationrulesv2/{Identifier}", "UpdateAutomationRuleV2", OTHER),
    op("PATCH", "/configurationPolicy/{Identifier}", "UpdateConfigurationPolicy", OTHER),
    op("PATCH", "/connectors/{ConnectorId}", "UpdateConnector", OTHER),
    op("PATCH", "/connectorsv2/{ConnectorId}", "UpdateConnectorV2", OTHER),
    op("PATCH", "/findingAggregator/update", "UpdateFindingAggregator", OTHER),
    op("PATCH", "/findings", "UpdateFindings", OTHER),
    op("PATCH", "/insights/{InsightArn}", "UpdateInsight", OTHER),
    op("POST", "/organization/configuration", "UpdateOrganizationConfiguration", OTHER),
    op("PATCH", "/securityControl/update", "UpdateSecurityControl", OTHER),
    op("PATCH", "/accounts", "UpdateSecurityHubConfiguration", OTHER),
    op("PATCH", "/standards/control/{StandardsControlArn}", "UpdateStandardsControl", STANDARDS_CONTROL),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(method: &str, path: &str) -> Option<&'static str> {
        find(method, path).map(|(operation, _)| operation.name)
    }

    #[test]
    fn operations_are_told_by_method_and_path() {
        assert_eq!(name("POST", "/findings"), Some("GetFindings"));
        assert_eq!(name("PATCH", "/findings"), Some("UpdateFindings"));
        assert_eq!(name("GET", "/findings"), None);
        let arn = "arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Afinding-aggregator/x";
        let path = format!("/findingAggregator/get/{arn}");
        assert_eq!(find("GET", &path).map(|(operation, label)| (operation.name, label)), Some(("GetFindingAggregator", arn)));
        assert_eq!(name("GET", "/standards/controls/arn/a/b"), Some("DescribeStandardsControls"));
        assert_eq!(find("POST", "/exportjobsv2/x/cancel").map(|(_, label)| label), Some("x"));
        assert_eq!(name("GET", "/tags/"), None);
    }

    #[test]
    fn all_126_are_there_once_and_told_apart() {
        assert_eq!(ALL.len(), 126);
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        for operation in ALL {
            let path = operation.path.replace(['{', '}'], "");
            assert_eq!(name(operation.method, &path), Some(operation.name));
            assert_eq!(named(operation.name), Some(operation));
        }
    }
}
