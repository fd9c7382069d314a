//! Signature Version 4, read from the other side: who signed this request, and for which Region and service.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The bytes that [`hex`] wrote; `None`: it did not.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&sha256(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pass = |pad: u8, message: &[u8]| -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(block.map(|byte| byte ^ pad));
        hash.update(message);
        hash.finalize().into()
    };
    pass(0x5c, &pass(0x36, message))
}

/// Lower case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The `Authorization` header of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Access key id.
    pub access_key: String,
    /// `20261121`.
    pub date: String,
    /// The Region that the request is for.
    pub region: String,
    /// The service that the request is for: `securityhub`, `sts`, `sqs`.
    pub service: String,
    /// Names of the signed headers, lower case, sorted.
    pub signed_headers: Vec<String>,
    /// Hex.
    pub signature: String,
}

impl Authorization {
    /// Reads the header; `None` if it is not a Signature Version 4 one.
    pub fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => {}
            }
        }
        let mut scope = credential?.rsplitn(5, '/');
        (scope.next()? == "aws4_request").then_some(())?;
        let (service, region, date) = (scope.next()?, scope.next()?, scope.next()?);
        Some(Self {
            access_key: scope.next()?.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed?.split(';').map(str::to_owned).collect(),
            signature: signature?.to_owned(),
        })
    }

    /// The key that `secret` gives for this scope.
    pub fn signing_key(&self, secret: &str) -> [u8; 32] {
        let key = hmac(format!("AWS4{secret}").as_bytes(), self.date.as_bytes());
        [self.region.as_str(), &self.service, "aws4_request"].iter().fold(key, |key, part| hmac(&key, part.as_bytes()))
    }
}

/// The parts of a request that a signature covers.
pub struct Signed<'a> {
    /// `POST`.
    pub method: &'a str,
    /// As sent, percent-encoded.
    pub path: &'a str,
    /// As sent, without the question mark.
    pub query: &'a str,
    /// The value of a header by its lower case name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// Hex SHA-256 of the body.
    pub payload_hash: &'a str,
}

impl Signed<'_> {
    /// What a signing key signs; `None` without a date.
    pub fn string_to_sign(&self, authorization: &Authorization) -> Option<String> {
        let stamp = (self.header)("x-amz-date").or_else(|| (self.header)("date"))?;
        let mut canonical = format!("{}\n{}\n{}\n", self.method, canonical_path(self.path), canonical_query(self.query));
        for name in &authorization.signed_headers {
            let value = (self.header)(name).unwrap_or_default();
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            let _ = writeln!(canonical, "{name}:{}", words.join(" "));
        }
        let _ = write!(canonical, "\n{}\n{}", authorization.signed_headers.join(";"), self.payload_hash);
        let Authorization { date, region, service, .. } = authorization;
        let digest = hex(&sha256(canonical.as_bytes()));
        Some(format!("AWS4-HMAC-SHA256\n{stamp}\n{date}/{region}/{service}/aws4_request\n{digest}"))
    }
}

/// Every service but S3 signs the path encoded once more than it is sent.
fn canonical_path(path: &str) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = parse_form(query).map(|(name, value)| (encode(&name), encode(&value))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The pairs of a query string or a form, decoded.
pub fn parse_form(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name, true), decode(value, true))
    })
}

/// Undoes percent-encoding; `plus` also reads `+` as a space, as forms have it. What is not valid stays as it is.
pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (byte == b'%').then(|| text.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(pair, 16).ok())).flatten();
        if let Some(decoded) = pair {
            out.push(decoded);
            at += 3;
        } else {
            out.push(if plus && byte == b'+' { b' ' } else { byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_awss_documentation_gives_the_signature_printed_there() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                      SignedHeaders=content-type;host;x-amz-date, \
                      Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        let authorization = Authorization::parse(header).unwrap();
        assert_eq!(authorization.region, "us-east-1");
        let headers = |name: &str| {
            Some(match name {
                "content-type" => "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
                "host" => "iam.amazonaws.com".to_owned(),
                "x-amz-date" => "20150830T123600Z".to_owned(),
                _ => return None,
            })
        };
        let payload_hash = hex(&sha256(b""));
        let query = "Action=ListUsers&Version=2010-05-08";
        let signed = Signed { method: "GET", path: "/", query, header: &headers, payload_hash: &payload_hash };
        let key = authorization.signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let text = signed.string_to_sign(&authorization).unwrap();
        assert_eq!(hex(&hmac(&key, text.as_bytes())), authorization.signature);
    }

    #[test]
    fn a_header_that_is_not_a_signature_is_none() {
        for header in ["", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"] {
            assert_eq!(Authorization::parse(header), None, "{header}");
        }
    }

    #[test]
    fn decoding_leaves_what_is_not_encoded_alone() {
        assert_eq!(decode("a%20b+c%zz%", true), "a b c%zz%");
        assert_eq!(decode("a+b%2F", false), "a+b/");
        assert_eq!(decode("%é", false), "%é");
    }
}
