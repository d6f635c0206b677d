//! Why energies and experience come and go.

/// Why 500 energies came with a payment.
pub const REASON_PAYMENT: &str = "Продление подписки";
/// Why energies came with a gift.
pub const REASON_GIFT: &str = "Активация подарочной подписки";
/// Why energies were taken with a refund.
pub const REASON_REFUND: &str = "Возврат платежа";
/// Why energies came with the recording of a stream.
pub const REASON_STREAM: &str = "Просмотр записи эфира";
/// Why energies came with the report of a week.
pub const REASON_WEEKLY_REPORT: &str = "Сдача отчета недели";
/// Why energies were taken with a report that was taken back.
pub const REASON_REPORT_REVERSAL: &str = "Возврат за удаленный отчет";
/// Why energies came with the first visit of a day.
pub const REASON_DAILY_LOGIN: &str = "Ежедневный вход";
/// Why energies came with the practice of a Sunday.
pub const REASON_SUNDAY_PRACTICE: &str = "Воскресная практика";
/// Why energies came with a completed month.
pub const REASON_MONTH: &str = "Закрытие месяца";
/// Why energies were taken whose time is over.
pub const REASON_EXPIRY: &str = "Сгорание энергий";
/// Why energies came with a daily report.
pub const REASON_OTCHET: &str = "Ежедневный отчет";
/// Why energies came with the practice of a weekend.
pub const REASON_PRAKTIKA: &str = "Субботняя практика";
/// Why energies came with an insight.
pub const REASON_INSIGHT: &str = "Инсайт / Отзыв";
/// Why energies came with a challenge.
pub const REASON_CHALLENG: &str = "Участие в Челлендже";
/// Why energies came with a call.
pub const REASON_SOZVON: &str = "Участие в Созвоне";
/// Why energies came with stories.
pub const REASON_STORIS: &str = "Отметка в Stories";
/// Why energies came with a call and stories at once.
pub const REASON_COMBO: &str = "Созвон + Stories";
/// The award of this key was given before.
pub const ALREADY_AWARDED: &str = "Already awarded today";
/// How energies are earned, as the app tells it.
pub const RULE_OTCHET: &str = "Отчёт дня в чате вашей десятки";
/// See [`RULE_OTCHET`].
pub const RULE_PRAKTIKA: &str = "Фото или видео с субботней практики в чате города";
/// See [`RULE_OTCHET`].
pub const RULE_INSIGHT: &str = "Инсайт или отзыв в чате города";
/// See [`RULE_OTCHET`].
pub const RULE_CHALLENG: &str = "Участие в челлендже в чате города";
/// See [`RULE_OTCHET`].
pub const RULE_SOZVON: &str = "Фото или видео с созвона в чате города";
/// See [`RULE_OTCHET`].
pub const RULE_STORIS: &str = "Скриншот отметки в Stories в чате города";
/// See [`RULE_OTCHET`].
pub const RULE_COMBO: &str = "Созвон и Stories в одном сообщении в чате города";

/// What the author of a message is told that has earned energies.
#[must_use]
pub fn hashtag_earned(reason: &str, energies: i64, balance: i64) -> String {
    format!("{reason}: начислено энергий {energies} ⚡ Ваш баланс: {balance} ⚡")
}

/// What the author of a message is told that lacks a picture.
#[must_use]
pub fn hashtag_needs_media(hashtags: &str) -> String {
    format!("{hashtags}: добавьте к сообщению фото, видео или документ, и мы начислим энергии.")
}

/// What the author of a message is told that came on a working day.
#[must_use]
pub fn hashtag_at_weekends(hashtags: &str) -> String {
    format!("{hashtags}: энергии начисляются в субботу и воскресенье по московскому времени.")
}

/// What the author of a message is told that has earned as often as it may.
#[must_use]
pub fn hashtag_limit(hashtags: &str, max: u32, by_week: bool) -> String {
    let period = if by_week { "неделю" } else { "день" };
    format!("{hashtags}: лимит исчерпан, энергии начисляются не больше {max} раз в {period}.")
}

/// Why experience came with a meditation.
#[must_use]
pub fn reason_meditation(title: &str) -> String {
    format!("Медитация: {title}")
}

/// Why energies came with a day of a course.
#[must_use]
pub fn reason_lesson(title: Option<&str>) -> String {
    let title = title.map(|title| format!(": {title}")).unwrap_or_default();
    format!("Просмотр урока{title}")
}

/// Why energies came with a video.
#[must_use]
pub fn reason_video(title: &str) -> String {
    format!("Просмотр видео: {title}")
}

/// Why energies were taken by the shop.
#[must_use]
pub fn reason_purchase(title: &str) -> String {
    format!("Покупка: {title}")
}

/// Why experience came with the length of a streak.
#[must_use]
pub fn xp_streak(days: u32) -> String {
    format!("Дней подряд: {days}")
}

/// Why experience came with an achievement.
#[must_use]
pub fn xp_achievement(title: &str) -> String {
    format!("Достижение: {title}")
}

/// Titles and descriptions of the achievements that there are from the beginning, in their order.
pub const ACHIEVEMENTS: [(&str, &str); 8] = [
    ("Первая медитация", "Завершите первую медитацию"),
    ("Неделя подряд", "Занимайтесь 7 дней подряд"),
    ("Месяц подряд", "Занимайтесь 30 дней подряд"),
    ("Первый курс", "Пройдите первый курс до конца"),
    ("Пятый уровень", "Достигните 5 уровня"),
    ("Десятый уровень", "Достигните 10 уровня"),
    ("10 медитаций", "Завершите 10 медитаций"),
    ("50 медитаций", "Завершите 50 медитаций"),
];
