//! What those are told who run the club.

/// For those who run the club: the ratings did not add up.
pub const RATING_DRIFT: &str = "Рейтинги разошлись с данными участников. Расхождения исправляются, сколько их — в журнале сверки";

/// For those who run the club: the chat of a city has another id.
#[must_use]
pub fn city_chat_moved(city: &str, from: i64, to: i64) -> String {
    format!("Чат города {city} стал супергруппой: {from} → {to}. Проверьте ссылку на него")
}

/// For those who run the club: something that the service depends on does not answer.
pub const HEALTH_NOT_READY: &str = "Хранилище или очереди не отвечают";
/// For those who run the club: Telegram could not deliver updates.
pub const HEALTH_WEBHOOK_FAILED: &str = "Telegram не смог доставить обновления боту";

/// For those who run the club: too many messages wait.
#[must_use]
pub fn health_waiting(count: u64) -> String {
    format!("В очередях ждут сообщения: {count}")
}

/// For those who run the club: messages that failed for good.
#[must_use]
pub fn health_dead(count: u64) -> String {
    format!("В очередях ошибок сообщений: {count}")
}

/// For those who run the club: updates that Telegram holds back.
#[must_use]
pub fn health_pending(count: i64) -> String {
    format!("Telegram держит неполученные обновления: {count}")
}

/// For those who run the club: all that is wrong.
#[must_use]
pub fn health_alert(wrong: &[String]) -> String {
    format!("Проверка состояния:\n{}", wrong.join("\n"))
}
