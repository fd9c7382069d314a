//! What a finding may look like: AwsSecurityFinding, whole, with the details of every type of resource.
//!
//! The service reads a request into types before it looks at what it says, so JSON of another type anywhere refuses the whole
//! request, members that it does not know are not read, and null is as good as absent. Bounds, vocabularies and required members
//! are looked at later, one finding at a time. Source: the service's model; `finding_shapes.txt` is made from it, and compared
//! with it by a test.
//!
//! Not looked at here: the bounds of maps, and whether a value of a map is empty: tags of AWS may be.

use std::fmt::{self, Display};
use std::sync::LazyLock;

use serde_json::{Map, Value};

const TABLE: &str = include_str!("finding_shapes.txt");

/// JSON that is not of the model's type, somewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not {wanted}")]
pub struct WrongType {
    /// `data.Resources[0].Tags`.
    pub path: String,
    /// What it should have been: `a string`.
    pub wanted: &'static str,
}

/// A finding whose types are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What is against bounds, vocabularies or required members, in the words of the finding format: nothing if it is empty.
    pub problems: Vec<String>,
    /// Whether there are members that the model does not know, or null: see [`without_strays`].
    pub strays: bool,
}

/// Looks at all of a finding, once.
pub fn check(finding: &Value) -> Result<Checked, WrongType> {
    let mut checked = Checked { problems: Vec::new(), strays: false };
    let shapes = Shapes::built_in();
    shapes.check(&Kind::Structure(shapes.root), None, finding, &Path::Root, &mut checked)?;
    Ok(checked)
}

/// The finding without what the service does not read: unknown members, and null.
#[must_use]
pub fn without_strays(finding: Value) -> Value {
    let shapes = Shapes::built_in();
    shapes.prune(&Kind::Structure(shapes.root), finding)
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Text,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    Number,
    Truth,
    /// Of text to text.
    Map,
    /// A text of the vocabulary of this number.
    Word(usize),
    /// The structure of this number.
    Structure(usize),
    List(Box<Kind>),
}

/// Characters of a text, items of a list, or the number itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    least: usize,
    most: usize,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    kind: Kind,
    bounds: Option<Bounds>,
    required: bool,
}

#[derive(Debug, Default)]
struct Shapes {
    /// The members of each structure, by name.
    structures: Vec<Vec<Member>>,
    vocabularies: Vec<Vec<&'static str>>,
    root: usize,
}

/// Where in a finding; written out only when there is something to say.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("data"),
            Self::Member(of, name) => write!(f, "{of}.{name}"),
            Self::Item(of, number) => write!(f, "{of}[{number}]"),
        }
    }
}

