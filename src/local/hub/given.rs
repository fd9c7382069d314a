//! What many operations ask of what they are given, and in what words they refuse it.

use crate::wire::error::AwsError;

/// A batch has at least one item; `name`: of the parameter.
pub(super) fn batch(name: &str, count: usize, most: usize) -> Result<(), AwsError> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    let problem = format!("Invalid parameter '{name}': must have between 1 and {most} items, and has {count}");
    Err(AwsError::invalid_input(problem))
}

/// A text that is more than white space; `name`: of the parameter.
pub(super) fn not_blank<'a>(name: &str, text: &'a str) -> Result<&'a str, AwsError> {
    if text.trim().is_empty() {
        return Err(AwsError::invalid_input(format!("Invalid parameter '{name}': must not be blank")));
    }
    Ok(text)
}
