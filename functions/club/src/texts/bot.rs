//! What the bot says in private chats, and the onboarding.

/// What somebody is told who opens the bot.
pub const WELCOME: &str = "Здравствуйте! Это бот клуба. Откройте приложение кнопкой меню, \
     чтобы оформить подписку и увидеть материалы. Помощь с оплатой: /paysupport";

/// What a new member is told first. The keyword is named where no video says it.
#[must_use]
pub fn onboarding_video(keyword: Option<&str>) -> String {
    let welcome = "Добро пожаловать в клуб!";
    match keyword {
        None => format!(
            "{welcome} Посмотрите это видео: в нём вы услышите кодовое слово. \
             Пришлите его сюда одним сообщением, и мы продолжим."
        ),
        Some(word) => {
            format!("{welcome} Пришлите сюда одним сообщением слово «{word}», и мы продолжим.")
        }
    }
}

/// What a member is told who has not sent the keyword yet.
#[must_use]
pub fn onboarding_keyword(keyword: Option<&str>) -> String {
    match keyword {
        None => "Вы уже посмотрели видео? Пришлите сюда кодовое слово из него, и мы продолжим 🙂"
            .to_owned(),
        Some(word) => format!("Мы ждём вас! Пришлите сюда слово «{word}», и мы продолжим 🙂"),
    }
}

/// What a member is told who has sent something else than the keyword.
#[must_use]
pub fn onboarding_hint(keyword: Option<&str>) -> String {
    match keyword {
        None => "Это не то слово. Кодовое слово звучит в видео: пришлите его одним сообщением, \
                 без других слов и знаков."
            .to_owned(),
        Some(word) => {
            format!("Пришлите одним сообщением слово «{word}», без других слов и знаков.")
        }
    }
}

/// The keyword has come.
pub const ONBOARDING_READY: &str =
    "Верно! Когда будете готовы начать, нажмите кнопку под этим сообщением.";
/// The button was not pressed yet.
pub const ONBOARDING_READY_AGAIN: &str =
    "Остался один шаг: нажмите кнопку, и мы покажем, что есть в клубе.";
/// The onboarding is over.
pub const ONBOARDING_MENU: &str = "Всё готово! В приложении клуба вас ждут уроки, практики и эфиры, \
     ваша десятка и рейтинг. Открыть его можно кнопкой ниже или кнопкой меню этого бота. \
     Помощь с оплатой: /paysupport";
/// The day after.
pub const ONBOARDING_GIFT: &str = "Хотите порадовать близкого человека? Подарите ему месяц в клубе: \
     нажмите кнопку ниже и выберите, кому.";

/// What a member is asked on the 7th, 14th, 21st and 28th day.
#[must_use]
pub fn onboarding_check_in(day: u32) -> String {
    format!(
        "Вы в клубе уже дней: {day}! Как идут дела? Загляните в приложение: новые материалы и \
         ваша команда ждут вас."
    )
}

/// On the button of a member who is ready.
pub const BUTTON_READY: &str = "Я готов(а)!";
/// On the button that opens the mini-app.
pub const BUTTON_APP: &str = "Открыть приложение";
/// On the button by which the recipient of a gift is chosen.
pub const BUTTON_RECIPIENT: &str = "🎁 Выбрать, кому подарить";
/// Why somebody has to leave a chat.
pub const CHAT_UNPAID: &str = "Этот чат открыт только участникам клуба с действующей подпиской. \
     Оформите её в приложении, и сможете войти снова.";
