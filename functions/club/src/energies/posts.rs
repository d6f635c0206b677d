//! What the rules of hashtags make of a message. No I/O.

use std::collections::BTreeSet;

use shared::clock::Instant;

use super::slots::{ChatType, Rule};
use crate::calendar::is_weekend;

/// The tags of a text, in lower case, each once: `#` and letters of two alphabets, digits, `_`.
pub(super) fn tags(text: &str) -> BTreeSet<String> {
    let letter = |c: char| {
        c.is_ascii_alphanumeric() || c == '_' || matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё')
    };
    let after = text.split('#').skip(1);
    let words = after.map(|part| part.chars().take_while(|c| letter(*c)).collect::<String>());
    words.filter(|word| !word.is_empty()).map(|word| format!("#{}", word.to_lowercase())).collect()
}

/// A message as the rules see it.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) tags: BTreeSet<String>,
    /// A photo, a video or a document.
    pub(super) has_media: bool,
    /// When it was written.
    pub(super) at: Instant,
}

/// Why a rule does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no photo, video or document.
    NoMedia,
    /// It is neither Saturday nor Sunday.
    NotWeekend,
    /// Every place of the period is taken.
    Limit,
}

/// What a rule makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It earns.
    Earns(Rule),
    /// It does not, and its author is told why.
    Told(Rule, Why),
}

impl Post {
    fn has(&self, tag: &str) -> bool {
        self.tags.contains(tag)
    }

    /// The first of a rule's tags in the message; of a combination, all of them.
    pub(super) fn hashtag(&self, rule: Rule) -> String {
        let tags = rule.terms().hashtags;
        match rule {
            Rule::Combo => tags.join(" "),
            _ => tags.iter().find(|tag| self.has(tag)).copied().unwrap_or_default().to_owned(),
        }
    }

    fn calls(&self, rule: Rule) -> bool {
        rule.terms().hashtags.iter().any(|tag| self.has(tag))
    }

    /// The rule of calls and stories that the message is for.
    fn group(&self) -> Option<Rule> {
        match (self.calls(Rule::Sozvon), self.calls(Rule::Storis)) {
            (true, true) => Some(Rule::Combo),
            (true, false) => Some(Rule::Sozvon),
            (false, true) => Some(Rule::Storis),
            (false, false) => None,
        }
    }

    /// The rules that the message may be for in a chat of this type, in the order in which they
    /// are tried.
    pub(super) fn rules(&self, chat: ChatType) -> Vec<Rule> {
        let single = |rules: &[Rule]| -> Vec<Rule> {
            rules.iter().copied().filter(|rule| self.calls(*rule)).collect()
        };
        match chat {
            ChatType::Decade => single(&[Rule::Otchet]),
            ChatType::City => {
                let mut rules: Vec<Rule> = self.group().into_iter().collect();
                rules.extend(single(&[Rule::Praktika, Rule::Insight, Rule::Challeng]));
                rules
            }
        }
    }

    /// What the rules make of the message. In a team's chat the one rule is silent at its limit. In
    /// a city's, calls and stories come first and for themselves; of the rest the first whose
    /// conditions hold is the last that is tried. Where the message has earned before by a rule or
    /// one of its siblings, before it was edited perhaps, nothing is to be judged any more.
    pub(super) fn judge(
        &self,
        chat: ChatType,
        is_free: impl Fn(Rule) -> bool,
        has_earned: impl Fn(Rule) -> bool,
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for rule in self.rules(chat) {
            if rule.siblings().iter().any(|rule| has_earned(*rule)) {
                continue;
            }
            match self.hindrance(rule, &is_free) {
                None => {
                    verdicts.push(Verdict::Earns(rule));
                    if !matches!(rule, Rule::Combo | Rule::Sozvon | Rule::Storis) {
                        break;
                    }
                }
                Some(_) if chat == ChatType::Decade => {}
                Some(why) => verdicts.push(Verdict::Told(rule, why)),
            }
        }
        verdicts
    }

