//! What holds of the community, read off the items themselves.

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
    super::ratings::whole(items, found);
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
        let keys =
            self.entries.keys().filter_map(move |(pk, key)| Some((*pk, key.strip_prefix(prefix)?)));
        keys
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

    /// A team counts those who are in it, has a number of its own and stands where it belongs.
    fn teams(&self, found: &mut Vec<String>) {
        let mut seats: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for place in self.of("Membership") {
            seats.entry(text(place, "team_id")).or_default().push(place);
        }
        let mut numbers: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        let mut versions = 0;
        for team in self.of("Team") {
            let id = text(team, "id");
            let seats = seats.remove(id).unwrap_or_default();
            self.team(team, &seats, found);
            let city = text(team, "city_key");
            if !numbers.entry(city).or_default().insert(number(team, "number")) {
                found.push(format!("{id} has the number of another team"));
            }
            versions += number(team, "version");
        }
        found.extend(seats.keys().map(|id| format!("places in {id}, which is not there")));
        for (city, numbers) in numbers {
            let last = self.of("TeamNumbers").find(|last| text(last, "city_key") == city);
            let last = last.map(|last| number(last, "last"));
            if last != numbers.last().copied() {
                found.push(format!("numbers of {city} up to {last:?}: {numbers:?}"));
            }
        }
        let tag = self.of("Tag").find(|tag| text(tag, "pk") == "TAG#teams");
        let tag = tag.map_or(0, |tag| number(tag, "version"));
        if tag != versions {
            found.push(format!("the tag of teams is {tag}, their versions come to {versions}"));
        }
        for chat in self.of("TeamChat") {
            let of_team = self.of("Team").find(|team| team.get("id") == chat.get("team_id"));
            if of_team.is_none_or(|team| team.get("tg_chat_id") != chat.get("chat_id")) {
                found.push(format!("the chat {chat:?} is no team's"));
            }
        }
    }

    fn team(&self, team: &Item, seats: &[&Item], found: &mut Vec<String>) {
        let (id, active, max) =
            (text(team, "id"), flag(team, "is_active"), number(team, "max_members"));
        let has_role = |role: &'static str| move |seat: &&&Item| text(seat, "role") == role;
        let beyond = seats.iter().filter(has_role("ambassador")).count();
        let stored = (number(team, "member_count"), number(team, "ambassador_count"));
        let due = (seats.len() - beyond, beyond);
        let counted = [(stored.0, due.0), (stored.1, due.1)];
        if counted.into_iter().any(|(stored, due)| usize::try_from(stored) != Ok(due)) {
            found.push(format!("{id} counts {stored:?} instead of {due:?}"));
        }
        if stored.0 > max {
            found.push(format!("{id} has {} members on {max} places", stored.0));
        }
        let leaders: Vec<_> = seats.iter().filter(has_role("leader")).collect();
        let leader = team.get("leader_tg").filter(|leader| !leader.is_null());
        let leads = leaders.first().and_then(|seat| seat.get("tg_id"));
        if leaders.len() > 1 || leads != leader || flag(team, "needs_leader") == leader.is_some() {
            found.push(format!("{id} is led by {leader:?}, as which {} stand", leaders.len()));
        }
        let standing = match (active, stored.0 >= max) {
            (true, false) => "OPEN",
            (true, true) => "FULL",
            (false, _) => "CLOSED",
        };
        let place = format!("{standing}#{}#{:010}", text(team, "city_key"), number(team, "number"));
        if text(team, "rank_sk") != place {
            found.push(format!("{id} stands at {} instead of {place}", text(team, "rank_sk")));
        }
        let chat = team.get("tg_chat_id").filter(|chat| !chat.is_null());
        let chats = self.of("TeamChat").filter(|known| text(known, "team_id") == id).count();
        if chats != usize::from(chat.is_some()) {
            found.push(format!("{id} has {chats} chats"));
        }
    }

    /// A member knows the one place there is, and waits for one where there is none.
    fn members(&self, found: &mut Vec<String>) {
        let mut places = counts(self.of("Membership").map(|place| number(place, "tg_id")));
        for member in self.of("Member") {
            let (pk, team_id) = (text(member, "pk"), text(member, "team_id"));
            let own = places.remove(&number(member, "tg_id")).unwrap_or_default();
            let place = self.of("Membership").find(|place| {
                text(place, "team_id") == team_id && place.get("tg_id") == member.get("tg_id")
            });
            let role = place.map(|place| text(place, "role"));
            let knows = member.get("team_role").and_then(Value::as_str);
            if own != i64::from(!team_id.is_empty()) || role != knows {
                found
                    .push(format!("{pk} is {knows:?} of {team_id:?}, with {own} places, {role:?}"));
            }
            let team = self.of("Team").find(|team| text(team, "id") == team_id);
            let leads = knows == Some("leader") && team.is_some_and(|team| flag(team, "is_active"));
            if flag(member, "is_team_leader") != leads {
                found.push(format!("{pk} is {knows:?} of {team_id}, as a leader: {}", !leads));
            }
            let paid = !text(member, "subscription_expires").is_empty()
                && member.get("subscription_expires") != member.get("closed_expiry");
            let waits = paid && !text(member, "city_key").is_empty() && team_id.is_empty();
            if member.contains_key("payer_pk") != waits {
                found.push(format!("{pk} should wait for a team: {waits}"));
            }
        }
        found.extend(places.keys().map(|tg_id| format!("a place of {tg_id}, who is nobody")));
    }

    /// What was sold and what is left is what there was; each purchase was paid, and counts.
    fn shop(&self, found: &mut Vec<String>) {
        let mut sold = counts(self.of("Purchase").map(|bought| text(bought, "item_id")));
        let own = |one: &'a Item| (number(one, "tg_id"), text(one, "item_id"));
        let mut bought = counts(self.of("Purchase").map(own));
        for item in self.of("ShopItem") {
            let (id, stock) = (text(item, "id"), number(item, "stock"));
            let sold = sold.remove(id).unwrap_or_default();
            if number(item, "sold") != sold {
                found.push(format!(
                    "{id} was sold {sold} times, and counts {}",
                    number(item, "sold")
                ));
            }
            let has_stock = item.get("stock").is_some_and(|stock| !stock.is_null());
            if stock < 0 || (has_stock && stock + sold != number(item, "initial")) {
                found.push(format!("{id}: {stock} and {sold} of {}", number(item, "initial")));
            }
        }
        found.extend(sold.keys().map(|id| format!("purchases of {id}, which is not there")));
        for counted in self.of("Bought") {
            let (count, (tg_id, item_id)) = (number(counted, "count"), own(counted));
            let due = bought.remove(&(tg_id, item_id)).unwrap_or_default();
            if count != due {
                found.push(format!("{tg_id} has bought {item_id} {due} times, and counts {count}"));
            }
            let item = self.of("ShopItem").find(|item| text(item, "id") == item_id);
            let limit = item.and_then(|item| item["goods"]["per_user_limit"].as_i64());
            if limit.is_some_and(|limit| due > limit) {
                found.push(format!("{tg_id} has bought {item_id} {due} times, {limit:?} at most"));
            }
        }
        found.extend(bought.keys().map(|whose| format!("{whose:?} counts no purchases")));
        let mut paid: BTreeSet<_> = self.keys("purchase:").collect();
        for purchase in self.of("Purchase") {
            let (pk, id) = (text(purchase, "pk"), text(purchase, "id"));
            let price = purchase["goods"]["price"].as_i64().unwrap_or_default();
            if self.entry(pk, &format!("purchase:{id}")) != Some(-price) {
                found.push(format!("{id} was not paid with {price}"));
            }
            paid.remove(&(pk, id));
        }
        found.extend(paid.iter().map(|paid| format!("{paid:?} was paid, and never bought")));
    }

    /// Tickets are numbered from 1 without gaps, each of a purchase; who has won has had one.
    fn raffles(&self, found: &mut Vec<String>) {
        let mut tickets: BTreeMap<&str, BTreeMap<i64, &Item>> = BTreeMap::new();
        for ticket in self.of("RaffleTicket") {
            let of_item = tickets.entry(text(ticket, "item_id")).or_default();
            of_item.insert(number(ticket, "number"), ticket);
        }
        let raffle = |one: &&Item| one["goods"]["item_type"] == "raffle_ticket";
        for item in self.of("ShopItem").filter(raffle) {
            let (id, count) = (text(item, "id"), number(item, "tickets"));
            let own = tickets.remove(id).unwrap_or_default();
            let named = self.of("Purchase").filter(|purchase| text(purchase, "item_id") == id);
            let named = named.filter(|purchase| {
                let ticket = own.get(&number(purchase, "ticket"));
                ticket.is_some_and(|ticket| ticket["purchase_id"] == purchase["id"])
            });
            let numbers: Vec<i64> = own.keys().copied().collect();
            let due: Vec<i64> = (1..=count).collect();
            if numbers != due || i64::try_from(named.count()) != Ok(count) {
                found.push(format!("{id} has tickets {numbers:?} instead of {count}"));
            }
            let draw = self.of("RaffleDraw").find(|draw| text(draw, "item_id") == id);
            if flag(item, "drawn") != draw.is_some() {
                found.push(format!("{id} was drawn: {}", draw.is_some()));
            }
            let Some(draw) = draw else { continue };
            let winners = draw["winners"].as_array().into_iter().flatten();
            let fine = winners.clone().all(|winner| {
                let number = winner["number"].as_i64().unwrap_or_default();
                own.get(&number).is_some_and(|ticket| ticket["tg_id"] == winner["tg_id"])
            });
            let members: BTreeSet<_> =
                winners.clone().map(|winner| winner["tg_id"].as_i64()).collect();
            if !fine || members.len() != winners.count() || number(draw, "tickets") != count {
                found.push(format!(
                    "{id} was drawn of {} tickets: {draw:?}",
                    number(draw, "tickets")
                ));
            }
        }
        found.extend(tickets.keys().map(|id| format!("tickets of {id}, which has none")));
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
