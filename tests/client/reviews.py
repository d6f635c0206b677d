"""Section 5.7: reviews, complaints, `check`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mini_app import ApiError, Json
from orders import ABSENT_ID
from report import INVALID, REVIEW, identifier
from world import World

NOT_CLIENT = (404, "review_order_not_found", "Order not found or you are not the client")
NOT_DONE = (400, "review_not_allowed", "Can only review completed or expired orders")
NO_EXECUTOR = (400, "no_executor", "No executor has taken this order")
NOT_TAKER = (400, "executor_not_taker", "This executor did not take this order")
REVIEWED = (409, "already_reviewed", "Already reviewed this executor for this order")
NO_TAKE = (404, "not_taker", "You did not take this order")
COMPLAINED = (409, "already_complained", "Already complained about this order")
REASONS = ("Не отвечал", "Отменил заказ", "Неадекватное поведение", "Ложная информация", "Другое")


def _review(order_id: str, **more: Any) -> Json:
    return {"order_id": order_id, "rating": 5} | more


def client_review(world: World) -> None:
    """Guards in their order, then up to three reviews of one order."""
    report, deal = world.report, world.taken(3)
    client, (first, second, third) = deal.client, deal.executors
    report.refused("no such order", NOT_CLIENT, client.review_client, _review(ABSENT_ID))
    for name, app in (("a stranger", world.person()), ("an executor", first)):
        report.refused(name, NOT_CLIENT, app.review_client, _review(deal.id))
    report.refused("active", NOT_DONE, client.review_client, _review(deal.id))
    report.refused("active, not a taker", NOT_DONE, client.review_client, _review(deal.id, executor_id=1))
    client.complete_order(deal.id)
    report.refused("not a taker", NOT_TAKER, client.review_client, _review(deal.id, executor_id=client.id))
    answer = client.review_client(_review(deal.id, comment="  Отлично  "))
    report.shape("answer", answer, {"success": lambda value: value is True, "review_id": identifier})
    report.refused("without an executor again", REVIEWED, client.review_client, _review(deal.id))
    report.refused("the first by id", REVIEWED, client.review_client, _review(deal.id, executor_id=first.id))
    client.review_client(_review(deal.id, executor_id=second.id, rating=1, comment="   "))
    client.review_client(_review(deal.id, executor_id=str(third.id), rating="3", comment=None))
    seen = [
        (each["rating"], each["comment"], each["author_name"])
        for each in (app.reviews(about_me=True)[0] for app in deal.executors)
    ]
    report.equal("as written", seen, [(5, "Отлично", "Анна"), (1, None, "Анна"), (3, None, "Анна")])
    report.equal("rating of each", [app.me()["rating"] for app in deal.executors], [5, 1, 3])
    _other_ends(world)


def _other_ends(world: World) -> None:
    report, client = world.report, world.person()
    untaken = world.posted(client)["id"]
    deleted = world.posted(client)["id"]
    client.delete_order(deleted)
    report.refused("deleted", NOT_DONE, client.review_client, _review(deleted))
    closed = world.taken()
    closed.client.close_order(closed.id)
    report.refused("closed", NOT_DONE, closed.client.review_client, _review(closed.id))
    answered = world.taken()
    answered.client.respond(answered.id)
    world.advance(3600)
    report.refused("expired, untaken", NO_EXECUTOR, client.review_client, _review(untaken))
    report.refused(
        "expired, untaken, an executor", NO_EXECUTOR, client.review_client, _review(untaken, executor_id=5)
    )
    report.check("expired by the clock", answered.client.review_client(_review(answered.id))["success"])


def validation(world: World) -> None:
    """Ranges of the fields, before the order is looked at."""
    report, person = world.report, world.person()
    for name, body in (
        ("rating 0", _review(ABSENT_ID, rating=0)),
        ("rating 6", _review(ABSENT_ID, rating=6)),
        ("rating 4.5", _review(ABSENT_ID, rating=4.5)),
        ("no rating", {"order_id": ABSENT_ID}),
        ("no order", {"rating": 5}),
        ("comment of 501", _review(ABSENT_ID, comment="я" * 501)),
        ("NUL", _review(ABSENT_ID, comment="а\0б")),
        ("executor of a word", _review(ABSENT_ID, executor_id="x")),
    ):
        report.refused(name, INVALID, person.review_client, body)
    for name, body in (
        ("unknown reason", {"order_id": ABSENT_ID, "complaint": "Плохой"}),
        ("no reason", {"order_id": ABSENT_ID}),
        ("complaint of 501", {"order_id": ABSENT_ID, "complaint": "Другое", "comment": "я" * 501}),
        ("no order", {"complaint": "Другое"}),
    ):
        report.refused(f"complaint: {name}", INVALID, person.review_executor, body)
    deal = world.taken()
    deal.client.complete_order(deal.id)
    report.check("comment of 500", deal.client.review_client(_review(deal.id, comment="😀" * 500))["success"])


def complaints(world: World) -> None:
    """By executors only, once, in every status."""
    report = world.report
    deals = [world.taken() for _ in range(5)]
    deals[1].client.complete_order(deals[1].id)
    deals[2].client.close_order(deals[2].id)
    for deal, reason in zip(deals, REASONS, strict=True):
        complaint = {"order_id": deal.id, "complaint": reason, "comment": "  "}
        answer = deal.executor.review_executor(complaint)
        report.shape(
            f"{reason}", answer, {"success": lambda value: value is True, "complaint_id": identifier}
        )
        report.refused(f"{reason} twice", COMPLAINED, deal.executor.review_executor, complaint)
    complaint = {"order_id": deals[0].id, "complaint": "Другое"}
    for name, app in (("the client", deals[0].client), ("a stranger", world.person())):
        report.refused(name, NO_TAKE, app.review_executor, complaint)
    report.refused(
        "no such order", NO_TAKE, world.person().review_executor, complaint | {"order_id": ABSENT_ID}
    )
    report.equal("clients have no rating", deals[0].client.me()["rating"], 0)


def check(world: World) -> None:
    """Acceptance 22: three reviewed executors."""
    report, deal = world.report, world.taken(3)
    nothing: Json = {"submitted": False, "type": None, "executor_ids": []}
    report.equal("nothing yet", deal.client.check_review(order_id=deal.id), nothing)
    report.equal("unknown order", deal.client.check_review(order_id=ABSENT_ID), nothing)
    report.refused("no order", INVALID, deal.client.check_review)
    report.refused("executor of a word", INVALID, deal.client.check_review, order_id=deal.id, executor_id="x")
    deal.client.complete_order(deal.id)
    ids = [app.id for app in deal.executors]
    for count, executor_id in enumerate(ids[:2], start=1):
        deal.client.review_client(_review(deal.id, executor_id=executor_id))
        seen = deal.client.check_review(order_id=deal.id)
        report.equal(
            f"{count} reviewed",
            (seen["submitted"], seen["type"], sorted(seen["executor_ids"])),
            (True, "review", sorted(ids[:count])),
        )
    for executor_id, submitted in ((ids[0], True), (ids[1], True), (ids[2], False)):
        seen = deal.client.check_review(order_id=deal.id, executor_id=executor_id)
        report.equal(
            f"one executor, {submitted}",
            (seen["submitted"], sorted(seen["executor_ids"])),
            (submitted, sorted(ids[:2])),
        )
    deal.client.review_client(_review(deal.id, executor_id=ids[2]))
    report.equal("three", sorted(deal.client.check_review(order_id=deal.id)["executor_ids"]), sorted(ids))
    report.equal("an executor has sent nothing", deal.executor.check_review(order_id=deal.id), nothing)
    deal.executor.review_executor({"order_id": deal.id, "complaint": "Другое"})
    expected = {"submitted": True, "type": "complaint", "executor_ids": []}
    report.equal("a complaint", deal.executor.check_review(order_id=deal.id), expected)
    report.equal("a stranger", world.person().check_review(order_id=deal.id), nothing)


def lists(world: World) -> None:
    """Who reads which, filters, and pages in headers."""
    report, star, clients = world.report, world.executor(), []
    world.advance(1)
    for rating in (1, 2, 3, 4, 5, 5, 5):
        deal = world.taken()
        star.take_order(deal.id)
        deal.client.complete_order(deal.id)
        deal.client.review_client(
            _review(deal.id, executor_id=star.id, rating=rating, comment=f"Оценка {rating}")
        )
        clients.append(deal)
        world.advance(1)
    world.settle()
    about = star.reviews(about_me=True)
    report.equal("about me, newest first", [each["rating"] for each in about], [5, 5, 5, 4, 3, 2, 1])
    report.shape("review", about[0], REVIEW)
    expected = {"order_id": clients[-1].id, "category": "Сантехника", "city": "Москва", "author_name": "Анна"}
    report.equal("of its order", {key: about[0][key] for key in expected}, expected)
    report.equal("mine is its alias", star.reviews(mine=True), about)
    report.equal("by me, an executor", star.reviews(by_me=True), [])
    report.equal("by me, a client", clients[0].client.reviews(by_me=True), about[-1:])
    report.equal("about me, a client", clients[0].client.reviews(about_me=True), [])
    for flags in ({"by_me": True, "mine": True}, {"by_me": True, "about_me": True}):
        report.equal(f"{sorted(flags)}", clients[0].client.reviews(**flags), [])
    report.equal("rating 5", [each["rating"] for each in star.reviews(mine=True, rating=5)], [5, 5, 5])
    report.equal("rating 2, by me", clients[0].client.reviews(by_me=True, rating=2), [])
    public = world.anonymous.reviews(limit=7)
    report.equal("public list", public, about)
    report.check("public, by rating", {each["rating"] for each in world.anonymous.reviews(rating=4)} == {4})
    for query in ({"rating": 0}, {"rating": 6}, {"limit": 0}, {"limit": 101}, {"rating": "x"}, {"mine": "x"}):
        report.refused(f"{query}", INVALID, star.reviews, **query)
    _header_pages(
        world,
        lambda cursor: star.raw("GET", "/api/reviews", query={"mine": True, "limit": 3, "cursor": cursor}),
        about,
    )
    _header_pages(
        world,
        lambda cursor: world.anonymous.raw("GET", "/api/reviews", query={"limit": 3, "cursor": cursor}),
        about,
    )


def _header_pages(world: World, fetch: Callable[[str | None], Any], expected: list[Json]) -> None:
    report, cursor = world.report, None
    found: list[Json] = []
    while len(found) < len(expected):
        answer = fetch(cursor)
        page, headers = answer.json(), answer.headers
        found += page
        report.check(
            "X-Total-Count", headers.get("x-total-count", "").isdigit(), headers.get("x-total-count")
        )
        cursor = headers.get("x-next-cursor")
        link = headers.get("link", "")
        if cursor is None:
            report.equal("no Link at the end", link, "")
            break
        report.check("Link", link.startswith("<") and link.endswith('>; rel="next"') and cursor in link, link)
    report.equal("pages hold every review once", found[: len(expected)], expected)


def races(world: World) -> None:
    """P15: ten equal reviews."""
    deal = world.taken()
    deal.client.complete_order(deal.id)

    def status(_: int) -> int:
        try:
            deal.client.review_client(_review(deal.id, rating=4))
        except ApiError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(10) as pool:
        world.report.equal("one 200, nine 409", sorted(pool.map(status, range(10))), [200, *[409] * 9])
    world.report.equal("counted once", deal.executor.me()["rating"], 4)


def nameless(world: World) -> None:
    """The author's name at writing time; `Клиент` when blank."""
    for name, expected in ((" ", "Клиент"), ("", "Клиент"), ("Ольга", "Ольга")):
        client, executor = world.person(name), world.executor()
        order = world.posted(client)["id"]
        executor.take_order(order)
        client.complete_order(order)
        client.review_client(_review(order))
        world.report.equal(f"author {name!r}", executor.reviews(mine=True)[0]["author_name"], expected)
        client.user = {"id": client.id, "first_name": "Другое имя"}
        client.me()
        world.report.equal(f"author {name!r} stays", executor.reviews(mine=True)[0]["author_name"], expected)


SCENARIOS = (client_review, validation, complaints, check, lists, races, nameless)
