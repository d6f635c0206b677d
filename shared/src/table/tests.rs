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
async fn every_page_of_a_query_can_be_read_as_one() {
    let table = testing::table().await;
    for id in ["a", "b", "c", "d", "e"] {
        table.write(Write::insert("note", &note(id, 1))).await.unwrap();
    }
    for limit in [1, 2, 5, 6] {
        let all = table.query_all(&Query::partition("NOTES").limit(limit)).await.unwrap();
        let ids: Vec<_> = all.read::<Note>().unwrap().into_iter().map(|note| note.id).collect();
        assert_eq!(ids, ["a", "b", "c", "d", "e"], "{limit}");
        assert!(all.next.is_none());
    }
}

#[tokio::test]
async fn what_an_index_names_is_read_as_it_stands() {
    let table = testing::table().await;
    for (id, version) in [("a", 3), ("b", 2), ("c", 1)] {
        table.write(Write::insert("note", &note(id, version))).await.unwrap();
    }
    let query = Query::local_index("history", "NOTES", "history_at");
    let found = table.query(&query).await.unwrap().items;
    table.write(Write::delete("gone", note("b", 0).key())).await.unwrap();
    table.write(Write::update("note", note("c", 0).key()).set("text", "newer")).await.unwrap();
    let notes: Vec<Note> = table.behind(&found).await.unwrap();
    let expected = [Note { text: "newer".to_owned(), ..note("c", 1) }, note("a", 3)];
    assert_eq!(notes, expected);
    assert!(table.behind::<Note>(&[]).await.unwrap().is_empty());
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

#[tokio::test]
async fn a_query_keeps_to_its_bounds() {
    let table = testing::table().await;
    for id in 0..9 {
        table.write(Write::insert("note", &note(&id.to_string(), id))).await.unwrap();
    }
    let found = async |query: Query| {
        let page = table.query(&query).await.unwrap();
        page.read::<Note>().unwrap().into_iter().map(|note| note.id).collect::<String>()
    };
    let all = || Query::partition("NOTES");
    assert_eq!(found(all().at_least("NOTE#6")).await, "678");
    assert_eq!(found(all().up_to("NOTE#2")).await, "012");
    assert_eq!(found(all().between("NOTE#3", "NOTE#5")).await, "345");
    assert_eq!(found(all().between("NOTE#3", "NOTE#5").descending().limit(2)).await, "54");
}

#[tokio::test]
async fn values_are_appended_to_a_list_that_need_not_be_there() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct List {
        takers: Vec<i64>,
        names: Vec<String>,
    }
    impl Entity for List {
        const KIND: &'static str = "List";

        fn key(&self) -> Key {
            Key::new("LIST", "LIST")
        }
    }
    let table = testing::table().await;
    for taker in [7, 8] {
        let write = Write::update("list", Key::new("LIST", "LIST"))
            .set("kind", "List")
            .append("takers", taker)
            .append("names", taker.to_string());
        table.transact(vec![write]).await.unwrap();
    }
    let list: List = table.get(&Key::new("LIST", "LIST")).await.unwrap().unwrap();
    assert_eq!((list.takers, list.names), (vec![7, 8], vec!["7".to_owned(), "8".to_owned()]));
}

#[tokio::test]
async fn a_batch_puts_and_deletes_more_than_one_request_holds() {
    let table = testing::table().await;
    let meter = Meter::default();
    meter.enter_function();
    let notes: Vec<_> = (0..60).map(|id| note(&format!("{id:02}"), id)).collect();
    let puts = notes.iter().map(|note| Write::put("note", note)).collect();
    meter.watch(table.write_batch(puts)).await.unwrap();
    assert_eq!((meter.function().requests, meter.function().items), (3, 60));
    let mut mixed: Vec<_> =
        notes.iter().skip(1).map(|note| Write::delete("note", note.key())).collect();
    mixed.push(Write::put("note", &note("99", 99)));
    table.write_batch(mixed).await.unwrap();
    let left = table.query(&Query::partition("NOTES")).await.unwrap().read::<Note>().unwrap();
    assert_eq!(left, [note("00", 0), note("99", 99)]);
    table.write_batch(Vec::new()).await.unwrap();
    let conditional = vec![Write::insert("note", &note("a", 1))];
    assert!(table.write_batch(conditional).await.is_err());
    assert!(table.write_batch(vec![Write::update("n", Key::new("a", "a"))]).await.is_err());
}
