use serde::{Deserialize, Serialize};

use super::*;
use crate::meter::Meter;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    id: String,
    text: String,
    version: u64,
    label: Option<String>,
}

impl Entity for Note {
    const KIND: &'static str = "Note";

    fn key(&self) -> Key {
        Key::new("NOTES", format!("NOTE#{}", self.id))
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("history_at", format!("{:03}", self.version))]
    }
}

fn note(id: &str, version: u64) -> Note {
    Note { id: id.to_owned(), text: "text".to_owned(), version, label: None }
}

#[tokio::test]
async fn an_entity_reads_back_as_it_was_written() {
    let table = testing::table().await;
    let written = note("a", 1);
    table.write(Write::insert("note", &written)).await.unwrap();
    assert_eq!(table.get::<Note>(&written.key()).await.unwrap(), Some(written.clone()));
    let item = table.get_item(&written.key()).await.unwrap().unwrap();
    assert!(!item.0.contains_key("label"), "an absent value is an absent attribute");
}

#[tokio::test]
async fn refusals_come_by_name_and_with_the_item_that_refused() {
    let table = testing::table().await;
    table.write(Write::insert("first", &note("a", 7))).await.unwrap();
    let single = table.write(Write::insert("again", &note("a", 8))).await;
    let refusal = single.unwrap_err().refusal().unwrap();
    assert_eq!(refusal.name(), "again");
    assert_eq!(refusal.old("again").unwrap().read::<Note>().unwrap().version, 7);

    let writes = vec![
        Write::insert("fresh", &note("b", 1)),
        Write::insert("taken", &note("a", 8)),
        Write::check("version", note("a", 0).key()).when("#version = :v").bind(":v", 1),
    ];
    let duplicate = table.transact(writes).await;
    assert!(duplicate.is_err(), "DynamoDB takes one action per item");
    let writes = vec![
        Write::insert("fresh", &note("b", 1)),
        Write::update("missing", Key::new("X", "X")).set("n", 1).when("attribute_exists(#pk)"),
        Write::insert("taken", &note("a", 8)),
    ];
    let refusal = table.transact(writes).await.unwrap_err().refusal().unwrap();
    assert_eq!(refusal.name(), "missing");
    assert!(refusal.has("taken") && !refusal.has("fresh"));
    assert!(refusal.old("missing").is_none());
    assert!(table.get::<Note>(&note("b", 1).key()).await.unwrap().is_none(), "all or nothing");
}

#[tokio::test]
async fn updates_set_add_remove_and_answer_the_new_item() {
    let table = testing::table().await;
    let labelled = Note { label: Some("x".to_owned()), ..note("a", 1) };
    table.write(Write::insert("note", &labelled)).await.unwrap();
    let update = Write::update("note", labelled.key())
        .set("text", "new")
        .set_once("version", 99)
        .add("count", 5)
        .remove("label")
        .when("#version = :one")
        .bind(":one", 1);
    let item = table.write(update).await.unwrap().unwrap();
    assert_eq!(item.read::<Note>().unwrap(), Note { text: "new".to_owned(), ..note("a", 1) });
    assert_eq!(item.integer("count"), Some(5));
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let table = testing::table().await;
    for id in 0..25 {
        table.write(Write::insert("note", &note(&format!("{id:02}"), 24 - id))).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query = Query::local_index("history", "NOTES", "history_at").limit(10).after(cursor);
        let page = table.query(&query).await.unwrap();
        seen.extend(page.read::<Note>().unwrap().into_iter().map(|note| note.version));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
    let newest = Query::partition("NOTES").beginning_with("NOTE#0").descending().limit(1);
    assert_eq!(table.query(&newest).await.unwrap().read::<Note>().unwrap()[0].id, "09");
}

#[tokio::test]
async fn the_meter_counts_what_dynamodb_charges() {
    let table = testing::table().await;
    let meter = Meter::default();
    meter.enter_function();
    meter
        .watch(async {
            let writes = vec![Write::insert("a", &note("a", 1)), Write::insert("b", &note("b", 1))];
            table.transact(writes).await.unwrap();
            table.get::<Note>(&note("a", 1).key()).await.unwrap();
        })
        .await;
    let cost = meter.function();
    assert_eq!((cost.requests, cost.items, cost.read_milliunits), (2, 2, 1_000));
    // two items: two units each in a transaction, and one for the local index
    assert_eq!(cost.write_milliunits, 6_000);
}

#[tokio::test]
async fn a_met_transaction_is_tried_again_and_a_lost_answer_is_harmless() {
    let (aws, engine) = testing::engine();
    let table = testing::table_in(&aws).await;
    let add = || Write::update("count", Key::new("C", "C")).add("n", 1);
    let count =
        || async { table.get_item(&Key::new("C", "C")).await.unwrap().unwrap().integer("n") };
    testing::fail(&engine, engine::FaultKind::Conflict, 0);
    table.transact(vec![add()]).await.unwrap();
    assert_eq!(count().await, Some(1));
    testing::fail(&engine, engine::FaultKind::LostAnswer, 0);
    table.transact(vec![add()]).await.unwrap();
    assert_eq!(count().await, Some(2), "the client token makes the SDK's repeat harmless");
    testing::fail(&engine, engine::FaultKind::Throttle, 0);
    table.transact(vec![add()]).await.unwrap();
    assert_eq!(count().await, Some(3));
}