    fn hindrance(&self, rule: Rule, is_free: impl Fn(Rule) -> bool) -> Option<Why> {
        let terms = rule.terms();
        if terms.weekend_only && !is_weekend(self.at) {
            Some(Why::NotWeekend)
        } else if terms.needs_media && !self.has_media {
            Some(Why::NoMedia)
        } else if is_free(rule) {
            None
        } else {
            Some(Why::Limit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(text: &str, has_media: bool, at: &str) -> Post {
        Post { tags: tags(text), has_media, at: at.parse().unwrap() }
    }

    /// A Tuesday and a Saturday.
    const TUESDAY: &str = "2026-03-10T12:00:00Z";
    const SATURDAY: &str = "2026-03-14T12:00:00Z";

    fn judged(text: &str, has_media: bool, at: &str, full: &[Rule]) -> Vec<Verdict> {
        post(text, has_media, at).judge(ChatType::City, |rule| !full.contains(&rule), |_| false)
    }

    #[test]
    fn tags_are_read_out_of_any_text() {
        let read = |text: &str| tags(text).into_iter().collect::<Vec<_>>();
        assert_eq!(read("Утро #ОТЧЁТ, #дз! #отчёт"), ["#дз", "#отчёт"]);
        assert_eq!(read("##практика#Инсайт"), ["#инсайт", "#практика"]);
        assert_eq!(read("a#b_1-c # #! #ї"), ["#b_1"]);
        assert!(read("отчёт без решётки").is_empty());
        assert!(!read("#отчётный день").contains(&"#отчёт".to_owned()));
    }

    #[test]
    fn calls_and_stories_come_beside_one_of_the_rest() {
        use Verdict::{Earns, Told};
        let both = judged("#созвон #инсайт #челлендж", true, TUESDAY, &[]);
        assert_eq!(both, [Earns(Rule::Sozvon), Earns(Rule::Insight)]);
        let combo = judged("#сторис #созвон", true, TUESDAY, &[]);
        assert_eq!(combo, [Earns(Rule::Combo)]);
        let full = judged("#созвон #сторис #инсайт", true, TUESDAY, &[Rule::Combo]);
        assert_eq!(full, [Told(Rule::Combo, Why::Limit), Earns(Rule::Insight)]);
        let bare = judged("#сторис", false, TUESDAY, &[]);
        assert_eq!(bare, [Told(Rule::Storis, Why::NoMedia)]);
    }

    #[test]
    fn each_of_the_rest_is_tried_until_one_earns() {
        use Verdict::{Earns, Told};
        let all = "#практика #инсайт #челлендж";
        assert_eq!(judged(all, true, SATURDAY, &[]), [Earns(Rule::Praktika)]);
        let weekday = judged(all, true, TUESDAY, &[Rule::Insight]);
        let told = [Told(Rule::Praktika, Why::NotWeekend), Told(Rule::Insight, Why::Limit)];
        assert_eq!(weekday, [told[0], told[1], Earns(Rule::Challeng)]);
        let bare = judged("#практика", false, SATURDAY, &[]);
        assert_eq!(bare, [Told(Rule::Praktika, Why::NoMedia)]);
    }

    #[test]
    fn what_has_earned_is_not_judged_again_and_neither_are_its_siblings() {
        let all = post("#созвон #сторис #практика #инсайт", true, SATURDAY);
        let judged = |earned: Rule| all.judge(ChatType::City, |_| true, |rule| rule == earned);
        for call in [Rule::Sozvon, Rule::Storis, Rule::Combo] {
            assert_eq!(judged(call), [Verdict::Earns(Rule::Praktika)], "{call:?}");
        }
        for other in [Rule::Praktika, Rule::Insight, Rule::Challeng] {
            assert_eq!(judged(other), [Verdict::Earns(Rule::Combo)], "{other:?}");
        }
        let report = post("#дз", false, SATURDAY);
        assert_eq!(report.judge(ChatType::Decade, |_| true, |rule| rule == Rule::Otchet), []);
    }

    #[test]
    fn a_team_s_chat_knows_one_rule_and_is_silent() {
        let report = post("#отчет #инсайт #созвон", true, TUESDAY);
        let judged = |is_free| report.judge(ChatType::Decade, |_| is_free, |_| false);
        assert_eq!(judged(true), [Verdict::Earns(Rule::Otchet)]);
        assert_eq!(judged(false), []);
        assert_eq!(report.hashtag(Rule::Otchet), "#отчет");
        assert_eq!(post("#отчёт", false, TUESDAY).judge(ChatType::City, |_| true, |_| false), []);
    }
}
