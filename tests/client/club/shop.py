"""The shop: catalogue, purchases, raffles."""

from club.kit import Json, User, World, body_of, dig, seconds_of
from club.shapes import (
    CATEGORY,
    ITEM_TYPE,
    PURCHASE,
    SHOP_ITEM,
    array,
    count,
    instant,
    integer,
    maybe_object,
    maybe_text,
    obj,
    text,
)
from club.wire import Answer

SHOP = "/api/v1/shop"
SEED = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
SEED_HASH = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"


def item(w: World, **changes: object) -> str:
    """A new item in the shop."""
    id = f"item-{w.number()}"
    w.put("shop-item", id, **(draft() | changes))
    return id


def draft() -> Json:
    return {
        "title": "Талисман",
        "description": "Тёплый",
        "price": 30,
        "category": "elite",
        "itemType": "discount",
        "imageUrl": "https://img.example/t.png",
        "metadata": {"percent": 10},
        "isActive": True,
        "stock": None,
        "perUserLimit": None,
        "sortOrder": 5,
    }


def buy(me: User, id: str, **more: object) -> Answer:
    return me.post(f"{SHOP}/purchase", {"itemId": id} | more)


def catalogue(w: World) -> None:
    """What anyone sees."""
    id = item(w)
    hidden = item(w, isActive=False)
    listed = w.success("items", w.anonymous(f"{SHOP}/items"), {"items": [SHOP_ITEM]})
    found = {each["id"]: each for each in listed.get("items") or []}
    w.report.check("the new item is there", id in found, list(found))
    w.report.check("the inactive one is not", hidden not in found, "it is")
    own = found.get(id) or {}
    w.report.equal("as written", {key: own.get(key) for key in draft()}, draft())
    w.report.equal("itemData is metadata", own.get("itemData"), {"percent": 10})
    elite = body_of(w.anonymous(f"{SHOP}/items", category="elite")).get("items") or []
    w.report.equal("one category", {each["category"] for each in elite}, {"elite"})
    w.report.among("an unknown category", w.anonymous(f"{SHOP}/items", category="gold").status, 200, 400)
    groups = {"categories": {"elite": [SHOP_ITEM], "secret": [SHOP_ITEM], "savings": [SHOP_ITEM]}}
    by = w.success("by category", w.anonymous(f"{SHOP}/items/by-category"), groups)
    w.report.check(
        "has it in its place", id in [each["id"] for each in dig(by, "categories.elite") or []], by
    )
    some = w.success(
        "one of them",
        w.anonymous(f"{SHOP}/items/by-category", category="secret"),
        groups | {"items": [SHOP_ITEM]},
    )
    w.report.check("only that", all(each["category"] == "secret" for each in some.get("items") or []), some)
    w.success("one item", w.anonymous(f"{SHOP}/items/{id}"), {"item": SHOP_ITEM})
    for bad in ("nothing", hidden, "%D0%B6", "..%2f"):
        w.refused(f"item {bad}", w.anonymous(f"{SHOP}/items/{bad}"), 404, "not_found", "Item not found")
    w.success("for a member, too", w.user().get(f"{SHOP}/items"), {"items": [SHOP_ITEM]})


