"""Refreshing, silent renewal, logout, origins."""

from club.auth import DAY, ME, REFRESH, TOKENS, bearer
from club.kit import World


def refreshing(w: World) -> None:
    """Rotation and reuse."""
    me = w.user()
    start = me.login()
    w.refused("nothing", w.send("POST", REFRESH, {}), 401, "refresh_missing", "No token provided")
    for bad in ("x", "a.1.b", start["refreshToken"][:-2] + "zz", start["refreshToken"].replace(".1.", ".2.")):
        w.refused(
            f"a bad one {bad[-5:]}",
            w.send("POST", REFRESH, {"refreshToken": bad}),
            401,
            "refresh_invalid",
            "Invalid token",
        )
    answer = w.send("POST", REFRESH, {"refreshToken": start["refreshToken"]})
    one = w.success("in the body", answer, TOKENS)
    w.report.check("another one", one.get("refreshToken") != start["refreshToken"], one)
    w.report.equal("in cookies, too", answer.cookie("refresh_token"), one.get("refreshToken"))
    again = w.success(
        "the answer was lost", w.send("POST", REFRESH, {"refreshToken": start["refreshToken"]}), TOKENS
    )
    w.report.equal("the same successor", again.get("refreshToken"), one.get("refreshToken"))
    w.advance(DAY)
    late = w.success("a day later", w.send("POST", REFRESH, {"refreshToken": start["refreshToken"]}), TOKENS)
    w.report.equal("still the same", late.get("refreshToken"), one.get("refreshToken"))
    two = w.success(
        "by cookie",
        w.send(
            "POST",
            REFRESH,
            None,
            {"Cookie": f"refresh_token={one.get('refreshToken')}", "Origin": "https://app.example"},
        ),
        TOKENS,
    )
    w.success("its token works", bearer(w, two.get("token", "")))
    w.success(
        "the previous one within the grace",
        w.send("POST", REFRESH, {"refreshToken": one.get("refreshToken")}),
        TOKENS,
    )
    three = w.success("the next", w.send("POST", REFRESH, {"refreshToken": two.get("refreshToken")}), TOKENS)
    w.advance(31)
    w.refused(
        "31 s after the successor's use",
        w.send("POST", REFRESH, {"refreshToken": one.get("refreshToken")}),
        401,
        "refresh_reused",
    )
    w.refused("revokes the family", bearer(w, three.get("token", "")), 401, "token_revoked", "Unauthorized")
    w.refused("whole", w.send("POST", REFRESH, {"refreshToken": three.get("refreshToken")}), 401)
    w.tick()
    calm = me.login()
    w.success("another family is untouched", bearer(w, calm.get("token", "")))
    w.advance(31 * DAY)
    w.refused("30 days unused", w.send("POST", REFRESH, {"refreshToken": calm["refreshToken"]}), 401)


def sliding(w: World) -> None:
    """Thirty days from the last use."""
    token = w.user().login()["refreshToken"]
    for _ in range(3):
        w.advance(20 * DAY)
        body = w.success("within 30 days", w.send("POST", REFRESH, {"refreshToken": token}), TOKENS)
        token = body.get("refreshToken", "")


