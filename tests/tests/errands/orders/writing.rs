//! What may be written into an order: bounds, white space, forms of letters.

use serde_json::{Value, json};
use tests::{Person, job};

use crate::scene::{busy, ids, invalid};

const DESCRIPTION: &str = "description: must be 20 to 1000 characters long";
const CITY: &str = "city: must be 2 to 100 characters long";
const CONTACT: &str = "contact: must be 3 to 100 characters long";
const CATEGORY: &str = "Category must be one of: Сантехника, Электрика, Бытовой ремонт, Клининг, \
                        Сборка/установка, Бытовая техника, Другое";

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = job("@ivan_123");
    body[field] = value.into();
    body
}

async fn refused(client: &Person, body: &Value, detail: &str) {
    let answer = client.post("/api/orders", body).await;
    assert_eq!(answer.problem(422, "validation_failed")["detail"], detail, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_the_vector_of_a_new_order() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let made = client.post("/api/orders", &job("@ivan_123")).await.is(201).json();
    assert_eq!(made["expires_in_minutes"], 60);
    assert_eq!(made["taken_by"], json!([]));
    assert_eq!(made["city_locked"], true);
    assert_eq!(made["status"], "active");
    assert_eq!(made["contact_kind"], "telegram");
    for field in ["response_deadline_at", "customer_responded_at", "rating", "review_comment"] {
        assert!(made[field].is_null(), "{field}: {made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_bounds_count_code_points_after_trimming() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for (field, value, detail) in [
        ("description", "ж".repeat(19), DESCRIPTION),
        ("description", "ж".repeat(1_001), DESCRIPTION),
        ("description", " ".repeat(20), DESCRIPTION),
        ("description", "\u{a0}\u{2003}\n\t".repeat(10), DESCRIPTION),
        ("description", format!("   {}   ", "ж".repeat(19)), DESCRIPTION),
        ("description", "и\u{306}".repeat(19), DESCRIPTION),
        ("description", String::new(), DESCRIPTION),
        ("city", "М".to_owned(), CITY),
        ("city", " М ".to_owned(), CITY),
        ("city", "м".repeat(101), CITY),
        ("contact", "12".to_owned(), CONTACT),
        ("contact", "  12  ".to_owned(), CONTACT),
        ("contact", "ж".repeat(101), CONTACT),
        ("category", "Такси".to_owned(), CATEGORY),
        ("category", "сантехника".to_owned(), CATEGORY),
        ("category", String::new(), CATEGORY),
    ] {
        refused(&client, &with(field, value), detail).await;
    }
    for (field, value) in [
        ("description", "ж".repeat(20)),
        ("description", "🔧".repeat(1_000)),
        ("description", "и\u{306}".repeat(1_000)),
        ("description", format!(" {} ", "ж".repeat(1_000))),
        ("city", "Уф".to_owned()),
        ("city", "м".repeat(100)),
        ("contact", "abc".to_owned()),
        ("contact", "ж".repeat(100)),
        ("category", "Сборка/установка".to_owned()),
    ] {
        let order = client.posts(&with(field, value)).await;
        client.delete(&format!("/api/orders/{order}")).await.is(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_all_fields_are_required_and_all_are_named() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for field in ["category", "description", "city", "contact"] {
        let mut body = job("@ivan_123");
        body.as_object_mut().unwrap().remove(field);
        invalid(&client.post("/api/orders", &body).await, field);
    }
    let empty = client.post("/api/orders", &json!({})).await;
    for field in ["category", "description", "city", "contact"] {
        invalid(&empty, field);
    }
    let body = json!({"category": "Такси", "description": "x", "city": "y", "contact": "z"});
    let answer = client.post("/api/orders", &body).await;
    let problem = answer.problem(422, "validation_failed");
    let all = format!("{CATEGORY}; {DESCRIPTION}; {CITY}; {CONTACT}");
    assert_eq!(problem["detail"], all, "{answer}");
    let wanted = json!([
        {"field": "category", "message": CATEGORY}, {"field": "description", "message": DESCRIPTION},
        {"field": "city", "message": CITY}, {"field": "contact", "message": CONTACT},
    ]);
    assert_eq!(problem["errors"], wanted, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_control_characters_are_refused_but_for_lines_and_tabs() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for (field, text) in [
        ("description", "Течёт кран на кухне, нужен мастер"),
        ("city", "Москва"),
        ("contact", "@ivan_123"),
    ] {
        for bad in ['\0', '\u{1}', '\u{1b}', '\u{7f}', '\u{85}'] {
            let head: String = text.chars().take(4).collect();
            let tail: String = text.chars().skip(4).collect();
            let detail = format!("{field}: contains a character that is not allowed");
            refused(&client, &with(field, format!("{head}{bad}{tail}")), &detail).await;
        }
    }
    let lines = "Первая строка,\r\nвторая строка\tи третья";
    let order = client.posts(&with("description", lines)).await;
    assert_eq!(client.sees(&order).await["description"], lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_texts_are_trimmed_and_composed() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let body = json!({
        "category": "Другое",
        "description": "\u{2003} Починить крыльцо и и\u{306} на дачном участке \n",
        "city": "\u{a0} Нижний   Новгород ",
        "contact": " Viber:  099 ",
    });
    let made = client.post("/api/orders", &body).await.is(201).json();
    assert_eq!(made["description"], "Починить крыльцо и й на дачном участке");
    assert_eq!(made["city"], "Нижний   Новгород", "as typed but trimmed");
    assert_eq!(made["contact"], "Viber:  099");
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_cities_are_compared_by_their_key() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for (n, (typed, asked, other)) in [
        ("Нью-Йорк", vec!["нью-йорк", "НЬЮ–ЙОРК", "%20Нью—Йорк%20", "нью‑йорк"], "ньюйорк"),
        ("Орёл", vec!["орел", "ОРЁЛ", "оре\u{308}л"], "орёлл"),
        ("Нижний   Новгород", vec!["нижний новгород", "НИЖНИЙ%20%20НОВГОРОД"], "нижнийновгород"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = job(&format!("contact {n}"));
        body["city"] = json!(typed);
        let order = client.posts(&body).await;
        for city in asked {
            let list = world.get(&format!("/api/orders?city={city}")).await.is(200).json();
            assert_eq!(ids(&list), [order.as_str()], "{city}");
            assert_eq!(list["orders"][0]["city"], typed);
        }
        let list = world.get(&format!("/api/orders?city={other}")).await.is(200).json();
        assert_eq!(ids(&list).len(), 0, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_one_client_has_so_many_active_orders() {
    let world = busy!("ACTIVE_ORDERS_PER_CLIENT_MAX" => "3");
    let client = world.person(1, "Иван").await;
    let mut orders = Vec::new();
    for n in 0..3 {
        orders.push(client.posts(&job(&format!("contact {n}"))).await);
    }
    let fourth = client.post("/api/orders", &job("contact 3")).await;
    fourth.detail(409, "active_order_limit", "Too many active orders");
    let busy = client.post("/api/orders", &job("contact 0")).await;
    busy.detail(409, "contact_busy", "This contact already has an active order");
    client.delete(&format!("/api/orders/{}", orders[0])).await.is(204);
    client.posts(&job("contact 3")).await;
    client.post("/api/orders", &job("contact 4")).await.problem(409, "active_order_limit");
    world.person(2, "Пётр").await.posts(&job("contact 4")).await;
}
