//! Identities: parsed once at the edge, compared cheaply afterwards.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not the identity it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {allowed}")]
pub struct IdError {
    /// What was read.
    pub text: String,
    /// What it should have been, for example "an AWS account id".
    pub what: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
}

/// An AWS account: exactly twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(u64);

impl AccountId {
    /// The number behind the digits, below 10^12.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The account of `number`, if it has at most twelve digits.
    pub fn from_number(number: u64) -> Option<Self> {
        (number < 1_000_000_000_000).then_some(Self(number))
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        ok.then(|| text.parse().ok()).flatten().map(Self).ok_or_else(|| IdError {
            text: text.to_owned(),
            what: "an AWS account id",
            allowed: "twelve digits, quoted in YAML so that leading zeros stay",
        })
    }
}

impl TryFrom<String> for AccountId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// An AWS Region code, such as `eu-west-1`. Unknown codes are welcome: AWS opens new Regions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Arc<str>);

impl Region {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = (3..=32).contains(&text.len())
            && text.contains('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        ok.then(|| Self(text.into())).ok_or_else(|| IdError {
            text: text.to_owned(),
            what: "an AWS Region code",
            allowed: "lower case letters, digits and dashes, as in eu-west-1",
        })
    }
}

impl TryFrom<String> for Region {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0.as_ref().to_owned()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A security control id, such as `EC2.13`. AWS writes them in both cases, so case is ignored in every comparison.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ControlId(Arc<str>);

impl ControlId {
    /// Any non-empty text: AWS adds controls every month, so unknown ids are welcome.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for ControlId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ControlId {}

impl Hash for ControlId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl Ord for ControlId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let lower = |text: &Self| text.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

impl PartialOrd for ControlId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What BatchUpdateFindings calls a finding by: both parts together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingKey {
    /// `Id` of the finding, at most 512 characters.
    pub id: String,
    /// `ProductArn` of the finding.
    pub product_arn: String,
}

/// The kinds of `hubkeeper.dev/v1alpha1` that exist today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Kind {
    SecurityHub,
    Account,
    ControlPolicy,
    FindingException,
    ExceptionPolicy,
    Approval,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::SecurityHub, Self::Account, Self::ControlPolicy, Self::FindingException, Self::ExceptionPolicy, Self::Approval];

    /// The name as manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecurityHub => "SecurityHub",
            Self::Account => "Account",
            Self::ControlPolicy => "ControlPolicy",
            Self::FindingException => "FindingException",
            Self::ExceptionPolicy => "ExceptionPolicy",
            Self::Approval => "Approval",
        }
    }

    /// Whether objects of this kind live in a namespace.
    pub fn is_namespaced(self) -> bool {
        matches!(self, Self::FindingException | Self::Approval)
    }
}

impl FromStr for Kind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| IdError {
            text: text.to_owned(),
            what: "a kind of hubkeeper.dev/v1alpha1",
            allowed: "SecurityHub, Account, ControlPolicy, FindingException, ExceptionPolicy or Approval",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One object, by name and not uid: `FindingException/team-pay/cdn`, `ControlPolicy/fsbp-prod`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectRef {
    /// The kind.
    pub kind: Kind,
    /// The namespace; `None` exactly for cluster-scoped kinds.
    pub namespace: Option<Arc<str>>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectRef {
    /// A cluster-scoped object.
    pub fn cluster(kind: Kind, name: &str) -> Self {
        Self { kind, namespace: None, name: name.into() }
    }

    /// An object in a namespace.
    pub fn namespaced(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: Some(namespace.into()), name: name.into() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

impl FromStr for ObjectRef {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            text: text.to_owned(),
            what: "an object reference",
            allowed: "Kind/name, or Kind/namespace/name for FindingException and Approval",
        };
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(error());
        }
        match parts.as_slice() {
            [kind, name] => {
                let kind: Kind = kind.parse()?;
                (!kind.is_namespaced()).then(|| Self::cluster(kind, name)).ok_or_else(error)
            }
            [kind, namespace, name] => {
                let kind: Kind = kind.parse()?;
                kind.is_namespaced().then(|| Self::namespaced(kind, namespace, name)).ok_or_else(error)
            }
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for ObjectRef {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ObjectRef> for String {
    fn from(object: ObjectRef) -> Self {
        object.to_string()
    }
}
