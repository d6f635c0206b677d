//! `GET /_local`: the desk for people.

use crate::event::instant;
use crate::front::Front;
use crate::sandbox::escape;

/// How many invocations and messages are shown.
const SHOWN: usize = 30;

/// Calls that answer without a body, as links.
const LINKS: [&str; 9] = [
    "health",
    "settings",
    "routes",
    "functions",
    "clock",
    "invocations",
    "queues",
    "telegram/messages",
    "logs",
];

pub(super) fn render(front: &Front) -> String {
    let clock = front.engine().clock();
    let state = if clock.is_frozen() { "frozen" } else { "ticking" };
    let links: String = LINKS
        .iter()
        .map(|link| format!("<li><a href=\"/_local/{link}\">/_local/{link}</a>"))
        .collect();
    let services: String = front
        .wiring()
        .services()
        .iter()
        .map(|service| {
            let root = format!("{}/{}", front.url(), escape(service));
            format!("<li><a href=\"{root}/health\">{root}</a>")
        })
        .collect();
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Tamga, local</title>\
         <style>body{{font:14px sans-serif;margin:2em}}table{{border-collapse:collapse}}\
         td,th{{padding:.2em .8em;text-align:left;border-bottom:1px solid #ddd}}</style>\
         <h1>Tamga, local</h1><p>Clock: {} ({state}). DynamoDB and SQS: {}</p>\
         <h2>Services</h2><ul>{services}</ul><h2>Desk</h2><ul>{links}</ul>\
         <h2>Queues</h2>{}<h2>Messages of bots</h2>{}<h2>Invocations</h2>{}</html>",
        instant(clock.now()),
        escape(front.engine_url()),
        queues(front),
        messages(front),
        invocations(front),
    )
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}", escape(cell))).collect()
    };
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rows: String = rows.map(|row| format!("<tr>{}", cells("td", &row))).collect();
    format!("<table><tr>{}{rows}</table>", cells("th", &head))
}

fn queues(front: &Front) -> String {
    let depths = front.engine().queues().depths().unwrap_or_default();
    let rows = depths.iter().map(|depth| {
        vec![
            depth.name.clone(),
            depth.visible.to_string(),
            depth.delayed.to_string(),
            depth.in_flight.to_string(),
            depth.dead_letters.to_string(),
        ]
    });
    table(&["queue", "depth", "delayed", "in flight", "dead letters"], rows)
}

fn messages(front: &Front) -> String {
    let last = front.sandboxes().last_messages(SHOWN);
    let rows = last.into_iter().map(|sent| {
        let chat = sent.chat_id.map(|chat| chat.to_string()).unwrap_or_default();
        vec![sent.at, sent.service, chat, sent.method, sent.text.unwrap_or_default()]
    });
    table(&["at", "bot of", "chat", "method", "text"], rows)
}

fn invocations(front: &Front) -> String {
    let last = front.invoker().log().last(None, SHOWN);
    let rows = last.into_iter().map(|one| {
        vec![
            one.at,
            one.function,
            one.trigger.to_owned(),
            one.outcome.to_owned(),
            format!("{} ms", one.duration_ms),
            one.requests.to_string(),
            one.items.to_string(),
            one.error.unwrap_or_default(),
        ]
    });
    let head = ["at", "function", "trigger", "outcome", "duration", "requests", "items", "error"];
    table(&head, rows)
}
