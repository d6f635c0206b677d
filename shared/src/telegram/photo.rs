//! Which addresses of photos may be kept and shown.

use super::form::hex_digit;
use super::token::is_token_byte;

/// The longest photo address that is kept, in bytes.
const PHOTO_URL_MAX: usize = 1024;

/// A photo address that may be stored and shown to others, else `None`.
///
/// Kept: `https` on `t.me` or below `telegram.org`. The file addresses of the Bot API contain the
/// bot token, so `api.telegram.org` never passes, nor does any address with a token anywhere in it.
#[must_use]
pub fn photo_url(raw: &str) -> Option<String> {
    if raw.len() > PHOTO_URL_MAX || !raw.is_ascii() {
        return None;
    }
    let uri: http::Uri = raw.parse().ok()?;
    if uri.scheme() != Some(&http::uri::Scheme::HTTPS) {
        return None;
    }
    let authority = uri.authority()?.as_str().to_ascii_lowercase();
    // Neither user info nor a port: an address of Telegram has none.
    let below_telegram = authority
        .strip_suffix(".telegram.org")
        .is_some_and(|host| !host.is_empty() && host.bytes().all(is_host_byte));
    let bot_api = authority == "api.telegram.org" || authority.ends_with(".api.telegram.org");
    if !(authority == "t.me" || below_telegram) || bot_api || names_a_bot_token(raw) {
        return None;
    }
    Some(raw.to_owned())
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
}

/// Whether anything in the address reads like `<digits>:<secret>`, however often it was escaped.
fn names_a_bot_token(raw: &str) -> bool {
    let mut text = raw.as_bytes().to_vec();
    loop {
        let token = |part: &[u8]| match part {
            [digit, b':', next] => digit.is_ascii_digit() && is_token_byte(*next),
            _ => false,
        };
        if text.windows(3).any(token) {
            return true;
        }
        // Every pass that changes anything makes it shorter.
        let unescaped = unescape(&text);
        if unescaped == text {
            return false;
        }
        text = unescaped;
    }
}

/// One pass over `%XX`; what is no escape stays as it is.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            out.push((high << 4) | low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photo_policy() {
        for good in [
            "https://t.me/i/userpic/320/abc.jpg",
            "https://cdn4.telegram.org/file/abc?x=1",
            "HTTPS://T.ME/i/robot1.svg",
            "https://a.b.telegram.org/",
            "https://t.me/i/userpic/320/a%20b%2.svg",
            "https://cdn4.telegram.org/file/320:?t=a:b",
        ] {
            assert_eq!(photo_url(good).as_deref(), Some(good));
        }
        let long = format!("https://t.me/{}", "a".repeat(PHOTO_URL_MAX));
        for bad in [
            "",
            "http://t.me/i/a.jpg",
            "//t.me/a",
            "/a.jpg",
            "https://api.telegram.org/file/bot1:abc/photo.jpg",
            "https://API.telegram.org/x",
            "https://x.api.telegram.org/x",
            "https://api.telegram.org./x",
            "https://api.telegram.org:443/x",
            "https://telegram.org/x",
            "https://.telegram.org/x",
            "https://eviltelegram.org/x",
            "https://telegram.org.evil.example/x",
            "https://t.me.evil.example/x",
            "https://t.me@evil.example/x",
            "https://evil.example\\@t.me/x",
            "https://user@cdn.telegram.org/x",
            "https://t.me:8443/x",
            "https://t.me/file/bot12:abc/x.jpg",
            "https://t.me/file/bot12%3Aabc/x.jpg",
            "https://cdn1.telegram.org/f?u=bot12:abc",
            "https://t.me/file/bot7000000001:local-club/a.svg",
            "https://t.me/file/BOT7000000001:local-club/a.svg",
            "https://t.me/a.svg?token=7000000001:local-club",
            "https://t.me/a.svg#7000000001:local-club",
            "https://t.me/7000000001%3alocal-club",
            "https://t.me/700000000%31%3A%6Cocal-club",
            "https://t.me/7000000001%253Alocal-club",
            "https://t.me/7000000001%25253Alocal-club",
            "https://t.me/7000000001%3%41local-club",
            "https://t.me/a b",
            "https://t.me/картинка",
            "javascript:alert(1)",
            long.as_str(),
        ] {
            assert_eq!(photo_url(bad), None, "{bad}");
        }
    }
}
