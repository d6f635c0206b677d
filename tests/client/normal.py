"""Section 4 and the vectors of section 14: how input is read."""

from collections.abc import Sequence

from mini_app import ApiError
from report import INVALID, ORDER
from world import World

CATEGORIES = (
    "Сантехника",
    "Электрика",
    "Бытовой ремонт",
    "Клининг",
    "Сборка/установка",
    "Бытовая техника",
    "Другое",
)
LENGTHS = {"description": (20, 1000), "city": (2, 100), "contact": (3, 100)}
SPACES = "\u2003 \t\n\u00a0"
CONTROL = "contains a character that is not allowed"


def vector(world: World) -> None:
    """The first vector, word for word."""
    report = world.report
    order = world.person().create_order(
        {
            "category": "Сантехника",
            "description": "Течёт кран на кухне, нужен мастер в течение часа",
            "city": "Москва",
            "contact": "@ivan_123",
        }
    )
    report.shape("created", order, ORDER)
    seen = (order["expires_in_minutes"], order["taken_by"], order["city_locked"])
    report.equal("60 minutes, nobody, locked", seen, (60, [], True))
    expected = {"success": True, "contact": "@ivan_123", "executor_count": 1, "new_balance": 98}
    report.equal("taken with balance 100", world.executor(100).take_order(order["id"]), expected)


def categories(world: World) -> None:
    """Each of the seven, and nothing like them."""
    report = world.report
    for category in CATEGORIES:
        report.equal(category, world.posted(world.person(), category=category)["category"], category)
    for category in ("Такси", "сантехника", "", "Другое!"):
        report.refused(
            f"category {category!r}",
            (422, "validation_failed", f"Category must be one of: {', '.join(CATEGORIES)}"),
            world.posted,
            world.person(),
            category=category,
        )


def lengths(world: World) -> None:
    """Both ends of every length, in code points after trimming."""
    report, client = world.report, world.person()
    for field, (least, most) in LENGTHS.items():
        message = f"{field}: must be {least} to {most} characters long"
        for length in (least, most):
            text = (
                str(world.number()).rjust(length, "я")
                if length > 3
                else f"{chr(0x400 + world.number())}яя"[:length]
            )
            report.equal(f"{field} of {length}", world.posted(client, **{field: text})[field], text)
            padded = SPACES + _other(world, length) + SPACES
            report.equal(
                f"{field} of {length}, padded", world.posted(client, **{field: padded})[field], padded.strip()
            )
        for text in ("", "я" * (least - 1), "я" * (most + 1), " " * 20, SPACES * 6):
            report.refused(
                f"{field} of {len(text)} {text[:1]!r}",
                (422, "validation_failed", message),
                world.posted,
                client,
                **{field: text},
            )
    emoji = "😀" * 1000
    report.equal(
        "1000 emoji are 1000 characters", world.posted(client, description=emoji)["description"], emoji
    )
    report.refused("null", INVALID, world.posted, client, description=None)


def _other(world: World, length: int) -> str:
    return f"{chr(0x4E00 + world.number())}{'щ' * (length - 1)}"


def characters(world: World) -> None:
    """Control characters, new lines, composition."""
    report, client = world.report, world.person()
    for field in LENGTHS:
        for character in ("\0", "\x01", "\x1b", "\x7f", "\x85"):
            text = f"десять {character} знаков и ещё двадцать"
            report.refused(
                f"{field} with {character!r}",
                (422, "validation_failed", f"{field}: {CONTROL}"),
                world.posted,
                client,
                **{field: text},
            )
    lines = "Первая строка\nвторая\r\n\tтретья"
    report.equal("new lines and tabs stay", world.posted(client, description=lines)["description"], lines)
    composed, parted = "Ёлка й " * 4, "Е\u0308лка и\u0306 " * 4
    report.equal("NFC", world.posted(client, description=parted)["description"], composed.strip())
    report.refused(
        "19 after composition",
        (422, "validation_failed", "description: must be 20 to 1000 characters long"),
        world.posted,
        client,
        description="и\u0306" * 19,
    )


def identifiers(world: World) -> None:
    """Ids that cannot exist."""
    report, person = world.report, world.person()
    for order_id in ("abcdefghijkl", "-_-_-_-_-_-_", "x", "a" * 13, "абвгдежзийкл", "a b", "123", "%"):
        report.refused(
            f"order {order_id!r}", (404, "order_not_found", "Order not found"), person.order, order_id
        )
    for payment_id in (2147483000, 2**40, 0, -1, 2**53, 2**70):
        report.refused(
            f"payment {payment_id}",
            (404, "payment_not_found", "Payment not found"),
            person.payment_status,
            payment_id,
        )
    for word in ("abc", "1.5", "1e3", "%20"):
        report.refused(f"payment {word!r}", INVALID, person.payment_status, word)


