//! Hashtags in the chats of teams and cities.
//!
//! A message is judged as a whole, once: what its rules give, the places that they take, the update
//! that told of it and what its author hears are one transaction. An entry is named of the rule, the
//! chat and the message, so that a message counts once for a rule under whatever update it comes.
//! What is edited is judged by what it says now, and earns where it has not earned yet; its author
//! is not told again what it lacks.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Map, json};
use shared::clock::Instant;
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::{Entity as _, Item, Key, Rows, Write};
use shared::telegram::TelegramUpdate;
use shared::telegram::updates::Message as Posted;

use super::award::Award;
use super::city_chats::CityChat;
use super::model::{EnergyEntry, entry_key};
use super::posts::{Post, Verdict, Why, tags};
use super::slots::{AwardSlot, ChatType, Rule};
use super::store::incomes;
use crate::auth::{self, Member, member_key};
use crate::outbox::{self, Message};
use crate::{App, bot, teams, texts};

/// How long after it was written a message counts for the day and the week of its writing: as long
/// as Telegram keeps what it could not deliver.
const LATE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// For how long an edit counts for the day and the week of the writing, and after which it earns
/// nothing: as long as Telegram lets people edit.
const EDIT_MAX: SignedDuration = SignedDuration::from_hours(48);
/// Under what earned energies in the chat of a team.
const BOLT: &str = "\u{26a1}";
/// Under what earned energies in the chat of a city.
const HEART: &str = "\u{2764}";

/// Takes what somebody has written in a group. Nothing is read for a message without one of the
/// rules' tags. One read, in the chat of a team two, and one transaction: the update, the member,
/// two items for each award, and what is told.
///
/// # Errors
/// When the store does not answer.
pub async fn heard(app: &App, message: &Posted, once: TelegramUpdate, now: Instant) -> Result<()> {
    judged(app, message, (written(message, now), false), once, now).await
}

/// Takes what somebody has edited in a group, at the same cost.
///
/// # Errors
/// When the store does not answer.
pub async fn edited(app: &App, message: &Posted, once: TelegramUpdate, now: Instant) -> Result<()> {
    let at = Instant::from_seconds(message.date_s).min(now);
    if now.since(at) > EDIT_MAX {
        return Ok(());
    }
    judged(app, message, (at, true), once, now).await
}

async fn judged(
    app: &App,
    message: &Posted,
    (at, is_edited): (Instant, bool),
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    let (Some(author), Some(text)) = (message.author(), message.words()) else { return Ok(()) };
    let has_media = message.has_photo || message.has_video || message.has_document;
    let post = Post { tags: tags(text), has_media, at };
    if post.rules(ChatType::City).is_empty() && post.rules(ChatType::Decade).is_empty() {
        return Ok(());
    }
    let (tg_id, chat, message_id) = (author.id.get(), message.chat.id.0, message.message_id);
    let heard = Heard { tg_id, chat, message_id, post, is_edited, once };
    optimistic(|| heard.round(app, now)).await
}

/// When a message was written, by Telegram's word; `now` where that cannot be.
fn written(message: &Posted, now: Instant) -> Instant {
    let at = Instant::from_seconds(message.date_s);
    let late = now.since(at);
    if late.is_negative() || late > LATE_MAX { now } else { at }
}

/// A message that may earn something.
struct Heard {
    tg_id: i64,
    chat: i64,
    message_id: i64,
    post: Post,
    /// Was it heard of before it said this?
    is_edited: bool,
    once: TelegramUpdate,
}