impl Shapes {
    fn built_in() -> &'static Self {
        static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::parse(TABLE));
        &SHAPES
    }

    /// A line without indent is a structure (`Note`) or a vocabulary (`RecordState = ACTIVE ARCHIVED`); the lines below a structure
    /// are its members, sorted: name, `!` where it is required, kind, bounds. A line that says something else is left out: a test
    /// counts them.
    fn parse(table: &'static str) -> Self {
        let lines = || table.lines().filter(|line| !line.starts_with('#'));
        let heads = || lines().filter(|line| !line.starts_with(' '));
        let structures: Vec<&str> = heads().filter(|line| !line.contains(" = ")).collect();
        let vocabularies: Vec<(&str, &str)> = heads().filter_map(|line| line.split_once(" = ")).collect();
        let kind = |mut text: &str| {
            let mut lists = 0;
            while let Some(item) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                (text, lists) = (item, lists + 1);
            }
            let kind = match text {
                "text" => Kind::Text,
                "int" => Kind::Integer,
                "long" => Kind::Long,
                "number" => Kind::Number,
                "truth" => Kind::Truth,
                "map" => Kind::Map,
                name => match structures.iter().position(|known| *known == name) {
                    Some(structure) => Kind::Structure(structure),
                    None => Kind::Word(vocabularies.iter().position(|(known, _)| *known == name)?),
                },
            };
            Some((0..lists).fold(kind, |kind, _| Kind::List(Box::new(kind))))
        };
        let bounds = |text: &str| {
            let (least, most) = text.split_once("..")?;
            Some(Bounds { least: if least.is_empty() { 0 } else { least.parse().ok()? }, most: most.parse().ok()? })
        };
        let member = |line: &'static str| {
            let mut words = line.split_whitespace();
            let (name, kind) = (words.next()?, kind(words.next()?)?);
            let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
            Some(Member { name, kind, bounds: words.next().and_then(bounds), required })
        };
        let mut shapes = Self {
            structures: Vec::new(),
            root: structures.iter().position(|name| *name == "AwsSecurityFinding").unwrap_or_default(),
            vocabularies: vocabularies.iter().map(|(_, words)| words.split(' ').collect()).collect(),
        };
        for line in lines() {
            if !line.starts_with(' ') {
                if !line.contains(" = ") {
                    shapes.structures.push(Vec::new());
                }
            } else if let (Some(members), Some(member)) = (shapes.structures.last_mut(), member(line)) {
                members.push(member);
            }
        }
        shapes
    }

    fn members(&self, structure: usize) -> &[Member] {
        self.structures.get(structure).map(Vec::as_slice).unwrap_or_default()
    }

    fn member(&self, structure: usize, name: &str) -> Option<&Member> {
        let members = self.members(structure);
        let place = members.binary_search_by(|member| member.name.cmp(name)).ok()?;
        members.get(place)
    }

    fn check(
        &self,
        kind: &Kind,
        bounds: Option<Bounds>,
        value: &Value,
        path: &Path<'_>,
        found: &mut Checked,
    ) -> Result<(), WrongType> {
        let wrong = |wanted| Err(WrongType { path: path.to_string(), wanted });
        match kind {
            Kind::Text => {
                let Value::String(text) = value else { return wrong("a string") };
                if text.trim_start().is_empty() {
                    found.problems.push(format!("{path} should match pattern \"\\S\""));
                } else if let Some(Bounds { least, most }) = bounds
                    && (text.len() < least || text.len() > most)
                {
                    // So many bytes are as many characters or fewer.
                    let length = text.chars().count();
                    if length < least {
                        found.problems.push(format!("{path} should NOT be shorter than {least} characters"));
                    } else if length > most {
                        found.problems.push(format!("{path} should NOT be longer than {most} characters"));
                    }
                }
            }
            Kind::Integer => match value.as_i64().filter(|number| i32::try_from(*number).is_ok()) {
                None => return wrong("an integer of 32 bits"),
                Some(number) => within(number, bounds, path, found),
            },
            Kind::Long => match value.as_i64() {
                None => return wrong("an integer of 64 bits"),
                Some(number) => within(number, bounds, path, found),
            },
            Kind::Number if value.is_number() => {}
            Kind::Number => return wrong("a number"),
            Kind::Truth if value.is_boolean() => {}
            Kind::Truth => return wrong("a boolean"),
            Kind::Map => {
                let Value::Object(map) = value else { return wrong("an object") };
                if let Some((name, _)) = map.iter().find(|(_, value)| !value.is_string()) {
                    return Err(WrongType { path: Path::Member(path, name).to_string(), wanted: "a string" });
                }
            }
            Kind::Word(vocabulary) => {
                let Value::String(text) = value else { return wrong("a string") };
                if !self.vocabularies.get(*vocabulary).is_some_and(|words| words.contains(&text.as_str())) {
                    found.problems.push(format!("{path} should be equal to one of the allowed values"));
                }
            }
            Kind::Structure(structure) => {
                let Value::Object(object) = value else { return wrong("an object") };
                self.check_members(*structure, object, path, found)?;
            }
            Kind::List(kind) => {
                let Value::Array(items) = value else { return wrong("a list") };
                if let Some(Bounds { least, most }) = bounds {
                    if items.len() < least {
                        found.problems.push(format!("{path} should NOT have fewer than {least} items"));
                    } else if items.len() > most {
                        found.problems.push(format!("{path} should NOT have more than {most} items"));
                    }
                }
                for (number, item) in items.iter().enumerate() {
                    self.check(kind, None, item, &Path::Item(path, number), found)?;
                }
            }
        }
        Ok(())
    }

    fn check_members(
        &self,
        structure: usize,
        object: &Map<String, Value>,
        path: &Path<'_>,
        found: &mut Checked,
    ) -> Result<(), WrongType> {
        for (name, value) in object {
            match self.member(structure, name).filter(|_| !value.is_null()) {
                None => found.strays = true,
                Some(member) => self.check(&member.kind, member.bounds, value, &Path::Member(path, name), found)?,
            }
        }
        for member in self.members(structure).iter().filter(|member| member.required) {
            if object.get(member.name).is_none_or(Value::is_null) {
                found.problems.push(format!("{path} should have required property '{}'", member.name));
            }
        }
        Ok(())
    }

    fn prune(&self, kind: &Kind, value: Value) -> Value {
        match (kind, value) {
            (Kind::Structure(structure), Value::Object(object)) => {
                let known = object.into_iter().filter(|(_, value)| !value.is_null());
                let known = known.filter_map(|(name, value)| {
                    let value = self.prune(&self.member(*structure, &name)?.kind, value);
                    Some((name, value))
                });
                Value::Object(known.collect())
            }
            (Kind::List(kind), Value::Array(items)) => items.into_iter().map(|item| self.prune(kind, item)).collect(),
            (_, value) => value,
        }
    }
}

