//! Every operation of Security Hub by method and path, so that one that is not served can be named.
//! Source: the service's model (securityhub 2018-10-26).

/// The name of the operation behind `method` and `path`; `None`: Security Hub has none there.
pub fn name(method: &str, path: &str) -> Option<&'static str> {
    let exact = OPERATIONS.iter().find(|(verb, pattern, _)| *verb == method && *pattern == path);
    let found = exact.or_else(|| {
        OPERATIONS.iter().find(|(verb, pattern, _)| *verb == method && pattern.contains('{') && matches(pattern, path))
    });
    found.map(|(_, _, name)| *name)
}

/// A label stands for the rest of the path up to what follows it: ARNs hold slashes.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == path };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    path.len() > before.len() + after.len() && path.starts_with(before) && path.ends_with(after)
}

#[rustfmt::skip]
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("POST", "/administrator", "AcceptAdministratorInvitation"),
    ("POST", "/master", "AcceptInvitation"),
    ("POST", "/automationrules/delete", "BatchDeleteAutomationRules"),
    ("POST", "/standards/deregister", "BatchDisableStandards"),
    ("POST", "/standards/register", "BatchEnableStandards"),
    ("POST", "/automationrules/get", "BatchGetAutomationRules"),
    ("POST", "/configurationPolicyAssociation/batchget", "BatchGetConfigurationPolicyAssociations"),
    ("POST", "/securityControls/batchGet", "BatchGetSecurityControls"),
    ("POST", "/associations/batchGet", "BatchGetStandardsControlAssociations"),
    ("POST", "/findings/import", "BatchImportFindings"),
    ("PATCH", "/automationrules/update", "BatchUpdateAutomationRules"),
    ("PATCH", "/findings/batchupdate", "BatchUpdateFindings"),
    ("PATCH", "/findingsv2/batchupdatev2", "BatchUpdateFindingsV2"),
    ("PATCH", "/associations", "BatchUpdateStandardsControlAssociations"),
    ("POST", "/exportjobsv2/{ExportJobId}/cancel", "CancelExportJobV2"),
    ("POST", "/actionTargets", "CreateActionTarget"),
    ("POST", "/aggregatorv2/create", "CreateAggregatorV2"),
    ("POST", "/automationrules/create", "CreateAutomationRule"),
    ("POST", "/automationrulesv2/create", "CreateAutomationRuleV2"),
    ("POST", "/configurationPolicy/create", "CreateConfigurationPolicy"),
    ("POST", "/connectors", "CreateConnector"),
    ("POST", "/connectorsv2", "CreateConnectorV2"),
    ("POST", "/findingAggregator/create", "CreateFindingAggregator"),
    ("POST", "/insights", "CreateInsight"),
    ("POST", "/members", "CreateMembers"),
    ("POST", "/ticketsv2", "CreateTicketV2"),
    ("POST", "/invitations/decline", "DeclineInvitations"),
    ("DELETE", "/actionTargets/{ActionTargetArn}", "DeleteActionTarget"),
    ("DELETE", "/aggregatorv2/delete/{AggregatorV2Arn}", "DeleteAggregatorV2"),
    ("DELETE", "/automationrulesv2/{Identifier}", "DeleteAutomationRuleV2"),
    ("DELETE", "/configurationPolicy/{Identifier}", "DeleteConfigurationPolicy"),
    ("DELETE", "/connectors/{ConnectorId}", "DeleteConnector"),
    ("DELETE", "/connectorsv2/{ConnectorId}", "DeleteConnectorV2"),
    ("DELETE", "/findingAggregator/delete/{FindingAggregatorArn}", "DeleteFindingAggregator"),
    ("DELETE", "/insights/{InsightArn}", "DeleteInsight"),
    ("POST", "/invitations/delete", "DeleteInvitations"),
    ("POST", "/members/delete", "DeleteMembers"),
    ("POST", "/actionTargets/get", "DescribeActionTargets"),
    ("GET", "/accounts", "DescribeHub"),
    ("GET", "/organization/configuration", "DescribeOrganizationConfiguration"),
    ("GET", "/products", "DescribeProducts"),
    ("GET", "/productsV2", "DescribeProductsV2"),
    ("GET", "/hubv2", "DescribeSecurityHubV2"),
    ("GET", "/standards", "DescribeStandards"),
    ("GET", "/standards/controls/{StandardsSubscriptionArn}", "DescribeStandardsControls"),
    ("DELETE", "/productSubscriptions/{ProductSubscriptionArn}", "DisableImportFindingsForProduct"),
    ("POST", "/organization/admin/disable", "DisableOrganizationAdminAccount"),
    ("DELETE", "/accounts", "DisableSecurityHub"),
    ("DELETE", "/hubv2/feature/{FeatureName}", "DisableSecurityHubFeatureV2"),
    ("DELETE", "/hubv2", "DisableSecurityHubV2"),
    ("POST", "/administrator/disassociate", "DisassociateFromAdministratorAccount"),
    ("POST", "/master/disassociate", "DisassociateFromMasterAccount"),
    ("POST", "/members/disassociate", "DisassociateMembers"),
    ("POST", "/productSubscriptions", "EnableImportFindingsForProduct"),
    ("POST", "/organization/admin/enable", "EnableOrganizationAdminAccount"),
    ("POST", "/accounts", "EnableSecurityHub"),
    ("POST", "/hubv2/feature/{FeatureName}", "EnableSecurityHubFeatureV2"),
    ("POST", "/hubv2", "EnableSecurityHubV2"),
    ("POST", "/recommendedPolicyV2/{MetadataUid}", "GenerateRecommendedPolicyV2"),
    ("GET", "/administrator", "GetAdministratorAccount"),
    ("GET", "/aggregatorv2/get/{AggregatorV2Arn}", "GetAggregatorV2"),
    ("GET", "/automationrulesv2/{Identifier}", "GetAutomationRuleV2"),
    ("GET", "/configurationPolicy/get/{Identifier}", "GetConfigurationPolicy"),
    ("POST", "/configurationPolicyAssociation/get", "GetConfigurationPolicyAssociation"),
    ("GET", "/connectors/{ConnectorId}", "GetConnector"),
    ("GET", "/connectorsv2/{ConnectorId}", "GetConnectorV2"),
    ("POST", "/standards/get", "GetEnabledStandards"),
    ("GET", "/exportjobsv2/{ExportJobId}", "GetExportJobV2"),
    ("GET", "/findingAggregator/get/{FindingAggregatorArn}", "GetFindingAggregator"),
    ("POST", "/findingHistory/get", "GetFindingHistory"),
    ("POST", "/findingsv2/statistics", "GetFindingStatisticsV2"),
    ("POST", "/findings", "GetFindings"),
    ("POST", "/findingsTrendsv2", "GetFindingsTrendsV2"),
    ("POST", "/findingsv2", "GetFindingsV2"),
    ("GET", "/insights/results/{InsightArn}", "GetInsightResults"),
    ("POST", "/insights/get", "GetInsights"),
    ("GET", "/invitations/count", "GetInvitationsCount"),
    ("GET", "/master", "GetMasterAccount"),
    ("POST", "/members/get", "GetMembers"),
    ("GET", "/recommendedPolicyV2/{MetadataUid}", "GetRecommendedPolicyV2"),
    ("POST", "/GetRemediationsV2", "GetRemediationsV2"),
    ("POST", "/resourcesv2/statistics", "GetResourcesStatisticsV2"),
    ("POST", "/resourcesTrendsv2", "GetResourcesTrendsV2"),
    ("POST", "/resourcesv2", "GetResourcesV2"),
    ("GET", "/securityControl/definition", "GetSecurityControlDefinition"),
    ("POST", "/members/invite", "InviteMembers"),
    ("GET", "/aggregatorv2/list", "ListAggregatorsV2"),
    ("GET", "/automationrules/list", "ListAutomationRules"),
    ("GET", "/automationrulesv2/list", "ListAutomationRulesV2"),
    ("GET", "/configurationPolicy/list", "ListConfigurationPolicies"),
    ("POST", "/configurationPolicyAssociation/list", "ListConfigurationPolicyAssociations"),
    ("GET", "/connectors", "ListConnectors"),
    ("GET", "/connectorsv2", "ListConnectorsV2"),
    ("GET", "/productSubscriptions", "ListEnabledProductsForImport"),
    ("GET", "/exportjobsv2", "ListExportJobsV2"),
    ("POST", "/ListExposuresByRemediationV2", "ListExposuresByRemediationV2"),
    ("GET", "/findingAggregator/list", "ListFindingAggregators"),
    ("POST", "/freetrial/statusv2/list", "ListFreeTrialStatusesV2"),
    ("GET", "/invitations", "ListInvitations"),
    ("GET", "/members", "ListMembers"),
    ("GET", "/organization/admin", "ListOrganizationAdminAccounts"),
    ("GET", "/securityControls/definitions", "ListSecurityControlDefinitions"),
    ("GET", "/associations", "ListStandardsControlAssociations"),
    ("GET", "/tags/{ResourceArn}", "ListTagsForResource"),
    ("POST", "/connectorsv2/register", "RegisterConnectorV2"),
    ("POST", "/configurationPolicyAssociation/associate", "StartConfigurationPolicyAssociation"),
    ("POST", "/configurationPolicyAssociation/disassociate", "StartConfigurationPolicyDisassociation"),
    ("POST", "/exportjobsv2", "StartExportJobV2"),
    ("POST", "/tags/{ResourceArn}", "TagResource"),
    ("DELETE", "/tags/{ResourceArn}", "UntagResource"),
    ("PATCH", "/actionTargets/{ActionTargetArn}", "UpdateActionTarget"),
    ("PATCH", "/aggregatorv2/update/{AggregatorV2Arn}", "UpdateAggregatorV2"),
    ("PATCH", "/automationrulesv2/{Identifier}", "UpdateAutomationRuleV2"),
    ("PATCH", "/configurationPolicy/{Identifier}", "UpdateConfigurationPolicy"),
    ("PATCH", "/connectors/{ConnectorId}", "UpdateConnector"),
    ("PATCH", "/connectorsv2/{ConnectorId}", "UpdateConnectorV2"),
    ("PATCH", "/findingAggregator/update", "UpdateFindingAggregator"),
    ("PATCH", "/findings", "UpdateFindings"),
    ("PATCH", "/insights/{InsightArn}", "UpdateInsight"),
    ("POST", "/organization/configuration", "UpdateOrganizationConfiguration"),
    ("PATCH", "/securityControl/update", "UpdateSecurityControl"),
    ("PATCH", "/accounts", "UpdateSecurityHubConfiguration"),
    ("PATCH", "/standards/control/{StandardsControlArn}", "UpdateStandardsControl"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_by_method_and_path() {
        assert_eq!(name("POST", "/findings"), Some("GetFindings"));
        assert_eq!(name("PATCH", "/findings"), Some("UpdateFindings"));
        assert_eq!(name("GET", "/findings"), None);
        let arn = "/findingAggregator/get/arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Afinding-aggregator/x";
        assert_eq!(name("GET", arn), Some("GetFindingAggregator"));
        assert_eq!(name("GET", "/standards/controls/arn/a/b"), Some("DescribeStandardsControls"));
        assert_eq!(name("GET", "/tags/"), None);
    }
}
