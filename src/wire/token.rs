//! Page tokens: bound to the query they came from, refused when forged, good for as often as one likes.
//!
//! A token is `cursor.mac` in hex, where the mac covers the query and the cursor with a secret of the hub.

use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::sigv4::{hex, hmac, unhex};

/// Makes and reads the tokens of one hub.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    secret: [u8; 32],
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// With this secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// A token that continues `query` (operation, caller, Region and every argument) after `cursor`.
    pub fn seal(&self, query: &str, cursor: &str) -> String {
        let mut token = hex(cursor.as_bytes());
        token.push('.');
        token.push_str(&self.mac(query, cursor));
        token
    }

    /// The cursor of `token`. A token of another query and one that we did not make are the same to us, as to AWS.
    pub fn open(&self, query: &str, token: &str) -> Result<String, AwsError> {
        let (cursor, mac) = token.split_once('.').ok_or_else(AwsError::query_changed)?;
        let cursor = unhex(cursor).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(AwsError::query_changed)?;
        if self.mac(query, &cursor) == mac { Ok(cursor) } else { Err(AwsError::query_changed()) }
    }

    fn mac(&self, query: &str, cursor: &str) -> String {
        // The length keeps "ab" + "c" and "a" + "bc" apart.
        hex(&hmac(&self.secret, format!("{}:{query}{cursor}", query.len()).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_reusable_and_bound_to_its_query() {
        let tokens = Tokens::new([7; 32]);
        let token = tokens.seal("GetFindings/a", "17 100");
        assert_eq!(tokens.open("GetFindings/a", &token), Ok("17 100".to_owned()));
        assert_eq!(tokens.open("GetFindings/a", &token), Ok("17 100".to_owned()));
        assert_eq!(tokens.open("GetFindings/b", &token), Err(AwsError::query_changed()));
    }

    #[test]
    fn a_forged_or_foreign_token_is_refused() {
        let tokens = Tokens::new([7; 32]);
        let token = tokens.seal("q", "17");
        let (_, mac) = token.split_once('.').unwrap();
        for forged in [String::new(), "zz".to_owned(), format!("3138.{mac}"), format!("313.{mac}"), "é.é".to_owned()] {
            assert!(tokens.open("q", &forged).is_err(), "{forged}");
        }
        assert!(Tokens::new([8; 32]).open("q", &token).is_err());
    }
}
