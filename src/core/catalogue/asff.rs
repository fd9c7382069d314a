//! Names of resource types: AWS Config's `AWS::EC2::SecurityGroup` is the finding format's `AwsEc2SecurityGroup`.

/// Services and types that the finding format names by more than a change of case. Source: ASFF, "Resources" (the list of types).
const SERVICES: [(&str, &str); 10] = [
    ("ACM", "CertificateManager"),
    ("AmazonMQ", "AmazonMq"),
    ("ElasticLoadBalancing", "Elb"),
    ("ElasticLoadBalancingV2", "Elbv2"),
    ("OpenSearch", "OpenSearchService"),
    ("StepFunctions", "StepFunction"),
    ("WAFv2", "Wafv2"),
    ("WAFV2", "Wafv2"),
    ("ApiGatewayV2", "ApiGatewayV2"),
    ("S3Express", "S3Express"),
];
const WHOLE: [(&str, &str); 3] =
    [("AWS::::Account", "AwsAccount"), ("AWS::Events::EventBus", "AwsEventsEventbus"), ("AWS::S3::Account", "AwsAccount")];

/// The finding format's name of an AWS Config resource type. A text that is no Config type comes back unchanged.
pub fn asff_type(config: &str) -> String {
    if let Some((_, asff)) = WHOLE.iter().find(|(from, _)| *from == config) {
        return (*asff).to_owned();
    }
    let Some((service, kind)) = config.strip_prefix("AWS::").and_then(|rest| rest.split_once("::")) else {
        return config.to_owned();
    };
    let service = SERVICES.iter().find(|(from, _)| *from == service).map_or_else(|| camel(service), |(_, to)| (*to).to_owned());
    format!("Aws{service}{}", camel(kind))
}

/// Abbreviations become words: `DBCluster` is `DbCluster`, `VPNConnection` is `VpnConnection`, `EC2` is `Ec2`.
fn camel(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_upper = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(char::is_ascii_uppercase);
    let is_lower = |n: usize| chars.get(n).is_some_and(char::is_ascii_lowercase);
    let small = |n: usize| is_upper(n.checked_sub(1)) && !is_lower(n + 1);
    chars.iter().enumerate().map(|(n, c)| if small(n) { c.to_ascii_lowercase() } else { *c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_types_become_the_names_that_findings_use() {
        for (config, asff) in [
            ("AWS::EC2::SecurityGroup", "AwsEc2SecurityGroup"),
            ("AWS::EC2::VPC", "AwsEc2Vpc"),
            ("AWS::EC2::VPNConnection", "AwsEc2VpnConnection"),
            ("AWS::EC2::VPCPeeringConnection", "AwsEc2VpcPeeringConnection"),
            ("AWS::EC2::EIP", "AwsEc2Eip"),
            ("AWS::RDS::DBCluster", "AwsRdsDbCluster"),
            ("AWS::RDS::DBClusterSnapshot", "AwsRdsDbClusterSnapshot"),
            ("AWS::S3::Bucket", "AwsS3Bucket"),
            ("AWS::IAM::User", "AwsIamUser"),
            ("AWS::DynamoDB::Table", "AwsDynamoDbTable"),
            ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AwsElbv2LoadBalancer"),
            ("AWS::ElasticLoadBalancing::LoadBalancer", "AwsElbLoadBalancer"),
            ("AWS::WAFRegional::WebACL", "AwsWafRegionalWebAcl"),
            ("AWS::WAFv2::WebACL", "AwsWafv2WebAcl"),
            ("AWS::ACM::Certificate", "AwsCertificateManagerCertificate"),
            ("AWS::OpenSearch::Domain", "AwsOpenSearchServiceDomain"),
            ("AWS::StepFunctions::StateMachine", "AwsStepFunctionStateMachine"),
            ("AWS::AmazonMQ::Broker", "AwsAmazonMqBroker"),
            ("AWS::ApiGatewayV2::Stage", "AwsApiGatewayV2Stage"),
            ("AWS::ECS::TaskDefinition", "AwsEcsTaskDefinition"),
            ("AWS::::Account", "AwsAccount"),
            ("AwsS3Bucket", "AwsS3Bucket"),
            ("Other", "Other"),
        ] {
            assert_eq!(asff_type(config), asff);
        }
    }
}
