"""What members do in Telegram: hashtags, teams of chats, onboarding."""

from club.kit import Json, User, World, body_of, dig
from club.payments import made, private
from club.shapes import true

PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9}]


def chat_message(w: World, who: User, chat: int, words: str, photo: bool = False, **more: object) -> Json:
    """A message in a group."""
    message = {
        "message_id": w.number(),
        "date": int(w.now()),
        "chat": {"id": chat, "type": "supergroup", "title": "Чат"},
        "from": {"id": who.tg, "is_bot": False, "first_name": "Анна"},
    }
    message |= {"photo": PHOTO, "caption": words} if photo else {"text": words}
    return message | more


def say(w: World, who: User, chat: int, words: str, photo: bool = False) -> Json:
    message = chat_message(w, who, chat, words, photo)
    w.update(message=message)
    w.idle()
    return message


def earned(w: World, who: User, chat: int, words: str, photo: bool = False) -> list[int]:
    """What a message gives, newest last."""
    before = len(who.history(limit=200))
    say(w, who, chat, words, photo)
    return [
        each["amount"] for each in reversed(who.history(limit=200)[: len(who.history(limit=200)) - before])
    ]


def webhook(w: World) -> None:
    """The door."""
    path, secret = "/api/v1/bot/webhook", w.secrets["TELEGRAM_WEBHOOK_SECRET"]
    update = {"update_id": 800_000_000 + w.number(), "message": private(w, w.user(), "привет")}
    for name, headers in {
        "no": {},
        "an empty": {"X-Telegram-Bot-Api-Secret-Token": ""},
        "a wrong": {"X-Telegram-Bot-Api-Secret-Token": secret + "1"},
    }.items():
        answer = w.send("POST", path, update, headers)
        w.report.equal(
            f"{name} secret",
            (answer.status, answer.object().get("ok"), answer.object().get("error")),
            (401, False, "Unauthorized"),
        )
    for _ in range(2):
        answer = w.send("POST", path, update, {"X-Telegram-Bot-Api-Secret-Token": secret})
        w.report.equal("the right one, twice", (answer.status, answer.object()), (200, {"ok": True}))
    w.idle()


def team_chat(w: World) -> None:
    """Tags in a team's chat."""
    city, chat = w.city(), -1_001_000_000 - w.number()
    me, stranger = w.user(paid=True, city=city, days=60), w.user(paid=True, city=city, days=60)
    team = w.team(city, tgChatId=chat)
    w.need(w.admin("POST", f"/api/teams/{team['id']}/join", {"userId": me.id}))
    w.go_to_msk(2, 12)
    message = say(w, me, chat, "Мой #отчёт за день")
    w.report.equal("#отчёт", me.balance(), 50)
    entry = me.history()[0]
    w.report.equal(
        "its words", (entry["reason"], dig(entry, "metadata.chat_type")), ("Ежедневный отчет", "decade")
    )
    w.report.check("its tag", "отч" in str(dig(entry, "metadata.hashtag")), entry)
    said = [str(each.get("text")) for each in w.said(me.tg)]
    w.report.check("a message names amount and balance", said and "50" in said[-1], said)
    sent = w.desk("GET", "/telegram/messages")["messages"]
    reactions = [
        each
        for each in sent
        if each["method"] == "setMessageReaction" and dig(each, "payload.message_id") == message["message_id"]
    ]
    w.report.equal("a reaction", [dig(each, "payload.reaction.0.emoji") for each in reactions], ["⚡"])
    w.update(message=message)
    w.update(edited_message=message | {"edit_date": int(w.now()), "text": "Мой #отчёт, исправленный"})
    w.idle()
    w.report.equal("redelivered and edited", me.balance(), 50)
    count = len(w.said(me.tg))
    w.report.equal("a second the same day", earned(w, me, chat, "#отчет снова"), [])
    w.report.equal("is silent", len(w.said(me.tg)), count)
    progress = body_of(me.get("/api/v1/energies/weekly-progress"))
    w.report.equal("shown as used", dig(progress, "progress.otchet.used"), 1)
    w.report.equal("no tag", earned(w, me, chat, "отчёт без тега"), [])
    w.report.equal("a paid stranger", earned(w, stranger, chat, "#отчёт"), [])
    w.report.equal("the call's tag is not for teams", earned(w, me, chat, "#созвон", True), [])
    w.advance(86_400)
    w.report.equal("tomorrow", earned(w, me, chat, "#ДЗ готово"), [50])
    unpaid = w.user(city=city)
    w.report.equal("unpaid", earned(w, unpaid, chat, "#отчёт"), [])


