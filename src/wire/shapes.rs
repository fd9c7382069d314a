//! Shapes of requests, read as AWS reads them: a structure is an object.
//!
//! serde takes an array for a structure too, by the order of its fields: `[]` would be a request that asks for nothing. Here it is
//! refused, at every level.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// The shape that `text` writes as JSON.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    T::deserialize(Shape(serde_json::from_slice(text)?))
}

/// A value that a structure is made of only if it is an object.
struct Shape(Value);

impl IntoDeserializer<'_, Error> for Shape {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Shape {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Shape));
                let made = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(made)
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Shape(value)));
                let mut members = MapDeserializer::new(members);
                let made = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(made)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(variant) => {
                let variant: StringDeserializer<Error> = variant.into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            // No shape of AWS has variants with members.
            other => other.deserialize_enum(name, variants, visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Word {
        Asc,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        number: i64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Option<Inner>,
        list: Vec<Inner>,
        map: BTreeMap<String, Inner>,
        word: Option<Word>,
        free: Option<Value>,
        share: Option<f64>,
    }

    #[test]
    fn what_is_written_is_read() {
        let text = r#"{"inner": {"number": 1, "unknown": []}, "list": [{"number": 2}], "map": {"a": {"number": 3}}, "word": "Asc",
            "free": [{"a": [1.5, null, "x", true]}], "share": 2}"#;
        let read: Outer = read(text.as_bytes()).unwrap();
        assert_eq!(read, serde_json::from_str(text).unwrap());
        assert_eq!((read.list[0].number, read.share), (2, Some(2.0)));
    }

    #[test]
    fn no_array_is_a_structure_at_any_level() {
        for text in [
            "[]",
            "[{\"number\": 1}, [], {}]",
            r#"{"inner": [1], "list": [], "map": {}}"#,
            r#"{"list": [[1]], "map": {}}"#,
            r#"{"list": [], "map": {"a": [1]}}"#,
            r#"{"list": {}, "map": {}}"#,
            r#"{"list": [], "map": []}"#,
            r#"{"list": [], "map": {}, "word": "Desc"}"#,
            "null",
            "{",
        ] {
            assert!(read::<Outer>(text.as_bytes()).is_err(), "{text}");
        }
        // What serde makes of it.
        assert!(serde_json::from_str::<Inner>("[1]").is_ok());
    }

    #[test]
    fn a_member_that_is_missing_is_named_as_serde_names_it() {
        let error = read::<Inner>(b"{}").unwrap_err().to_string();
        assert!(error.starts_with("missing field `number`"), "{error}");
    }
}
