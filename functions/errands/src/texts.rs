//! Every sentence that the bot says. Plain text: no marks are read in it.
//!
//! A notice never holds a contact or a description. What users typed (a city) is put on one line,
//! so that nobody writes a second notice into the first.

use shared::clock::Instant;

/// What stands in place of a link while the bot has no name.
const OPEN_THE_APP: &str = "Откройте приложение, чтобы посмотреть детали.";
/// Hours that Moscow is ahead of UTC.
const MOSCOW: i8 = 3;

/// One order, as a subscriber is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered<'a> {
    /// Its id.
    pub order_id: &'a str,
    /// Its category.
    pub category: &'a str,
    /// Its city as typed.
    pub city: &'a str,
}

/// Where the app shows the order, given the bot's name.
fn link(bot: Option<&str>, order_id: &str) -> String {
    match bot {
        Some(bot) => format!("https://t.me/{bot}?startapp=order_{order_id}"),
        None => OPEN_THE_APP.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A new order, to a subscriber.
#[must_use]
pub fn new_order(order: &Offered<'_>, bot: Option<&str>) -> String {
    let (category, city) = (order.category, one_line(order.city));
    let link = link(bot, order.order_id);
    format!("🔔 Новый заказ в категории «{category}» в городе {city}!\n\n{link}")
}

/// Several new orders, to a subscriber: a line each for the first `shown`, the rest is counted.
/// `total` is at least the number of `orders`.
#[must_use]
pub fn digest(orders: &[Offered<'_>], total: usize, shown: usize, bot: Option<&str>) -> String {
    let mut text = format!("🔔 Новых заказов: {total}\n");
    let mut rest = total;
    for order in orders.iter().take(shown) {
        let (category, city) = (order.category, one_line(order.city));
        text.push_str(&format!("\n• {category}, {city}: {}", link(bot, order.order_id)));
        rest = rest.saturating_sub(1);
    }
    if rest > 0 {
        text.push_str(&format!("\nи ещё {rest}"));
    }
    text
}

/// The `k`-th take, to the client. `respond_by` is the response deadline, which the first take
/// sets.
#[must_use]
pub fn order_taken(category: &str, k: usize, of: usize, respond_by: Option<Instant>) -> String {
    let taken = format!("🔧 Исполнитель взял ваш заказ «{category}» ({k} из {of}).");
    match respond_by {
        Some(by) => {
            let by = by.at_offset(MOSCOW).strftime("%H:%M");
            format!("{taken}\nОтветьте ему до {by} МСК, иначе заказ закроется.")
        }
        None => taken,
    }
}

/// The clock has closed the order, to the client.
#[must_use]
pub fn order_auto_closed(category: &str, minutes: i64) -> String {
    format!("⏱ Заказ «{category}» закрыт: вы не ответили исполнителю за {minutes} минут.")
}

/// The client responded, to an executor.
#[must_use]
pub fn order_responded(category: &str) -> String {
    format!("✅ Клиент ответил по заказу «{category}».")
}

/// The client completed the order, to an executor.
#[must_use]
pub fn order_completed(category: &str) -> String {
    format!("🏁 Клиент завершил заказ «{category}».")
}

/// The client closed the order, to an executor.
#[must_use]
pub fn order_closed(category: &str) -> String {
    format!("🚪 Клиент закрыл заказ «{category}».")
}

/// The order ended without a response and the executor got the price of the take back.
#[must_use]
pub fn order_refunded(category: &str, rubles: i64) -> String {
    format!("↩️ Клиент не ответил по заказу «{category}». Возвращено {rubles} ₽.")
}

/// Money came after its payment had expired, to the payer.
#[must_use]
pub fn payment_late(rubles: i64) -> String {
    format!("💰 Баланс пополнен на {rubles} ₽.")
}

/// The title of an invoice in stars.
pub const TOP_UP: &str = "Пополнение баланса";

/// What an invoice is for.
#[must_use]
pub fn top_up(rubles: i64) -> String {
    format!("Пополнение баланса на {rubles}₽")
}

/// Why a payment in stars is refused before it is made.
pub const STALE_INVOICE: &str = "Счёт устарел. Создайте новый.";

/// The answer to `/start`.
pub const START: &str = "Здравствуйте! Здесь размещают срочные бытовые заказы и берут их в работу. \
     Откройте приложение кнопкой меню.";

/// The answer to `/paysupport`.
#[must_use]
pub fn pay_support(contact: Option<&str>) -> String {
    let text = "Если вы оплатили, а баланс не вырос, подождите: каждый час мы сверяем платежи и \
                зачисляем то, о чём нам не сообщили.";
    match contact {
        Some(contact) => format!("{text} По остальным вопросам оплаты пишите: {contact}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOT: Option<&str> = Some("uslugi_bot");

    fn offered(order_id: &str) -> Offered<'_> {
        Offered { order_id, category: "Клининг", city: "Нижний Новгород" }
    }

    #[test]
    fn a_new_order_reads_as_agreed() {
        assert_eq!(
            new_order(&offered("-a_B9"), BOT),
            "🔔 Новый заказ в категории «Клининг» в городе Нижний Новгород!\n\n\
             https://t.me/uslugi_bot?startapp=order_-a_B9"
        );
        assert_eq!(
            new_order(&offered("x"), None),
            "🔔 Новый заказ в категории «Клининг» в городе Нижний Новгород!\n\n\
             Откройте приложение, чтобы посмотреть детали."
        );
        let forged = Offered { city: "Омск!\n\nВы выиграли", ..offered("x") };
        assert_eq!(new_order(&forged, BOT).lines().count(), 3);
    }

    #[test]
    fn a_digest_shows_the_first_and_counts_the_rest() {
        assert_eq!(
            digest(&[offered("a"), offered("b")], 2, 15, BOT),
            "🔔 Новых заказов: 2\n\n\
             • Клининг, Нижний Новгород: https://t.me/uslugi_bot?startapp=order_a\n\
             • Клининг, Нижний Новгород: https://t.me/uslugi_bot?startapp=order_b"
        );
        let many = vec![offered("abcdefghijkl"); 18];
        let text = digest(&many, 20, 15, BOT);
        assert_eq!(text.lines().filter(|line| line.starts_with('•')).count(), 15);
        assert!(text.starts_with("🔔 Новых заказов: 20\n\n•") && text.ends_with("\nи ещё 5"));
    }

    #[test]
    fn the_longest_digest_fits_into_one_message() {
        let city = "ы".repeat(100);
        let order =
            Offered {
                city: &city, category: "Сборка/установка", ..offered("abcdefghijkl")
            };
        let bot = "b".repeat(32);
        let text = digest(&vec![order; 15], usize::MAX, 15, Some(&bot));
        assert!(text.chars().count() <= 4096, "{}", text.chars().count());
    }

    #[test]
    fn participants_are_told_in_these_words() {
        let by = "2026-11-22T21:59:59.999Z".parse().ok();
        assert_eq!(
            order_taken("Другое", 1, 3, by),
            "🔧 Исполнитель взял ваш заказ «Другое» (1 из 3).\n\
             Ответьте ему до 00:59 МСК, иначе заказ закроется."
        );
        assert_eq!(
            order_taken("Другое", 2, 3, None),
            "🔧 Исполнитель взял ваш заказ «Другое» (2 из 3)."
        );
        assert_eq!(
            order_auto_closed("Другое", 15),
            "⏱ Заказ «Другое» закрыт: вы не ответили исполнителю за 15 минут."
        );
        assert_eq!(order_responded("Другое"), "✅ Клиент ответил по заказу «Другое».");
        assert_eq!(order_completed("Другое"), "🏁 Клиент завершил заказ «Другое».");
        assert_eq!(order_closed("Другое"), "🚪 Клиент закрыл заказ «Другое».");
        assert_eq!(
            order_refunded("Другое", 2),
            "↩️ Клиент не ответил по заказу «Другое». Возвращено 2 ₽."
        );
        assert_eq!(payment_late(1000), "💰 Баланс пополнен на 1000 ₽.");
    }
}
