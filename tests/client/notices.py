"""Section 8: what the bot writes, to whom, word for word."""

import re
from collections.abc import Iterable
from datetime import UTC, timedelta, timezone

from mini_app import Json, MiniApp, parse_instant
from world import World

MOSCOW = timezone(timedelta(hours=3))
LINK = r"https://t\.me/[A-Za-z0-9_]+\?startapp=order_"
APP_HINT = "Откройте приложение, чтобы посмотреть детали."
MINUTE_S = 60
PLUMBING = "Сантехника"


def _subscriber(world: World, city: str, frequency: int = 5, category: str = PLUMBING) -> MiniApp:
    person = world.person()
    person.save_all_settings(
        {"categories": [category], "cities": [city]}, {"enabled": True, "frequency": frequency}
    )
    world.advance(5)
    world.idle()
    return person


def _texts(world: World, person: MiniApp) -> list[str]:
    """What has come, the pace of one message a second given its time."""
    world.idle()
    for _ in range(4):
        world.advance(1)
        world.idle()
    return world.messages(person)


def _is_new_order(text: str, order: Json) -> bool:
    head = f"🔔 Новый заказ в категории «{order['category']}» в городе {order['city']}!\n\n"
    tail = text.removeprefix(head)
    return text.startswith(head) and (
        tail == APP_HINT or bool(re.fullmatch(LINK + re.escape(order["id"]), tail))
    )


def new_order(world: World) -> None:
    """Matching subscribers, and nobody else."""
    report, city = world.report, world.city()
    matching = [_subscriber(world, city), _subscriber(world, f"  {city.upper()} ")]
    other_city, other_category = (
        _subscriber(world, world.city()),
        _subscriber(world, city, category="Клининг"),
    )
    disabled, listless, changed = (_subscriber(world, city) for _ in range(3))
    disabled.save_notification_settings({"enabled": False})
    listless.save_preferences({"categories": [PLUMBING]})
    changed.save_preferences({"categories": ["Клининг"], "cities": [city]})
    world.advance(5)
    author = _subscriber(world, city)
    order = world.posted(author, city=city)
    for person in matching:
        texts = _texts(world, person)
        report.check("exact text and link", len(texts) == 1 and _is_new_order(texts[0], order), texts)
    for name, person in (
        ("author", author),
        ("other city", other_city),
        ("other category", other_category),
        ("disabled", disabled),
        ("no cities", listless),
        ("changed", changed),
    ):
        report.equal(f"nothing for: {name}", _texts(world, person), [])


def digest(world: World) -> None:
    """P18: four orders in one cool-down: one message, then a digest of three."""
    report, city = world.report, world.city()
    person = _subscriber(world, city)
    orders = [world.posted(world.person(), city=city)]
    report.equal("one at once", len(_texts(world, person)), 1)
    orders += [world.posted(world.person(), city=city) for _ in range(3)]
    report.equal("the others wait", len(_texts(world, person)), 1)
    world.advance(5 * MINUTE_S)
    texts = _texts(world, person)
    report.equal("then one digest", len(texts), 2)
    _is_digest(world, texts[-1], orders[1:], 3)
    world.advance(5 * MINUTE_S)
    report.equal("and nothing more", len(_texts(world, person)), 2)


def _is_digest(world: World, text: str, orders: Iterable[Json], count: int) -> None:
    head, blank, *lines = text.split("\n")
    expected = {f"• {each['category']}, {each['city']}: {each['id']}" for each in orders}
    seen = [re.sub(LINK, "", line) for line in lines]
    world.report.equal("digest: head", (head, blank), (f"🔔 Новых заказов: {count}", ""))
    world.report.check("digest: each line is an order", set(seen[:15]) <= expected, text)
    rest = [] if count <= 15 else [f"и ещё {count - 15}"]
    world.report.equal("digest: lines", (len(set(seen[:15])), lines[15:]), (min(count, 15), rest))


def long_digest(world: World) -> None:
    """Fifteen lines; the rest is counted."""
    city = world.city()
    person = _subscriber(world, city, frequency=15)
    orders = [world.posted(world.person(), city=city)]
    _texts(world, person)
    orders += [world.posted(world.person(), city=city) for _ in range(17)]
    world.idle()
    world.advance(15 * MINUTE_S)
    texts = _texts(world, person)
    world.report.equal("one digest", len(texts), 2)
    _is_digest(world, texts[-1], orders[1:], 17)


