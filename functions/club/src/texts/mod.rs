//! Every sentence that members read, by what it is about. Here stand those that are said anywhere.

mod bot;
mod earning;
mod gifts;
mod materials;
mod office;
mod payments;
mod teams;

pub use bot::*;
pub use earning::*;
pub use gifts::*;
pub use materials::*;
pub use office::*;
pub use payments::*;
pub use teams::*;

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
/// The work of a job is under way.
pub const LEASE_HELD: &str = "Работа уже выполняется";
/// The city leads an active team.
pub const CITY_LOCKED: &str = "Лидер активной десятки не может сменить город";
/// The city was changed too often today.
pub const CITY_CHANGE_LIMIT: &str = "Город можно менять не больше трёх раз в день";
/// Something the service depends on does not answer.
pub const NOT_READY: &str = "Сервис временно недоступен";
/// Nobody knows the member.
pub const MEMBER_UNKNOWN: &str = "Пользователь не найден";
