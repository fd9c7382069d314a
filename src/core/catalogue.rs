//! The controls of Security Hub CSPM that this build knows: title, category, rating, standards, resource types. No API gives
//! the categories, and none gives the rest without a call, so they are data of the project: `controls.csv`, from AWS's control
//! reference of late 2025. AWS adds controls every month: an unknown id is welcome everywhere, only without title and category.
//!
//! Where the reference does not say what a control looks at, the column has the one type that its title names ("RDS DB instances
//! should be tagged"); EC2.13 and EC2.14 look at security groups (the guide's ec2-controls). Whose title names none has none: most
//! are about the account.

mod asff;
mod groups;
mod own_ids;
mod parameters;

use std::sync::{Arc, LazyLock};

pub use asff::asff_type;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

pub use groups::{BUILT_IN_GROUPS, BuiltInGroup};
pub use parameters::{Parameter, ParameterKind};

use super::ids::ControlId;
use super::status::SeverityLabel;

const CSV: &str = include_str!("controls.csv");

/// One control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// In AWS's spelling: `Autoscaling.5`, `EC2.13`.
    pub id: ControlId,
    /// What AWS calls it.
    pub title: Arc<str>,
    /// Its rating; a finding's own severity is INFORMATIONAL unless it failed.
    pub severity: SeverityLabel,
    /// The standards it is part of; empty for very few.
    pub standards: Vec<Standard>,
    /// Whether it takes parameters.
    pub custom_parameters: bool,
    /// When it is checked.
    pub schedule: Schedule,
    /// The levels of its category from the top: `["Protect", "Data protection", "Encryption of data at rest"]`.
    pub category: Vec<Arc<str>>,
    /// What it looks at, where known; what has none is mostly about the account.
    pub resource_types: Vec<ResourceType>,
    /// The AWS Config rule behind it, where known.
    pub config_rule: Option<Arc<str>>,
}

/// A type of resource under both of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// As AWS Config says: `AWS::EC2::SecurityGroup`.
    pub config: Arc<str>,
    /// As findings say: `AwsEc2SecurityGroup`.
    pub asff: Arc<str>,
}

/// When a control is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Every 12 or 24 hours.
    Periodic,
    /// When the resource changes, and in an 18 hour sweep.
    ChangeTriggered,
    /// Both.
    Both,
}

