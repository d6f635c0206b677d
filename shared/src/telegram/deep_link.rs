//! Links that open the bot or its mini-app, and what comes back from them.

use std::fmt;

use super::token::is_token_byte;

/// The longest `start` parameter, in characters.
const START_MAX: usize = 64;

/// The longest `startapp` parameter, in characters.
const START_APP_MAX: usize = 512;

/// The public name of a bot, without `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotUsername(String);

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeepLinkError {
    /// Not 4 to 32 of `[A-Za-z0-9_]`, beginning with a letter.
    #[error("the bot's username is malformed")]
    Username,
    /// Not 3 to 30 of `[A-Za-z0-9_]`.
    #[error("the mini-app's short name is malformed")]
    App,
    /// Empty, too long or with characters other than `[A-Za-z0-9_-]`.
    #[error("the start parameter is malformed")]
    Parameter,
}

impl BotUsername {
    /// Reads a name, with or without the leading `@`.
    ///
    /// # Errors
    /// [`DeepLinkError::Username`].
    pub fn parse(text: &str) -> Result<Self, DeepLinkError> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let fits = (4..=32).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(is_name_byte);
        if fits { Ok(Self(name.to_owned())) } else { Err(DeepLinkError::Username) }
    }

    /// The name without `@`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `https://t.me/<bot>?start=<parameter>`: opens the private chat.
    ///
    /// # Errors
    /// [`DeepLinkError::Parameter`].
    pub fn start_link(&self, parameter: &str) -> Result<String, DeepLinkError> {
        checked(parameter, START_MAX)?;
        Ok(format!("https://t.me/{}?start={parameter}", self.0))
    }

    /// `https://t.me/<bot>?start=<tag>_<token>`, read back with [`tagged`].
    ///
    /// # Errors
    /// [`DeepLinkError::Parameter`], in particular when both are longer than 63 characters.
    pub fn tagged_link(&self, tag: &str, token: &str) -> Result<String, DeepLinkError> {
        if tag.is_empty() || tag.contains('_') || token.is_empty() {
            return Err(DeepLinkError::Parameter);
        }
        self.start_link(&format!("{tag}_{token}"))
    }

    /// `https://t.me/<bot>?start=gift_<token>`.
    ///
    /// # Errors
    /// [`DeepLinkError::Parameter`].
    pub fn gift_link(&self, token: &str) -> Result<String, DeepLinkError> {
        self.tagged_link(GIFT, token)
    }

    /// A link to the mini-app: the main one, or the one with a short name. The parameter comes
    /// back as the signed `start_param`.
    ///
    /// # Errors
    /// [`DeepLinkError`].
    pub fn app_link(
        &self,
        short_name: Option<&str>,
        parameter: Option<&str>,
    ) -> Result<String, DeepLinkError> {
        let mut link = format!("https://t.me/{}", self.0);
        if let Some(name) = short_name {
            if !is_app_name(name) {
                return Err(DeepLinkError::App);
            }
            link.push('/');
            link.push_str(name);
        }
        match (parameter, short_name) {
            (Some(parameter), _) => {
                checked(parameter, START_APP_MAX)?;
                link.push_str("?startapp=");
                link.push_str(parameter);
            }
            (None, None) => link.push_str("?startapp"),
            (None, Some(_)) => {}
        }
        Ok(link)
    }
}

impl fmt::Display for BotUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tag of gift links.
pub const GIFT: &str = "gift";

/// The token of a parameter `<tag>_<token>`.
#[must_use]
pub fn tagged<'a>(parameter: &'a str, tag: &str) -> Option<&'a str> {
    parameter.strip_prefix(tag)?.strip_prefix('_').filter(|token| !token.is_empty())
}

/// A link taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepLink {
    /// Whose link it is.
    pub bot: BotUsername,
    /// What it opens.
    pub target: Target,
}