def city_chat(w: World) -> None:
    """Tags in a city's chat."""
    city, chat = w.city(), -1_002_000_000 - w.number()
    me = w.user(paid=True, city=city, days=90)
    w.success(
        "the chat",
        w.admin("PUT", f"/api/admin/city-chats/{chat}", {"city": city, "inviteLink": "https://t.me/+c"}),
    )
    w.refused("without a city", w.admin("PUT", f"/api/admin/city-chats/{chat}", {}), 400)
    w.go_to_msk(1, 12)
    first = earned(w, me, chat, "#созвон и #инсайт", True)
    w.report.check(
        "call and insight: by the vector 100 + 40, by the rule 100",
        first in ([100, 40], [40, 100], [100]),
        first,
    )
    w.report.among("by the vector", sum(first), 140)
    w.report.equal("combo", earned(w, me, chat, "#созвон #сторис", True), [300])
    w.report.equal("again", earned(w, me, chat, "#созвон #сторис", True), [300])
    w.report.equal("thrice", earned(w, me, chat, "#созвон #сторис", True), [300])
    before = len(w.said(me.tg))
    w.report.equal("the fourth", earned(w, me, chat, "#созвон #сторис", True), [])
    w.report.check("is told", len(w.said(me.tg)) > before, "no message")
    w.tick()
    w.report.equal("the fourth, with another tag", earned(w, me, chat, "#созвон #сторис #инсайт", True), [40])
    before = len(w.said(me.tg))
    w.report.equal("stories without media", earned(w, me, chat, "#сторис"), [])
    w.report.check("is told why", len(w.said(me.tg)) > before, "no message")
    w.report.equal("stories", earned(w, me, chat, "#сторис", True), [200])
    w.report.equal("a challenge", earned(w, me, chat, "#челлендж"), [1])
    w.report.equal("once a day", earned(w, me, chat, "#челлендж"), [])
    w.tick()
    w.report.equal("practice on a Tuesday", earned(w, me, chat, "#практика", True), [])
    sent = w.desk("GET", "/telegram/messages")["messages"]
    emoji = {
        dig(each, "payload.reaction.0.emoji")
        for each in sent
        if each["method"] == "setMessageReaction" and dig(each, "payload.chat_id") == chat
    }
    w.report.equal("reactions", emoji, {"❤"})
    w.go_to_msk(5, 2, 30)
    w.report.equal("practice on Saturday 02:30 in Moscow", earned(w, me, chat, "#практика", True), [50])
    w.report.equal("once a week", earned(w, me, chat, "#практика", True), [])
    w.report.equal("without media", earned(w, w.user(paid=True, city=city), chat, "#практика"), [])
    w.report.equal("of another city", earned(w, w.user(paid=True, city=w.city()), chat, "#инсайт"), [])
    w.report.equal("of no city", earned(w, w.user(paid=True), chat, "#инсайт"), [])