macro_rules! standards {
    ($($(#[$meta:meta])* $variant:ident, $code:literal, $id:literal, $title:literal;)+) => {
        /// A standard of Security Hub CSPM that this build knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Standard { $($(#[$meta])* #[serde(rename = $id)] $variant),+ }

        impl Standard {
            /// Every standard.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// `StandardsId` as findings carry it. CIS 1.2 is the only one that starts with `ruleset/`.
            pub fn standards_id(self) -> &'static str {
                match self { $(Self::$variant => $id),+ }
            }

            /// What AWS calls it.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

standards! {
    Fsbp, "FSBP", "standards/aws-foundational-security-best-practices/v/1.0.0", "AWS Foundational Security Best Practices v1.0.0";
    Cis12, "CIS1.2", "ruleset/cis-aws-foundations-benchmark/v/1.2.0", "CIS AWS Foundations Benchmark v1.2.0";
    Cis14, "CIS1.4", "standards/cis-aws-foundations-benchmark/v/1.4.0", "CIS AWS Foundations Benchmark v1.4.0";
    Cis30, "CIS3.0", "standards/cis-aws-foundations-benchmark/v/3.0.0", "CIS AWS Foundations Benchmark v3.0.0";
    Cis50, "CIS5.0", "standards/cis-aws-foundations-benchmark/v/5.0.0", "CIS AWS Foundations Benchmark v5.0.0";
    Nist53, "NIST53", "standards/nist-800-53/v/5.0.0", "NIST Special Publication 800-53 Revision 5";
    Nist171, "NIST171", "standards/nist-800-171/v/2.0.0", "NIST Special Publication 800-171 Revision 2";
    Pci3, "PCI3", "standards/pci-dss/v/3.2.1", "PCI DSS v3.2.1";
    Pci4, "PCI4", "standards/pci-dss/v/4.0.1", "PCI DSS v4.0.1";
    Tagging, "TAG", "standards/aws-resource-tagging-standard/v/1.0.0", "AWS Resource Tagging Standard v1.0.0";
}

impl Standard {
    /// The name in [`Standard::standards_id`], without prefix and version: `nist-800-53`.
    pub fn name(self) -> &'static str {
        standard_name(self.standards_id())
    }
}

/// The name in a StandardsId, without prefix and version: `standards/pci-dss/v/4.0.1` is `pci-dss`.
pub fn standard_name(standards_id: &str) -> &str {
    let rest = standard_without_prefix(standards_id);
    rest.split_once("/v/").map_or(rest, |(name, _)| name)
}

/// A StandardsId without `standards/` or `ruleset/`.
pub fn standard_without_prefix(standards_id: &str) -> &str {
    standards_id.strip_prefix("standards/").or_else(|| standards_id.strip_prefix("ruleset/")).unwrap_or(standards_id)
}

/// A name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a known {what}{}", .nearest.as_ref().map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default())]
pub struct Unknown {
    /// What was read.
    pub name: String,
    /// What it should have been: `control group`, `category`, `standard`.
    pub what: &'static str,
    /// The known name that looks most like it.
    pub nearest: Option<String>,
}

/// All controls, in the order of AWS's reference.
#[derive(Debug, Default)]
pub struct Catalogue {
    controls: Vec<Control>,
    /// Positions in `controls`, by id without case: a look-up allocates nothing.
    by_id: HashTable<usize>,
}

impl Catalogue {
    /// The catalogue of this build.
    pub fn built_in() -> &'static Self {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(CSV));
        &CATALOGUE
    }

    /// Reads the columns of `controls.csv`; a row that cannot be read is left out.
    fn parse(text: &str) -> Self {
        let mut catalogue = Self::default();
        for row in csv::Reader::from_reader(text.as_bytes()).records().flatten() {
            let Some(control) = Control::read(&row) else { continue };
            if catalogue.get(control.id.as_str()).is_some() {
                continue;
            }
            let Self { controls, by_id } = &mut catalogue;
            let again = |position: &usize| controls.get(*position).map_or(0, |control| hash(control.id.as_str()));
            by_id.insert_unique(hash(control.id.as_str()), controls.len(), again);
            controls.push(control);
        }
        catalogue
    }

    /// The control of this id, whatever its case. `None` for controls that are newer than this build.
    pub fn get(&self, id: &str) -> Option<&Control> {
        let same =
            |position: &usize| self.controls.get(*position).is_some_and(|control| control.id.as_str().eq_ignore_ascii_case(id));
        self.by_id.find(hash(id), same).and_then(|position| self.controls.get(*position))
    }

    /// Every control, in the order of AWS's reference.
    pub fn controls(&self) -> &[Control] {
        &self.controls
    }

    /// The controls of a category: see [`Control::category_matches`].
    pub fn of_category<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a Control> {
        self.controls.iter().filter(move |control| control.category_matches(category))
    }

    /// The built-in group of this name.
    pub fn group(&self, name: &str) -> Option<&'static BuiltInGroup> {
        BUILT_IN_GROUPS.iter().find(|group| group.name == name)
    }

    /// Whether any control is of this category.
    pub fn known_category(&self, category: &str) -> Result<(), Unknown> {
        if self.of_category(category).next().is_some() {
            return Ok(());
        }
        let mut names: Vec<String> = Vec::new();
        for control in &self.controls {
            names.extend(control.category.iter().map(ToString::to_string));
            names.extend((2..=control.category.len()).filter_map(|n| control.category.get(..n)).map(|levels| levels.join(" > ")));
        }
        Err(unknown(category.trim(), "category", names.iter().map(String::as_str)))
    }

    /// Whether a built-in group, or one of `declared`, has this name.
    pub fn known_group<'a>(&self, name: &str, declared: impl IntoIterator<Item = &'a str>) -> Result<(), Unknown> {
        let mut names: Vec<&str> = declared.into_iter().collect();
        names.extend(BUILT_IN_GROUPS.iter().map(|group| group.name));
        if names.contains(&name) { Ok(()) } else { Err(unknown(name, "control group", names.into_iter())) }
    }

    /// Whether this names a standard of this build: by name, with version, or by whole StandardsId. AWS adds standards, so
    /// an unknown one is worth a warning and no more.
    pub fn known_standard(&self, text: &str) -> Result<(), Unknown> {
        let lower = text.trim().to_ascii_lowercase();
        let id = lower.rsplit(':').next().unwrap_or_default();
        let known = Standard::ALL.iter().any(|standard| {
            let whole = standard.standards_id();
            id == whole || id == standard_without_prefix(whole) || id == standard.name()
        });
        let names = Standard::ALL.iter().flat_map(|standard| [standard.name(), standard_without_prefix(standard.standards_id())]);
        if known { Ok(()) } else { Err(unknown(standard_without_prefix(id), "standard", names)) }
    }
}

