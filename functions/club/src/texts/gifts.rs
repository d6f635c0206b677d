//! Gifts: those who give them, and those who get them.

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
