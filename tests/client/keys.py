"""Section 5, `Idempotency-Key`; section 13, validators and 304."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mini_app import Json, MiniApp
from wire import Answer
from world import World

REUSE = (422, "idempotency_mismatch", "Idempotency key reuse")
DAY_S = 86400
NO_BODY = None


def _send(app: MiniApp, path: str, body: Any, key: str) -> Answer:
    return app.raw("POST", path, body, headers={"Idempotency-Key": key})


def _seen(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body


def replays(world: World) -> None:
    """Every K endpoint: the stored answer, and no second effect."""
    report = world.report
    cases: list[tuple[str, Callable[[], tuple[MiniApp, str, Any]]]] = [
        ("create", lambda: (world.person(), "/api/orders", world.draft())),
        (
            "take",
            lambda: (world.executor(), f"/api/orders/{world.posted(world.person())['id']}/take", NO_BODY),
        ),
        ("respond", lambda: _on_deal(world, "respond")),
        ("complete", lambda: _on_deal(world, "complete")),
        ("close", lambda: _on_deal(world, "close")),
        ("recharge", lambda: (world.person(), "/api/balance/recharge", {"amount": 10})),
        ("create-invoice", lambda: (world.person(), "/api/balance/create-invoice", {"amount": 10})),
        ("review", lambda: _on_review(world)),
        ("complaint", lambda: _on_complaint(world)),
    ]
    for name, prepare in cases:
        app, path, body = prepare()
        first = _send(app, path, body, "key-1")
        balance = app.balance()
        again = [_send(app, path, body, "key-1") for _ in range(2)]
        report.check(f"{name}: success", 200 <= first.status < 300, first.brief())
        report.check(
            f"{name}: replayed",
            all(_seen(each) == _seen(first) for each in again),
            [each.brief() for each in (first, *again)],
        )
        report.equal(f"{name}: no second effect", app.balance(), balance)
        other = _send(app, path, (body or {}) | {"another": 1}, "key-1")
        _mismatch(world, f"{name}: another body", other)
        _mismatch(world, f"{name}: another query", _send(app, path + "?a=1", body, "key-1"))


def _mismatch(world: World, name: str, answer: Answer) -> None:
    problem = answer.problem()
    world.report.equal(name, (answer.status, problem.get("code"), problem.get("detail")), REUSE)


def _on_deal(world: World, verb: str) -> tuple[MiniApp, str, Any]:
    deal = world.taken()
    return deal.client, f"/api/orders/{deal.id}/{verb}", NO_BODY


def _on_review(world: World) -> tuple[MiniApp, str, Json]:
    deal = world.taken()
    deal.client.complete_order(deal.id)
    return deal.client, "/api/reviews/client", {"order_id": deal.id, "rating": 5}


def _on_complaint(world: World) -> tuple[MiniApp, str, Json]:
    deal = world.taken()
    return deal.executor, "/api/reviews/executor", {"order_id": deal.id, "complaint": "Другое"}


def scope(world: World) -> None:
    """Subject, method, route template; path parameters are part of the request."""
    report, app = world.report, world.executor()
    first, second = (world.posted(world.person())["id"] for _ in range(2))
    _send(app, f"/api/orders/{first}/take", NO_BODY, "same")
    _mismatch(world, "another path parameter", _send(app, f"/api/orders/{second}/take", NO_BODY, "same"))
    report.equal("not taken", app.balance()["balance"], 98)
    report.equal("another route", _send(app, "/api/balance/recharge", {"amount": 1}, "same").status, 200)
    report.equal(
        "another user", _send(world.executor(), f"/api/orders/{second}/take", NO_BODY, "same").status, 200
    )
    draft = world.draft()
    mine = _send(app, "/api/orders", draft, "same").json()
    report.equal("no key: a second effect", app.raw("POST", "/api/orders", draft).status, 409)
    report.equal("another key: a second effect", _send(app, "/api/orders", draft, "other").status, 409)
    app.delete_order(mine["id"])
    report.equal(
        "the stored answer outlives the order", _send(app, "/api/orders", draft, "same").json(), mine
    )


def key_form(world: World) -> None:
    """1 to 255 visible ASCII characters."""
    report, app = world.report, world.person()
    for number, key in enumerate(("k", "k" * 255, "!~{}|\\\"'"), start=1):
        report.equal(
            f"key of {len(key)}", _send(app, "/api/balance/recharge", {"amount": 1}, key).status, 200
        )
        report.equal(
            f"key of {len(key)} again",
            _send(app, "/api/balance/recharge", {"amount": 1}, key).json()["new_balance"],
            number,
        )
    for name, key in (("256", "k" * 256), ("a space", "a b"), ("not ASCII", "\u00fc")):
        answer = _send(app, "/api/balance/recharge", {"amount": 1}, key)
        report.check(
            f"key with {name} is refused",
            400 <= answer.status < 500 and "detail" in answer.problem(),
            answer.brief(),
        )


def parallel(world: World) -> None:
    """Ten at once under one key have one effect."""
    report = world.report
    for name, path, body in (
        ("recharge", "/api/balance/recharge", {"amount": 10}),
        ("create", "/api/orders", world.draft()),
    ):
        app = world.person()
        with ThreadPoolExecutor(10) as pool:
            answers = list(
                pool.map(lambda _, app=app, path=path, body=body: _send(app, path, body, "race"), range(10))
            )
        good = {each.body for each in answers if 200 <= each.status < 300}
        report.equal(f"{name}: one answer", len(good), 1)
        report.check(
            f"{name}: else 503",
            all(each.status == 503 for each in answers if each.status >= 300),
            [each.status for each in answers],
        )
        done = app.me()
        report.equal(f"{name}: one effect", done["balance"] + 10 * done["active_orders"], 10)


def life_of_a_key(world: World) -> None:
    """24 hours."""
    report, app = world.report, world.person()
    body = {"amount": 10}
    _send(app, "/api/balance/recharge", body, "daily")
    world.advance(DAY_S - 60)
    report.equal(
        "within the day", _send(app, "/api/balance/recharge", body, "daily").json()["new_balance"], 10
    )
    world.advance(120)
    report.equal("after it", _send(app, "/api/balance/recharge", body, "daily").json()["new_balance"], 20)


def validators(world: World) -> None:
    """Every `val` endpoint: a tag, 304 without a body, private, by authorization."""
    report, deal = world.report, world.taken()
    app = deal.client
    world.settle()
    for path in (
        "/api/orders",
        "/api/orders?mine=true",
        f"/api/orders/{deal.id}",
        "/api/users/me",
        "/api/users/me/preferences",
        "/api/users/me/notification-settings",
        "/api/balance",
        "/api/balance/transactions",
        "/api/reviews",
        "/api/reviews?by_me=1",
    ):
        name = path.replace(deal.id, "{id}")
        first = app.raw("GET", path)
        tag, caching = first.headers.get("etag", ""), first.headers.get("cache-control", "")
        report.check(f"{name}: private, revalidated", "private" in caching and "no-cache" in caching, caching)
        report.check(
            f"{name}: Vary",
            "authorization" in first.headers.get("vary", "").lower(),
            first.headers.get("vary"),
        )
        for sent in (tag, f"W/{tag}", f'"other", {tag}'):
            again = app.raw("GET", path, headers={"If-None-Match": sent})
            report.equal(
                f"{name}: 304 for {sent[:8]}", (bool(tag), again.status, again.body), (True, 304, b"")
            )
        report.equal(
            f"{name}: 200 for another tag",
            app.raw("GET", path, headers={"If-None-Match": '"other"'}).status,
            200,
        )
    own = app.raw("GET", f"/api/orders/{deal.id}").headers["etag"]
    for name, viewer in (
        ("a stranger", world.person()),
        ("anonymous", world.anonymous),
        ("an executor", deal.executor),
    ):
        answer = viewer.raw("GET", f"/api/orders/{deal.id}", headers={"If-None-Match": own})
        report.equal(f"the owner's tag is not good for {name}", answer.status, 200)


def own_writes(world: World) -> None:
    """A stored tag is refused at once after the caller's own write."""
    report, app = world.report, world.executor()
    writes: list[tuple[str, Callable[[], Any]]] = [
        ("/api/users/me/preferences", lambda: app.save_preferences({"cities": ["Омск"]})),
        ("/api/users/me/notification-settings", lambda: app.save_notification_settings({"enabled": True})),
        ("/api/users/me", lambda: app.recharge(1)),
        ("/api/balance", lambda: app.recharge(1)),
        ("/api/balance/transactions", lambda: app.recharge(1)),
        ("/api/orders?mine=true", lambda: world.posted(app)),
        ("/api/orders?taken_by_me=true", lambda: app.take_order(world.posted(world.person())["id"])),
    ]
    for path, write in writes:
        tag = app.raw("GET", path).headers["etag"]
        write()
        report.equal(path, app.raw("GET", path, headers={"If-None-Match": tag}).status, 200)
    deal = world.taken()
    path = f"/api/orders/{deal.id}"
    for actor, verb in ((world.executor(), "take"), (deal.client, "respond"), (deal.client, "complete")):
        tag = deal.client.raw("GET", path).headers["etag"]
        actor.call(200, "POST", f"{path}/{verb}")
        report.equal("the order", deal.client.raw("GET", path, headers={"If-None-Match": tag}).status, 200)
    tag = deal.executor.raw("GET", "/api/reviews?mine=true").headers["etag"]
    deal.client.review_client({"order_id": deal.id, "rating": 5})
    report.equal(
        "reviews about me",
        deal.executor.raw("GET", "/api/reviews?mine=true", headers={"If-None-Match": tag}).status,
        200,
    )


def ended_by_the_clock(world: World) -> None:
    """Acceptance 26: a 304 never confirms what has ended since."""
    report, deal = world.report, world.taken()
    city = {"city": world.posted(world.person(), city=world.city())["city"]}
    world.settle()
    reads: list[tuple[str, MiniApp, str, Json]] = [
        ("public list", world.anonymous, "/api/orders", city),
        ("order", deal.client, f"/api/orders/{deal.id}", {}),
        ("mine", deal.client, "/api/orders", {"mine": True}),
        ("taken by me", deal.executor, "/api/orders", {"taken_by_me": True}),
    ]
    tags = [app.raw("GET", path, query=query).headers["etag"] for _, app, path, query in reads]
    world.advance(3600)
    for (name, app, path, query), tag in zip(reads, tags, strict=True):
        report.equal(name, app.raw("GET", path, query=query, headers={"If-None-Match": tag}).status, 200)


SCENARIOS = (replays, scope, key_form, parallel, life_of_a_key, validators, own_writes, ended_by_the_clock)
