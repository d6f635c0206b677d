//! Every sentence that members read.

/// Input does not read.
pub const INVALID: &str = "Проверьте введённые данные";
/// There is no such thing.
pub const NOT_FOUND: &str = "Не найдено";
/// The credential is missing or no good.
pub const UNAUTHORIZED: &str = "Войдите заново";
/// The caller may not do that.
pub const FORBIDDEN: &str = "Действие недоступно";
/// The action is for those whose subscription is paid.
pub const SUBSCRIPTION_REQUIRED: &str = "Нужна активная подписка";
/// The body is too large.
pub const TOO_LARGE: &str = "Слишком большой запрос";
/// An idempotency key stands for another request.
pub const KEY_REUSED: &str = "Этот ключ уже использован для другого запроса";
/// A rate limit.
pub const TOO_MANY: &str = "Слишком много запросов. Попробуйте чуть позже";
/// A bug.
pub const INTERNAL: &str = "Что-то пошло не так. Мы уже разбираемся";
/// The same request may be sent again.
pub const TRY_AGAIN: &str = "Сервис занят. Попробуйте ещё раз";

/// A field of the link form is missing.
pub const FIELD_REQUIRED: &str = "Обязательные поля: telegram_id, email, offer_key";
/// The Telegram id does not read.
pub const BAD_TELEGRAM_ID: &str = "Некорректный telegram_id";
/// The offer is not known.
pub const OFFER_UNKNOWN: &str = "Предложение не найдено";
/// The offer is not sold any more.
pub const OFFER_INACTIVE: &str = "Предложение больше не действует";
/// The offer has no price in this currency.
pub const CURRENCY_NOT_OFFERED: &str = "Оплата в этой валюте недоступна";
/// Giver and recipient are one.
pub const GIFT_SELF: &str = "Нельзя подарить подписку самому себе";
/// No gift has this token.
pub const GIFT_NOT_FOUND: &str = "Подарок не найден. Проверьте ссылку";
/// The gift is for somebody else.
pub const GIFT_WRONG_RECIPIENT: &str = "Этот подарок предназначен другому человеку";
/// Somebody else has activated the gift.
pub const GIFT_ALREADY_ACTIVATED: &str = "Этот подарок уже активирован";
/// The gift was not activated in time.
pub const GIFT_OVER: &str = "Срок действия подарка истёк";
/// The gift was given back.
pub const GIFT_REVOKED: &str = "Подарок отменён: платёж за него возвращён";
/// The payment provider is not known or not enabled.
pub const PROVIDER_UNKNOWN: &str = "Способ оплаты недоступен";
/// Too late after the end of a subscription, and too early for the next.
pub const COOLDOWN: &str = "Оформить подписку пока нельзя";
/// The provider did not make a link.
pub const LINK_FAILED: &str = "Не удалось создать ссылку на оплату. Попробуйте ещё раз.";
/// The provider did not do what was asked.
pub const PROVIDER_SILENT: &str = "Платёжный сервис не отвечает. Попробуйте позже";
/// Nothing is left of the payment to give back.
pub const ALREADY_REFUNDED: &str = "Платёж уже возвращён полностью";
/// The provider did not give money back.
pub const REFUND_FAILED: &str = "Платёжный сервис отказал в возврате";
/// The money is somebody's payment already.
pub const ALREADY_ASSIGNED: &str = "Этот платёж уже назначен";
/// Somebody decided that nothing is to be done about the money.
pub const ALREADY_DISMISSED: &str = "Этот платёж уже отклонён";
/// What came is no sum of a known currency.
pub const SUM_UNREADABLE: &str = "Сумма или валюта платежа не читается";
/// An offer of this key is there.
pub const OFFER_EXISTS: &str = "Предложение с таким ключом уже есть";
/// The work of a job is under way.
pub const LEASE_HELD: &str = "Работа уже выполняется";
/// No such attempt, or another payer's.
pub const ATTEMPT_NOT_FOUND: &str = "Платёж не найден";
/// The title of an invoice in stars for oneself; 32 characters at most.
pub const STARS_OWN: &str = "Подписка на клуб";
/// The title of an invoice in stars for somebody else; 32 characters at most.
pub const STARS_GIFT: &str = "Подписка на клуб в подарок";

/// What an invoice in stars for oneself is for.
#[must_use]
pub fn stars_own(days: u32) -> String {
    format!("Доступ к материалам и чатам клуба, дней: {days}")
}

/// What an invoice in stars for somebody else is for.
#[must_use]
pub fn stars_gift(days: u32) -> String {
    format!("Подарок: доступ к материалам и чатам клуба, дней: {days}")
}

/// What an order for oneself is for, as the payer and the bank read it.
#[must_use]
pub fn order_own(days: u32) -> String {
    format!("Подписка на клуб, дней: {days}")
}

/// What an order for somebody else is for.
#[must_use]
pub fn order_gift(days: u32) -> String {
    format!("Подписка на клуб в подарок, дней: {days}")
}

/// Telegram is told not to take the money.
pub const CHECKOUT_REFUSED: &str =
    "Эта ссылка на оплату больше не действует. Откройте приложение и создайте новую.";