def purchases(w: World) -> None:
    """Buying and what remains of it."""
    me = w.user(paid=True, energies=100)
    id = item(w)
    empty = w.success("no purchases", me.get(f"{SHOP}/purchases"), {"purchases": [PURCHASE]})
    w.report.equal("are none", empty.get("purchases"), [])
    done = w.success(
        "purchase",
        buy(me, id, expectedPrice=30),
        {"item": SHOP_ITEM, "purchase": PURCHASE, "newBalance": count},
    )
    w.report.equal("the new balance", (done.get("newBalance"), me.balance()), (70, 70))
    own = done.get("purchase") or {}
    w.report.equal(
        "of that item",
        (own.get("itemId"), own.get("price"), own.get("status"), own.get("userId")),
        (id, 30, "completed", me.id),
    )
    w.report.equal(
        "with its words",
        (own.get("itemTitle"), own.get("itemDescription"), own.get("itemCategory"), own.get("itemType")),
        ("Талисман", "Тёплый", "elite", "discount"),
    )
    entry = dig(me.history(), "0") or {}
    w.report.equal("the entry", (entry.get("amount"), entry.get("reason")), (-30, "Покупка: Талисман"))
    other = item(w, price=10, category="secret", itemType="gift")
    w.advance(1)
    w.success("another", buy(me, other))
    listed = w.success("purchases", me.get(f"{SHOP}/purchases"), {"purchases": [PURCHASE]})
    w.report.equal("newest first", [each["itemId"] for each in listed.get("purchases") or []], [other, id])
    w.report.equal("limit=1", len(body_of(me.get(f"{SHOP}/purchases", limit=1)).get("purchases") or []), 1)
    w.refused("limit=0", me.get(f"{SHOP}/purchases", limit=0), 400, "validation_failed")
    unused = w.success("unused", me.get(f"{SHOP}/purchases/unused"), {"purchases": [PURCHASE]})
    w.report.equal("both", len(unused.get("purchases") or []), 2)
    stats = w.success("stats", me.get(f"{SHOP}/stats"))
    figures = stats.get("stats") if isinstance(stats.get("stats"), dict) else stats
    w.report.equal("in all", (figures.get("total"), figures.get("totalSpent")), (2, 40))
    w.report.check(
        "by category and type", obj(figures.get("byCategory")) and obj(figures.get("byType")), figures
    )
    w.report.equal(
        "shop balance", w.success("balance", me.get(f"{SHOP}/balance"), {"balance": count}).get("balance"), 60
    )
    bought = w.success(
        "purchased",
        me.get(f"{SHOP}/purchased/{id}"),
        {
            "item": {
                "id": text,
                "title": text,
                "description": maybe_text,
                "category": CATEGORY,
                "item_type": ITEM_TYPE,
                "item_data": maybe_object,
                "price": integer,
                "purchased_at": instant,
            }
        },
    )
    w.report.equal("its data", dig(bought, "item.item_data"), {"percent": 10})
    for bad in (item(w), "nothing"):
        w.refused(
            f"purchased {bad}",
            me.get(f"{SHOP}/purchased/{bad}"),
            404,
            "not_found",
            "Item not found or not purchased",
        )
    w.refused("use by a member", me.post(f"{SHOP}/purchases/{own.get('id')}/use"), 403, "admin_required")
    used = w.success(
        "use", w.admin("POST", f"{SHOP}/purchases/{own.get('id')}/use", {}), {"purchase": PURCHASE}
    )
    w.report.equal("used", dig(used, "purchase.status"), "used")
    w.report.check("since", instant(dig(used, "purchase.usedAt")), used)
    w.success("use again", w.admin("POST", f"{SHOP}/purchases/{own.get('id')}/use", {}))
    for bad in ("nothing", "%D0%B6"):
        w.refused(f"use {bad}", w.admin("POST", f"{SHOP}/purchases/{bad}/use", {}), 404, "not_found")
    left = body_of(me.get(f"{SHOP}/purchases/unused")).get("purchases") or []
    w.report.equal("one is left", [each["itemId"] for each in left], [other])
    w.success("used is still purchased", me.get(f"{SHOP}/purchased/{id}"))
    for path in ("purchases", "purchases/unused", "stats", "balance", "purchased/x"):
        w.refused(f"{path} of nobody", w.anonymous(f"{SHOP}/{path}"), 401, "unauthorized")


def refusals(w: World) -> None:
    """Who cannot buy what."""
    id = item(w)
    w.refused("unpaid", buy(w.user(energies=100), id), 403, "subscription_required", "Subscription required")
    me = w.user(paid=True, energies=29)
    w.refused("29 of 30", buy(me, id), 409, "insufficient_energies", "Insufficient energy points")
    w.report.equal("nothing happened", (me.balance(), len(me.history())), (29, 1))
    w.award(me, 1000)
    for bad in ("nothing", item(w, isActive=False)):
        w.refused(f"item {bad[:7]}", buy(me, bad), 404, "not_found", "Item not found")
    w.refused("an old price", buy(me, id, expectedPrice=20), 409, "price_changed")
    for bad in ({}, {"itemId": 5}, {"itemId": id, "expectedPrice": "x"}):
        w.refused(f"body {bad}", me.post(f"{SHOP}/purchase", bad), 400, "validation_failed")
    none = item(w, stock=0)
    w.refused("no stock", buy(me, none), 409, "out_of_stock")
    once = item(w, perUserLimit=1)
    w.success("the first", me.post(f"{SHOP}/purchase", {"itemId": once}, idempotency_key=f"a{w.number()}"))
    w.refused(
        "the second of one",
        me.post(f"{SHOP}/purchase", {"itemId": once}, idempotency_key=f"b{w.number()}"),
        409,
        "purchase_limit",
    )
    w.refused("nobody", w.send("POST", f"{SHOP}/purchase", {"itemId": id}), 401, "unauthorized")


