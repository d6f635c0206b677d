//! What holds of the community, read off the items themselves.

mod shop;
mod teams;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::invariants::{Item, number, of, text};

/// Entries that are no older than this have their places still.
const PLACES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 59);
/// The rules with places, and how many places each has in a period.
const RULES: [(&str, usize); 7] = [
    ("otchet", 1),
    ("praktika", 1),
    ("insight", 3),
    ("sozvon", 3),
    ("storis", 3),
    ("combo", 3),
    ("challeng", 1),
];

/// Items by where they are and by kind.
struct Books<'a> {
    items: &'a [Item],
    /// Lines of ledgers by the partition of their member and their key.
    entries: BTreeMap<(&'a str, &'a str), i64>,
    now: Timestamp,
}

/// Notes everything that is wrong.
pub fn hold(items: &[Item], now: Timestamp, found: &mut Vec<String>) {
    let entries = of(items, "EnergyEntry");
    let entries =
        entries.map(|entry| ((text(entry, "pk"), text(entry, "key")), number(entry, "delta")));
    let books = Books { items, entries: entries.collect(), now };
    books.accounts(found);
    books.places(found);
    books.teams(found);
    books.members(found);
    books.shop(found);
    books.raffles(found);
    books.reports(found);
    books.experience(found);
    books.learning(found);
    books.streams(found);
    crate::community::ratings::whole(items, found);
}

fn flag(item: &Item, name: &str) -> bool {
    item.get(name) == Some(&Value::Bool(true))
}

/// How many items there are of each name.
fn counts<'a, K: Ord>(keys: impl Iterator<Item = K> + 'a) -> BTreeMap<K, i64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

