//! Links, payments, and what subscriptions end and begin with.

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
/// Some or all of the money that was put aside went back.
pub const ASIDE_REFUNDED: &str = "Деньги по этому платежу уже возвращены";
/// Somebody decided that nothing is to be done about the money.
pub const ALREADY_DISMISSED: &str = "Этот платёж уже отклонён";
/// What came is no sum of a known currency.
pub const SUM_UNREADABLE: &str = "Сумма или валюта платежа не читается";
/// An offer of this key is there.
pub const OFFER_EXISTS: &str = "Предложение с таким ключом уже есть";
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
/// Several requests for one link at once.
pub const LINK_PENDING: &str = "Ссылка уже создаётся. Попробуйте через несколько секунд";

/// What a member is told once a payment has settled. `until` is a date as people write it.
#[must_use]
pub fn congratulation(until: &str, energies: u32) -> String {
    format!("Оплата прошла! Подписка действует до {until}. Начислено энергий: {energies} ⚡")
}

/// What a payer is told when the checks have ended without a payment.
pub const PAYMENT_NOT_COMPLETED: &str = "Мы не увидели оплату. Если деньги списались, мы засчитаем платёж, как только он дойдёт. \
     Если оплата не прошла, попробуйте ещё раз.";
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
