"""The decade view of teams: the app sends launch data in the body."""

from datetime import timedelta

from club.kit import Json, User, World, body_of, dig
from club.shapes import boolean, instant, integer, maybe_text, obj, opt, text
from club.wire import Answer, query_string

DECADES = "/api/v1/decades"
DECADE = {
    "id": text,
    "city": text,
    "number": integer,
    "name": text,
    "inviteLink": maybe_text,
    "currentMembers": integer,
    "maxMembers": integer,
    "isLeader": boolean,
    "joinedAt": instant,
}


def call(w: World, user: User, path: str, **body: object) -> Answer:
    """As the app does it: no header, the data in the body."""
    return w.send("POST", f"{DECADES}/{path}", {"initData": user.data()} | body)


def refusal(w: World, name: str, answer: Answer, part: str, **more: object) -> Json:
    """A business refusal: 200, `success:false` and a code."""
    body = body_of(answer)
    holds = (
        answer.status == 200
        and body.get("success") is False
        and part in str(body.get("error"))
        and isinstance(body.get("code"), str)
        and all(body.get(key) == value for key, value in more.items())
    )
    w.report.check(name, holds, answer.brief(), f"200, success:false, code, error {part!r} {more or ''}")
    return body


def joins(w: World) -> None:
    """Choosing a team."""
    city = w.city()
    me = w.user(paid=True)
    refusal(w, "without a city", call(w, me, "join"), "Выберите город в профиле")
    w.need(me.patch("/api/v1/users/me", {"city": city}))
    refusal(w, "no team in the city", call(w, me, "join"), f"В городе {city} нет доступных десяток")
    none = w.success("no decade", call(w, me, "my"))
    w.report.check("is null", none.get("decade", 0) is None, none)
    team = w.team(city, inviteLink="https://t.me/+first")
    cities = w.success("cities", call(w, me, "cities"), {"cities": [text]})
    w.report.check(
        "has mine as the profile spells it", me.me()["city"] in (cities.get("cities") or []), cities
    )
    poor = w.user(city=city)
    refusal(w, "unpaid", call(w, poor, "join"), "Для вступления в десятку нужна активная подписка")
    done = w.success("join", call(w, me, "join", city="Чужой"), {"inviteLink": text, "decadeName": text})
    w.report.equal("its link", done.get("inviteLink"), "https://t.me/+first")
    w.report.equal("its name", done.get("decadeName"), f"Десятка №1 {city}")
    again = refusal(w, "again", call(w, me, "join"), "already_in_decade", error="already_in_decade")
    w.report.equal("with the link", again.get("inviteLink"), "https://t.me/+first")
    w.report.equal("and a text", again.get("message"), "Вы уже состоите в десятке")
    w.report.equal("and where", again.get("currentDecade"), {"city": city, "number": 1})
    mine = w.success("my decade", call(w, me, "my"), {"decade": DECADE})
    w.report.equal("is this team", dig(mine, "decade.id"), team["id"])
    w.report.equal("its name", dig(mine, "decade.name"), f"Десятка №1 {city}")
    w.report.equal("I do not lead it", dig(mine, "decade.isLeader"), False)
    w.report.equal("the team view agrees", dig(body_of(me.get("/api/teams/my")), "team.id"), team["id"])
    locked = w.user(paid=True, city=city)
    w.team(city, locked)
    w.refused(
        "a leader keeps his city", locked.patch("/api/v1/users/me", {"city": w.city()}), 409, "city_locked"
    )


def identities(w: World) -> None:
    """Header and body."""
    me, other = w.user(paid=True, city=w.city()), w.user()
    w.success("the header alone", me.post(f"{DECADES}/my"))
    w.success("both of one subject", me.post(f"{DECADES}/my", {"initData": me.data()}))
    w.refused(
        "of two", me.post(f"{DECADES}/my", {"initData": other.data()}), 403, "subject_mismatch", "Forbidden"
    )
    w.refused("none", w.send("POST", f"{DECADES}/my", {}), 401)
    broken = me.data()[:-1] + ("0" if me.data()[-1] != "0" else "1")
    w.refused(
        "a broken one",
        w.send("POST", f"{DECADES}/my", {"initData": broken}),
        401,
        "invalid_init_data",
        "Invalid Telegram data",
    )
    old = me.data()
    w.advance(86_400 + 61)
    me._data = ""
    w.success("an expired one beside a valid header", me.post(f"{DECADES}/my", {"initData": old}))
    w.refused(
        "an expired one alone", w.send("POST", f"{DECADES}/my", {"initData": old}), 401, "invalid_init_data"
    )
    stranger = User(w, 4_000_000_000 + w.number(), first_name="Новый")
    answer = call(w, stranger, "join")
    refusal(w, "a first contact", answer, "")
    w.report.check(
        "is a member or not found",
        dig(body_of(answer), "error") in ("Пользователь не найден", "Выберите город в профиле")
        or "подписка" in str(dig(body_of(answer), "error")),
        answer.brief(),
    )


def last_place(w: World) -> None:
    """Thirty at once."""
    city = w.city()
    w.team(city, maxMembers=2)
    first = w.user(paid=True, city=city)
    w.success("the first", call(w, first, "join"))
    people = [w.user(paid=True, city=city) for _ in range(30)]
    answers = w.both([lambda p=p: call(w, p, "join") for p in people], 15)
    inside = [each for each in answers if body_of(each).get("success") is True]
    w.report.equal("one success", len(inside), 1)
    w.report.equal("all answered", {each.status for each in answers} - {200, 503}, set())
    errors = {str(body_of(each).get("error")) for each in answers if body_of(each).get("success") is not True}
    strange = [
        each
        for each in errors
        if "нет доступных десяток" not in each and "попробуйте позже" not in each and "Service" not in each
    ]
    w.report.equal("others have no place", strange, [])
    found = (body_of(first.get("/api/teams", city=city)).get("teams") or [{}])[0]
    w.report.equal("the counter", found.get("memberCount"), 2)


