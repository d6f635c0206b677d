//! What new members are told by the clock, apart from what they are told of what they do.

/// How the lines of an onboarding begin or read.
const LINES: [&str; 9] = [
    "Добро пожаловать в клуб!",
    "Вы уже посмотрели видео?",
    "Мы ждём вас! Пришлите",
    "Это не то слово.",
    "Пришлите одним сообщением",
    "Верно! Когда будете готовы",
    "Остался один шаг",
    "Хотите порадовать",
    "Вы в клубе уже дней",
];
/// How its end begins.
const END: &str = "Всё готово! В приложении клуба";

/// Is this a line of the onboarding?
#[must_use]
pub fn is_of_onboarding(text: &str) -> bool {
    LINES.iter().chain(&[END]).any(|line| text.starts_with(line))
}
