//! Laws over random filters and findings, against a model that knows nothing of the implementation.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::*;

const NOW: Timestamp = Timestamp::constant(1_785_000_000, 0);

/// A finding as the model sees it: lists of values per attribute.
#[derive(Debug, Clone)]
struct Model {
    region: Option<&'static str>,
    kinds: Vec<Option<&'static str>>,
    tags: Vec<Vec<(&'static str, &'static str)>>,
    severity: Option<i64>,
    /// Milliseconds before [`NOW`].
    created: Option<i64>,
    address: Option<[u8; 4]>,
    sample: Option<bool>,
}

const REGIONS: [&str; 5] = ["eu-west-1", "eu-west-2", "us-east-1", "e", "us-"];
const KINDS: [&str; 4] = ["AwsIamRole", "AwsIamPolicy", "AwsEc2Instance", "Aws"];
const KEYS: [&str; 3] = ["a", "b", "ab"];
const VALUES: [&str; 3] = ["x", "y", "xy"];
const DAY: i64 = 86_400_000;

fn time(before: i64) -> String {
    NOW.checked_sub(SignedDuration::from_millis(before)).unwrap().to_string()
}

/// Milliseconds before now: mostly around the edges of whole days.
fn before() -> impl Strategy<Value = i64> {
    (-1i64..5, select(vec![-1i64, 0, 1, 5_000])).prop_map(|(days, more)| days * DAY + more)
}

fn model() -> impl Strategy<Value = Model> {
    let tags = btree_map(select(&KEYS[..]), select(&VALUES[..]), 0..3).prop_map(|tags| tags.into_iter().collect());
    (
        of(select(&REGIONS[..])),
        vec((of(select(&KINDS[..])), tags), 0..3),
        of(0i64..4),
        of(before()),
        of([0u8..3, 0..3, 0..3, 0..3]),
        of(any::<bool>()),
    )
        .prop_map(|(region, resources, severity, created, address, sample)| {
            let (kinds, tags) = resources.into_iter().unzip();
            Model { region, kinds, tags, severity, created, address, sample }
        })
}

impl Model {
    fn document(&self) -> Value {
        let resources: Vec<Value> = self
            .kinds
            .iter()
            .zip(&self.tags)
            .map(|(kind, tags)| json!({"Type": kind, "Tags": tags.iter().map(|(k, v)| (*k, json!(v))).collect::<std::collections::BTreeMap<_, _>>()}))
            .collect();
        let address = self.address.map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}"));
        json!({
            "Region": self.region, "Resources": resources, "Severity": {"Normalized": self.severity},
            "CreatedAt": self.created.map(time), "Network": {"SourceIpV4": address}, "Sample": self.sample,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Equals,
    Prefix,
    NotEquals,
    PrefixNotEquals,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Equals => "EQUALS",
            Self::Prefix => "PREFIX",
            Self::NotEquals => "NOT_EQUALS",
            Self::PrefixNotEquals => "PREFIX_NOT_EQUALS",
        }
    }

    fn says(self, is: &str, asked: &str) -> bool {
        match self {
            Self::Equals => is == asked,
            Self::NotEquals => is != asked,
            Self::Prefix => is.starts_with(asked),
            Self::PrefixNotEquals => !is.starts_with(asked),
        }
    }

    fn positive(self) -> bool {
        matches!(self, Self::Equals | Self::Prefix)
    }
}

#[derive(Debug, Clone)]
enum Days {
    /// Milliseconds before now.
    Between(i64, i64),
    Within(i64),
    OlderThan(i64),
}

/// What is asked; an empty list is an attribute that is not asked for.
#[derive(Debug, Clone)]
struct Asked {
    region: Vec<(&'static str, Op)>,
    kind: Vec<(&'static str, Op)>,
    tags: Vec<(&'static str, &'static str, Op)>,
    severity: Vec<(Option<i64>, Option<i64>)>,
    created: Vec<Days>,
    networks: Vec<([u8; 4], u8)>,
    sample: Vec<bool>,
}

/// Mostly nothing: all attributes together would hardly ever match.
fn few<T: std::fmt::Debug + Clone + 'static>(asked: impl Strategy<Value = T> + 'static) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(asked, 1..4)]
}

