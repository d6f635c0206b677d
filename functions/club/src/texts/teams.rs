//! Teams, their leaders and their chats.

/// The member is in a team already.
pub const ALREADY_IN_DECADE: &str = "Вы уже состоите в десятке";
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
