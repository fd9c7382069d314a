//! Tags of resources: shapes and rules.
//!
//! Sources: (M) the service's model (botocore, securityhub 2018-10-26), (UG) the Security Hub User Guide, "Tagging Security Hub
//! resources". Where they differ the stricter one holds: the model's pattern of a key has no space and no `@`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags of one resource, and in one TagResource or UntagResource (M, UG).
pub const TAGS_MAX: usize = 50;
/// Characters of a key, at least one (M).
pub const KEY_CHARS: usize = 128;
/// Characters of a value (M).
pub const VALUE_CHARS: usize = 256;
/// What only AWS itself begins keys and values with (M, UG).
const RESERVED: &str = "aws:";

/// Keys and values.
pub type Tags = BTreeMap<String, String>;

/// TagResource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct TagResource {
    pub tags: Tags,
}

/// The answer of ListTagsForResource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ResourceTags {
    pub tags: Tags,
}

/// What is wrong with tags that are to be set, in a sentence.
pub fn refusal(tags: &Tags) -> Option<String> {
    if !(1..=TAGS_MAX).contains(&tags.len()) {
        return Some(format!("Invalid parameter 'Tags': between 1 and {TAGS_MAX} tags are taken, and there are {}", tags.len()));
    }
    tags.iter().find_map(|(key, value)| refused_key(key).or_else(|| refused_value(key, value)))
}

/// What is wrong with keys that are to be removed, in a sentence.
pub fn refusal_of_keys(keys: &[String]) -> Option<String> {
    if !(1..=TAGS_MAX).contains(&keys.len()) {
        return Some(format!(
            "Invalid parameter 'TagKeys': between 1 and {TAGS_MAX} keys are taken, and there are {}",
            keys.len()
        ));
    }
    keys.iter().find_map(|key| refused_key(key))
}

fn refused_key(key: &str) -> Option<String> {
    let reserved = key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED));
    let length = key.chars().count();
    // The pattern's `+-=` is a range: + , - . / 0 to 9 : ; < =
    let allowed = |c: char| c.is_ascii_alphabetic() || ('+'..='=').contains(&c) || c == '_';
    (reserved || !(1..=KEY_CHARS).contains(&length) || !key.chars().all(allowed))
        .then(|| format!("Invalid tag key '{key}': 1 to {KEY_CHARS} characters of ^(?!aws:)[a-zA-Z+-=._:/]+$ are taken"))
}

fn refused_value(key: &str, value: &str) -> Option<String> {
    let reserved = value.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED));
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    (reserved || value.chars().count() > VALUE_CHARS || !value.chars().all(allowed)).then(|| {
        format!(
            "Invalid value of tag '{key}': up to {VALUE_CHARS} letters, numbers, spaces and _ . : / = + - @ are taken, \
             and nothing that begins with {RESERVED}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Option<String> {
        refusal(&Tags::from([(key.to_owned(), value.to_owned())]))
    }

    #[test]
    fn keys_and_values_are_as_long_as_the_model_says_and_of_its_characters() {
        for (key, value) in [("hubkeeper.dev/cluster", "5f0c-1"), ("a", ""), ("cost:Center_1/=+", "Grün 1@b"), ("awsome", "x")] {
            assert_eq!(one(key, value), None, "{key} {value}");
        }
        assert_eq!(one(&"k".repeat(KEY_CHARS), &"é".repeat(VALUE_CHARS)), None);
        for (key, value) in [
            ("", "x"),
            ("aws:owner", "x"),
            ("AWS:owner", "x"),
            ("a b", "x"),
            ("a@b", "x"),
            ("schlüssel", "x"),
            (&"k".repeat(KEY_CHARS + 1), "x"),
            ("k", &"v".repeat(VALUE_CHARS + 1)),
            ("k", "aws:v"),
            ("k", "a#b"),
            ("k", "a\nb"),
        ] {
            assert!(one(key, value).is_some(), "{key} {value}");
        }
    }

    #[test]
    fn one_to_fifty_tags_go_into_a_call() {
        let tags = |count: usize| (0..count).map(|n| (format!("k{n}"), String::new())).collect::<Tags>();
        let taken = [0, 1, 50, 51].map(|count| {
            let keys: Vec<String> = tags(count).into_keys().collect();
            (refusal(&tags(count)).is_none(), refusal_of_keys(&keys).is_none())
        });
        assert_eq!(taken, [(false, false), (true, true), (true, true), (false, false)]);
    }
}