/// What a [`DeepLink`] opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The private chat.
    Chat {
        /// The `start` parameter.
        parameter: Option<String>,
    },
    /// A mini-app.
    App {
        /// Its short name; the main one has none.
        short_name: Option<String>,
        /// The `startapp` parameter.
        parameter: Option<String>,
    },
}

/// Takes a link apart that one of the functions above could have built.
#[must_use]
pub fn parse(link: &str) -> Option<DeepLink> {
    let rest = link.strip_prefix("https://t.me/")?;
    let (path, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    let (bot, app) = path.split_once('/').map_or((path, None), |(b, a)| (b, Some(a)));
    if bot.starts_with('@') || app.is_some_and(|name| !is_app_name(name)) {
        return None;
    }
    let bot = BotUsername::parse(bot).ok()?;
    let short_name = app.map(str::to_owned);
    let Some(query) = query else {
        let target = match short_name {
            None => Target::Chat { parameter: None },
            app => Target::App { short_name: app, parameter: None },
        };
        return Some(DeepLink { bot, target });
    };
    let (key, value) = query.split_once('=').map_or((query, None), |(k, v)| (k, Some(v)));
    let limit = if key == "start" { START_MAX } else { START_APP_MAX };
    if value.is_some_and(|value| checked(value, limit).is_err()) {
        return None;
    }
    let parameter = value.map(str::to_owned);
    let target = match (key, &short_name) {
        ("start", None) if parameter.is_some() => Target::Chat { parameter },
        ("startapp", _) => Target::App { short_name, parameter },
        _ => return None,
    };
    Some(DeepLink { bot, target })
}

/// The parameter of a `/start` message: `None` when the text is not that command, an empty text
/// when it has no parameter. `/start@bot` counts when the bot is this one.
#[must_use]
pub fn start_command<'a>(text: &'a str, bot: Option<&BotUsername>) -> Option<&'a str> {
    let (command, parameter) = text.split_once(' ').unwrap_or((text, ""));
    let named = command.strip_prefix("/start")?;
    let addressed = match named.strip_prefix('@') {
        None => named.is_empty(),
        Some(name) => bot.is_some_and(|bot| bot.0.eq_ignore_ascii_case(name)),
    };
    let parameter = parameter.trim();
    (addressed && (parameter.is_empty() || checked(parameter, START_MAX).is_ok()))
        .then_some(parameter)
}

fn checked(parameter: &str, limit: usize) -> Result<(), DeepLinkError> {
    let fits =
        !parameter.is_empty() && parameter.len() <= limit && parameter.bytes().all(is_token_byte);
    if fits { Ok(()) } else { Err(DeepLinkError::Parameter) }
}

