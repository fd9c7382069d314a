//! Security controls, and whether they are on in which standard.

use std::time::Duration;

use aws_sdk_securityhub::types::{
    AssociationStatus, ConfigurationOptions, ControlStatus, ParameterConfiguration, ParameterValue, ParameterValueType,
    StandardsControlAssociationId, StandardsControlAssociationUpdate, UnprocessedErrorCode, UpdateStatus,
};

use super::{ADMIN, HOME, MEMBER, World};

pub const DEFINED: &[&str] =
    &["BatchGetSecurityControls", "GetSecurityControlDefinition", "ListSecurityControlDefinitions", "UpdateSecurityControl"];
pub const SWITCHED: &[&str] =
    &["BatchGetStandardsControlAssociations", "BatchUpdateStandardsControlAssociations", "ListStandardsControlAssociations"];

fn custom(value: ParameterValue) -> ParameterConfiguration {
    ParameterConfiguration::builder().value_type(ParameterValueType::Custom).value(value).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_are_listed_defined_and_given_parameters() {
    let world = World::start().await;
    let admin = world.admin();
    let pci = format!("arn:aws:securityhub:{HOME}::standards/pci-dss/v/4.0.1");
    let list = || admin.list_security_control_definitions().standards_arn(&pci);
    let (definitions, calls) = pages!(world, "ListSecurityControlDefinitions", list(), 30);
    assert!(definitions.len() > 30 && calls > 1);
    assert!(definitions.iter().all(|one| one.severity_rating().is_some() && one.title().is_some()));
    let define = |control: &str| admin.get_security_control_definition().security_control_id(control);
    let defined = define("EC2.18").send().await.unwrap();
    let parameters = defined.security_control_definition().and_then(|one| one.parameter_definitions()).unwrap();
    let Some(ConfigurationOptions::IntegerList(options)) = parameters["authorizedTcpPorts"].configuration_options() else {
        panic!("{parameters:?}")
    };
    assert_eq!(options.default_value(), [80, 443]);

    let update = |control: &str, value| {
        admin.update_security_control().security_control_id(control).parameters("daysToExpiration", custom(value))
    };
    update("ACM.1", ParameterValue::Integer(60)).last_update_reason("two months").send().await.unwrap();
    refused!(update("ACM.1", ParameterValue::Integer(61)), is_resource_in_use_exception);
    let get = || admin.batch_get_security_controls().security_control_ids("ACM.1");
    let read = get().security_control_ids("Quantum.1").send().await.unwrap();
    let control = &read.security_controls()[0];
    assert_eq!((control.update_status(), control.last_update_reason()), (Some(&UpdateStatus::Updating), Some("two months")));
    assert_eq!(control.security_control_status(), Some(&ControlStatus::Enabled));
    assert_eq!(control.parameters().unwrap()["daysToExpiration"], custom(ParameterValue::Integer(60)));
    let unprocessed = &read.unprocessed_ids()[0];
    assert_eq!(unprocessed.security_control_id(), Some("Quantum.1"));
    assert_eq!(unprocessed.error_code(), Some(&UnprocessedErrorCode::ResourceNotFound));
    world.local.advance(Duration::from_secs(30));
    let read = get().send().await.unwrap();
    assert_eq!(read.security_controls()[0].update_status(), Some(&UpdateStatus::Ready));

    refused!(define("Quantum.1"), is_resource_not_found_exception);
    refused!(define("arn:aws:nothing"), is_invalid_input_exception);
    refused!(admin.list_security_control_definitions().standards_arn("arn:aws:nothing"), is_invalid_input_exception);
    refused!(update("Quantum.1", ParameterValue::Integer(60)), is_resource_not_found_exception);
    refused!(update("ACM.1", ParameterValue::String("60".to_owned())), is_invalid_input_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.batch_get_security_controls().security_control_ids("ACM.1"), is_invalid_access_exception);
    over_quota!(world, "ListSecurityControlDefinitions", list());
    over_quota!(world, "GetSecurityControlDefinition", define("S3.8"));
    over_quota!(world, "BatchGetSecurityControls", get());
    over_quota!(world, "UpdateSecurityControl", update("ACM.1", ParameterValue::Integer(90)));
    world.assert_called(DEFINED);
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_are_switched_in_one_standard() {
    let world = World::start().await;
    let admin = world.admin();
    let standard = format!("arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0");
    let list = |control: &str| admin.list_standards_control_associations().security_control_id(control);
    let change = |control: &str| {
        let update = StandardsControlAssociationUpdate::builder().security_control_id(control).standards_arn(&standard);
        update.association_status(AssociationStatus::Disabled).updated_reason("accepted").build()
    };
    let update = || admin.batch_update_standards_control_associations();
    let answer = update().standards_control_association_updates(change("S3.8"));
    let answer = answer.standards_control_association_updates(change("Quantum.1")).send().await.unwrap();
    let [unprocessed] = answer.unprocessed_association_updates() else { panic!("{answer:?}") };
    assert_eq!(unprocessed.error_code(), Some(&UnprocessedErrorCode::ResourceNotFound));
    assert_eq!(unprocessed.standards_control_association_update(), Some(&change("Quantum.1")));

    let (all, calls) = pages!(world, "ListStandardsControlAssociations", list("S3.8"), 2);
    assert!(all.len() > 2 && calls > 1);
    let one = all.iter().find(|one| one.standards_arn() == Some(&standard)).unwrap();
    assert_eq!((one.association_status(), one.updated_reason()), (Some(&AssociationStatus::Disabled), Some("accepted")));
    assert!(one.updated_at().is_some() && one.standards_control_title().is_some(), "{one:?}");
    let id =
        |control: &str| StandardsControlAssociationId::builder().security_control_id(control).standards_arn(&standard).build();
    let get = |control: &str| admin.batch_get_standards_control_associations().standards_control_association_ids(id(control));
    let read = get("S3.8").standards_control_association_ids(id("Quantum.1")).send().await.unwrap();
    let [detail] = read.standards_control_association_details() else { panic!("{read:?}") };
    assert_eq!(detail.security_control_arn(), Some(format!("arn:aws:securityhub:{HOME}:{ADMIN}:security-control/S3.8").as_str()));
    assert_eq!(read.unprocessed_associations()[0].standards_control_association_id(), Some(&id("Quantum.1")));
    // Each account for itself.
    let other =
        world.client(MEMBER, HOME).list_standards_control_associations().security_control_id("S3.8").send().await.unwrap();
    let other = other.standards_control_association_summaries();
    assert!(other.iter().all(|one| one.association_status() == Some(&AssociationStatus::Enabled)), "{other:?}");

    refused!(list("Quantum.1"), is_invalid_input_exception);
    refused!(update(), is_invalid_input_exception);
    refused!(admin.batch_get_standards_control_associations(), is_invalid_input_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.list_standards_control_associations().security_control_id("S3.8"), is_invalid_access_exception);
    over_quota!(world, "ListStandardsControlAssociations", list("S3.8"));
    over_quota!(world, "BatchGetStandardsControlAssociations", get("S3.8"));
    over_quota!(world, "BatchUpdateStandardsControlAssociations", update().standards_control_association_updates(change("S3.8")));
    world.assert_called(SWITCHED);
}