def short_digests(world: World) -> None:
    """One alive: the text of a new order. None alive: nothing. A new frequency re-times."""
    report, city = world.report, world.city()
    person, client = _subscriber(world, city), world.person()
    world.posted(client, city=city)
    _texts(world, person)
    alive, dead = world.posted(client, city=city), world.posted(client, city=city)
    _texts(world, person)
    client.delete_order(dead["id"])
    world.advance(5 * MINUTE_S)
    texts = _texts(world, person)
    report.check("one alive", len(texts) == 2 and _is_new_order(texts[-1], alive), texts)
    gone = world.posted(client, city=city)
    _texts(world, person)
    client.delete_order(gone["id"])
    world.advance(5 * MINUTE_S)
    report.equal("none alive", len(_texts(world, person)), 2)
    world.advance(10 * MINUTE_S)
    person.save_notification_settings({"frequency": 15})
    world.posted(client, city=city)
    report.equal("cooled down", len(_texts(world, person)), 3)
    world.posted(client, city=city)
    world.advance(6 * MINUTE_S)
    report.equal("waits for 15 minutes", len(_texts(world, person)), 3)
    person.save_notification_settings({"frequency": 5})
    report.equal("a shorter frequency re-times", len(_texts(world, person)), 4)
    world.posted(client, city=city)
    _texts(world, person)
    person.save_notification_settings({"enabled": False})
    world.advance(15 * MINUTE_S)
    report.equal("disabled: pending is dropped", len(_texts(world, person)), 4)


def takes(world: World) -> None:
    """The client hears of each take, of the deadline once."""
    report, client = world.report, world.person()
    order = world.posted(client, category="Электрика")
    for _ in range(3):
        world.executor().take_order(order["id"])
        _texts(world, client)
    first = parse_instant(client.order(order["id"])["taken_by"][0]["taken_at"])
    until = (first + timedelta(minutes=15)).astimezone(UTC).astimezone(MOSCOW)
    expected = [f"🔧 Исполнитель взял ваш заказ «Электрика» ({count} из 3)." for count in (1, 2, 3)]
    expected[0] += f"\nОтветьте ему до {until:%H:%M} МСК, иначе заказ закроется."
    report.equal("three notices", _texts(world, client), expected)


def participants(world: World) -> None:
    """Executors hear of an answer, a completion, a closing, a refund; settings do not matter."""
    report = world.report
    answered, refunded = (
        "✅ Клиент ответил по заказу «Сантехника».",
        "↩️ Клиент не ответил по заказу «Сантехника». Возвращено 2 ₽.",
    )
    completed, closed = "🏁 Клиент завершил заказ «Сантехника».", "🚪 Клиент закрыл заказ «Сантехника»."
    for name, steps, expected in (
        ("completed", ("respond", "complete_order"), [answered, completed]),
        ("closed after an answer", ("respond", "close_order"), [answered, closed]),
        ("closed without an answer", ("close_order",), [refunded]),
        ("completed at once", ("complete_order",), [completed]),
    ):
        deal = world.taken(2)
        for step in steps:
            getattr(deal.client, step)(deal.id)
            _texts(world, deal.executor)
        for executor in deal.executors:
            report.equal(name, _texts(world, executor), expected)


def ends(world: World) -> None:
    """Closed by the clock: the client and the executors; expired: the refunded."""
    report = world.report
    deal = world.taken(1)
    before = len(_texts(world, deal.client))
    world.advance(15 * MINUTE_S)
    world.invoke("errands-orders-sweep")
    world.invoke("errands-orders-sweep")
    text = "⏱ Заказ «Сантехника» закрыт: вы не ответили исполнителю за 15 минут."
    report.equal("auto-closed: client", _texts(world, deal.client)[before:], [text])
    refunded = "↩️ Клиент не ответил по заказу «Сантехника». Возвращено 2 ₽."
    report.equal("auto-closed: executor", _texts(world, deal.executor), [refunded])
    client, executor = world.person(), world.executor()
    order = world.posted(client)
    world.advance(50 * MINUTE_S)
    executor.take_order(order["id"])
    told = len(_texts(world, client))
    world.advance(10 * MINUTE_S)
    world.invoke("errands-orders-sweep")
    report.equal("expired: executor", _texts(world, executor), [refunded])
    report.equal("expired: client is not told of a closing", _texts(world, client)[told:], [])


def plain_text(world: World) -> None:
    """No parse mode, no contact, no description, in any message of the run; one a second per chat."""
    report = world.report
    sent = [
        each for each in world.ask("GET", "/telegram/messages")["messages"] if each["method"] == "sendMessage"
    ]
    report.check("there are messages", len(sent) > 20, len(sent))
    report.equal("no parse mode", [each for each in sent if "parse_mode" in each["payload"]], [])
    leaks = [each["text"] for each in sent if "secret_" in each["text"] or "Течёт кран" in each["text"]]
    report.equal("no contact or description", leaks, [])
    chats: dict[int, list[float]] = {}
    for each in sent:
        chats.setdefault(each["chat_id"], []).append(parse_instant(each["at"]).timestamp())
    hurried = [
        (chat, times)
        for chat, times in chats.items()
        for one, two in zip(times, times[1:], strict=False)
        if two - one < 0.999
    ]
    report.equal("one a second per chat", hurried, [])


SCENARIOS = (new_order, digest, long_digest, short_digests, takes, participants, ends, plain_text)