impl<'a> Books<'a> {
    fn of(&self, kind: &'a str) -> impl Iterator<Item = &'a Item> {
        of(self.items, kind)
    }

    /// What an entry of this member under this key came to.
    fn entry(&self, pk: &str, key: &str) -> Option<i64> {
        self.entries.get(&(pk, key)).copied()
    }

    /// Keys of entries that begin so, with the partitions of their members.
    fn keys(&self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.entries.keys().filter_map(move |(pk, key)| Some((*pk, key.strip_prefix(prefix)?)))
    }

    /// The sums that members carry are those of their entries; each lot begins where the one before
    /// it ends.
    fn accounts(&self, found: &mut Vec<String>) {
        let mut lots: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
        let mut spent: BTreeMap<&str, i64> = BTreeMap::new();
        for entry in self.of("EnergyEntry") {
            let (pk, delta) = (text(entry, "pk"), number(entry, "delta"));
            match delta > 0 {
                true => lots.entry(pk).or_default().push((number(entry, "earned_before"), delta)),
                false => *spent.entry(pk).or_default() -= delta,
            }
            let expired = text(entry, "key").strip_prefix("expire:");
            if let Some(income) = expired
                && self.entry(pk, income).is_none_or(|income| income < -delta)
            {
                found.push(format!("{pk}: more of {income} has expired than there was"));
            }
        }
        for member in self.of("Member") {
            let pk = text(member, "pk");
            let mut own = lots.remove(pk).unwrap_or_default();
            own.sort_unstable();
            let mut earned = 0;
            for (before, delta) in own {
                if before != earned {
                    found.push(format!("{pk}: a lot begins at {before} instead of {earned}"));
                }
                earned = before + delta;
            }
            let sums = (number(member, "earned_total"), number(member, "consumed_total"));
            let due = (earned, spent.get(pk).copied().unwrap_or_default());
            if sums != due {
                found.push(format!("{pk}: earned and spent {sums:?} instead of {due:?}"));
            }
        }
    }

    /// Places of rules are taken from the first on, each by one award.
    fn places(&self, found: &mut Vec<String>) {
        let since = (self.now - PLACES_KEPT).to_string();
        let mut taken: BTreeMap<(i64, &str, &str), Vec<i64>> = BTreeMap::new();
        for slot in self.of("AwardSlot") {
            let period = (number(slot, "tg_id"), text(slot, "rule"), text(slot, "period"));
            taken.entry(period).or_default().push(number(slot, "n"));
        }
        for ((tg_id, rule, period), places) in &mut taken {
            places.sort_unstable();
            let max = RULES.iter().find(|(name, _)| name == rule).map_or(0, |(_, max)| *max);
            let in_order = places.iter().zip(1..).all(|(place, n)| *place == n);
            if !in_order || places.len() > max {
                found.push(format!("{tg_id} has places {places:?} of {rule} in {period}"));
            }
        }
        let recent = |item: &&Item, at: &str| text(item, at) > since.as_str();
        let slots = self.of("AwardSlot").filter(|slot| recent(slot, "at"));
        let mut slots = counts(slots.map(|slot| (number(slot, "tg_id"), text(slot, "rule"))));
        let awards = self.of("EnergyEntry").filter(|entry| recent(entry, "created_at"));
        let awards = awards
            .filter(|entry| RULES.iter().any(|(name, _)| *name == text(entry, "energy_kind")));
        let awards = counts(awards.map(|one| (number(one, "tg_id"), text(one, "energy_kind"))));
        for (whose, awards) in awards {
            let places = slots.remove(&whose).unwrap_or_default();
            if places != awards {
                found.push(format!("{whose:?}: {awards} awards on {places} places"));
            }
        }
        found.extend(slots.keys().map(|whose| format!("{whose:?}: places without an award")));
    }

    /// A report that stands is the one of its week and was paid; one that was taken back was paid
    /// and given back once.
    fn reports(&self, found: &mut Vec<String>) {
        let mut standing: BTreeSet<&str> =
            self.of("WeeklyReport").map(|report| text(report, "id")).collect();
        let mut paid: BTreeSet<_> = self.keys("report:").map(|(_, id)| id).collect();
        let mut back: BTreeSet<_> = self.keys("report_reversal:").map(|(_, id)| id).collect();
        for mark in self.of("ReportMark") {
            let (id, energies) = (text(mark, "id"), number(mark, "energies"));
            let pk = format!("MEMBER#{}", number(mark, "tg_id"));
            let stands = text(mark, "deleted_at").is_empty();
            paid.remove(id);
            back.remove(id);
            let earned = self.entry(&pk, &format!("report:{id}"));
            let returned = self.entry(&pk, &format!("report_reversal:{id}"));
            let due = (Some(energies), (!stands).then_some(-energies));
            if (earned, returned) != due || standing.remove(id) != stands {
                found.push(format!("the report {id} stands: {stands}, {earned:?}, {returned:?}"));
            }
        }
        let strays = standing.iter().chain(&paid).chain(&back);
        found.extend(strays.map(|id| format!("the report {id} is known by no id")));
    }

    /// Experience is the sum of what gave it; what was reached stands with the member.
    fn experience(&self, found: &mut Vec<String>) {
        let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
        for entry in self.of("XpEntry") {
            *sums.entry(number(entry, "tg_id")).or_default() += number(entry, "amount");
        }
        let mut reached: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
        for one in self.of("UserAchievement") {
            reached.entry(number(one, "tg_id")).or_default().insert(text(one, "code"));
        }
        for member in self.of("Member") {
            let (pk, tg_id) = (text(member, "pk"), number(member, "tg_id"));
            let (stored, sum) =
                (number(member, "experience"), sums.remove(&tg_id).unwrap_or_default());
            if stored != sum {
                found.push(format!("{pk} has the experience {stored} instead of {sum}"));
            }
            let codes = member.get("achievements").and_then(Value::as_array);
            let codes: Vec<&str> = codes.into_iter().flatten().filter_map(Value::as_str).collect();
            let own: BTreeSet<&str> = codes.iter().copied().collect();
            let due = reached.remove(&tg_id).unwrap_or_default();
            if own != due || own.len() != codes.len() {
                found.push(format!("{pk} has reached {codes:?} instead of {due:?}"));
            }
        }
        found.extend(sums.keys().map(|tg_id| format!("experience of {tg_id}, who is nobody")));
    }

    /// What was watched earned once, and is counted once.
    fn learning(&self, found: &mut Vec<String>) {
        let mut earned: BTreeSet<_> = self.keys("video:").collect();
        let mut sums: BTreeMap<i64, [i64; 6]> = BTreeMap::new();
        for one in self.of("WatchedVideo") {
            let (tg_id, video) = (number(one, "tg_id"), text(one, "video_id"));
            let pk = format!("MEMBER#{tg_id}");
            if self.entry(&pk, &format!("video:{video}")) != Some(number(one, "energies")) {
                found.push(format!("{pk} has watched {video} for {}", number(one, "energies")));
            }
            earned.retain(|(owner, id)| (*owner, *id) != (pk.as_str(), video));
            let sums = sums.entry(tg_id).or_default();
            sums[0] += 1;
            sums[1] += number(one, "energies");
            sums[2] += number(one, "seconds");
        }
        found.extend(earned.iter().map(|one| format!("{one:?} was paid, and not watched")));
        for one in self.of("MeditationSession") {
            let sums = sums.entry(number(one, "tg_id")).or_default();
            sums[3] += 1;
            sums[4] += i64::from(flag(one, "completed"));
            sums[5] += number(one, "seconds");
        }
        let names = [
            "videos",
            "video_energies",
            "video_seconds",
            "sessions",
            "completed_sessions",
            "session_seconds",
        ];
        for tally in self.of("ContentTally") {
            let due = sums.remove(&number(tally, "tg_id")).unwrap_or_default();
            let stored = names.map(|name| number(tally, name));
            if stored != due {
                found.push(format!("{} counts {stored:?} instead of {due:?}", text(tally, "pk")));
            }
        }
        found.extend(sums.keys().map(|tg_id| format!("{tg_id} counts nothing that was learnt")));
        self.courses(found);
    }

    fn courses(&self, found: &mut Vec<String>) {
        let finished = self.of("CourseProgress").filter(|progress| flag(progress, "finished"));
        let finished = counts(finished.map(|progress| number(progress, "tg_id")));
        let watched = counts(self.of("WatchedVideo").map(|one| number(one, "tg_id")));
        for member in self.of("Member") {
            let tg_id = number(member, "tg_id");
            let of_all = |all: &BTreeMap<i64, i64>| all.get(&tg_id).copied().unwrap_or_default();
            let done = member.get("completed").cloned().unwrap_or_default();
            let stored = (done["courses"].as_i64(), done["videos"].as_i64());
            let due = (of_all(&finished), of_all(&watched));
            if (stored.0.unwrap_or_default(), stored.1.unwrap_or_default()) != due {
                found.push(format!("{tg_id} has completed {stored:?} instead of {due:?}"));
            }
        }
        for progress in self.of("CourseProgress") {
            let (tg_id, course) = (number(progress, "tg_id"), text(progress, "course_id"));
            let pk = format!("MEMBER#{tg_id}");
            for day in progress["completed_days"].as_array().into_iter().flatten() {
                if self.entry(&pk, &format!("lesson:{course}:day{day}")).is_none() {
                    found.push(format!("{pk} has completed day {day} of {course} for nothing"));
                }
            }
        }
    }

    /// Who has watched a stream earned once by it and is among its views.
    fn streams(&self, found: &mut Vec<String>) {
        let mut earned: BTreeSet<_> = self.keys("stream:").collect();
        for one in self.of("StreamAttendance") {
            let (pk, id) = (text(one, "pk"), text(one, "stream_id"));
            if self.entry(pk, &format!("stream:{id}")) != Some(number(one, "energies")) {
                found.push(format!("{pk} has watched {id} for {}", number(one, "energies")));
            }
            earned.remove(&(pk, id));
        }
        found.extend(earned.iter().map(|one| format!("{one:?} was paid, and not attended")));
        let views = self.of("StreamAttendance").filter(|one| flag(one, "counted"));
        let mut views = counts(views.map(|one| text(one, "stream_id")));
        for stream in self.of("Stream") {
            let due = views.remove(text(stream, "id")).unwrap_or_default();
            if number(stream, "views") != due {
                let (id, views) = (text(stream, "id"), number(stream, "views"));
                found.push(format!("{id} has {views} views instead of {due}"));
            }
        }
    }
}