fn asked() -> impl Strategy<Value = Asked> {
    let op = || select(vec![Op::Equals, Op::Prefix, Op::NotEquals, Op::PrefixNotEquals]);
    let map_op = select(vec![Op::Equals, Op::NotEquals]);
    let days = prop_oneof![
        (before(), before()).prop_map(|(start, end)| Days::Between(start, end)),
        (1i64..5).prop_map(Days::Within),
        (1i64..5).prop_map(Days::OlderThan),
    ];
    (
        few((select(&REGIONS[..]), op())),
        few((select(&KINDS[..]), op())),
        few((select(&KEYS[..]), select(&VALUES[..]), map_op)),
        few((of(0i64..4), 0i64..4).prop_map(|(from, to)| if from.is_none() { (None, Some(to)) } else { (from, None) })),
        few(days),
        few(([0u8..3, 0..3, 0..3, 0..3], select(vec![0u8, 8, 24, 31, 32]))),
        few(any::<bool>()),
    )
        .prop_map(|(region, kind, tags, severity, created, networks, sample)| Asked {
            region,
            kind,
            tags,
            severity,
            created,
            networks,
            sample,
        })
}

impl Asked {
    fn json(&self) -> Value {
        let text = |asked: &[(&str, Op)]| -> Vec<Value> {
            asked.iter().map(|(value, op)| json!({"Value": value, "Comparison": op.name()})).collect()
        };
        let tags = self.tags.iter().map(|(key, value, op)| json!({"Key": key, "Value": value, "Comparison": op.name()}));
        let severity = self.severity.iter().map(|bounds| match bounds {
            (Some(from), _) => json!({"Gte": from}),
            (None, to) => json!({"Lt": to}),
        });
        let created = self.created.iter().map(|days| match days {
            Days::Between(start, end) => json!({"Start": time(*start), "End": time(*end)}),
            Days::Within(days) => json!({"DateRange": {"Value": days, "Unit": "DAYS"}}),
            Days::OlderThan(days) => json!({"DateRange": {"Value": days, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}),
        });
        let networks = self.networks.iter().map(|([a, b, c, d], length)| json!({"Cidr": format!("{a}.{b}.{c}.{d}/{length}")}));
        let all: [(&str, Vec<Value>); 7] = [
            ("Region", text(&self.region)),
            ("ResourceType", text(&self.kind)),
            ("ResourceTags", tags.collect()),
            ("SeverityNormalized", severity.collect()),
            ("CreatedAt", created.collect()),
            ("NetworkSourceIpV4", networks.collect()),
            ("Sample", self.sample.iter().map(|value| json!({"Value": value})).collect()),
        ];
        let given = all.into_iter().filter(|(_, list)| !list.is_empty());
        Value::Object(given.map(|(name, list)| (name.to_owned(), Value::Array(list))).collect::<Map<_, _>>())
    }

    /// The model of what AWS refuses.
    fn legal(&self) -> bool {
        let mixed =
            |ops: Vec<Op>| ops.contains(&Op::Equals) && (ops.contains(&Op::NotEquals) || ops.contains(&Op::PrefixNotEquals));
        !mixed(self.region.iter().map(|asked| asked.1).collect())
            && !mixed(self.kind.iter().map(|asked| asked.1).collect())
            && !mixed(self.tags.iter().map(|asked| asked.2).collect())
    }

    /// The model of the answer.
    fn answer(&self, finding: &Model, missing: bool) -> bool {
        let text = |asked: &[(&str, Op)], values: &[&str]| {
            let positives: Vec<_> = asked.iter().filter(|(_, op)| op.positive()).collect();
            let negatives: Vec<_> = asked.iter().filter(|(_, op)| !op.positive()).collect();
            let included =
                positives.is_empty() || positives.iter().any(|(wanted, op)| values.iter().any(|is| op.says(is, wanted)));
            let kept = negatives
                .iter()
                .all(|(wanted, op)| if values.is_empty() { missing } else { values.iter().all(|is| op.says(is, wanted)) });
            included && kept
        };
        let entries: Vec<(&str, &str)> = finding.tags.iter().flatten().copied().collect();
        let of_key = |key: &str| entries.iter().filter(|entry| entry.0 == key).map(|entry| entry.1).collect::<Vec<_>>();
        let tags = if self.tags.iter().any(|asked| asked.2 == Op::Equals) {
            self.tags.iter().any(|(key, value, _)| of_key(key).contains(value))
        } else {
            self.tags.iter().all(|(key, value, _)| {
                let values = of_key(key);
                if values.is_empty() { missing } else { !values.contains(value) }
            })
        };
        let severity = self.severity.is_empty()
            || finding.severity.is_some_and(|is| {
                self.severity
                    .iter()
                    .any(|(from, to)| from.is_none_or(|from| is >= from) && (from.is_some() || to.is_none_or(|to| is < to)))
            });
        let created = self.created.is_empty()
            || finding.created.is_some_and(|is| {
                self.created.iter().any(|days| match days {
                    Days::Between(start, end) => is <= *start && is >= *end,
                    Days::Within(days) => is >= 0 && is <= days * DAY,
                    Days::OlderThan(days) => is > days * DAY,
                })
            });
        let network = self.networks.is_empty()
            || finding.address.is_some_and(|is| {
                self.networks.iter().any(|(net, length)| {
                    let shift = 32 - u32::from(*length);
                    u64::from(u32::from_be_bytes(is)) >> shift == u64::from(u32::from_be_bytes(*net)) >> shift
                })
            });
        let sample = self.sample.is_empty() || finding.sample.is_some_and(|is| self.sample.contains(&is));
        let region: Vec<&str> = finding.region.into_iter().collect();
        let kinds: Vec<&str> = finding.kinds.iter().flatten().copied().collect();
        text(&self.region, &region) && text(&self.kind, &kinds) && tags && severity && created && network && sample
    }
}

/// Any JSON.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        select(vec![
            "EQUALS",
            "NOT_EQUALS",
            "PREFIX",
            "DAYS",
            "2026-01-01T00:00:00Z",
            "10.0.0.0/8",
            "9999-12-31T23:59:59.999999999Z"
        ])
        .prop_map(Value::from),
    ];
    let names =
        select(vec!["Value", "Key", "Comparison", "Start", "End", "DateRange", "Unit", "Eq", "Gt", "Cidr", "Type", "Tags", "Id"]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(names.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Any JSON below the names of real attributes (or of what they are in a finding).
fn nearly(of_finding: bool) -> impl Strategy<Value = Value> {
    let names: Vec<String> = Field::all()
        .map(|field| if of_finding { field.steps().next().unwrap_or("Keyword") } else { field.name() }.to_owned())
        .collect();
    btree_map(select(names), anything(), 0..6).prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn filters_answer_as_the_model_does(asked in asked(), finding in model()) {
        let parsed = Filters::parse(&asked.json());
        prop_assert_eq!(parsed.is_ok(), asked.legal(), "{}", asked.json());
        if let Ok(filters) = parsed {
            let document = finding.document();
            for (missing, means) in [(MissingField::NoMatch, false), (MissingField::Match, true)] {
                prop_assert_eq!(
                    filters.matches_with(&document, NOW, missing), asked.answer(&finding, means),
                    "{} on {} ({:?})", asked.json(), document, missing
                );
            }
        }
    }

    #[test]
    fn a_projection_answers_as_the_whole_finding_does(asked in asked(), finding in model()) {
        if let Ok(filters) = Filters::parse(&asked.json()) {
            let document = finding.document();
            let fields: Vec<Field> = filters.fields().collect();
            let items = extract_raw(&document.to_string(), &fields).unwrap();
            prop_assert_eq!(&items, &extract(&document, &fields));
            prop_assert_eq!(&items, &extract(&items, &fields));
            for missing in [MissingField::NoMatch, MissingField::Match] {
                prop_assert_eq!(filters.matches_with(&Projected(&items), NOW, missing), filters.matches_with(&document, NOW, missing));
            }
        }
    }

    #[test]
    fn an_index_on_pure_equals_loses_no_match(asked in asked(), finding in model()) {
        if let Ok(filters) = Filters::parse(&asked.json()) && filters.matches(&finding.document(), NOW) {
            if let Some(values) = filters.equals_any(Field::REGION) {
                prop_assert!(finding.region.is_some_and(|region| values.iter().any(|value| value == region)));
            }
            if let Some(entries) = filters.equals_any_entry(Field::RESOURCE_TAGS) {
                let has = |entry: &(String, String)| finding.tags.iter().flatten().any(|(k, v)| entry.0 == *k && entry.1 == *v);
                prop_assert!(entries.iter().any(has));
            }
        }
    }

    #[test]
    fn no_json_makes_reading_panic(value in prop_oneof![anything(), nearly(false)], finding in prop_oneof![anything(), nearly(true)]) {
        match Filters::parse(&value) {
            Ok(filters) => {
                let fields: Vec<Field> = filters.fields().collect();
                let _ = filters.matches(&finding, NOW);
                let _ = filters.matches(&finding, Timestamp::MAX);
                let _ = filters.matches(&finding, Timestamp::MIN);
                let _ = extract_raw(&finding.to_string(), &fields);
            }
            Err(errors) => prop_assert!(!errors.0.is_empty() && !errors.to_string().is_empty()),
        }
        let all: Vec<Field> = Field::all().collect();
        let _ = extract(&finding, &all);
    }

    #[test]
    fn no_text_makes_reading_a_time_panic(text in "[0-9TZ:.+é-]{0,36}|.{0,24}") {
        let _ = timestamp(&text);
    }
}
