"""Signing in: launch data, tokens, cookies, renewal."""

from club.kit import User, World, body_of, dig
from club.launch import claims_of, encoded, hash_of, pairs_of, signed, token_of
from club.shapes import USER, integer, text
from club.wire import Answer

LOGIN = "/api/v1/auth/telegram"
REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/users/me"
TOKENS = {"token": text, "accessToken": text, "refreshToken": text, "expiresIn": integer}
DAY = 86_400


def login(w: World, data: object, **more: object) -> Answer:
    return w.send("POST", LOGIN, {"initData": data} | more)


def bearer(w: World, token: str, path: str = ME, cookies: str = "", method: str = "GET") -> Answer:
    headers = {"Authorization": f"Bearer {token}"} | ({"Cookie": cookies} if cookies else {})
    return w.send(method, path, None, headers)


def person(w: World, **more: object) -> dict[str, object]:
    return {"id": 4_100_000_000 + w.number(), "first_name": "Пётр", "username": "petr"} | more


def sign(w: World, user: object, at: float | None = None, **more: str) -> str:
    return signed(pairs_of(user, w.now() if at is None else at, **more), w.secrets["TELEGRAM_BOT_TOKEN"])


def logins(w: World) -> None:
    """What a login answers."""
    me = w.user()
    answer = login(w, me.data(), initDataUnsafe={"user": {"id": 1}})
    body = w.success("login", answer, {"user": USER} | TOKENS)
    w.report.equal("is the signed user", dig(body, "user.telegramId"), me.tg)
    w.report.equal("an hour", body.get("expiresIn"), 3600)
    w.report.equal("accessToken is token", body.get("accessToken"), body.get("token"))
    w.report.equal(
        "cookies",
        (answer.cookie("auth_token"), answer.cookie("refresh_token")),
        (body.get("token"), body.get("refreshToken")),
    )
    for each in answer.cookies:
        parts = {one.strip().lower() for one in each.split(";")}
        w.report.check(
            "a cookie's attributes",
            {"httponly", "path=/", "samesite=lax"} <= parts and "secure" not in parts,
            each,
        )
    claims = claims_of(body.get("token", "a.e30.b"))
    w.report.equal("claims", {"sub", "telegramId", "fam", "jti", "iat", "exp"} - claims.keys(), set())
    w.report.equal("of an hour", claims.get("exp", 0) - claims.get("iat", 0), 3600)
    for name, value in {
        "tma": f"tma {me.data()}",
        "Bearer launch data": f"Bearer {me.data()}",
        "Bearer token": f"Bearer {body.get('token')}",
    }.items():
        found = w.success(name, w.send("GET", ME, None, {"Authorization": value}), {"user": USER})
        w.report.equal(f"{name} is me", dig(found, "user.telegramId"), me.tg)
    found = w.success(
        "the cookie",
        w.send("GET", "/api/v1/auth/me", None, {"Cookie": f"auth_token={body.get('token')}"}),
        {"user": USER},
    )
    w.report.equal("is me", dig(found, "user.telegramId"), me.tg)
    other = w.user()
    found = body_of(
        w.send(
            "GET",
            ME,
            None,
            {"Authorization": f"tma {other.data()}", "Cookie": f"auth_token={body.get('token')}"},
        )
    )
    w.report.equal("the header wins over the cookie", dig(found, "user.telegramId"), other.tg)
    for name, send, error in (
        ("an empty body", None, "Empty body"),
        ("an empty text", b"", "Empty body"),
        ("no JSON", b"{", "Invalid JSON"),
        ("no launch data", b"{}", "initData is required"),
        ("empty launch data", b'{"initData":""}', "initData is required"),
    ):
        w.refused(name, w.send("POST", LOGIN, send), 400, error=error)
    nobody = signed([("auth_date", str(int(w.now()))), ("query_id", "q")], w.secrets["TELEGRAM_BOT_TOKEN"])
    w.refused("without a user", login(w, nobody), 400, error="User data not found")
    w.refused("too long", login(w, "x" * 8193), 400)
    w.refused(
        "no launch data at all", login(w, "user=1"), 401, "invalid_init_data", "Invalid Telegram initData"
    )
    unsafe = w.send("POST", LOGIN, {"initDataUnsafe": {"user": {"id": 5}}})
    w.report.check("unsigned data never log in", unsafe.status in (400, 401), unsafe.brief())


