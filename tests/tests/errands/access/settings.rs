//! What users keep with us: preferences and notification settings.

use serde_json::{Value, json};
use tests::Person;

use crate::scene::{busy, invalid};

const WISHES: &str = "/api/users/me/preferences";
const SETTINGS: &str = "/api/users/me/notification-settings";
const CATEGORIES: [&str; 7] = [
    "Сантехника",
    "Электрика",
    "Бытовой ремонт",
    "Клининг",
    "Сборка/установка",
    "Бытовая техника",
    "Другое",
];

async fn kept(person: &Person, path: &str) -> Value {
    person.get(path).await.is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_parallel_saves_both_persist() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    for round in 0..15_usize {
        let category = CATEGORIES[round % 7];
        let frequency = 5 + round % 11;
        let wishes = json!({"categories": [category], "cities": ["Казань"]});
        let settings = json!({"enabled": round % 2 == 0, "frequency": frequency});
        let (first, second, third, fourth) = tokio::join!(
            anna.put(WISHES, &wishes).send(),
            anna.put(SETTINGS, &settings).send(),
            anna.get(WISHES).send(),
            anna.get(SETTINGS).send(),
        );
        assert_eq!(first.is(200).json(), json!({"success": true}));
        assert_eq!(second.is(200).json(), json!({"success": true}));
        third.is(200);
        fourth.is(200);
        assert_eq!(kept(&anna, WISHES).await, wishes, "round {round}");
        assert_eq!(kept(&anna, SETTINGS).await, settings, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_first_saves_of_a_new_user_both_persist() {
    let world = busy!();
    for id in 1..6 {
        let person = world.person(id, "Анна").await;
        let wishes = json!({"categories": CATEGORIES, "cities": ["Казань", "Омск"]});
        let settings = json!({"enabled": true, "frequency": 15});
        let (first, second) = tokio::join!(
            person.put(WISHES, &wishes).send(),
            person.put(SETTINGS, &settings).send()
        );
        first.is(200);
        second.is(200);
        assert_eq!(kept(&person, WISHES).await, wishes);
        assert_eq!(kept(&person, SETTINGS).await, settings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_preferences_are_replaced_and_collapsed() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    let twice = json!({
        "categories": ["Клининг", "Другое", "Клининг"],
        "cities": ["  Орёл ", "Казань", "ОРЕЛ", "Ростов–на–Дону", "ростов-на-дону"],
        "ignored": 1,
    });
    anna.put(WISHES, &twice).await.ok();
    let wanted = json!({
        "categories": ["Клининг", "Другое"], "cities": ["Орёл", "Казань", "Ростов–на–Дону"],
    });
    assert_eq!(kept(&anna, WISHES).await, wanted);
    anna.put(WISHES, &json!({"cities": ["Омск"]})).await.ok();
    assert_eq!(kept(&anna, WISHES).await, json!({"categories": [], "cities": ["Омск"]}));
    anna.put(WISHES, &json!({})).await.ok();
    assert_eq!(kept(&anna, WISHES).await, json!({"categories": [], "cities": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_unknown_preferences_are_refused() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    let cities: Vec<String> = (0..21).map(|n| format!("Город {n}")).collect();
    let long = "г".repeat(101);
    for (body, field) in [
        (json!({"categories": ["Такси"]}), "categories"),
        (json!({"categories": ["клининг"]}), "categories"),
        (json!({"categories": null}), "categories"),
        (json!({"categories": "Клининг"}), "categories"),
        (json!({"categories": [1]}), "categories"),
        (json!({"categories": vec!["Клининг"; 11]}), "categories"),
        (json!({"cities": null}), "cities"),
        (json!({"cities": [null]}), "cities"),
        (json!({"cities": ["Я"]}), "cities"),
        (json!({"cities": ["   "]}), "cities"),
        (json!({"cities": [long]}), "cities"),
        (json!({"cities": cities}), "cities"),
        (json!({"cities": {"0": "Омск"}}), "cities"),
    ] {
        let answer = anna.put(WISHES, &body).await;
        let problem = answer.problem(422, "validation_failed");
        let first = problem["errors"][0]["field"].as_str().unwrap();
        assert!(first.starts_with(field), "{body}: {answer}");
    }
    anna.put(WISHES, &json!({"cities": cities[..20]})).await.ok();
    assert_eq!(kept(&anna, WISHES).await["cities"].as_array().unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_frequency_is_5_to_15() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    for wrong in [json!(4), json!(16), json!(10.5), json!("ten"), json!(-1), json!([10])] {
        invalid(&anna.put(SETTINGS, &json!({"frequency": wrong})).await, "frequency");
    }
    invalid(&anna.put(SETTINGS, &json!({"enabled": "perhaps"})).await, "enabled");
    for (right, kept_as) in [(json!(5), 5), (json!(15), 15), (json!("10"), 10), (json!(7.0), 7)] {
        anna.put(SETTINGS, &json!({"frequency": right})).await.ok();
        assert_eq!(kept(&anna, SETTINGS).await, json!({"enabled": false, "frequency": kept_as}));
    }
    anna.put(SETTINGS, &json!({"enabled": true})).await.ok();
    anna.put(SETTINGS, &json!({"enabled": null, "frequency": null})).await.ok();
    anna.put(SETTINGS, &json!({})).await.ok();
    assert_eq!(kept(&anna, SETTINGS).await, json!({"enabled": true, "frequency": 7}));
}
