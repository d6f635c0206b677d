//! P18: of orders that come while a subscriber is left in peace none is forgotten.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;

use super::Verdict;
use super::town::{Person, Town, at_once, must, tally};

/// Somebody who wants to hear of cleaning in a town of their own.
async fn subscriber(town: &Arc<Town>) -> (Person, String) {
    let person = town.person();
    let city = format!("Город-{}", person.id);
    let wishes = json!({ "categories": ["Клининг"], "cities": [city] });
    let settings = json!({ "enabled": true, "frequency": 10 });
    let asks = vec![
        person.ask("PUT", "/api/users/me/preferences").json(&wishes),
        person.ask("PUT", "/api/users/me/notification-settings").json(&settings),
    ];
    assert_eq!(tally(&at_once(town, asks).await), "200×2");
    (person, city)
}

/// Four orders at once within one cool-down: a message, then a digest of the three others.
pub async fn nothing_forgotten(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 8;
    let mut found = Vec::new();
    let subscribers = join_all((0..ROUNDS).map(|_| subscriber(&town))).await;
    town.bench.advance(6).await;
    let (mut ids, mut asks) = (Vec::new(), Vec::new());
    let client = town.person();
    for (author, city) in &subscribers {
        // Three of somebody else's and one more from another client; an own one counts for nobody.
        let other = town.person();
        for person in [&client, &client, &client, &other, author] {
            let mut job = person.job(&person.contact());
            job["category"] = json!("Клининг");
            // The same town as others write it.
            job["city"] = json!(format!("  {} ", city.to_uppercase()));
            asks.push(person.post("/api/orders", &job));
        }
    }
    let answers = at_once(&town, asks).await;
    must(&mut found, "orders", tally(&answers), format!("201×{}", 5 * ROUNDS));
    for five in answers.chunks(5) {
        let link = |answer: &super::town::Answer| {
            format!("startapp=order_{}", answer.json()["id"].as_str().unwrap_or_default())
        };
        ids.push(five.iter().take(4).map(link).collect::<Vec<_>>());
    }
    town.bench.advance(30).await;
    let mut first = Vec::new();
    for (person, _) in &subscribers {
        first.push(town.bench.messages(person.id).await);
    }
    town.bench.advance(11 * 60).await;
    for (((person, _), links), first) in subscribers.iter().zip(ids).zip(first) {
        let messages = town.bench.messages(person.id).await;
        must(&mut found, "at once", first.len(), 1);
        must(&mut found, "in the end", messages.len(), 2);
        let [one, digest] = messages.as_slice() else { continue };
        must(&mut found, "one", one.starts_with("🔔 Новый заказ в категории «Клининг»"), true);
        must(&mut found, "digest", digest.starts_with("🔔 Новых заказов: 3\n"), true);
        for link in links {
            let told = [one, digest].map(|text| usize::from(text.contains(&link)));
            must(&mut found, "each once", told.iter().sum::<usize>(), 1);
        }
    }
    (ROUNDS, found)
}