def renewal(w: World) -> None:
    """Old clients never refresh by themselves."""
    me = w.user(energies=5)
    start = me.login()
    w.advance(3601)
    w.refused("expired, alone", bearer(w, start["token"]), 401, "token_expired", "Unauthorized")
    w.refused("beside an invalid cookie", bearer(w, start["token"], cookies="refresh_token=x.1.y"), 401)
    stranger = w.user().login()
    w.refused(
        "beside another's cookie",
        bearer(w, start["token"], cookies=f"refresh_token={stranger['refreshToken']}"),
        401,
    )
    path = "/api/v1/energies/balance"
    answer = bearer(w, start["token"], path, f"refresh_token={start['refreshToken']}")
    w.success("beside its cookie", answer)
    fresh = answer.headers.get("x-access-token", "")
    w.report.check("a new token", fresh.count(".") == 2 and fresh != start["token"], answer.headers)
    w.report.check(
        "rotated cookies",
        answer.cookie("auth_token") == fresh
        and answer.cookie("refresh_token") not in (None, start["refreshToken"]),
        answer.cookies,
    )
    hit = bearer(w, fresh, path)
    w.report.equal("a HIT after it", hit.headers.get("x-cache"), "HIT")
    w.report.check(
        "carries no cookie and no token", not hit.cookies and "x-access-token" not in hit.headers, hit.headers
    )
    beside = bearer(w, start["token"], path, f"auth_token={fresh}")
    w.success("the old token beside the new cookie", beside)
    w.report.check(
        "rotates nothing", not beside.cookies and "x-access-token" not in beside.headers, beside.headers
    )
    both = bearer(
        w, start["token"], path, f"auth_token={fresh}; refresh_token={answer.cookie('refresh_token')}"
    )
    w.report.check("with both cookies neither", both.status == 200 and not both.cookies, both.headers)
    w.refused(
        "a forged token beside the cookie",
        bearer(w, start["token"][:-3] + "AAA", path, f"refresh_token={answer.cookie('refresh_token')}"),
        401,
    )
    post = w.send(
        "PATCH",
        ME,
        {"lastName": "Новая"},
        {
            "Authorization": f"Bearer {start['token']}",
            "Cookie": f"refresh_token={answer.cookie('refresh_token')}",
        },
    )
    w.success("a mutation is served, too", post)
    w.report.check("with a token", "x-access-token" in post.headers, post.headers)


def leaving(w: World) -> None:
    """Logout."""
    me = w.user()
    one, two = me.login(), me.login()
    answer = bearer(w, one["token"], "/api/v1/auth/logout", method="POST")
    w.report.equal("message", w.success("logout", answer).get("message"), "Logged out successfully")
    cleared = {
        each.split("=")[0]
        for each in answer.cookies
        if "max-age=0" in each.lower() or "expires=thu, 01 jan 1970" in each.lower()
    }
    w.report.equal("cookies cleared", cleared, {"auth_token", "refresh_token"})
    w.refused("the token", bearer(w, one["token"]), 401, "token_revoked", "Unauthorized")
    w.refused("its refresh token", w.send("POST", REFRESH, {"refreshToken": one["refreshToken"]}), 401)
    w.refused(
        "expired later",
        (w.advance(3700), bearer(w, one["token"], cookies=f"refresh_token={one['refreshToken']}"))[1],
        401,
    )
    w.success("another login stays", w.send("POST", REFRESH, {"refreshToken": two["refreshToken"]}))
    w.refused("nobody", w.send("POST", "/api/v1/auth/logout", {}), 401, "unauthorized")


def origins(w: World) -> None:
    """A cookie alone needs an origin."""
    me = w.user()
    token = me.login()["token"]
    cookie = {"Cookie": f"auth_token={token}"}
    w.success("reading", w.send("GET", ME, None, cookie))
    w.refused(
        "writing without", w.send("PATCH", ME, {"lastName": "А"}, cookie), 403, "origin_refused", "Forbidden"
    )
    evil = cookie | {"Origin": "https://evil.example"}
    w.refused("writing from elsewhere", w.send("PATCH", ME, {"lastName": "Б"}, evil), 403, "origin_refused")
    w.refused(
        "from null",
        w.send("PATCH", ME, {"lastName": "Б"}, cookie | {"Origin": "null"}),
        403,
        "origin_refused",
    )
    ours = cookie | {"Origin": "https://app.example"}
    w.success("writing from the app", w.send("PATCH", ME, {"lastName": "В"}, ours))
    w.report.equal("written once", me.me()["lastName"], "В")
    w.success(
        "a header needs none",
        w.send(
            "PATCH",
            ME,
            {"lastName": "Г"},
            {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"},
        ),
    )


SCENARIOS = (refreshing, sliding, renewal, leaving, origins)
