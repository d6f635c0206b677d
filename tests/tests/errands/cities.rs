//! The list of towns and its search.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{World, errands};

const TOP: [&str; 15] = [
    "Москва",
    "Санкт-Петербург",
    "Новосибирск",
    "Екатеринбург",
    "Казань",
    "Нижний Новгород",
    "Челябинск",
    "Самара",
    "Омск",
    "Ростов-на-Дону",
    "Сочи",
    "Березники",
    "Алушта",
    "Иннополис",
    "Мурино",
];

async fn found(world: &World, query: &str) -> Vec<String> {
    let list = world.get(&format!("/api/cities{query}")).await.is(200).json();
    let names = list.as_array().unwrap().iter().map(Value::as_str);
    names.map(|name| name.unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_there_are_1050_towns_and_the_greatest_among_them() {
    let world = errands!();
    let all = found(&world, "").await;
    assert!(all.len() >= 1_050, "{}", all.len());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "distinct");
    for name in TOP {
        assert!(all.iter().any(|town| town == name), "{name}");
    }
    let keys: Vec<String> =
        all.iter().map(|name| name.replace('ё', "е").replace('Ё', "Е")).collect();
    assert!(keys.is_sorted(), "sorted with ё as е");
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_search_finds_parts_of_names_in_list_order() {
    let world = errands!();
    let all = found(&world, "").await;
    let moscow = found(&world, "?search=мос").await;
    for name in ["Мосальск", "Москва", "Новомосковск"] {
        assert!(moscow.iter().any(|town| town == name), "{name}: {moscow:?}");
    }
    assert!(moscow.iter().all(|town| town.to_lowercase().contains("мос")), "{moscow:?}");
    let place = |name: &String| all.iter().position(|town| town == name);
    assert!(moscow.is_sorted_by_key(place), "{moscow:?}");
    let at = |name: &str| moscow.iter().position(|town| town == name).unwrap();
    assert!(at("Мосальск") < at("Москва") && at("Москва") < at("Новомосковск"));
    for query in ["орел", "ОРЁЛ", "%20орёл%20", "оРеЛ"] {
        let towns = found(&world, &format!("?search={query}")).await;
        assert!(towns.contains(&"Орёл".to_owned()), "{query}: {towns:?}");
    }
    assert_eq!(found(&world, "?search=ъъъ").await, Vec::<String>::new());
    assert_eq!(found(&world, &format!("?search={}", "а".repeat(100))).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_a_search_is_1_to_100_characters() {
    let world = errands!();
    for search in ["", "%20", "%20%20%09", &"а".repeat(101)] {
        let answer = world.get(&format!("/api/cities?search={search}")).await;
        answer.problem(422, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_a_second_fetch_is_not_modified() {
    let world = errands!();
    for query in ["", "?search=мос"] {
        let path = format!("/api/cities{query}");
        let first = world.get(&path).await;
        let tag = first.is(200).must("etag").to_owned();
        assert!(first.must("cache-control").contains("public"), "{first}");
        assert!(first.must("cache-control").contains("86400"), "{first}");
        let second = world.get(&path).header("if-none-match", &tag).await;
        assert!(second.is(304).body.is_empty(), "{second}");
        world.get(&path).header("if-none-match", "\"other\"").await.is(200);
    }
    let cost = world.get("/api/cities").await.cost();
    assert!(cost.is_none_or(|cost| cost.requests == 0), "{cost:?}");
}