fn is_app_name(name: &str) -> bool {
    (3..=30).contains(&name.len()) && name.bytes().all(is_name_byte)
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bot() -> BotUsername {
        BotUsername::parse("@local_club_bot").unwrap()
    }

    #[test]
    fn gift_links_go_there_and_back() {
        let link = bot().gift_link("AAECAwQFBgcICQoLDA0ODw").unwrap();
        assert_eq!(link, "https://t.me/local_club_bot?start=gift_AAECAwQFBgcICQoLDA0ODw");
        let Some(DeepLink { target: Target::Chat { parameter: Some(parameter) }, .. }) =
            parse(&link)
        else {
            panic!("{link}");
        };
        assert_eq!(tagged(&parameter, GIFT), Some("AAECAwQFBgcICQoLDA0ODw"));
        assert_eq!(start_command(&format!("/start {parameter}"), None), Some(parameter.as_str()));
        assert_eq!(tagged("gift_", GIFT), None);
        assert_eq!(tagged("gifts_x", GIFT), None);
        assert_eq!(tagged("gift__x", GIFT), Some("_x"));
    }

    #[test]
    fn parameters_have_an_alphabet_and_a_length() {
        assert!(bot().start_link(&"a".repeat(64)).is_ok());
        assert!(bot().gift_link(&"a".repeat(59)).is_ok());
        for bad in ["", "a b", "a&b", "a=b", "é", "a/b", &"a".repeat(65)] {
            assert_eq!(bot().start_link(bad), Err(DeepLinkError::Parameter), "{bad}");
        }
        assert_eq!(bot().gift_link(&"a".repeat(60)), Err(DeepLinkError::Parameter));
        assert_eq!(bot().tagged_link("a_b", "c"), Err(DeepLinkError::Parameter));
        assert!(bot().app_link(None, Some(&"a".repeat(512))).is_ok());
        assert!(bot().app_link(None, Some(&"a".repeat(513))).is_err());
    }

    #[test]
    fn usernames() {
        for bad in ["", "@", "abc", "1abc", "a-bcd", "abcd bot", "клуб_bot", &"a".repeat(33)] {
            assert_eq!(BotUsername::parse(bad), Err(DeepLinkError::Username), "{bad}");
        }
    }

    #[test]
    fn app_links() {
        let rows = [
            (None, None, "https://t.me/local_club_bot?startapp"),
            (None, Some("x"), "https://t.me/local_club_bot?startapp=x"),
            (Some("club"), None, "https://t.me/local_club_bot/club"),
            (Some("club"), Some("x"), "https://t.me/local_club_bot/club?startapp=x"),
        ];
        for (app, parameter, expected) in rows {
            let link = bot().app_link(app, parameter).unwrap();
            assert_eq!(link, expected);
            let target = Target::App {
                short_name: app.map(str::to_owned),
                parameter: parameter.map(str::to_owned),
            };
            assert_eq!(parse(&link), Some(DeepLink { bot: bot(), target }));
        }
        assert_eq!(bot().app_link(Some("a/b"), None), Err(DeepLinkError::App));
    }

    #[test]
    fn foreign_links_are_not_ours() {
        for bad in [
            "",
            "http://t.me/local_club_bot?start=x",
            "https://t.me.evil.example/local_club_bot",
            "https://t.me/@local_club_bot?start=x",
            "https://t.me/local_club_bot?start=",
            "https://t.me/local_club_bot?start",
            "https://t.me/local_club_bot?start=a%20b",
            "https://t.me/local_club_bot?start=a&start=b",
            "https://t.me/local_club_bot/app?start=x",
            "https://t.me/local_club_bot/app/x",
            "https://t.me/local_club_bot?other=x",
            "https://t.me/+AbCdEf",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert!(parse("https://t.me/local_club_bot").is_some());
    }

    #[test]
    fn start_commands() {
        let bot = bot();
        for (text, expected) in [
            ("/start", Some("")),
            ("/start ", Some("")),
            ("/start utm_a", Some("utm_a")),
            ("/start  utm_a ", Some("utm_a")),
            ("/start@LOCAL_club_bot x", Some("x")),
            ("/start@other_bot x", None),
            ("/starting x", None),
            ("start x", None),
            (" /start x", None),
            ("/start a b", None),
            ("/start привет", None),
            ("", None),
        ] {
            assert_eq!(start_command(text, Some(&bot)), expected, "{text:?}");
        }
        assert_eq!(start_command("/start@local_club_bot", None), None);
    }

    proptest! {
        #[test]
        fn every_built_link_is_read_back(token in "[A-Za-z0-9_-]{1,59}") {
            let link = bot().gift_link(&token).unwrap();
            let parameter = Some(format!("gift_{token}"));
            let expected = DeepLink { bot: bot(), target: Target::Chat { parameter } };
            prop_assert_eq!(parse(&link), Some(expected));
        }

        #[test]
        fn never_panics(text in "\\PC{0,80}", tail in "\\PC{0,40}") {
            let _ = parse(&text);
            let _ = parse(&format!("https://t.me/{tail}"));
            let _ = start_command(&text, None);
        }
    }
}
