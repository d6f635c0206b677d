"""Limits of addresses, with no address trusted."""

from club.kit import World
from club.wire import Answer

FOUR = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def public(w: World) -> None:
    """Twenty a minute for who has no name."""
    w.tick()
    answers = w.both([lambda: w.anonymous("/api/v1/shop/items")] * 30)
    w.report.equal("of thirty exactly twenty", sum(each.status == 200 for each in answers), 20)
    late = next((each for each in answers if each.status == 429), answers[0])
    w.refused("others", late, 429, "too_many_requests", "Too Many Requests")
    for name in FOUR + ("retry-after",):
        w.report.check(f"{name}", late.headers.get(name, "").isdigit(), late.headers)
    forged = w.send(
        "GET", "/api/v1/shop/items", None, {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"}
    )
    w.report.equal("a forged address changes nothing", forged.status, 429)
    me = w.user()
    w.report.equal("a member has his own", me.get("/api/v1/shop/items").status, 200)
    w.advance(60)
    w.report.equal("a minute later", w.anonymous("/api/v1/shop/items").status, 200)


def failures(w: World) -> None:
    """Five failed logins."""
    w.tick()

    def bad() -> Answer:
        return w.send("POST", "/api/v1/auth/telegram", {"initData": "user=1&hash=2"})

    answers = [bad() for _ in range(6)]
    w.report.equal("five fail, the sixth is too much", [each.status for each in answers], [401] * 5 + [429])
    w.advance(61)
    for _ in range(8):
        w.report.equal("good logins do not count", "token" in w.user().login(), True)


def deliveries(w: World) -> None:
    """Unsigned deliveries are counted, signed ones are not."""
    w.advance(11)
    path = "/api/v1/bot/webhook"
    answers = [w.send("POST", path, {"update_id": 1}, {}).status for _ in range(32)]
    w.report.equal("thirty in ten seconds", answers, [401] * 30 + [429] * 2)
    w.advance(11)
    headers = {"X-Telegram-Bot-Api-Secret-Token": w.secrets["TELEGRAM_WEBHOOK_SECRET"]}
    good = [w.send("POST", path, {"update_id": 700_000_000 + n}, headers).status for n in range(35)]
    w.report.equal("signed ones pass", set(good), {200})


def administrators(w: World) -> None:
    """A thousand a minute."""
    w.tick()
    answer = w.admin("GET", "/metrics")
    w.report.equal("the limit", answer.headers.get("x-ratelimit-limit"), "1000")
    w.report.check("headers", all(answer.headers.get(each, "").isdigit() for each in FOUR), answer.headers)


SCENARIOS = (public, failures, deliveries, administrators)
