use super::*;

fn control(id: &str) -> &'static Control {
    Catalogue::built_in().get(id).unwrap()
}

#[test]
fn every_row_of_the_data_is_read() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.controls().len(), 571);
    assert_eq!(catalogue.by_id.len(), 571, "no id is there twice, whatever its case");
    assert_eq!(CSV.lines().count(), 572);
}

#[test]
fn a_control_has_what_aws_says_of_it() {
    let ssh = control("EC2.13");
    assert_eq!(&*ssh.title, "Security groups should not allow ingress from 0.0.0.0/0 or ::/0 to port 22");
    assert_eq!(ssh.severity, SeverityLabel::High);
    assert_eq!(ssh.category.join(" > "), "Protect > Secure network configuration");
    assert!(ssh.standards.contains(&Standard::Cis12));
    assert_eq!(control("EC2.2").resource_types.iter().map(|kind| &*kind.asff).collect::<Vec<_>>(), ["AwsEc2SecurityGroup"]);
    let keys = control("ACM.2");
    assert_eq!(&*keys.title, "RSA certificates managed by ACM should use a key length of at least 2,048 bits");
    assert_eq!(keys.standards, [Standard::Fsbp, Standard::Pci4]);
    assert_eq!(control("ACM.1").schedule, Schedule::Both);
    assert!(control("Account.1").config_rule.as_deref() == Some("security-account-information-provided"));
    assert!(control("ACM.3").custom_parameters);
}

#[test]
fn ids_are_found_whatever_their_case_and_unknown_ones_are_no_error() {
    assert_eq!(control("autoscaling.5").id.as_str(), "Autoscaling.5");
    assert_eq!(control("OPENSEARCH.1").id.as_str(), "Opensearch.1");
    assert!(Catalogue::built_in().get("Quantum.1").is_none());
    assert!(Catalogue::built_in().get("").is_none());
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_and_the_others_stay() {
    let text = "control_id,title,severity,standards,custom_parameters,schedule,category,resource_types,config_rule\n\
                S3.1,Good,HIGH,FSBP,N,P,Protect,,\n\
                S3.2,Bad severity,SEVERE,FSBP,N,P,Protect,,\n\
                S3.3,Bad standard,HIGH,FSBP XYZ,N,P,Protect,,\n\
                S3.4,Too short,HIGH\n\
                S3.5,Bad schedule,HIGH,FSBP,N,X,Protect,,\n\
                S3.6,Good too,LOW,,Y,C,Protect > Deep,AWS::S3::Bucket,rule\n";
    let ids: Vec<_> = Catalogue::parse(text).controls.iter().map(|control| control.id.to_string()).collect();
    assert_eq!(ids, ["S3.1", "S3.6"]);
}

#[test]
fn a_category_is_a_path_from_the_top_or_one_level_at_any_depth() {
    let control = Catalogue::built_in().get("Backup.1").unwrap();
    for yes in ["Protect", "protect > DATA protection", " Data protection ", "Encryption of data at rest"] {
        assert!(control.category_matches(yes), "{yes}");
    }
    assert!(control.category_matches("Protect>Data protection>Encryption of data at rest"));
    for no in ["", "Data", "Data protection > Encryption of data at rest", "Protect > Encryption of data at rest", "Protect > "] {
        assert!(!control.category_matches(no), "{no}");
    }
}

#[test]
fn unknown_names_come_back_with_the_nearest_known_one() {
    let catalogue = Catalogue::built_in();
    assert!(catalogue.known_category("resilience").is_ok());
    assert_eq!(catalogue.known_category("Resiliance").unwrap_err().nearest.as_deref(), Some("Resilience"));
    assert_eq!(
        catalogue.known_category("Protect > Data protecton").unwrap_err().nearest.as_deref(),
        Some("Protect > Data protection")
    );
    assert_eq!(catalogue.known_category("zzzzzzzzzzzz").unwrap_err().nearest, None);
    assert!(catalogue.known_group("mine", ["mine"]).is_ok());
    let error = catalogue.known_group("public-exposur", []).unwrap_err();
    assert_eq!(error.to_string(), "\"public-exposur\" is not a known control group; did you mean \"public-exposure\"?");
    for known in ["pci-dss", "pci-dss/v/4.0.1", "standards/pci-dss/v/4.0.1", "ruleset/cis-aws-foundations-benchmark/v/1.2.0"] {
        assert!(catalogue.known_standard(known).is_ok(), "{known}");
    }
    assert!(catalogue.known_standard("arn:aws:securityhub:eu-west-1::standards/nist-800-53/v/5.0.0").is_ok());
    let misspelt = catalogue.known_standard("aws-foundation-best-practices").unwrap_err();
    assert_eq!(misspelt.nearest.as_deref(), Some("aws-foundational-security-best-practices"));
}

#[test]
fn controls_whose_title_names_what_they_look_at_have_it_as_their_type() {
    for (id, kind) in [
        ("EC2.13", "AwsEc2SecurityGroup"),
        ("EC2.14", "AwsEc2SecurityGroup"),
        ("EC2.43", "AwsEc2SecurityGroup"),
        ("DynamoDB.6", "AwsDynamoDbTable"),
        ("RDS.30", "AwsRdsDbInstance"),
        ("SNS.4", "AwsSnsTopic"),
        ("EC2.7", "AwsAccount"),
    ] {
        let kinds = &Catalogue::built_in().get(id).unwrap().resource_types;
        assert_eq!(kinds.iter().map(|kind| &*kind.asff).collect::<Vec<_>>(), [kind], "{id}");
    }
    // The others are about the account, or about several things.
    let without = Catalogue::built_in().controls().iter().filter(|control| control.resource_types.is_empty());
    let tagged: Vec<&str> =
        without.filter(|control| control.title.ends_with("tagged")).map(|control| control.id.as_str()).collect();
    assert_eq!(tagged, [""; 0]);
}

#[test]
fn built_in_groups_are_sorted_and_name_only_controls_and_categories_that_exist() {
    let catalogue = Catalogue::built_in();
    assert!(BUILT_IN_GROUPS.is_sorted_by_key(|group| group.name));
    for group in BUILT_IN_GROUPS {
        let (categories, controls) = group.named();
        for id in controls {
            assert!(catalogue.get(id).is_some(), "{}: {id}", group.name);
        }
        for category in categories {
            assert!(catalogue.known_category(category).is_ok(), "{}: {category}", group.name);
        }
        assert!(group.controls(catalogue).count() >= 3, "{}", group.name);
    }
    let ids =
        |name: &str| catalogue.group(name).unwrap().controls(catalogue).map(|control| control.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids("root-account"), ["CloudWatch.1", "IAM.4", "IAM.6", "IAM.9"]);
    assert!(ids("encryption-in-transit").contains(&"S3.5".to_owned()));
    assert!(!ids("public-exposure").contains(&"Route53.2".to_owned()));
}
