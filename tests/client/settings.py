"""Section 5.5: preferences and notification settings."""

from concurrent.futures import ThreadPoolExecutor

from normal import CATEGORIES
from report import INVALID, ME
from world import World

SAVED = {"success": True}


def preferences(world: World) -> None:
    report, person = world.report, world.person()
    wanted = {"categories": ["Электрика", "Клининг"], "cities": ["Москва", "Нижний Новгород"]}
    report.equal("saved", person.save_preferences(wanted), SAVED)
    report.equal("read", person.preferences(), wanted)
    doubled = {
        "categories": ["Клининг", "Электрика", "Клининг"],
        "cities": ["Орёл", " ОРЕЛ ", "Омск", "орёл"],
    }
    person.save_preferences(doubled)
    expected = {"categories": ["Клининг", "Электрика"], "cities": ["Орёл", "Омск"]}
    report.equal("duplicates collapse, order kept", person.preferences(), expected)
    person.save_preferences({"cities": ["Омск"]})
    report.equal("absent is empty", person.preferences(), {"categories": [], "cities": ["Омск"]})
    person.save_preferences({})
    report.equal("full replacement", person.preferences(), {"categories": [], "cities": []})
    person.save_preferences({"categories": list(CATEGORIES)})
    report.equal("all seven", person.preferences()["categories"], list(CATEGORIES))
    twenty = [f"Город {number}" for number in range(20)]
    person.save_preferences({"cities": twenty})
    report.equal("twenty cities", person.preferences()["cities"], twenty)
    for name, body in (
        ("unknown category", {"categories": ["Такси"]}),
        ("null categories", {"categories": None}),
        ("null cities", {"cities": None}),
        ("21 cities", {"cities": [*twenty, "Ещё"]}),
        ("no lists", {"categories": 7, "cities": {}}),
        ("11 categories", {"categories": ["Другое"] * 11}),
        ("city of 1", {"cities": ["М"]}),
        ("city of 101", {"cities": ["М" * 101]}),
        ("NUL", {"cities": ["Мос\0ква"]}),
        ("a number", {"cities": [10]}),
    ):
        report.refused(name, INVALID, person.save_preferences, body)
    report.refused("a city, no list", INVALID, world.person().save_preferences, {"cities": "Омск"})
    report.equal("nothing refused was saved", person.preferences(), {"categories": [], "cities": twenty})


def notification_settings(world: World) -> None:
    report, person = world.report, world.person()
    report.equal("saved", person.save_notification_settings({"enabled": True, "frequency": 5}), SAVED)
    report.equal("read", person.notification_settings(), {"enabled": True, "frequency": 5})
    person.save_notification_settings({"frequency": 15})
    report.equal("absent is unchanged", person.notification_settings(), {"enabled": True, "frequency": 15})
    person.save_notification_settings({"enabled": False, "frequency": None})
    report.equal("null is unchanged", person.notification_settings(), {"enabled": False, "frequency": 15})
    person.save_notification_settings({"frequency": "7"})
    report.equal("coerced", person.notification_settings(), {"enabled": False, "frequency": 7})
    person.save_notification_settings({})
    report.equal("{} is a no-op", person.notification_settings(), {"enabled": False, "frequency": 7})
    for frequency in (4, 16, 0, -5, 7.5, "x", 2**70):
        report.refused(
            f"frequency {frequency}", INVALID, person.save_notification_settings, {"frequency": frequency}
        )
    report.refused("enabled of a word", INVALID, person.save_notification_settings, {"enabled": "maybe"})


def together(world: World) -> None:
    """Acceptance 14: both PUTs and both GETs at once."""
    report = world.report
    for round_ in range(10):
        person = world.person()
        preferences_, settings_ = (
            {"categories": ["Другое"], "cities": ["Омск"]},
            {"enabled": True, "frequency": 5 + round_},
        )
        saved = person.save_all_settings(preferences_, settings_)
        with ThreadPoolExecutor(2) as pool:
            read = [
                each.result()
                for each in (pool.submit(person.preferences), pool.submit(person.notification_settings))
            ]
        report.equal(f"round {round_}", (saved, read), ([SAVED, SAVED], [preferences_, settings_]))


def me(world: World) -> None:
    """Counters and rating."""
    report = world.report
    deals = [world.taken() for _ in range(3)]
    star = deals[0].executor
    for deal in deals[1:]:
        star.take_order(deal.id)
    report.equal("own takes are active orders", star.me()["active_orders"], 3)
    report.equal("own orders too", deals[0].client.me()["active_orders"], 1)
    for deal, rating in zip(deals, (4, 4, 5), strict=True):
        deal.client.complete_order(deal.id)
        deal.client.review_client({"order_id": deal.id, "executor_id": star.id, "rating": rating})
    profile = star.me()
    report.shape("shape", profile, ME)
    seen = (profile["rating"], profile["completed_orders"], profile["active_orders"], profile["balance"])
    report.equal("4, 4, 5", seen, (4.33, 3, 0, 94))


SCENARIOS = (preferences, notification_settings, together, me)
