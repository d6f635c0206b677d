//! CloudPayments and LavaTop as far as the club calls them: a server of its own that makes orders and
//! invoices, tells what became of them, and ends subscriptions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it knows.
#[derive(Debug, Default)]
pub struct Book {
    orders: BTreeSet<String>,
    /// The last operation of each order.
    pub last: BTreeMap<String, Value>,
    /// All operations, with when they were made.
    pub operations: Vec<(Timestamp, Value)>,
    /// LavaTop's invoices that were paid, with when.
    pub invoices: Vec<(Timestamp, Value)>,
    /// Subscriptions that were ended.
    pub ended: BTreeSet<String>,
    /// Does it refuse, or lose its answers?
    pub trouble: Option<Mood>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Refuses,
    LosesAnswers,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub struct Bank {
    pub url: String,
    book: Arc<Mutex<Book>>,
}

impl Bank {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bank = Self { url, book: Arc::default() };
        let own = bank.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        bank
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("the book")
    }

    /// One request of one connection.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut read = Vec::new();
        let (head, length) = loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
            read.extend_from_slice(&part[..count]);
            let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let lower = head.to_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if read.len() >= end + 4 + length {
                break (head, end + 4);
            }
        };
        let body: Value = serde_json::from_slice(&read[length..]).unwrap_or_default();
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mood = self.book().trouble;
        let (status, answer) = match mood {
            Some(Mood::Refuses) => ("500 Internal Server Error", json!({})),
            _ => ("200 OK", self.answer(&path, &body)),
        };
        if mood == Some(Mood::LosesAnswers) {
            return None;
        }
        let answer = answer.to_string();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(text.as_bytes()).await.ok()
    }

    fn answer(&self, path: &str, body: &Value) -> Value {
        let mut book = self.book();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let unknown = json!({ "Success": false, "Message": "Not found" });
        match path {
            "/orders/create" => {
                let order = text("InvoiceId");
                book.orders.insert(order.clone());
                let url = format!("https://orders.example.test/{order}");
                json!({ "Success": true, "Model": { "Id": format!("o{order}"), "Url": url } })
            }
            "/v2/payments/find" => match book.last.get(&text("InvoiceId")) {
                Some(last) => json!({ "Success": true, "Model": last }),
                None => unknown,
            },
            "/v2/payments/list" => {
                let at = |name: &str| -> Timestamp { text(name).parse().expect("an instant") };
                let (from, to) = (at("CreatedDateGte"), at("CreatedDateLte"));
                let first = body["PageNumber"] == 1;
                let within =
                    book.operations.iter().filter(|(at, _)| first && from <= *at && *at <= to);
                let list: Vec<&Value> = within.map(|(_, operation)| operation).collect();
                json!({ "Success": true, "Model": list })
            }
            "/subscriptions/cancel" => {
                book.ended.insert(text("Id"));
                json!({ "Success": true })
            }
            "/subscriptions/get" => {
                let status = if book.ended.contains(&text("Id")) { "Cancelled" } else { "Active" };
                json!({ "Success": true, "Model": { "Id": text("Id"), "Status": status } })
            }
            "/api/v3/invoice" => {
                let id = body["clientUtm"]["utm_term"].as_str().unwrap_or_default();
                let url = format!("https://invoices.example.test/{id}");
                json!({ "id": format!("lt_{id}"), "status": "new", "paymentUrl": url })
            }
            _ if path.starts_with("/api/v1/") => shown(&book, path),
            _ => unknown,
        }
    }
}

/// What LavaTop shows of an invoice, of all, or of a subscription.
fn shown(book: &Book, path: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| value.to_owned()).next()
    };
    if let Some(id) = path.strip_prefix("/api/v1/invoices/") {
        let own = book.invoices.iter().find(|(_, invoice)| invoice["id"] == id);
        return own.map_or(json!({ "id": id, "status": "NEW" }), |(_, invoice)| invoice.clone());
    }
    if path == "/api/v1/invoices" {
        let from = parameter("beginDate").unwrap_or_default().replace("%3A", ":");
        let from: Timestamp = from.parse().expect("an instant");
        let first = parameter("page").as_deref() == Some("1");
        let since = book.invoices.iter().filter(|(at, _)| first && *at >= from);
        let items: Vec<&Value> = since.map(|(_, invoice)| invoice).collect();
        return json!({ "items": items });
    }
    json!({})
}
