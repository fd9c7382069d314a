//! Which member of a document an error is about: `serde_json` knows the line and the column only.

use serde::de::Error as _;
use serde_json::Error;

/// The error with the place of the member in front, where there is one.
pub(super) fn named(raw: &str, error: Error) -> Error {
    // A wrong type is told after the value; what is no JSON, or no name of a vocabulary at all, with its first byte.
    let back = usize::from(!error.is_data());
    let end = offset(raw, error.line(), error.column()).map(|end| end.saturating_sub(back));
    let place = end.map(|end| path(&raw.as_bytes()[..end])).unwrap_or_default();
    if place.is_empty() { error } else { Error::custom(format_args!("{place}: {error}")) }
}

/// The number of bytes up to a line and column, both counted from 1 as `serde_json` does: in bytes.
fn offset(raw: &str, line: usize, column: usize) -> Option<usize> {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => raw.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(before)?.0 + 1,
    };
    let end = start.checked_add(column)?;
    (end <= raw.len()).then_some(end)
}

/// Steps that are told: no member that is read lies deeper.
const DEPTH: usize = 8;

enum Step {
    /// In an object, at the member of this name.
    Member(String),
    /// In a list, at this element.
    Element(usize),
}

/// The place at which `read` ends: a document that is valid JSON as far as it goes. Keeps a stack of its own.
fn path(read: &[u8]) -> String {
    let mut steps: Vec<Step> = Vec::new();
    let mut name_follows = false;
    let mut rest = read.iter().enumerate();
    while let Some((start, byte)) = rest.next() {
        match byte {
            b'{' => {
                steps.push(Step::Member(String::new()));
                name_follows = true;
            }
            b'[' => steps.push(Step::Element(0)),
            b'}' | b']' => {
                steps.pop();
                name_follows = false;
            }
            b',' => match steps.last_mut() {
                Some(Step::Element(number)) => *number += 1,
                _ => name_follows = true,
            },
            b'"' => {
                let mut end = read.len();
                while let Some((at, byte)) = rest.next() {
                    match byte {
                        b'\\' => {
                            rest.next();
                        }
                        b'"' => {
                            end = at + 1;
                            break;
                        }
                        _ => {}
                    }
                }
                if name_follows {
                    name_follows = false;
                    if let Some(Step::Member(name)) = steps.last_mut() {
                        *name = serde_json::from_slice(&read[start..end]).unwrap_or_default();
                    }
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    for step in steps.into_iter().take(DEPTH) {
        match step {
            Step::Member(name) if path.is_empty() => path = name,
            Step::Member(name) if name.is_empty() => {}
            Step::Member(name) => path.extend([".", &name]),
            Step::Element(number) => path.extend(["[", &number.to_string(), "]"]),
        }
    }
    path
}
