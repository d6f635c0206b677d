//! Courses, weekly reports and the shop.

/// A course is among the favourites now.
pub const FAVORITE_ADDED: &str = "Курс добавлен в избранное";
/// A course is no favourite any more.
pub const FAVORITE_REMOVED: &str = "Курс убран из избранного";
/// The member has a report of this week already.
pub const WEEKLY_REPORT_EXISTS: &str = "Отчёт за эту неделю уже отправлен";
/// A report can be taken back for a day only.
pub const REPORT_DELETE_WINDOW_OVER: &str =
    "Отчёт можно удалить только в течение 24 часов после отправки";
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
