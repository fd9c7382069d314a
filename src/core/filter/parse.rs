//! Reading filters: what GetFindings refuses is refused here, each refusal with the place it is about.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::criteria::{Comparison, Dialect};
use super::{Bounds, Field, FieldKind, Filters, MapTest, Test, TextTest, Window, timestamp};

/// Attributes in one set of filters. Source: API model, GetFindings.Filters.
pub const MAX_ATTRIBUTES: usize = 10;
/// Filters for one attribute. Source: API model, GetFindings.Filters.
pub const MAX_VALUES: usize = 20;

/// Everything that is wrong with a set of filters, in document order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterErrors(pub Vec<FilterError>);

impl fmt::Display for FilterErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterErrors {}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The place within the filters: `Region`, `Region[1].Comparison`, `UpdatedAt[0].DateRange.Value`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub refusal: Refusal,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "filters" } else { &self.path };
        write!(f, "{path}: {}", self.refusal)
    }
}

impl std::error::Error for FilterError {}

/// Why filters are refused. Where the API reference has words for it, they are used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The whole is not an object.
    #[error("must be an object of finding attributes, each with a list of filters")]
    NotAttributes,
    /// More than [`MAX_ATTRIBUTES`].
    #[error("you can filter by up to {MAX_ATTRIBUTES} finding attributes, and these are {0}")]
    TooManyAttributes(usize),
    /// GetFindings has no such attribute.
    #[error("is not an attribute that GetFindings filters by{}", near.map(|field| format!(": did you mean {field}?")).unwrap_or_default())]
    UnknownAttribute {
        /// What may have been meant.
        near: Option<Field>,
    },
    /// Automation rules have no such criterion.
    #[error("is not a criterion of automation rules{}", near.map(|field| format!(": did you mean {field}?")).unwrap_or_default())]
    UnknownCriterion {
        /// What may have been meant.
        near: Option<Field>,
    },
    /// Criteria that name nothing: a rule has one or more.
    #[error("must have at least one criterion")]
    NoCriterion,
    /// The value of an attribute is not a list of filters.
    #[error("must be a list of filters: {0}")]
    NotAList(&'static str),
    /// An empty list: it would be no condition.
    #[error("must have at least one filter: leave the attribute out if it does not matter")]
    NoFilter,
    /// More than [`MAX_VALUES`], or than the criterion takes.
    #[error("for each attribute, you can provide up to {most} filter values, and these are {count}")]
    TooManyValues {
        /// How many there are.
        count: usize,
        /// How many are taken.
        most: usize,
    },
    /// A filter is not an object.
    #[error("must be a filter: {0}")]
    NotAFilter(&'static str),
    /// A filter has a member that its kind does not have.
    #[error("is not part of such a filter: {0}")]
    UnknownMember(&'static str),
    /// A member is missing.
    #[error("is required")]
    Missing,
    /// A member has the wrong type.
    #[error("must be {0}")]
    WrongType(&'static str),
    /// A text without any visible character.
    #[error("must not be empty or only spaces")]
    EmptyText,
    /// No comparison of this kind of filter.
    #[error("{text:?} is not a comparison: one of {allowed}")]
    UnknownComparison {
        /// What was read.
        text: String,
        /// What is allowed.
        allowed: String,
    },
    /// A comparison of automation rules, or of the V2 APIs.
    #[error("{text} works only {place}, not with GetFindings: use one of {allowed}")]
    ElsewhereComparison {
        /// What was read.
        text: &'static str,
        /// Where it works.
        place: &'static str,
        /// What is allowed here.
        allowed: String,
    },
    /// `EQUALS` with `NOT_EQUALS` or `PREFIX_NOT_EQUALS` on a string.
    #[error("you can't provide both an EQUALS filter and a NOT_EQUALS or PREFIX_NOT_EQUALS filter on the same field")]
    MixedText,
    /// `EQUALS` with `NOT_EQUALS` on a map.
    #[error("you can't have both an EQUALS filter and a NOT_EQUALS filter on the same field")]
    MixedMap,
    /// `CONTAINS` with anything else.
    #[error("CONTAINS filters can only be used with other CONTAINS filters")]
    MixedContains,
    /// `NOT_CONTAINS` with anything else.
    #[error("NOT_CONTAINS filters can only be used with other NOT_CONTAINS filters")]
    MixedNotContains,
    /// Not a time as Security Hub takes it.
    #[error(
        "{0:?} is not a time: write it as 2026-01-31T23:00:00Z, with at most 9 digits of a fraction and an offset of at most 18:00"
    )]
    BadTime(String),
    /// `DateRange` beside `Start` or `End`.
    #[error("must have either Start and End or DateRange, not both")]
    TwoWindows,
    /// Neither `DateRange`, nor both of `Start` and `End`: AWS refuses either of them alone.
    #[error("must have both Start and End, or DateRange: AWS refuses a window that is open at one end")]
    OpenWindow,
    /// A unit other than `DAYS`.
    #[error("must be DAYS")]
    BadUnit,
    /// Not a number of days.
    #[error("must be a whole number of days from 1 to {}", i32::MAX)]
    BadDays,
    /// A number filter that bounds nothing.
    #[error("must have at least one of Eq, Gte, Lte, Gt, Lt")]
    NoBound,
    /// Not a network.
    #[error("{text:?} is not a CIDR block: write it as {example}")]
    BadCidr {
        /// What was read.
        text: String,
        /// What would do.
        example: String,
    },
}

const DATE_COMPARISONS: &str = "WITHIN, OLDER_THAN";

impl FieldKind {
    /// The members of a filter of this kind.
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::String => &["Value", "Comparison"],
            Self::Map => &["Key", "Value", "Comparison"],
            Self::Date => &["Start", "End", "DateRange"],
            Self::Number => &["Eq", "Gte", "Lte", "Gt", "Lt"],
            Self::Ip => &["Cidr"],
            Self::Boolean | Self::Keyword => &["Value"],
        }
    }

    /// A filter of this kind, for messages.
    fn example(self) -> &'static str {
        match self {
            Self::String => r#"{"Value": "...", "Comparison": "EQUALS"}"#,
            Self::Map => r#"{"Key": "...", "Value": "...", "Comparison": "EQUALS"}"#,
            Self::Date => r#"{"Start": "...", "End": "..."} or {"DateRange": {"Value": 7, "Unit": "DAYS"}}"#,
            Self::Number => r#"{"Gte": 0, "Lte": 100}"#,
            Self::Ip => r#"{"Cidr": "203.0.113.0/24"}"#,
            Self::Boolean => r#"{"Value": true}"#,
            Self::Keyword => r#"{"Value": "..."}"#,
        }
    }
}