def lights(w: World) -> None:
    """The leader's weekly report."""
    city = w.city()
    leader, member = w.user(paid=True, days=60, city=city), w.user(paid=True, days=60, city=city)
    team = w.team(city, leader)
    w.success("a member joins", call(w, member, "join"))
    w.go_to_msk(2, 12)
    status = {"hasReported": boolean, "canSubmit": boolean, "weekNumber": integer, "weekStart": text}
    before = w.success("status on Wednesday", call(w, leader, "report-status"), status)
    w.report.equal("not yet", (before.get("hasReported"), before.get("canSubmit")), (False, False))
    w.report.equal("the week", before.get("weekNumber"), w.msk().isocalendar().week)
    early = call(w, leader, "report", status="green")
    refusal(w, "on Wednesday", early, "Отчёт можно отправить только с пятницы по воскресенье")
    w.go_to_msk(3, 23, 59)
    refusal(w, "Thursday 23:59", call(w, leader, "report", status="green"), "с пятницы по воскресенье")
    w.advance(60)
    open_now = body_of(call(w, leader, "report-status"))
    w.report.equal("Friday 00:00", open_now.get("canSubmit"), True)
    refusal(
        w,
        "red without a problem",
        call(w, leader, "report", status="red"),
        "Опишите проблему при красном статусе",
    )
    for name, bad in {"yellow": "yellow", "missing": None, "a number": 3}.items():
        w.refused(f"status {name}", call(w, leader, "report", status=bad), 400, "validation_failed")
    refusal(w, "of a member", call(w, member, "report", status="green"), "Вы не ведёте активную десятку")
    long = call(w, leader, "report", status="red", problemDescription="я" * 1001)
    w.refused("a long problem", long, 400, "validation_failed")
    done = call(w, leader, "report", status="red", problemDescription="Тихо")
    made = w.success("report", done, {"report": obj})
    w.report.equal("its status", dig(made, "report.status"), "red")
    refusal(w, "twice", call(w, leader, "report", status="green"), "Отчёт за эту неделю уже отправлен")
    after = body_of(call(w, leader, "report-status"))
    w.report.equal("reported", (after.get("hasReported"), after.get("canSubmit")), (True, False))
    w.go_to_msk(6, 23, 59)
    w.advance(60)
    week = body_of(call(w, leader, "report-status"))
    w.report.equal("a new week", (week.get("hasReported"), week.get("canSubmit")), (False, False))
    monday = call(w, leader, "report", status="green")
    refusal(w, "on Monday", monday, "с пятницы по воскресенье")
    past = w.msk().date() - timedelta(days=1)
    week = f"?weekNumber={past.isocalendar().week}&year={past.isocalendar().year}"
    listed = w.success("the administrator's reports", w.admin("GET", f"{DECADES}/admin/reports{week}"))
    w.report.check("have it", "Тихо" in str(listed) or team["id"] in str(listed), listed)


def can_create(w: World) -> None:
    """Who may lead."""
    shape = {
        "canCreate": boolean,
        "reason": opt(text),
        "city": maybe_text,
        "userId": opt(lambda value: text(value) or integer(value)),
    }
    me = w.user(paid=True, city=w.city())
    no = w.success("can-create", call(w, me, "can-create"), shape)
    w.report.equal("not without leave", no.get("canCreate"), False)
    w.report.check("and a reason", text(no.get("reason")), no)
    w.success("leave", w.admin("PUT", f"/api/admin/leaders/{me.tg}", {"canLead": True}))
    yes = w.success("can-create", call(w, me, "can-create"), shape)
    w.report.equal("now he can", yes.get("canCreate"), True)
    w.report.equal("in his city", yes.get("city"), me.me()["city"])
    w.need(w.admin("PUT", f"/api/admin/leaders/{me.tg}", {"canLead": False}))
    w.report.equal("taken away", body_of(call(w, me, "can-create")).get("canCreate"), False)
    w.refused(
        "leave for nobody", w.admin("PUT", "/api/admin/leaders/999", {"canLead": True}), 404, "not_found"
    )
    w.refused(
        "by a member", me.send("PUT", f"/api/admin/leaders/{me.tg}", {"canLead": True}), 403, "admin_required"
    )


def desk(w: World) -> None:
    """The administrator's lists."""
    city = w.city()
    leader = w.user(paid=True, city=city)
    team = w.team(city, leader)
    for path in ("all", "stats", "reports"):
        for query in ({}, {"city": city}):
            w.success(f"admin/{path} {query}", w.admin("GET", f"{DECADES}/admin/{path}{query_string(query)}"))
        w.refused(f"admin/{path} by a member", leader.get(f"{DECADES}/admin/{path}"), 403, "admin_required")
    w.success("week", w.admin("GET", f"{DECADES}/admin/reports?weekNumber=48&year=2026"))
    w.refused("a bad week", w.admin("GET", f"{DECADES}/admin/reports?weekNumber=77&year=2026"), 400)
    inside = w.success("members", w.admin("GET", f"{DECADES}/admin/members/{team['id']}"))
    w.report.check("has the leader", leader.id in str(inside) or str(leader.tg) in str(inside), inside)
    w.refused("members of nothing", w.admin("GET", f"{DECADES}/admin/members/nothing"), 404, "not_found")


SCENARIOS = (joins, identities, last_place, lights, can_create, desk)
