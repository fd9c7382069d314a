//! Bytes as text that JSON needs not escape: for snapshots. Printable ASCII stands for itself, so packed findings stay legible;
//! every other byte is the character 256 above it.

/// The text of `bytes`.
pub fn write(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
    for byte in bytes {
        text.push(match byte {
            b'"' | b'\\' => char::from_u32(0x100 + u32::from(*byte)).unwrap_or_default(),
            0x20..0x7f => char::from(*byte),
            _ => char::from_u32(0x100 + u32::from(*byte)).unwrap_or_default(),
        });
    }
    text
}

/// What [`write`] wrote; `None`: it did not.
pub fn read(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|char| match u32::from(char) {
            code @ 0x20..0x7f => u8::try_from(code).ok(),
            code => u8::try_from(code.checked_sub(0x100)?).ok(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_back_and_none_needs_an_escape() {
        let all: Vec<u8> = (0..=255).collect();
        let text = write(&all);
        assert_eq!(read(&text).as_deref(), Some(&all[..]));
        assert_eq!(serde_json::to_string(&text).unwrap(), format!("\"{text}\""));
        assert_eq!((read("\u{1}"), read("\u{201}"), read("\u{7f}")), (None, None, None));
    }
}
