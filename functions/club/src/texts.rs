//! Every sentence that members read.

/// Input does not read.
pub const INVALID: &str = "Проверьте введённые данные";
/// There is no such thing.
pub const NOT_FOUND: &str = "Не найдено";
/// The credential is missing or no good.
pub const UNAUTHORIZED: &str = "Войдите заново";
/// The caller may not do that.
pub const FORBIDDEN: &str = "Действие недоступно";
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

/// Something the service depends on does not answer.
pub const NOT_READY: &str = "Сервис временно недоступен";