def keyword(w: World) -> None:
    """The first steps after a payment."""
    me = w.user()
    w.pay(made(w, me))
    start = len(w.said(me.tg))
    w.update(message=private(w, me, "успехи"))
    w.idle()
    w.report.equal("another word: a hint", len(w.said(me.tg)), start + 1)
    w.update(message=private(w, me, "успех!"))
    w.idle()
    w.report.equal("at most every ten minutes", len(w.said(me.tg)), start + 1)
    w.update(message=private(w, me, " успех "))
    said = w.said(me.tg)
    w.report.check(
        "the word: a button", len(said) > start + 1 and "callback_data" in str(said[-1]["payload"]), said[-1:]
    )
    w.advance(31 * 60, "all")
    w.report.check("a reminder at 30 min", len(w.said(me.tg)) == len(said) + 1, w.said(me.tg)[len(said) :])
    data = callback(said[-1])
    w.update(
        callback_query={
            "id": f"c{w.number()}",
            "from": {"id": me.tg, "is_bot": False, "first_name": "Анна"},
            "chat_instance": "1",
            "data": data,
            "message": private(w, me, "кнопка") | {"from": {"id": 1, "is_bot": True, "first_name": "bot"}},
        }
    )
    after = len(w.said(me.tg))
    w.report.check("the button: a menu", after > len(said) + 1, w.said(me.tg)[-1:])
    w.advance(4 * 3600, "all")
    w.report.equal("no reminder after it", len(w.said(me.tg)), after)
    slow = w.user()
    w.pay(made(w, slow))
    count = len(w.said(slow.tg))
    passed = 0
    for minutes, n in ((21, 1), (81, 2), (201, 3), (400, 3)):
        w.advance((minutes - passed) * 60, "all")
        passed = minutes
        w.report.equal(f"reminders until {minutes} min", len(w.said(slow.tg)) - count, n)


def callback(message: Json) -> str:
    rows = dig(message, "payload.reply_markup.inline_keyboard") or []
    return next((str(each["callback_data"]) for row in rows for each in row if "callback_data" in each), "")


def membership(w: World) -> None:
    """A chat makes a team."""
    city, chat = w.city(), -1_003_000_000 - w.number()
    leader = w.user(paid=True, city=city)
    w.need(w.admin("PUT", f"/api/admin/leaders/{leader.tg}", {"canLead": True}))

    def bot(status: str, who: User = leader, at: int = chat) -> None:
        member = {"user": {"id": 7_000_000_001, "is_bot": True, "first_name": "bot"}, "status": status}
        if status == "administrator":
            member |= {
                "can_restrict_members": True,
                "can_invite_users": True,
                "can_be_edited": False,
                "is_anonymous": False,
            }
            for each in (
                "can_manage_chat",
                "can_delete_messages",
                "can_manage_video_chats",
                "can_promote_members",
                "can_change_info",
                "can_post_stories",
                "can_edit_stories",
                "can_delete_stories",
            ):
                member[each] = True
        if status == "kicked":
            member["until_date"] = 0
        w.update(
            my_chat_member={
                "chat": {"id": at, "type": "supergroup", "title": "Чат"},
                "from": {"id": who.tg, "is_bot": False, "first_name": "Анна"},
                "date": int(w.now()),
                "old_chat_member": {"user": member["user"], "status": "left"},
                "new_chat_member": member,
            }
        )
        w.idle()

    bot("administrator")
    mine = dig(body_of(leader.get("/api/teams/my")), "team") or {}
    w.report.equal(
        "a team", (mine.get("city"), mine.get("userRole"), mine.get("number")), (city, "leader", 1)
    )
    w.report.check("with a link", str(mine.get("inviteLink")).startswith("https://t.me/"), mine)
    friend = w.user(paid=True, city=city)
    w.success("which one can join", friend.post("/api/v1/decades/join"), {"success": true})
    bot("kicked")
    w.report.check(
        "removed: no team",
        body_of(leader.get("/api/teams/my")).get("team", 0) is None,
        body_of(leader.get("/api/teams/my")),
    )
    w.report.check("for its members", body_of(friend.get("/api/teams/my")).get("team", 0) is None, "")
    bot("administrator")
    back = dig(body_of(leader.get("/api/teams/my")), "team") or {}
    w.report.equal(
        "the same chat is the same team", (back.get("id"), back.get("isActive")), (mine.get("id"), True)
    )
    nobody = w.user(paid=True, city=city)
    other = chat - 1
    bot("administrator", nobody, other)
    w.report.check("without leave none", body_of(nobody.get("/api/teams/my")).get("team", 0) is None, "")
    left = [
        each
        for each in w.desk("GET", "/telegram/messages")["messages"]
        if each["method"] == "leaveChat" and dig(each, "payload.chat_id") == other
    ]
    w.report.equal("and the bot leaves", len(left), 1)


SCENARIOS = (webhook, team_chat, city_chat, keyword, membership)