def signatures(w: World) -> None:
    """Which launch data are good."""
    token = w.secrets["TELEGRAM_BOT_TOKEN"]
    who = person(w)
    pairs = pairs_of(who, w.now())
    w.success("by our own signature", login(w, signed(pairs, token)))
    digest = hash_of(pairs, token)
    flipped = [(key, value.replace("Пётр", "Петр")) for key, value in pairs]
    no_date = [each for each in pairs if each[0] != "auth_date"]
    for name, data in {
        "another user": encoded([*flipped, ("hash", digest)]),
        "no hash": encoded(pairs),
        "the hash twice": encoded([*pairs, ("hash", digest), ("hash", digest)]),
        "an upper-case hash": encoded([*pairs, ("hash", digest.upper())]),
        "a short hash": encoded([*pairs, ("hash", digest[:-1])]),
        "no date": signed(no_date, token),
        "a date that is no number": signed([*no_date, ("auth_date", "now")], token),
        "a negative date": signed([*no_date, ("auth_date", "-5")], token),
        "a date with a sign": signed([*no_date, ("auth_date", f"+{int(w.now())}")], token),
        "86401 s old": sign(w, who, w.now() - DAY - 1),
        "61 s ahead": sign(w, who, w.now() + 61),
        "a duplicate key": signed([*pairs, ("chat_type", "private")], token),
        "another bot": signed(pairs, "7000000009:another"),
        "encoded twice": encoded([("a", signed(pairs, token))])[2:],
        "user 0": sign(w, who | {"id": 0}),
        "user -1": sign(w, who | {"id": -1}),
        "user 2^52": sign(w, who | {"id": 2**52}),
        "user 1.5": sign(w, who | {"id": 1.5}),
        "user a text": sign(w, who | {"id": "5"}),
        "user no JSON": signed([("user", "{"), ("auth_date", str(int(w.now())))], token),
    }.items():
        w.refused(
            name,
            w.send("GET", ME, None, {"Authorization": f"tma {data}"}),
            401,
            "invalid_init_data",
            "Invalid Telegram initData",
        )
        answer = login(w, data)
        allowed = (400, 401) if name.startswith("user") else (401,)
        w.report.check(f"{name}: no login", answer.status in allowed and not answer.cookies, answer.brief())
    for name, data in {
        "86400 s old": sign(w, who, w.now() - DAY),
        "60 s ahead": sign(w, who, w.now() + 60),
        "user 2^52-1": sign(w, person(w) | {"id": 2**52 - 1}),
    }.items():
        w.success(name, w.send("GET", ME, None, {"Authorization": f"tma {data}"}), {"user": USER})
    w.refused("no scheme", w.send("GET", ME, None, {"Authorization": signed(pairs, token)}), 401)
    w.refused("a strange scheme", w.send("GET", ME, None, {"Authorization": f"Basic {token}"}), 401)