def city_keys(world: World) -> None:
    """One city, however it is spelled; stored as typed."""
    report = world.report
    number = world.number()
    spellings = (
        f"Ёлкин-{number}",
        f"  ёлкин–{number} ",
        f"ЕЛКИН—{number}",
        f"Е\u0308лкин‑{number}",
        f"елкин−{number}",
    )
    orders = [world.posted(world.person(), city=city) for city in spellings]
    report.equal("stored as typed", orders[1]["city"], f"ёлкин–{number}")
    world.settle()
    for city in spellings:
        page = world.anonymous.orders(city=city)
        report.equal(
            f"filter {city!r}", {each["id"] for each in page["orders"]}, {each["id"] for each in orders}
        )
    wide = world.posted(world.person(), city=f"Нижний \t Город {number}")
    world.settle()
    page = world.anonymous.orders(city=f" нижний город\u00a0{number}")
    report.equal("white space collapses", [each["id"] for each in page["orders"]], [wide["id"]])
    report.equal("Нью-Йорк", world.posted(world.person(), city="Нью-Йорк")["city"], "Нью-Йорк")


def contact_keys(world: World) -> None:
    """P7: equal contacts collide, each classified."""
    digits = f"{world.number():07d}"
    groups: list[tuple[str, Sequence[str]]] = [
        (
            "telegram",
            (
                "@Ivan_777",
                "ivan_777",
                "https://t.me/IVAN_777",
                " t.me/ivan_777 ",
                "HTTP://T.ME/Ivan_777",
                "http://t.me/ivan_777",
            ),
        ),
        (
            "phone",
            (
                "+7 (900) 000-00-00",
                "8 900 000 00 00",
                "89000000000",
                "9000000000",
                "7.900.000.00.00",
                "+7\u00a0900\u00a0000–00–00",
            ),
        ),
        ("phone", (f"8(495){digits}", f"495{digits}", f"+7495{digits}")),
        ("phone", ("+84 900 000 000", "+84-900-000-000")),
        ("other", ("Viber:  099", "viber: 099", "VIBER:\t099")),
        ("other", ("Пишите  в Max", "пишите в max")),
    ]
    for kind, spellings in groups:
        _one_contact(world, kind, spellings)
    for one, another in (
        ("+8 900 000 00 00", "8 900 000 00 00"),
        ("@ivan_778", "@ivan_779"),
        ("ab_1", "@ab_1"),
    ):
        client = world.person()
        _free(world, one)
        first, second = world.posted(client, contact=one), world.posted(client, contact=another)
        world.report.check(f"{one} is not {another}", first["id"] != second["id"])
        for order in (first, second):
            client.delete_order(order["id"])
    for contact, kind in (
        ("@abcd", "other"),
        ("abcde", "telegram"),
        ("a" * 32, "telegram"),
        ("b" * 33, "other"),
        ("1abcde", "other"),
        ("123456789", "other"),
        ("1234567890", "phone"),
        ("1" * 15, "phone"),
        ("1" * 16, "other"),
        ("Viber: 099…", "other"),
        ("t.me/+abcdef", "other"),
    ):
        client = world.person()
        order = world.posted(client, contact=contact)
        world.report.equal(f"kind of {contact}", order["contact_kind"], kind)
        client.delete_order(order["id"])


def _one_contact(world: World, kind: str, spellings: Sequence[str]) -> None:
    client = world.person()
    order = world.posted(client, contact=spellings[0])
    world.report.equal(f"kind of {spellings[0]}", order["contact_kind"], kind)
    for contact in spellings:
        world.report.refused(
            f"{spellings[0]} = {contact}",
            (409, "contact_busy", "This contact already has an active order"),
            world.posted,
            world.person(),
            contact=contact,
        )
    client.delete_order(order["id"])
    again = world.posted(client, contact=spellings[-1])
    world.report.check(f"{spellings[-1]} is free again", again["contact"] == spellings[-1].strip())
    client.delete_order(again["id"])


def _free(world: World, contact: str) -> None:
    try:
        probe = world.person()
        probe.delete_order(world.posted(probe, contact=contact)["id"])
    except ApiError as error:
        raise RuntimeError(f"{contact} is taken: {error}") from error


SCENARIOS = (vector, categories, lengths, characters, identifiers, city_keys, contact_keys)
