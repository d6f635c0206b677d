"""The contract's own test vectors, in the order of time."""

from club.kit import User, World, dig, seconds_of
from club.shapes import USER
from club.wire import Answer

TOKEN = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL"
START = "2026-01-02T12:00:00Z"
USER_TEXT = "%7B%22id%22%3A1000000001%2C%22first_name%22%3A%22Test%22%2C%22username%22%3A%22test_user%22%2C%22language_code%22%3A%22ru%22%7D"
HASH = "e1401a609bec6c66a729d6e79b6b27060153eef301d9b5ab64909c547d32ff5a"
HEAD = f"auth_date=1768900000&query_id=AAE_TEST&start_param=utm_src_med_camp&user={USER_TEXT}"
DATA = f"{HEAD}&hash={HASH}"


def deadline(w: World, at: str) -> dict[str, object]:
    w.set_clock(seconds_of(at))
    person = w.user()
    found = person.get("/api/reports/deadline").object()
    return found


def week(w: World, at: str, year: int, number: int) -> None:
    found = deadline(w, at)
    w.report.equal(f"week of {at}", (found.get("year"), found.get("weekNumber")), (year, number))


def lot(w: World, at: str, until: str) -> None:
    """A lot of this instant ends six months later."""
    w.set_clock(seconds_of(at))
    person = w.user(energies=5)
    w.report.equal(f"lot of {at}", dig(person.history(), "0.expiresAt"), until)


def login(w: World, data: str) -> Answer:
    return w.send("POST", "/api/v1/auth/telegram", {"initData": data})


def signed(w: World) -> None:
    """Launch data of the vector."""
    w.set_clock(seconds_of("2026-01-20T09:05:39.000Z"))
    w.report.equal("61 s ahead", login(w, DATA).status, 401)
    w.set_clock(seconds_of("2026-01-20T09:05:40.000Z"))
    w.report.equal("60 s ahead", login(w, DATA).status, 200)
    w.set_clock(seconds_of("2026-01-20T09:06:40.000Z"))
    answer = login(w, DATA)
    body = w.success("login", answer, {"user": USER})
    w.report.equal(
        "user", (dig(body, "user.telegramId"), dig(body, "user.username")), (1_000_000_001, "test_user")
    )
    w.report.check(
        "both cookies", answer.cookie("auth_token") and answer.cookie("refresh_token"), answer.cookies
    )
    for name, data in {
        "a changed user": DATA.replace("Test", "Tess"),
        "no hash": HEAD,
        "the hash twice": f"{DATA}&hash={HASH}",
        "upper case": f"{HEAD}&hash={HASH.upper()}",
        "no date": DATA.replace("auth_date=1768900000&", ""),
    }.items():
        w.refused(name, login(w, data), 401, "invalid_init_data", "Invalid Telegram initData")
    w.set_clock(seconds_of("2026-01-21T09:06:40.000Z"))
    w.report.equal("86400 s old", login(w, DATA).status, 200)
    w.advance(1)
    w.report.equal("86401 s old", login(w, DATA).status, 401)


def january(w: World) -> None:
    """The first weeks."""
    week(w, "2026-01-03T00:00:00Z", 2026, 1)
    week(w, "2026-01-03T00:00:01Z", 2026, 1)
    week(w, "2026-01-04T20:59:59Z", 2026, 1)
    week(w, "2026-01-04T21:00:00Z", 2026, 2)


def spring(w: World) -> None:
    """Weeks, deadlines and lots."""
    lot(w, "2026-02-28T10:00:00Z", "2026-08-28T10:00:00.000Z")
    before = deadline(w, "2026-03-15T20:59:59Z")
    w.report.equal("deadline", before.get("deadline"), "2026-03-15T20:59:59.999Z")
    after = deadline(w, "2026-03-15T21:00:00Z")
    w.report.equal("next deadline", after.get("deadline"), "2026-03-22T20:59:59.999Z")
    week(w, "2026-03-16T12:00:00Z", 2026, 12)
    lot(w, "2026-03-31T10:00:00Z", "2026-09-30T10:00:00.000Z")


def later(w: World) -> None:
    """Ends of months and of the year."""
    lot(w, "2026-08-30T22:00:00Z", "2027-02-27T22:00:00.000Z")
    lot(w, "2026-08-31T10:00:00Z", "2027-02-28T10:00:00.000Z")
    week(w, "2026-12-31T12:00:00Z", 2026, 53)
    week(w, "2027-01-03T20:59:59Z", 2026, 53)
    week(w, "2027-01-03T21:00:00Z", 2027, 1)
    lot(w, "2027-08-31T10:00:00Z", "2028-02-29T10:00:00.000Z")
    person = User(w, 5, first_name="Последняя")
    w.success("the service still answers", person.get("/api/v1/users/me"), {"user": USER})


SCENARIOS = (january, signed, spring, later)