const DATE_RANGE: &str = r#"{"Value": 7, "Unit": "DAYS", "Comparison": "WITHIN"}"#;

impl Filters {
    /// Compiles `AwsSecurityFindingFilters` as JSON. An empty object is no condition: everything matches.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(filters: &Value) -> Result<Self, FilterErrors> {
        Self::parse_as(Dialect::GetFindings, filters)
    }

    pub(super) fn parse_as(dialect: Dialect, filters: &Value) -> Result<Self, FilterErrors> {
        let mut reader = Reader { dialect, errors: Vec::new() };
        let mut tests = Vec::new();
        match filters {
            Value::Object(attributes) => {
                if let Some(refusal) = dialect.refuses_number(attributes.len()) {
                    reader.refuse("", refusal);
                }
                for (name, value) in attributes {
                    match Field::from_name(name).filter(|field| dialect.has(*field)) {
                        Some(field) => tests.extend(reader.attribute(field, value).map(|test| (field, test))),
                        None => reader.refuse(name, dialect.unknown(name)),
                    }
                }
            }
            _ => reader.refuse("", Refusal::NotAttributes),
        }
        if !reader.errors.is_empty() {
            return Err(FilterErrors(reader.errors));
        }
        tests.sort_by_key(|(field, _)| *field);
        Ok(Self { tests })
    }
}

/// Collects what is wrong. Its functions give `None` where they have refused.
struct Reader {
    dialect: Dialect,
    errors: Vec<FilterError>,
}

impl Reader {
    fn refuse(&mut self, path: &str, refusal: Refusal) {
        self.errors.push(FilterError { path: path.to_owned(), refusal });
    }

    fn attribute(&mut self, field: Field, value: &Value) -> Option<Test> {
        let kind = field.kind();
        let Value::Array(filters) = value else {
            self.refuse(field.name(), Refusal::NotAList(kind.example()));
            return None;
        };
        if filters.is_empty() {
            self.refuse(field.name(), Refusal::NoFilter);
            return None;
        }
        let (count, most) = (filters.len(), self.dialect.most_values(field));
        if count > most {
            self.refuse(field.name(), Refusal::TooManyValues { count, most });
            return None;
        }
        let filters: Vec<Filter<'_>> =
            (0..).zip(filters).filter_map(|(number, filter)| self.filter(field, number, filter)).collect();
        match kind {
            FieldKind::String => self.texts(field, &filters),
            FieldKind::Map => self.maps(field, &filters),
            FieldKind::Date => self.each(&filters, Self::window).map(Test::Date),
            FieldKind::Number => self.each(&filters, Self::bounds).map(Test::Number),
            FieldKind::Ip => self.each(&filters, Self::net).map(Test::Ip),
            FieldKind::Boolean => self.each(&filters, Self::flag).map(Test::Flag),
            FieldKind::Keyword => {
                self.each(&filters, |reader, filter| reader.text(filter, "Value").map(str::to_owned)).map(Test::Keyword)
            }
        }
    }

