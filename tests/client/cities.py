"""Section 9: the list of cities."""

from report import INVALID
from world import World

TOP = (
    "Москва",
    "Санкт-Петербург",
    "Новосибирск",
    "Екатеринбург",
    "Казань",
    "Нижний Новгород",
    "Челябинск",
    "Самара",
    "Омск",
    "Ростов-на-Дону",
)
CHECKED = ("Сочи", "Березники", "Алушта", "Иннополис", "Мурино")


def _key(name: str) -> str:
    return name.lower().replace("ё", "е")


def full_list(world: World) -> None:
    report, names = world.report, world.anonymous.cities()
    report.check("at least 1050", len(names) >= 1050, len(names))
    report.check("strings", all(isinstance(each, str) for each in names))
    report.equal("distinct", len(set(names)), len(names))
    report.equal("named ones", [each for each in (*TOP, *CHECKED) if each not in names], [])
    unsorted = [(one, two) for one, two in zip(names, names[1:], strict=False) if _key(one) > _key(two)]
    report.equal("sorted with ё = е", unsorted, [])


def search(world: World) -> None:
    """Substrings, in list order."""
    report, app = world.report, world.anonymous
    names = app.cities()
    found = app.cities("мос")
    places = [found.index(each) for each in ("Мосальск", "Москва", "Новомосковск") if each in found]
    report.check("мос: three in order", len(places) == 3 and places == sorted(places), found)
    for word in ("мос", "МОС", "  мос ", "орел", "ОРЁЛ", "орёл", "на-дону", " ", "ый "):
        if word.strip():
            expected = [each for each in names if _key(word.strip()) in _key(each)]
            report.equal(f"search {word!r}", app.cities(word), expected)
    for word in ("орел", "ОРЁЛ"):
        report.check(f"{word} finds Орёл", "Орёл" in app.cities(word))
    report.equal("nothing found", app.cities("щщщ"), [])
    report.equal("search of 100", app.cities("я" * 100), [])
    for word in ("", "   ", "я" * 101):
        report.refused(f"search of {len(word)} {word[:1]!r}", INVALID, app.cities, word)


def validators(world: World) -> None:
    """Public for a day; 304 with the data's version."""
    report, app = world.report, world.anonymous
    first = app.raw("GET", "/api/cities")
    caching, tag = first.headers.get("cache-control", ""), first.headers.get("etag", "")
    report.check("public for a day", "public" in caching and "max-age=86400" in caching, caching)
    again = app.raw("GET", "/api/cities", headers={"If-None-Match": tag})
    report.equal("304 without a body", (bool(tag), again.status, again.body), (True, 304, b""))
    other = app.raw("GET", "/api/cities", headers={"If-None-Match": '"other"'})
    report.equal("200 for another tag", other.status, 200)


SCENARIOS = (full_list, search, validators)
