//! What holds of the shop and its raffles.

use std::collections::{BTreeMap, BTreeSet};

use super::{Books, counts, flag};
use crate::invariants::{Item, number, text};

impl<'a> Books<'a> {
    /// What was sold and what is left is what there was; each purchase was paid, and counts.
    pub(super) fn shop(&self, found: &mut Vec<String>) {
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
    pub(super) fn raffles(&self, found: &mut Vec<String>) {
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
}