    /// Reads all, so that every error is told.
    fn each<'v, T>(
        &mut self,
        filters: &[Filter<'v>],
        mut read: impl FnMut(&mut Self, &Filter<'v>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let read: Vec<Option<T>> = filters.iter().map(|filter| read(self, filter)).collect();
        read.into_iter().collect()
    }

    fn filter<'v>(&mut self, field: Field, number: usize, value: &'v Value) -> Option<Filter<'v>> {
        let path = format!("{}[{number}]", field.name());
        let Value::Object(members) = value else {
            self.refuse(&path, Refusal::NotAFilter(field.kind().example()));
            return None;
        };
        let filter = Filter { path, members };
        self.known(&filter, field.kind().members(), field.kind().example());
        Some(filter)
    }

    fn known(&mut self, filter: &Filter<'_>, allowed: &[&str], example: &'static str) {
        for name in filter.members.keys().filter(|name| !allowed.contains(&name.as_str())) {
            self.refuse(&filter.at(name), Refusal::UnknownMember(example));
        }
    }

    fn texts(&mut self, field: Field, filters: &[Filter<'_>]) -> Option<Test> {
        let mut test = TextTest::default();
        let read = self.each(filters, |reader, filter| {
            let value = reader.text(filter, "Value");
            let comparison = reader.comparison(filter, reader.dialect.of_texts());
            Some((value?.to_owned(), comparison?))
        })?;
        self.contains_alone(field, read.iter().map(|(_, comparison)| *comparison));
        for (value, comparison) in read {
            match comparison {
                Comparison::Equals => test.equals.push(value),
                Comparison::Prefix => test.prefixes.push(value),
                Comparison::NotEquals => test.not_equals.push(value),
                Comparison::PrefixNotEquals => test.not_prefixes.push(value),
                Comparison::Contains => test.contains.push(value),
                Comparison::NotContains => test.not_contains.push(value),
            }
        }
        let negative = !test.not_equals.is_empty() || !test.not_prefixes.is_empty();
        if negative && !test.equals.is_empty() {
            self.refuse(field.name(), Refusal::MixedText);
        }
        Some(Test::Text(test))
    }

    fn maps(&mut self, field: Field, filters: &[Filter<'_>]) -> Option<Test> {
        let mut test = MapTest::default();
        let read = self.each(filters, |reader, filter| {
            let key = reader.text(filter, "Key");
            let value = reader.text(filter, "Value");
            let comparison = reader.comparison(filter, reader.dialect.of_maps());
            Some((key?.to_owned(), value?.to_owned(), comparison?))
        })?;
        self.contains_alone(field, read.iter().map(|(.., comparison)| *comparison));
        for (key, value, comparison) in read {
            match comparison {
                Comparison::Equals | Comparison::Prefix => test.equals.push((key, value)),
                Comparison::NotEquals | Comparison::PrefixNotEquals => test.not_equals.push((key, value)),
                Comparison::Contains => test.contains.push((key, value)),
                Comparison::NotContains => test.not_contains.push((key, value)),
            }
        }
        if !test.equals.is_empty() && !test.not_equals.is_empty() {
            self.refuse(field.name(), Refusal::MixedMap);
        }
        Some(Test::Map(test))
    }

    fn window(&mut self, filter: &Filter<'_>) -> Option<Window> {
        let (start, end, range) = (filter.get("Start"), filter.get("End"), filter.get("DateRange"));
        match (start, end, range) {
            (Some(_), Some(_), None) => {
                let (start, end) = (self.time(filter, "Start"), self.time(filter, "End"));
                Some(Window::Between(start?, end?))
            }
            (None, None, Some(range)) => self.range(filter, range),
            (None, _, None) | (_, None, None) => {
                self.refuse(&filter.path, Refusal::OpenWindow);
                None
            }
            _ => {
                self.refuse(&filter.path, Refusal::TwoWindows);
                None
            }
        }
    }

    fn range(&mut self, filter: &Filter<'_>, range: &Value) -> Option<Window> {
        let path = filter.at("DateRange");
        let Value::Object(members) = range else {
            self.refuse(&path, Refusal::NotAFilter(DATE_RANGE));
            return None;
        };
        let range = Filter { path, members };
        self.known(&range, &["Value", "Unit", "Comparison"], DATE_RANGE);
        let days = self.days(&range);
        let unit = self.text(&range, "Unit").filter(|unit| {
            let days = *unit == "DAYS";
            if !days {
                self.refuse(&range.at("Unit"), Refusal::BadUnit);
            }
            days
        });
        let older = match range.get("Comparison") {
            None => Some(false),
            Some(_) => match self.text(&range, "Comparison") {
                Some("WITHIN") => Some(false),
                Some("OLDER_THAN") => Some(true),
                Some(text) => {
                    let refusal = Refusal::UnknownComparison { text: text.to_owned(), allowed: DATE_COMPARISONS.to_owned() };
                    self.refuse(&range.at("Comparison"), refusal);
                    None
                }
                None => None,
            },
        };
        unit?;
        let days = days?;
        Some(if older? { Window::OlderThan(days) } else { Window::Within(days) })
    }

    fn days(&mut self, range: &Filter<'_>) -> Option<i32> {
        let value = self.member(range, "Value")?;
        // Some writers have no integers: 7.0 is 7.
        let whole = value.as_i64().or_else(|| {
            let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX))?;
            #[expect(clippy::cast_possible_truncation, reason = "whole and within i32, checked above")]
            Some(number as i64)
        });
        let days = whole.and_then(|days| i32::try_from(days).ok()).filter(|days| *days >= 1);
        if days.is_none() {
            self.refuse(&range.at("Value"), Refusal::BadDays);
        }
        days
    }

    fn bounds(&mut self, filter: &Filter<'_>) -> Option<Bounds> {
        let mut refused = false;
        let mut bound = |name| match filter.get(name) {
            None => None,
            Some(value) => {
                let number = value.as_f64();
                if number.is_none() {
                    refused = true;
                    self.refuse(&filter.at(name), Refusal::WrongType("a number"));
                }
                number
            }
        };
        let bounds = Bounds { eq: bound("Eq"), gte: bound("Gte"), lte: bound("Lte"), gt: bound("Gt"), lt: bound("Lt") };
        if refused {
            return None;
        }
        if bounds == Bounds::default() {
            self.refuse(&filter.path, Refusal::NoBound);
            return None;
        }
        Some(bounds)
    }

    fn net(&mut self, filter: &Filter<'_>) -> Option<IpNet> {
        let text = self.text(filter, "Cidr")?;
        let net = text.parse().ok();
        if net.is_none() {
            let example = match text.parse::<IpAddr>() {
                Ok(address) => IpNet::from(address).to_string(),
                Err(_) => "203.0.113.0/24 or 2001:db8::/32".to_owned(),
            };
            self.refuse(&filter.at("Cidr"), Refusal::BadCidr { text: text.to_owned(), example });
        }
        net
    }

    fn flag(&mut self, filter: &Filter<'_>) -> Option<bool> {
        let value = self.member(filter, "Value")?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.refuse(&filter.at("Value"), Refusal::WrongType("true or false"));
        }
        flag
    }

    fn time(&mut self, filter: &Filter<'_>, name: &str) -> Option<Timestamp> {
        let text = self.text(filter, name)?;
        let time = timestamp(text);
        if time.is_none() {
            self.refuse(&filter.at(name), Refusal::BadTime(text.to_owned()));
        }
        time
    }

    /// CONTAINS goes with CONTAINS only, and NOT_CONTAINS with NOT_CONTAINS.
    fn contains_alone(&mut self, field: Field, used: impl Iterator<Item = Comparison>) {
        let used: Vec<Comparison> = used.collect();
        for (alone, refusal) in
            [(Comparison::Contains, Refusal::MixedContains), (Comparison::NotContains, Refusal::MixedNotContains)]
        {
            if used.contains(&alone) && used.iter().any(|other| *other != alone) {
                self.refuse(field.name(), refusal);
            }
        }
    }

    fn comparison(&mut self, filter: &Filter<'_>, allowed: &'static [Comparison]) -> Option<Comparison> {
        let text = self.text(filter, "Comparison")?;
        if let Some(known) = allowed.iter().find(|known| known.name() == text) {
            return Some(*known);
        }
        let refusal = self.dialect.refuses(text, allowed);
        self.refuse(&filter.at("Comparison"), refusal);
        None
    }

    /// A text as the model's `NonEmptyString` is: at least one character that is not a space.
    fn text<'v>(&mut self, filter: &Filter<'v>, name: &str) -> Option<&'v str> {
        let refusal = match self.member(filter, name)? {
            Value::String(text) if text.chars().any(|letter| !letter.is_whitespace()) => return Some(text),
            Value::String(_) => Refusal::EmptyText,
            _ => Refusal::WrongType("a string"),
        };
        self.refuse(&filter.at(name), refusal);
        None
    }

    fn member<'v>(&mut self, filter: &Filter<'v>, name: &str) -> Option<&'v Value> {
        let value = filter.get(name);
        if value.is_none() {
            self.refuse(&filter.at(name), Refusal::Missing);
        }
        value
    }
}

/// One filter of an attribute, or an object within one.
struct Filter<'v> {
    path: String,
    members: &'v Map<String, Value>,
}

impl<'v> Filter<'v> {
    /// A member; `null` is a member that is not there.
    fn get(&self, name: &str) -> Option<&'v Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}