/// Telegram is told not to take the money, as we cannot say whether it may.
pub const CHECKOUT_LATER: &str = "Сервис занят. Попробуйте оплатить через минуту.";

/// The city leads an active team.
pub const CITY_LOCKED: &str = "Лидер активной десятки не может сменить город";
/// The city was changed too often today.
pub const CITY_CHANGE_LIMIT: &str = "Город можно менять не больше трёх раз в день";
/// Several requests for one link at once.
pub const LINK_PENDING: &str = "Ссылка уже создаётся. Попробуйте через несколько секунд";

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

/// A course is among the favourites now.
pub const FAVORITE_ADDED: &str = "Курс добавлен в избранное";
/// A course is no favourite any more.
pub const FAVORITE_REMOVED: &str = "Курс убран из избранного";

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

/// The member has a report of this week already.
pub const WEEKLY_REPORT_EXISTS: &str = "Отчёт за эту неделю уже отправлен";
/// A report can be taken back for a day only.
pub const REPORT_DELETE_WINDOW_OVER: &str =
    "Отчёт можно удалить только в течение 24 часов после отправки";

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

/// An item costs something else than its buyer was shown.
pub const PRICE_CHANGED: &str = "Цена изменилась. Обновите страницу и попробуйте ещё раз";
/// No piece of an item is left.
pub const OUT_OF_STOCK: &str = "Товар закончился";
/// Something was bought or given back while an administrator was counting.
pub const STOCK_CHANGED: &str = "Остаток товара изменился. Обновите страницу и проверьте его";
/// A member has bought an item as often as anybody may.
pub const PURCHASE_LIMIT: &str = "Вы уже купили этот товар столько раз, сколько можно";
/// Nobody has a ticket of the raffle.
pub const NO_TICKETS: &str = "В розыгрыше нет ни одного билета";
/// The balance is too low.
pub const INSUFFICIENT_ENERGIES: &str = "Недостаточно энергий";

/// What a member is told once a payment has settled. `until` is a date as people write it.
#[must_use]
pub fn congratulation(until: &str, energies: u32) -> String {
    format!("Оплата прошла! Подписка действует до {until}. Начислено энергий: {energies} ⚡")
}

/// What a payer is told when the checks have ended without a payment.
pub const PAYMENT_NOT_COMPLETED: &str = "Мы не увидели оплату. Если деньги списались, мы засчитаем платёж, как только он дойдёт. \
     Если оплата не прошла, попробуйте ещё раз.";

/// What a giver is told once a gift is paid.
#[must_use]
pub fn gift_link(link: &str) -> String {
    format!("Подарок оплачен! Отправьте эту ссылку тому, кому дарите подписку: {link}")
}

/// What a giver is told once a gift is activated. `days` is what it held.
#[must_use]
pub fn gift_activated(days: u32) -> String {
    format!("Ваш подарок активирован! Он добавил к подписке дней: {days} 🎁")
}

/// What a giver is told when nobody has activated a gift in time.
pub const GIFT_EXPIRED: &str =
    "Ваш подарок так и не активировали: срок его действия истёк, ссылка больше не работает.";

/// What a payer is told once the last of the money was given back.
pub const REFUNDED: &str = "Платёж возвращён полностью.";

/// The same, where the subscription goes on. `until` is a date as people write it.
#[must_use]
pub fn refunded(until: &str) -> String {
    format!("{REFUNDED} Подписка действует до {until}.")
}

/// What a member is told once access has ended with the subscription.
pub const ACCESS_CLOSED: &str = "Ваша подписка закончилась, доступ к материалам и чатам клуба \
     закрыт. Чтобы вернуться, оформите подписку в приложении.";

/// How far off the end of a subscription is.
pub const IN_THREE_DAYS: &str = "через 3 дня";
/// See [`IN_THREE_DAYS`].
pub const IN_TWO_DAYS: &str = "через 2 дня";
/// See [`IN_THREE_DAYS`].
pub const TOMORROW: &str = "завтра";
/// See [`IN_THREE_DAYS`].
pub const TODAY: &str = "сегодня";

/// What a member is told before the subscription ends. `when` is how far off that is, `until` is
/// a date as people write it.
#[must_use]
pub fn renewal_reminder(when: &str, until: &str, renews: bool) -> String {
    if renews {
        format!(
            "Ваша подписка продлится автоматически {when}, {until}. Проверьте, что денег для \
             оплаты достаточно."
        )
    } else {
        format!(
            "Ваша подписка заканчивается {when}, {until}. Продлите её в приложении, чтобы не \
             потерять доступ к материалам и чатам клуба."
        )
    }
}

/// What somebody is told who opens the bot.
pub const WELCOME: &str = "Здравствуйте! Это бот клуба. Откройте приложение кнопкой меню, \
     чтобы оформить подписку и увидеть материалы. Помощь с оплатой: /paysupport";

