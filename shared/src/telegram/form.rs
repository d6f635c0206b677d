//! Strict form decoding: what cannot be read in exactly one way is refused.

/// Why a form could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormError {
    /// A pair without `=`, a bad escape, bytes that are not UTF-8, a key or value that could be
    /// read as more than one pair of the data-check string.
    Malformed,
    /// A key occurs twice (compared after decoding).
    DuplicateKey,
}

/// Decodes `a=1&b=2` once and sorts the pairs by key.
///
/// The data-check string joins pairs with line feeds, so a decoded line feed would let one signed
/// string be cut into pairs in several ways; likewise a `=` inside a key. Telegram sends neither:
/// both are refused. Keys are `[A-Za-z0-9_]` after decoding.
pub(super) fn sorted_pairs(raw: &str) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = Vec::new();
    for pair in raw.split('&') {
        let (key, value) = pair.split_once('=').ok_or(FormError::Malformed)?;
        let key = decode(key).ok_or(FormError::Malformed)?;
        let value = decode(value).ok_or(FormError::Malformed)?;
        if key.is_empty() || !key.bytes().all(is_key_byte) || value.contains('\n') {
            return Err(FormError::Malformed);
        }
        pairs.push((key, value));
    }
    pairs.sort_unstable();
    let twice = pairs.iter().zip(pairs.iter().skip(1)).any(|(one, next)| one.0 == next.0);
    if twice { Err(FormError::DuplicateKey) } else { Ok(pairs) }
}

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// One pass: `+` is a space, `%XX` a byte, anything else itself.
fn decode(part: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(bytes.next()?)?;
                let low = hex_digit(bytes.next()?)?;
                (high << 4) | low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The value of a hexadecimal digit of either case.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes a value so that [`sorted_pairs`] reads it back, appending to `out`.
pub(super) fn encode_into(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0x0f] {
                out.extend(DIGITS.get(usize::from(nibble)).map(|digit| char::from(*digit)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_once_and_sorts() {
        let pairs = sorted_pairs("b=%2541&a=x+y%2Bz&c=").unwrap();
        let expected = [("a", "x y+z"), ("b", "%41"), ("c", "")];
        assert_eq!(pairs.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn keeps_further_equal_signs_in_the_value() {
        assert_eq!(sorted_pairs("a=b=c").unwrap(), [("a".to_owned(), "b=c".to_owned())]);
    }

    #[test]
    fn refuses_what_is_ambiguous() {
        for raw in [
            "",
            "a",
            "=b",
            "&",
            "a=1&",
            "&a=1",
            "a=1&&b=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "a=%C3",
            "%3D=1",
            "a%3Db=c",
            "a%0A=1",
            "a=1%0Ab=2",
            "a=1\nb=2",
            "ключ=1",
            "a+b=1",
        ] {
            assert_eq!(sorted_pairs(raw), Err(FormError::Malformed), "{raw:?}");
        }
        for raw in ["a=1&a=1", "a=1&b=2&%61=3"] {
            assert_eq!(sorted_pairs(raw), Err(FormError::DuplicateKey), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_was_encoded(text in "[^\n]{0,60}") {
            let mut raw = String::from("k=");
            encode_into(&mut raw, &text);
            prop_assert_eq!(sorted_pairs(&raw).unwrap(), [("k".to_owned(), text)]);
        }

        #[test]
        fn never_panics(raw in "\\PC{0,80}|[ab=&%+0-9a-fA-F]{0,80}") {
            let _ = sorted_pairs(&raw);
        }
    }
}
