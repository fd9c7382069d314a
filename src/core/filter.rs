//! AWS finding filters (`AwsSecurityFindingFilters`): one implementation, used by the matcher and by Security Hub Local.

/// A field that GetFindings can filter by: an index into the table of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(pub u8);

/// One value of a field in a finding; a field has none, one or several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// A string, a date or an IP address.
    Text(&'a str),
    /// One entry of a map.
    Entry(&'a str, &'a str),
    /// A number.
    Number(f64),
    /// A boolean.
    Flag(bool),
}

/// A finding, as far as filters look at it.
pub trait Fields {
    /// Calls `visit` with every value of `field`, in document order.
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>));
}