/// What somebody is told who asks for help with a payment.
#[must_use]
pub fn pay_support(contact: Option<&str>) -> String {
    let said = "Если оплата прошла, а подписка не появилась, подождите несколько минут: \
                мы сверяем платежи сами.";
    match contact {
        Some(contact) => format!("{said} Если не помогло, напишите: {contact}"),
        None => format!("{said} Если не помогло, напишите администратору клуба."),
    }
}

/// There is no standing subscription to end.
pub const NO_ACTIVE_SUBSCRIPTION: &str = "У вас нет активной подписки";
/// A standing subscription that goes by an e-mail that nobody left.
pub const EMAIL_MISSING: &str = "Email не указан. Обратитесь в службу поддержки.";
/// A provider did not end a standing subscription.
pub const CANCEL_FAILED: &str = "Ошибка при отмене подписки. Попробуйте позже.";

/// A standing subscription is ended. `until` is a date as people write it.
#[must_use]
pub fn subscription_cancelled(until: Option<&str>) -> String {
    match until {
        Some(until) => format!("Автопродление отключено. Подписка действует до {until}"),
        None => "Автопродление отключено".to_owned(),
    }
}

/// Something the service depends on does not answer.
pub const NOT_READY: &str = "Сервис временно недоступен";

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

/// What somebody is told who has chosen the recipient of a gift.
#[must_use]
pub fn gift_recipient(tg_id: i64) -> String {
    format!(
        "Получатель выбран, его Telegram ID: {tg_id}. Откройте приложение, раздел «Подарить \
         подписку», и оплатите подарок: ссылку для получателя мы пришлём сюда."
    )
}

/// What a recipient is told whose gift was activated by its link. `until` is a date as people
/// write it.
#[must_use]
pub fn gift_received(until: &str, energies: u32) -> String {
    format!(
        "Подарок активирован 🎁 Подписка действует до {until}. Начислено энергий: {energies} ⚡"
    )
}

/// Why somebody has to leave a chat.
pub const CHAT_UNPAID: &str = "Этот чат открыт только участникам клуба с действующей подпиской. \
     Оформите её в приложении, и сможете войти снова.";

/// For those who run the club: the ratings did not add up.
#[must_use]
pub fn rating_drift(found: u64, repaired: u64) -> String {
    format!("Рейтинги разошлись с данными участников. Расхождений: {found}, исправлено: {repaired}")
}

/// The member is in a team already.
pub const ALREADY_IN_DECADE: &str = "Вы уже состоите в десятке";
/// Nobody knows the member.
pub const MEMBER_UNKNOWN: &str = "Пользователь не найден";
/// No city is chosen.
pub const DECADE_NO_CITY: &str = "Выберите город в профиле";
/// Only paid members join teams.
pub const DECADE_UNPAID: &str = "Для вступления в десятку нужна активная подписка";
/// Others were faster.
pub const DECADE_OUTRUN: &str = "Не удалось записаться в десятку, попробуйте позже";

/// No team of the city has a place.
#[must_use]
pub fn decades_full(city: &str) -> String {
    format!("В городе {city} нет доступных десяток")
}

/// Leaders report at the end of the week.
pub const REPORT_NOT_NOW: &str = "Отчёт можно отправить только с пятницы по воскресенье";
/// A red light needs a reason.
pub const REPORT_NO_PROBLEM: &str = "Опишите проблему при красном статусе";
/// The report of this week was sent.
pub const LEADER_REPORT_EXISTS: &str = "Отчёт за эту неделю уже отправлен";
/// Only leaders of active teams report.
pub const REPORT_NOT_LEADER: &str = "Вы не ведёте активную десятку";
/// Only paid members found teams.
pub const FOUNDER_UNPAID: &str = "Создать десятку может участник с активной подпиской";
/// Nobody has let the member lead.
pub const FOUNDER_NOT_ALLOWED: &str = "Вести десятку можно после подтверждения куратором клуба";
/// The member leads a team already.
pub const FOUNDER_LEADS: &str = "Вы уже ведёте десятку";
/// The bot lacks rights in the chat of a team.
pub const CHAT_NO_RIGHTS: &str = "Сделайте бота администратором с правами блокировать участников \
     и приглашать по ссылке, и добавьте его снова.";
/// The chat belongs to a team.
pub const CHAT_TAKEN: &str = "У этого чата уже есть десятка";
/// The member leads a team, or is in one.
pub const LEADER_BUSY: &str = "Участник уже состоит в десятке или ведёт её";
/// The member is in a team.
pub const ALREADY_IN_TEAM: &str = "Участник уже состоит в десятке";
/// The member is in no team.
pub const NOT_IN_TEAM: &str = "Участник не состоит в десятке";
/// All places of the team are taken.
pub const TEAM_FULL: &str = "В десятке нет свободных мест";
/// Only members of a team see the others.
pub const NOT_TEAM_MEMBER: &str = "Состав виден только участникам десятки";

/// The member has not reported for thirty days.
#[must_use]
pub fn team_inactive(team: &str) -> String {
    format!(
        "Вы не сдавали отчёты 30 дней, поэтому место в команде «{team}» освобождено. Вернуться в \
         десятку можно в приложении."
    )
}

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