impl Heard {
    async fn round(&self, app: &App, now: Instant) -> Result<Round<()>> {
        let table = &app.platform.table;
        let rows = table.batch(&self.keys()).await?;
        let member: Option<Member> = rows.get(&member_key(self.tg_id))?;
        let Some(member) = member.filter(|member| member.is_paid(now)) else {
            return Ok(Round::Done(()));
        };
        let Some(chat) = self.chat_of(app, &rows, &member).await? else {
            return Ok(Round::Done(()));
        };
        let earned: Vec<String> = self.earned(&rows)?;
        let free = |rule| self.free(rule, &rows, now);
        let has_earned = |rule| earned.contains(&self.key(rule));
        let mut verdicts = self.post.judge(chat, |rule| free(rule).is_some(), has_earned);
        if self.is_edited || !earned.is_empty() {
            // What it lacks was told when it was first heard of.
            verdicts.retain(|verdict| matches!(verdict, Verdict::Earns(_)));
        }
        if verdicts.is_empty() {
            return Ok(Round::Done(()));
        }
        let earning: Vec<AwardSlot> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                Verdict::Earns(rule) => free(*rule),
                Verdict::Told(..) => None,
            })
            .collect();
        let mut writes = self.awards(&member, chat, earning, now)?;
        for verdict in verdicts {
            if let Verdict::Told(rule, why) = verdict {
                writes.push(self.tell(rule, told(rule, why), now)?);
            }
        }
        let Err(error) = table.transact(writes).await else { return Ok(Round::Done(())) };
        match error.refusal()?.has(bot::WRITE) {
            true => Ok(Round::Done(())),
            false => Ok(Round::Stale),
        }
    }

    /// The keys of what the message has earned.
    fn earned(&self, rows: &Rows) -> Result<Vec<String>> {
        let mut earned = Vec::new();
        for key in self.rules().iter().map(|rule| self.key(*rule)) {
            if rows.get::<EnergyEntry>(&entry_key(self.tg_id, &key))?.is_some() {
                earned.push(key);
            }
        }
        Ok(earned)
    }

    /// The rules that the message is for in any chat, and their siblings.
    fn rules(&self) -> BTreeSet<Rule> {
        let chats = [ChatType::City, ChatType::Decade].into_iter();
        let own = chats.flat_map(|chat| self.post.rules(chat));
        own.flat_map(|rule| rule.siblings().iter().copied()).collect()
    }

    /// All that decides: the member, the chat, for each rule and its siblings what the message has
    /// earned, and which places are taken.
    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![member_key(self.tg_id), CityChat::key_of(self.chat)];
        keys.extend(self.rules().iter().map(|rule| entry_key(self.tg_id, &self.key(*rule))));
        for chat in [ChatType::City, ChatType::Decade] {
            for rule in self.post.rules(chat) {
                let places = rule.places(self.tg_id, self.post.at);
                keys.extend(places.iter().map(AwardSlot::key));
            }
        }
        keys
    }

    /// The idempotency key of what the message earns by a rule.
    fn key(&self, rule: Rule) -> String {
        format!("{}:{}:{}", rule.name(), self.chat, self.message_id)
    }

    /// The first free place under a rule in the period when the message was written.
    fn free(&self, rule: Rule, rows: &Rows, now: Instant) -> Option<AwardSlot> {
        let taken: Vec<Key> = rows.iter().filter_map(Item::key).collect();
        let mut places = rule.places(self.tg_id, self.post.at).into_iter();
        let free = places.find(|place| !taken.contains(&place.key()))?;
        Some(AwardSlot { at: now, ..free })
    }

    /// What the chat is to its author: of the member's own city, of the member's own team, or
    /// nothing.
    async fn chat_of(&self, app: &App, rows: &Rows, member: &Member) -> Result<Option<ChatType>> {
        if let Some(city) = rows.get::<CityChat>(&CityChat::key_of(self.chat))? {
            let is_own = member.city_key.as_ref() == Some(&city.city_key);
            return Ok(is_own.then_some(ChatType::City));
        }
        if self.post.rules(ChatType::Decade).is_empty() {
            return Ok(None);
        }
        let Some(team_id) = &member.team_id else { return Ok(None) };
        let team = teams::find(&app.platform.table, team_id).await?;
        let own = team.filter(|team| team.is_active && team.tg_chat_id == Some(self.chat));
        Ok(own.map(|_| ChatType::Decade))
    }

    /// The writes that give what was earned, the update before them.
    fn awards(
        &self,
        member: &Member,
        chat: ChatType,
        places: Vec<AwardSlot>,
        now: Instant,
    ) -> Result<Vec<Write>> {
        let awards: Vec<Award> = places.iter().map(|slot| self.award(slot.rule, chat)).collect();
        let mut writes = vec![self.once.once()];
        if awards.is_empty() {
            return Ok(writes);
        }
        let incomes = incomes(member, &awards, now);
        writes.push(incomes.on(auth::change(member, now)));
        let mut balance = member.balance;
        for (slot, entry) in places.iter().zip(&incomes.entries) {
            balance = balance.saturating_add(entry.delta);
            writes.push(Write::insert("entry", entry));
            writes.push(Write::insert("slot", slot));
            let text = texts::hashtag_earned(&entry.reason, entry.delta, balance);
            writes.push(self.tell(slot.rule, text, now)?);
        }
        let emoji = if chat == ChatType::City { HEART } else { BOLT };
        let reaction = Message::React {
            tg_id: self.tg_id,
            chat: self.chat,
            message_id: self.message_id,
            emoji: emoji.to_owned(),
        };
        writes.push(outbox::ask(&format!("reaction:{}", self.once.update_id), &reaction, now)?);
        Ok(writes)
    }

    fn award(&self, rule: Rule, chat: ChatType) -> Award {
        let terms = rule.terms();
        let told = [("hashtag", json!(self.post.hashtag(rule))), ("chat_type", json!(chat))];
        let metadata = Map::from_iter(told.map(|(name, value)| (name.to_owned(), value)));
        Award::hashtag(terms.kind, terms.reward, terms.reason, self.key(rule), metadata)
    }

    /// The write that tells the author something about a rule.
    fn tell(&self, rule: Rule, text: String, now: Instant) -> Result<Write> {
        let id = format!("hashtag:{}:{}", self.once.update_id, rule.name());
        outbox::ask(&id, &Message::Answer { tg_id: self.tg_id, text }, now)
    }
}

/// Why a rule gives nothing, as its author reads it.
fn told(rule: Rule, why: Why) -> String {
    let terms = rule.terms();
    let hashtags = terms.hashtags.join(" ");
    match why {
        Why::NoMedia => texts::hashtag_needs_media(&hashtags),
        Why::NotWeekend => texts::hashtag_at_weekends(&hashtags),
        Why::Limit => texts::hashtag_limit(&hashtags, terms.max, terms.period.is_week()),
    }
}