fn within(number: i64, bounds: Option<Bounds>, path: &Path<'_>, found: &mut Checked) {
    let Some(Bounds { least, most }) = bounds else { return };
    if usize::try_from(number).map_or(true, |number| number < least) {
        found.problems.push(format!("{path} should be >= {least}"));
    } else if usize::try_from(number).is_ok_and(|number| number > most) {
        found.problems.push(format!("{path} should be <= {most}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn finding() -> Value {
        json!({
            "SchemaVersion": "2018-10-08", "Id": "scan/1", "GeneratorId": "scan", "AwsAccountId": "111122223333",
            "ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default",
            "CreatedAt": "2026-11-21T08:00:00Z", "UpdatedAt": "2026-11-21T08:00:00Z", "Title": "t", "Description": "d",
            "Resources": [{"Type": "Other", "Id": "r", "Tags": {"team": "", "env": "prod"}, "Details": {"Other": {"a": "b"}}}],
            "Severity": {"Product": 3, "Normalized": 45}, "Sample": false,
        })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut finding = finding();
        let (object, name) = pointer.rsplit_once('/').unwrap();
        finding.pointer_mut(object).unwrap()[name] = value;
        finding
    }

    #[test]
    fn every_line_of_the_table_is_read_and_members_are_sorted() {
        let shapes = Shapes::built_in();
        let indented = TABLE.lines().filter(|line| line.starts_with(' ')).count();
        let members = shapes.structures.iter().flatten();
        assert_eq!(members.count(), indented);
        let bounded = TABLE.lines().filter(|line| line.contains("..")).count();
        assert_eq!(shapes.structures.iter().flatten().filter(|member| member.bounds.is_some()).count(), bounded);
        assert!(shapes.structures.len() > 600 && shapes.vocabularies.len() > 15);
        assert!(shapes.structures.iter().all(|members| members.is_sorted_by(|a, b| a.name < b.name)));
        assert!(shapes.members(shapes.root).iter().any(|member| member.name == "SchemaVersion" && member.required));
    }

    #[test]
    fn json_of_another_type_is_found_wherever_it_is() {
        assert_eq!(check(&finding()), Ok(Checked { problems: Vec::new(), strays: false }));
        let wrong = [
            ("/Note", json!("hello"), "data.Note is not an object"),
            ("/Confidence", json!("5"), "data.Confidence is not an integer of 32 bits"),
            ("/Confidence", json!(5.5), "data.Confidence is not an integer of 32 bits"),
            ("/Criticality", json!(1_u64 << 40), "data.Criticality is not an integer of 32 bits"),
            ("/Types", json!("x"), "data.Types is not a list"),
            ("/RelatedFindings", json!({"a": 1}), "data.RelatedFindings is not a list"),
            ("/Remediation", json!("x"), "data.Remediation is not an object"),
            ("/SourceUrl", json!(5), "data.SourceUrl is not a string"),
            ("/Network", json!([]), "data.Network is not an object"),
            ("/Sample", json!("true"), "data.Sample is not a boolean"),
            ("/Compliance", json!({"AssociatedStandards": "x"}), "data.Compliance.AssociatedStandards is not a list"),
            ("/Compliance", json!({"StatusReasons": 5}), "data.Compliance.StatusReasons is not a list"),
            ("/Severity/Product", json!("3"), "data.Severity.Product is not a number"),
            ("/Resources/0/Tags", json!({"a": 1}), "data.Resources[0].Tags.a is not a string"),
            ("/Resources/0/Details", json!("x"), "data.Resources[0].Details is not an object"),
            (
                "/Resources/0/Details/AwsS3Bucket",
                json!({"Name": 1}),
                "data.Resources[0].Details.AwsS3Bucket.Name is not a string",
            ),
            ("/FindingProviderFields", json!({"Types": 5}), "data.FindingProviderFields.Types is not a list"),
            ("/FindingProviderFields", json!({"Types": [5]}), "data.FindingProviderFields.Types[0] is not a string"),
            ("/Types", json!([null]), "data.Types[0] is not a string"),
            ("/Malware", json!([{"Name": 5}]), "data.Malware[0].Name is not a string"),
        ];
        for (pointer, value, said) in wrong {
            assert_eq!(check(&with(pointer, value)).unwrap_err().to_string(), said);
        }
        assert_eq!(check(&json!([])).unwrap_err().to_string(), "data is not an object");
    }

    #[test]
    fn bounds_vocabularies_and_required_members_are_told_in_the_words_of_the_format() {
        let related = json!({"Id": "a", "ProductArn": "b"});
        let said = [
            ("/RelatedFindings", json!([]), "data.RelatedFindings should NOT have fewer than 1 items"),
            ("/RelatedFindings", json!(vec![related; 11]), "data.RelatedFindings should NOT have more than 10 items"),
            ("/RelatedFindings", json!([{"Id": "a"}]), "data.RelatedFindings[0] should have required property 'ProductArn'"),
            ("/AwsAccountName", json!("x".repeat(51)), "data.AwsAccountName should NOT be longer than 50 characters"),
            (
                "/Compliance",
                json!({"RelatedRequirements": vec!["x"; 33]}),
                "data.Compliance.RelatedRequirements should NOT have more than 32 items",
            ),
            ("/Confidence", json!(101), "data.Confidence should be <= 100"),
            ("/Criticality", json!(-1), "data.Criticality should be >= 0"),
            ("/FindingProviderFields", json!({"Criticality": 101}), "data.FindingProviderFields.Criticality should be <= 100"),
            (
                "/FindingProviderFields",
                json!({"Types": vec!["x"; 51]}),
                "data.FindingProviderFields.Types should NOT have more than 50 items",
            ),
            ("/Severity/Normalized", json!(101), "data.Severity.Normalized should be <= 100"),
            ("/Severity/Label", json!("BAD"), "data.Severity.Label should be equal to one of the allowed values"),
            ("/VerificationState", json!("MAYBE"), "data.VerificationState should be equal to one of the allowed values"),
            ("/Note", json!({"Text": "x", "UpdatedAt": "now"}), "data.Note should have required property 'UpdatedBy'"),
            ("/Title", json!(" "), "data.Title should match pattern \"\\S\""),
            ("/Title", json!("ä".repeat(257)), "data.Title should NOT be longer than 256 characters"),
            ("/ProductArn", json!("arn"), "data.ProductArn should NOT be shorter than 12 characters"),
            ("/Description", Value::Null, "data should have required property 'Description'"),
            ("/Resources/0/Type", Value::Null, "data.Resources[0] should have required property 'Type'"),
            ("/Resources/0/Partition", json!("mars"), "data.Resources[0].Partition should be equal to one of the allowed values"),
        ];
        for (pointer, value, said) in said {
            assert_eq!(check(&with(pointer, value)).unwrap().problems, [said]);
        }
        assert_eq!(check(&with("/Title", json!("ä".repeat(256)))).unwrap().problems, [""; 0]);
    }

    #[test]
    fn what_the_service_does_not_read_is_left_out() {
        let mut spoilt = finding();
        spoilt["Foo"] = json!({"a": [1]});
        spoilt["Confidence"] = Value::Null;
        spoilt["Resources"][0]["Details"]["AwsS3Bucket"] = json!({"Name": "b", "Colour": "red"});
        assert_eq!(check(&spoilt), Ok(Checked { problems: Vec::new(), strays: true }));
        let mut expected = finding();
        expected["Resources"][0]["Details"]["AwsS3Bucket"] = json!({"Name": "b"});
        assert_eq!(without_strays(spoilt), expected);
    }
}