impl Control {
    fn read(row: &csv::StringRecord) -> Option<Self> {
        let column = |n: usize| row.get(n).map(str::trim);
        let words = |n: usize| column(n).map(|text| text.split_whitespace());
        let (id, title, category) = (column(0)?, column(1)?, column(6)?);
        if id.is_empty() || title.is_empty() || category.is_empty() {
            return None;
        }
        Some(Self {
            id: ControlId::new(id),
            title: title.into(),
            severity: SeverityLabel::parse(column(2)?)?,
            standards: words(3)?.map(Standard::from_code).collect::<Option<_>>()?,
            custom_parameters: match column(4)? {
                "Y" => true,
                "N" => false,
                _ => return None,
            },
            schedule: match column(5)? {
                "P" => Schedule::Periodic,
                "C" => Schedule::ChangeTriggered,
                "CP" => Schedule::Both,
                _ => return None,
            },
            category: category.split('>').map(|level| level.trim().into()).collect(),
            resource_types: words(7)?
                .map(|config| ResourceType { config: config.into(), asff: asff_type(config).into() })
                .collect(),
            config_rule: column(8).filter(|rule| !rule.is_empty()).map(Into::into),
        })
    }

    /// Whether `category` names this control's category: a path from the top (`Protect > Data protection`), or the name of one
    /// level at any depth (`Data protection`). Case and space around the levels are ignored.
    pub fn category_matches(&self, category: &str) -> bool {
        let wanted: Vec<&str> = category.split('>').map(str::trim).collect();
        match wanted.as_slice() {
            [level] => self.category.iter().any(|own| own.eq_ignore_ascii_case(level)),
            path => {
                path.len() <= self.category.len()
                    && path.iter().zip(&self.category).all(|(level, own)| own.eq_ignore_ascii_case(level))
            }
        }
    }
}

/// FNV-1a of an id in lower case.
fn hash(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3))
}

fn unknown<'a>(name: &str, what: &'static str, known: impl Iterator<Item = &'a str>) -> Unknown {
    let lower = name.to_lowercase();
    // A suggestion that shares less than half of its letters helps nobody.
    let close = |candidate: &str| {
        let distance = edit_distance(&lower, &candidate.to_lowercase());
        (distance * 2 <= lower.chars().count().max(candidate.chars().count())).then_some(distance)
    };
    let nearest = known.filter_map(|candidate| Some((close(candidate)?, candidate))).min();
    Unknown { name: name.to_owned(), what, nearest: nearest.map(|(_, candidate)| candidate.to_owned()) }
}

/// Levenshtein's distance, on the first 100 characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(100).enumerate() {
        let mut next = vec![i + 1];
        for (to, (diagonal, above)) in b.iter().zip(row.iter().zip(row.iter().skip(1))) {
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
