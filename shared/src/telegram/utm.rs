//! Where a person came from, read from the signed start parameter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Campaign marks of the first visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utm {
    /// Where the link stood.
    pub source: String,
    /// Kind of the place; `miniapp` when the parameter names a source only.
    pub medium: Option<String>,
    /// Name of the campaign.
    pub campaign: Option<String>,
}

impl Utm {
    /// Splits a start parameter by `_`: `utm_s_m_c` gives source, medium and campaign; two or
    /// more parts are taken as source, medium, campaign; one part is a source of medium
    /// `miniapp`. Empty parts are absent; without a source there is nothing to remember.
    ///
    /// A `gift_<token>` parameter gives `None`: its token is a secret and must not end up in a
    /// profile.
    #[must_use]
    pub fn from_start_param(param: &str) -> Option<Self> {
        if carries_gift_token(param) {
            return None;
        }
        let parts: Vec<&str> = param.split('_').collect();
        let (source, medium, campaign) = match parts.as_slice() {
            ["utm", source, medium, campaign, ..] => (*source, *medium, *campaign),
            [source] => (*source, "miniapp", ""),
            [source, medium] => (*source, *medium, ""),
            [source, medium, campaign, ..] => (*source, *medium, *campaign),
            [] => return None,
        };
        let kept = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        Some(Self { source: kept(source)?, medium: kept(medium), campaign: kept(campaign) })
    }
}

/// `gift_` and 128 random bits in base64url.
fn carries_gift_token(param: &str) -> bool {
    param
        .strip_prefix("gift_")
        .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
        .is_some_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let rows = [
            ("utm_src_med_camp", Some(("src", Some("med"), Some("camp")))),
            ("utm_src_med_camp_more", Some(("src", Some("med"), Some("camp")))),
            ("utm_src_med", Some(("utm", Some("src"), Some("med")))),
            ("utm_src", Some(("utm", Some("src"), None))),
            ("tg", Some(("tg", Some("miniapp"), None))),
            ("tg_post", Some(("tg", Some("post"), None))),
            ("tg_post_may", Some(("tg", Some("post"), Some("may")))),
            ("tg_post_may_x", Some(("tg", Some("post"), Some("may")))),
            ("tg__may", Some(("tg", None, Some("may")))),
            ("gift_spring_sale", Some(("gift", Some("spring"), Some("sale")))),
            ("gift_AAAAAAAAAAAAAAAAAAAAAA", None),
            ("_x", None),
            ("", None),
        ];
        for (param, expected) in rows {
            let utm = Utm::from_start_param(param);
            let got = utm
                .as_ref()
                .map(|u| (u.source.as_str(), u.medium.as_deref(), u.campaign.as_deref()));
            assert_eq!(got, expected, "{param}");
        }
    }
}