def repeats(w: World) -> None:
    """The app repeats a POST up to nine times without a key."""
    id = item(w, price=10)
    me = w.user(paid=True, energies=100)
    answers = w.both([lambda: buy(me, id)] * 3, 3)
    w.report.equal("three at once", {each.status for each in answers} - {200, 503}, set())
    w.report.equal(
        "one purchase", (me.balance(), len(body_of(me.get(f"{SHOP}/purchases"))["purchases"])), (90, 1)
    )
    slow = w.user(paid=True, energies=100)
    first = buy(slow, id)
    for _ in range(8):
        w.advance(40)
        again = buy(slow, id)
        w.report.equal(
            "40 s later the same", dig(body_of(again), "purchase.id"), dig(body_of(first), "purchase.id")
        )
    w.report.equal("one purchase of nine", slow.balance(), 90)
    w.advance(46)
    w.report.check(
        "46 s later a new one",
        dig(body_of(buy(slow, id)), "purchase.id") != dig(body_of(first), "purchase.id"),
        "",
    )
    w.report.equal("two in all", slow.balance(), 80)
    key = f"buy-{w.number()}"
    one = slow.post(f"{SHOP}/purchase", {"itemId": id}, idempotency_key=key)
    two = slow.post(f"{SHOP}/purchase", {"itemId": id}, idempotency_key=key)
    w.report.equal(
        "a key's replay", (two.headers.get("idempotency-replayed"), two.body == one.body), ("true", True)
    )
    w.report.equal("buys once", slow.balance(), 70)
    other = w.user(paid=True, energies=100)
    w.success(
        "another member's same key", other.post(f"{SHOP}/purchase", {"itemId": id}, idempotency_key=key)
    )
    w.report.equal("is his own purchase", other.balance(), 90)
    w.refused(
        "the key with another body",
        slow.post(f"{SHOP}/purchase", {"itemId": id, "expectedPrice": 10}, idempotency_key=key),
        422,
        "idempotency_mismatch",
        "Idempotency key reuse",
    )


def stock(w: World) -> None:
    """Ten pieces, many buyers."""
    id = item(w, price=10, stock=10)
    buyers = [w.user(paid=True, energies=15) for _ in range(40)]
    sold = 0
    for _ in range(3):
        answers = w.both([lambda b=b: buy(b, id) for b in buyers], 10)
        w.report.equal("answers", {each.status for each in answers} - {200, 409, 503}, set())
        w.tick()
    sold = sum(each.balance() == 5 for each in buyers)
    w.report.equal("ten are sold", sold, 10)
    w.report.equal("others keep theirs", {each.balance() for each in buyers}, {5, 15})
    w.report.equal("none is left", dig(body_of(w.anonymous(f"{SHOP}/items/{id}")), "item.stock"), 0)


def access(w: World) -> None:
    """An item that extends the subscription."""
    id = item(w, itemType="access", price=50, metadata={"days": 10})
    me = w.user(paid=True, days=20, energies=50)
    before = seconds_of(me.me()["subscriptionExpires"])
    w.success("access", buy(me, id))
    w.report.equal("ten days more", seconds_of(me.me()["subscriptionExpires"]) - before, 10 * 86_400.0)


def raffle(w: World) -> None:
    """The vector: ten tickets, three winners."""
    w.put(
        "shop-item", "raffle-1", **(draft() | {"itemType": "raffle_ticket", "price": 1, "title": "Розыгрыш"})
    )
    people = {name: w.user(paid=True, energies=10) for name in "ABCDEF"}
    for number, name in enumerate("ABBCDAEBFD", 1):
        done = people[name].post(f"{SHOP}/purchase", {"itemId": "raffle-1"}, idempotency_key=f"r{number}")
        w.report.equal(f"ticket {number}", dig(body_of(done), "purchase.ticketNumbers"), [number])
    path = "/api/admin/shop/items/raffle-1/draw"
    w.refused("a member may not draw", people["A"].post(path, {"winners": 3}), 403, "admin_required")
    for bad in ({"winners": 0}, {"winners": 101}, {"winners": 3, "seed": "00"}, {}):
        w.refused(f"draw {bad}", w.admin("POST", path, bad), 400, "validation_failed")
    shape = {
        "draw": {
            "seed": text,
            "seedHash": text,
            "tickets": lambda value: integer(value) or array(value),
            "winners": array,
        }
    }
    body = {"winners": 3, "seed": SEED}
    done = w.success("draw", w.admin("POST", path, body), shape)
    w.report.equal(
        "seed and its hash", (dig(done, "draw.seed"), dig(done, "draw.seedHash")), (SEED, SEED_HASH)
    )
    winners = dig(done, "draw.winners") or []
    numbers = [next((value for key, value in each.items() if "icket" in key), None) for each in winners]
    w.report.equal("winning tickets", numbers, [6, 8, 9])
    for winner, name in zip(winners, "ABF", strict=False):
        w.report.check(
            f"{name} wins", people[name].id in str(winner) or str(people[name].tg) in str(winner), winner
        )
    again = w.success("draw again", w.admin("POST", path, {"winners": 5}), shape)
    w.report.equal("the stored draw", again.get("draw"), done.get("draw"))
    w.advance(60)
    late = people["C"].post(f"{SHOP}/purchase", {"itemId": "raffle-1"})
    w.report.check("no longer sold", late.status in (404, 409), late.brief())
    empty = item(w, itemType="raffle_ticket")
    w.refused(
        "no tickets",
        w.admin("POST", f"/api/admin/shop/items/{empty}/draw", {"winners": 1}),
        409,
        "no_tickets",
    )
    w.refused(
        "draw of nothing",
        w.admin("POST", "/api/admin/shop/items/nothing/draw", {"winners": 1}),
        404,
        "not_found",
    )


SCENARIOS = (catalogue, purchases, refusals, repeats, stock, access, raffle)