def tokens(w: World) -> None:
    """Only our own access tokens."""
    me = w.user()
    good = me.login()["token"]
    claims = claims_of(good)
    secret = w.secrets["JWT_SECRET"]
    w.success("our own code signs the same", bearer(w, token_of(claims, secret)))
    none = {"alg": "none", "typ": "JWT"}
    for name, token in {
        "another secret": token_of(claims, "x" * 40),
        "no signature": good.rsplit(".", 1)[0] + ".",
        "alg none": token_of(claims, secret, none),
        "alg HS512": token_of(claims, secret, {"alg": "HS512", "typ": "JWT"}),
        "no family": token_of({key: value for key, value in claims.items() if key != "fam"}, secret),
        "an unknown family": token_of(claims | {"fam": "AAAAAAAAAAAAAAAAAAAAAA"}, secret),
        "no end": token_of({key: value for key, value in claims.items() if key != "exp"}, secret),
        "rubbish": "a.b.c",
        "empty": "",
    }.items():
        answer = bearer(w, token)
        w.report.check(f"{name}: 401", answer.status == 401, answer.brief())
    changed = good.split(".")
    changed[1] = changed[1][:-2] + ("AA" if changed[1][-2:] != "AA" else "BB")
    w.refused("a changed claim", bearer(w, ".".join(changed)), 401)
    swapped = token_of(claims | {"telegramId": 7, "sub": w.user().id}, secret)
    w.report.check("a family of another member", bearer(w, swapped).status == 401, bearer(w, swapped).brief())


def many(w: World) -> None:
    """First contact, limits."""
    fresh = User(w, 4_200_000_000 + w.number(), first_name="Новая")
    answers = w.both([lambda: login(w, fresh.data())] * 5, 5)
    w.report.equal("five first logins at once", {each.status for each in answers} - {503}, {200})
    ids = {dig(each.json(), "user.id") for each in answers if each.status == 200}
    w.report.equal("make one member", len(ids), 1)
    w.tick()
    person = w.user()
    statuses = [login(w, person.data()).status for _ in range(5)]
    w.report.equal("five logins", statuses, [200] * 5)
    sixth = login(w, person.data())
    body = w.refused("the sixth at once", sixth, 429, "too_many_requests", "Too Many Requests")
    for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"):
        w.report.check(f"has {name}", sixth.headers.get(name, "").isdigit(), sixth.headers)
    w.report.check(
        "retryAfter in ms",
        isinstance(body.get("retryAfter"), int) and body["retryAfter"] > w.now() * 1000,
        body,
    )
    w.report.check(
        "X-RateLimit-Reset in ms",
        int(sixth.headers.get("x-ratelimit-reset", 0)) > w.now() * 1000,
        sixth.headers,
    )
    w.success("others may", login(w, w.user().data()))
    w.advance(60)
    w.success("a minute later", login(w, person.data()))


def first_contact(w: World) -> None:
    """What a login writes."""
    number = 4_300_000_000 + w.number()

    def enter(**fields: object) -> dict[str, object]:
        data = sign(w, {"id": number, "first_name": "Ольга"} | fields, start_param="utm_src_med_camp")
        return dig(body_of(login(w, data)), "user") or {}

    first = enter(
        username="olga", language_code="ru", last_name="Орлова", photo_url="https://t.me/i/userpic/320/a.jpg"
    )
    w.report.equal(
        "created with",
        [first.get(key) for key in ("firstName", "lastName", "username", "languageCode", "photoUrl")],
        ["Ольга", "Орлова", "olga", "ru", "https://t.me/i/userpic/320/a.jpg"],
    )
    w.advance(DAY / 2)
    second = enter(first_name="Леля", last_name="Львова", username="lelya", language_code="en")
    w.report.equal("names stay", (second.get("firstName"), second.get("lastName")), ("Ольга", "Орлова"))
    w.report.equal("others follow", (second.get("username"), second.get("languageCode")), ("lelya", "en"))
    w.report.equal("the day", second.get("lastActiveDate"), w.iso())
    for url, kept in {
        "https://api.telegram.org/file/bot1:TOKEN/photo.jpg": False,
        "http://t.me/i/a.jpg": False,
        "https://t.me.evil.example/a.jpg": False,
        "https://evil.example/t.me": False,
        "https://user@evil.example/t.me": False,
        "https://cdn4.telegram.org/file/a.jpg": True,
        "https://t.me/i/userpic/320/b.svg": True,
        "javascript:alert(1)": False,
    }.items():
        w.tick()
        user = enter(photo_url=url)
        w.report.equal(f"photo {url}", user.get("photoUrl"), url if kept else None)


SCENARIOS = (logins, signatures, tokens, many, first_contact)
