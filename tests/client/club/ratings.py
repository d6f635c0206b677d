"""Ratings: lists, positions, publishing; and gamification."""

import random

from club.kit import World, body_of, dig
from club.shapes import (
    CITY_RATING,
    LEADER_ROW,
    POSITION,
    TEAM_RATING,
    TRANSACTION,
    boolean,
    count,
    instant,
    integer,
    maybe_instant,
    maybe_text,
    number,
    obj,
    text,
)

RATINGS = "/api/v1/ratings"
GAME = "/api/v1/gamification"
LEVELS = (0, 100, 250, 500, 1000, 2000, 3500, 5500, 8000, 12000, 17000, 23000, 30000, 40000, 50000)
ACHIEVEMENTS = {
    "first_meditation": 50,
    "streak_7": 100,
    "streak_30": 500,
    "first_course": 200,
    "level_5": 150,
    "level_10": 300,
    "meditations_10": 100,
    "meditations_50": 400,
}


def level_of(xp: int) -> int:
    return sum(xp >= each for each in LEVELS)


def next_level(level: int) -> int:
    return LEVELS[level] if level < 15 else 50_000 + (level - 14) * 15_000


def shapes(w: World) -> None:
    """Every list has its fields."""
    city = w.city()
    me = w.user(paid=True, city=city, energies=50)
    w.team(city, me)
    done = w.publish()
    w.report.check("publishing names a generation", integer(done.get("generation")), done)
    w.report.check("and its time", instant(done.get("generatedAt")), done)
    listed = {"ratings": [CITY_RATING], "generatedAt": instant, "generation": integer}
    cities = w.success("cities", w.anonymous(f"{RATINGS}/cities"), listed)
    w.report.equal("cities are of this generation", cities.get("generation"), done.get("generation"))
    teams = w.success("teams", w.anonymous(f"{RATINGS}/teams"), listed | {"ratings": [TEAM_RATING]})
    w.report.check(
        "there is a city and a team", cities.get("ratings") and teams.get("ratings"), (cities, teams)
    )
    answer = me.get(f"{RATINGS}/all-data", userId=me.id)
    data = {
        "balance": count,
        "history": [TRANSACTION],
        "leaderboard": [LEADER_ROW],
        "cityRatings": [CITY_RATING],
        "teamRatings": [TEAM_RATING],
        "userPosition": POSITION,
        "generatedAt": instant,
        "generation": integer,
    }
    body = w.success("all-data", answer, {"data": data})
    rows = dig(body, "data.leaderboard") or []
    own = [each for each in rows if each.get("userId") == me.id]
    # "Only in the caller's own row": a list may leave it out there, too.
    w.report.check("my own row shows no other Telegram id", dig(own, "0.telegramId") in (None, me.tg), own)
    strange = [each for each in rows if each.get("userId") != me.id and each.get("telegramId") is not None]
    w.report.check("nobody else's is shown", not strange, strange[:2])
    position = {"position": POSITION}
    w.success("user-position", me.get(f"{RATINGS}/user-position", userId=me.id), position)
    personal = {"user": LEADER_ROW, "topUsers": [LEADER_ROW], "generatedAt": instant}
    body = w.success("personal", me.get(f"{RATINGS}/personal", userId=me.id), personal)
    w.report.equal("personal is mine", dig(body, "user.userId"), me.id)
    for path in ("all-data", "user-position", "personal"):
        w.success(f"{path} by Telegram id", me.get(f"{RATINGS}/{path}", userId=me.tg))
        w.report.among(f"{path} without userId", me.get(f"{RATINGS}/{path}").status, 200, 400)
        w.refused(
            f"{path} of somebody else",
            me.get(f"{RATINGS}/{path}", userId=w.user().id),
            403,
            "subject_mismatch",
            "Forbidden",
        )
        w.refused(f"{path} of nobody", w.anonymous(f"{RATINGS}/{path}", userId=me.id), 401, "unauthorized")
    for path in ("cities", "teams"):
        w.refused(f"{path}: limit=0", w.anonymous(f"{RATINGS}/{path}", limit=0), 400, "validation_failed")
        body = w.success(f"{path}: limit=1", w.anonymous(f"{RATINGS}/{path}", limit=1))
        w.report.check(f"{path}: one row", len(body.get("ratings") or []) <= 1, body)
        w.success(f"{path}: limit=1000 is capped", w.anonymous(f"{RATINGS}/{path}", limit=1000))


def places(w: World) -> None:
    """Ranks, ties, cities, teams of a small population."""
    city = w.city()
    scores = (400, 300, 300, 101)
    people = [w.user(paid=True, city=city, energies=each) for each in scores]
    poor = w.user(city=city, energies=100_000)
    team = w.team(city, people[0])
    for each in people[1:3]:
        w.need(w.admin("POST", f"/api/teams/{team['id']}/join", {"userId": each.id}))
    w.publish()
    rows = body_of(w.anonymous(f"{RATINGS}/cities", limit=100)).get("ratings") or []
    own = next((each for each in rows if each["city"] == city), {})
    w.report.equal("the city's sum of paid members", own.get("totalEnergies"), 1101)
    w.report.equal("its members", (own.get("memberCount"), own.get("userCount")), (4, 4))
    w.report.check("its average", abs((own.get("avgEnergies") or 0) - 1101 / 4) <= 0.5, own)
    totals = [each["totalEnergies"] for each in rows]
    w.report.equal("cities by energies", totals, sorted(totals, reverse=True))
    w.report.equal(
        "city ranks share ties",
        [each["rank"] for each in rows],
        [1 + sum(other > each for other in totals) for each in totals],
    )
    teams = body_of(w.anonymous(f"{RATINGS}/teams", limit=100)).get("ratings") or []
    mine = next((each for each in teams if each["teamId"] == team["id"]), {})
    w.report.equal(
        "the team's members and sum", (mine.get("memberCount"), mine.get("totalEnergies")), (3, 1000)
    )
    w.report.equal("its average, rounded half up", mine.get("avgEnergies"), 333)
    w.report.equal("its names", (mine.get("teamName"), mine.get("decadeName")), (team["name"],) * 2)
    averages = [each["totalEnergies"] / each["memberCount"] for each in teams]
    w.report.equal("teams by average", averages, sorted(averages, reverse=True))
    board = dig(body_of(people[0].get(f"{RATINGS}/all-data", userId=people[0].id)), "data.leaderboard") or []
    energies = [each["energies"] for each in board]
    w.report.equal("leaders by energies", energies, sorted(energies, reverse=True))
    w.report.equal(
        "ranks share ties",
        [each["rank"] for each in board],
        [1 + sum(other > each for other in energies) for each in energies],
    )
    w.report.check(
        "who has not paid is not there", poor.id not in [each["userId"] for each in board], "he is"
    )
    ranks = []
    for each in people:
        found = body_of(each.get(f"{RATINGS}/user-position", userId=each.id)).get("position") or {}
        ranks.append(found.get("globalRank"))
        w.report.equal("personalRank is globalRank", found.get("personalRank"), found.get("globalRank"))
        w.report.equal("place of my city", found.get("cityRank"), own.get("rank"))
    w.report.check("equal scores share a rank", ranks[1] == ranks[2], ranks)
    w.report.check("ranks grow", ranks[0] < ranks[1] < ranks[3], ranks)
    w.report.equal(
        "one is before the pair", ranks[1], ranks[0] + 1 + sum(300 < each < 400 for each in energies)
    )
    first = body_of(people[0].get(f"{RATINGS}/user-position")).get("position") or {}
    w.report.equal("place of my team", first.get("teamRank"), mine.get("rank"))
    w.report.equal("my team", (first.get("teamId"), first.get("decadeId")), (team["id"],) * 2)
    w.award(people[3], 350)
    moved = body_of(people[3].get(f"{RATINGS}/user-position")).get("position") or {}
    ahead = sum(each > 451 for each in energies)
    w.report.equal("a rank follows the balance at once", moved.get("globalRank"), 1 + ahead)
    out = body_of(poor.get(f"{RATINGS}/user-position")).get("position") or {}
    w.report.equal("not eligible", (out.get("globalRank"), out.get("eligible")), (0, False))
    w.report.equal("his personalRank", out.get("personalRank"), 0)


def expiry(w: World) -> None:
    """Whoever's paid time ran out leaves at the next publish."""
    me = w.user(paid=True, days=1, energies=77)
    w.publish()
    inside = body_of(me.get(f"{RATINGS}/user-position")).get("position") or {}
    w.report.equal("eligible", inside.get("eligible"), True)
    total = inside.get("total")
    w.advance(86_400 + 60)
    w.publish()
    out = body_of(me.get(f"{RATINGS}/user-position")).get("position") or {}
    w.report.equal("no longer", (out.get("globalRank"), out.get("eligible")), (0, False))
    w.report.check("and not counted", out.get("total") < total, (out, total))
    data = body_of(me.get(f"{RATINGS}/all-data", userId=me.id)).get("data") or {}
    w.report.equal("his balance is live", data.get("balance"), 77)


def publishing(w: World) -> None:
    """On demand, by an administrator."""
    me = w.user(paid=True, energies=10)
    w.refused("a member may not publish", me.post("/api/admin/ratings/refresh"), 403, "admin_required")
    first = w.publish()
    second = w.publish()
    w.report.check("the generation grows", second["generation"] > first["generation"], (first, second))
    calls = w.both([lambda: w.admin("POST", "/api/admin/ratings/refresh", {})] * 2, 2)
    w.report.equal("two at once: 200 or 409", {each.status for each in calls} - {200, 409}, set())
    w.report.check(
        "one of them 200", 200 in {each.status for each in calls}, [each.brief() for each in calls]
    )
    for each in calls:
        if each.status == 409:
            w.refused("the other", each, 409, "lease_held")
    before = body_of(me.get(f"{RATINGS}/all-data", userId=me.id)).get("data") or {}
    w.award(me, 5)
    after = body_of(me.get(f"{RATINGS}/all-data", userId=me.id)).get("data") or {}
    w.report.equal(
        "all-data shows my new balance at once", (before.get("balance"), after.get("balance")), (10, 15)
    )
    w.report.equal("of the same generation", after.get("generation"), before.get("generation"))
    w.job("ratings_reconcile")
    w.report.check("reconciling runs", True)


def levels(w: World) -> None:
    """XP to levels, as the vectors have it."""
    me = w.user()
    stats = {
        "level": integer,
        "experience": count,
        "streak": count,
        "lastActiveDate": maybe_instant,
        "currentLevelXP": count,
        "nextLevelXP": count,
        "progressToNextLevel": count,
        "xpNeededForNextLevel": count,
        "progressPercent": number,
    }
    found = w.success("stats", me.get(f"{GAME}/stats"), {"stats": stats}).get("stats") or {}
    w.report.equal(
        "of a new member",
        (found.get("level"), found.get("experience"), found.get("nextLevelXP")),
        (1, 0, 100),
    )
    for step in (99, 1, 149, 1, 249, 1, 499, 1, *[1000] * 11, *[1000] * 45):
        answer = w.admin(
            "POST", f"{GAME}/add-xp", {"userId": me.id, "amount": step, "reason": f"xp {w.number()}"}
        )
        if step != 1000 or w.number() % 10 == 0:
            w.success("add-xp", answer, {"newExperience": count, "newLevel": integer, "leveledUp": boolean})
            given = body_of(answer)
            before = found
            if me.world.now() and w.number() % 40 == 0:
                w.tick()
            found = body_of(me.get(f"{GAME}/stats")).get("stats") or {}
            xp = found.get("experience") or 0
            level = level_of(xp)
            w.report.equal(f"level of {xp}", found.get("level"), level)
            w.report.equal(f"next of {xp}", found.get("nextLevelXP"), next_level(level))
            w.report.equal(f"start of the level of {xp}", found.get("currentLevelXP"), LEVELS[level - 1])
            w.report.equal(f"progress of {xp}", found.get("progressToNextLevel"), xp - LEVELS[level - 1])
            span = next_level(level) - LEVELS[level - 1]
            w.report.equal(f"width of the level of {xp}", found.get("xpNeededForNextLevel"), span)
            part = min(100, (xp - LEVELS[level - 1]) * 100 / span)
            w.report.check(
                f"percent of {xp}", abs((found.get("progressPercent") or 0) - part) <= 0.5, found, part
            )
            if step != 1000:
                w.report.equal(
                    f"leveledUp at {xp}", given.get("leveledUp"), level > (before.get("level") or 1)
                )
    final = me.me()
    w.report.equal("the user has the same", (final["level"], final["experience"] >= 50_000), (15, True))
    done = dig(body_of(me.get(f"{GAME}/achievements")), "achievements.unlocked") or []
    w.report.equal("level achievements", {"level_5", "level_10"} - {each["code"] for each in done}, set())


def achievements(w: World) -> None:
    """The seed, and experience that unlocks."""
    me = w.user()
    row = {
        "id": text,
        "code": text,
        "title": text,
        "description": maybe_text,
        "icon": maybe_text,
        "xpReward": integer,
        "unlockedAt": maybe_instant,
    }
    shape = {"unlocked": [row], "locked": [row], "total": count, "unlockedCount": count}
    body = w.success("achievements", me.get(f"{GAME}/achievements"), {"achievements": shape})
    locked = {each["code"]: each["xpReward"] for each in dig(body, "achievements.locked") or []}
    w.report.equal("the seed", {code: locked.get(code) for code in ACHIEVEMENTS}, ACHIEVEMENTS)
    w.report.equal("none unlocked", dig(body, "achievements.unlockedCount"), 0)
    w.report.equal("counted", dig(body, "achievements.total"), len(locked))
    w.need(w.admin("POST", f"{GAME}/add-xp", {"userId": me.id, "amount": 1000, "reason": "много"}))
    body = body_of(me.get(f"{GAME}/achievements"))
    open_ones = dig(body, "achievements.unlocked") or []
    w.report.check("level_5 is unlocked", "level_5" in [each["code"] for each in open_ones], open_ones)
    w.report.check("with its time", all(instant(each["unlockedAt"]) for each in open_ones), open_ones)
    w.report.equal("its reward is counted", dig(body_of(me.get(f"{GAME}/stats")), "stats.experience"), 1150)


def history(w: World) -> None:
    """XP by day, the leaderboard, add-xp."""
    me = w.user(paid=True)
    body = {"userId": me.id, "amount": 40, "reason": "проверка"}
    key = f"xp-{w.number()}"
    w.success("add-xp", w.admin("POST", f"{GAME}/add-xp", body, idempotency_key=key))
    w.report.equal(
        "replayed",
        w.admin("POST", f"{GAME}/add-xp", body, idempotency_key=key).headers.get("idempotency-replayed"),
        "true",
    )
    w.refused("add-xp by a member", me.post(f"{GAME}/add-xp", body), 403)
    for amount in (0, 1001, -1, "5"):
        w.refused(f"add-xp of {amount}", w.admin("POST", f"{GAME}/add-xp", body | {"amount": amount}), 400)
    w.refused("of nobody", w.admin("POST", f"{GAME}/add-xp", body | {"userId": "nobody"}), 404, "not_found")
    found = w.success(
        "xp-history", me.get(f"{GAME}/xp-history"), {"history": [obj], "byDay": obj, "total": count}
    )
    today = w.msk().date().isoformat()
    w.report.equal("by Moscow day", found.get("byDay", {}).get(today), 40)
    w.report.equal("in all", found.get("total"), 40)
    for days in ("0", "91", "x"):
        w.refused(f"days={days}", me.get(f"{GAME}/xp-history", days=days), 400, "validation_failed")
    w.advance(8 * 86_400)
    old = body_of(me.get(f"{GAME}/xp-history"))
    w.report.equal("a week back by default", (old.get("total"), old.get("history")), (0, []))
    w.report.equal("days=90", body_of(me.get(f"{GAME}/xp-history", days=90)).get("total"), 40)
    w.publish()
    row = {
        "rank": integer,
        "id": text,
        "username": maybe_text,
        "firstName": maybe_text,
        "lastName": maybe_text,
        "photoUrl": maybe_text,
        "level": integer,
        "experience": count,
        "streak": count,
    }
    board = w.success("leaderboard", me.get(f"{GAME}/leaderboard", limit=100), {"leaderboard": [row]})
    rows = board.get("leaderboard") or []
    w.report.check("has me", me.id in [each["id"] for each in rows], rows[:3])
    xp = [each["experience"] for each in rows]
    w.report.equal("by experience, above 0", xp, sorted((each for each in xp if each > 0), reverse=True))
    w.report.check("ten by default", len(body_of(me.get(f"{GAME}/leaderboard"))["leaderboard"]) <= 10, "")
    w.refused("the leaderboard needs a member", w.anonymous(f"{GAME}/leaderboard"), 401, "unauthorized")


def chance(w: World) -> None:
    """Many changes by chance; what is published equals what each member is."""
    dice = random.Random(7)
    cities = [w.city() for _ in range(4)]
    people = [w.user(paid=dice.random() < 0.8, city=dice.choice(cities)) for _ in range(24)]
    for n in range(160):
        if n % 60 == 0:
            w.tick()
        person, kind = dice.choice(people), dice.random()
        amount = dice.randint(1, 40)
        if kind < 0.55:
            w.award(person, amount)
        elif kind < 0.8:
            body = {"userId": person.id, "amount": amount, "reason": f"Трата {n}"}
            w.report.among("a spend", w.admin("POST", "/api/v1/energies/spend", body).status, 200, 409)
        elif kind < 0.88:
            person.patch("/api/v1/users/me", {"city": dice.choice(cities)})
        elif kind < 0.94:
            w.grant(person, 1)
        else:
            w.need(w.admin("POST", "/api/admin/revoke-subscription", {"telegram_id": person.tg}))
    w.publish()
    w.tick()
    states = [each.me() for each in people]
    listed = body_of(w.anonymous(f"{RATINGS}/cities", limit=100)).get("ratings") or []
    for city in cities:
        inside = [each for each in states if each["isPro"] and each["city"] == city]
        row = next((each for each in listed if each["city"] == city), {})
        seen = (row.get("memberCount", 0), row.get("totalEnergies", 0))
        w.report.equal("a city", seen, (len(inside), sum(each["energies"] for each in inside)))
    places = []
    for person, state in zip(people, states, strict=True):
        found = body_of(person.get(f"{RATINGS}/user-position")).get("position") or {}
        w.report.equal("eligible as paid", found.get("eligible"), state["isPro"])
        w.report.equal("its energies", found.get("energies"), state["energies"])
        if state["isPro"]:
            places.append((found.get("globalRank"), state["energies"]))
        else:
            w.report.equal("no place", found.get("globalRank"), 0)
        rows = person.history(limit=200)
        w.report.equal("balance is the ledger", sum(each["amount"] for each in rows), state["energies"])
        lots = sum(each["remaining"] for each in rows if each["type"] == "income")
        w.report.equal("and the open lots", lots, state["energies"])
    for rank, energies in places:
        for other, more in places:
            if (rank < other) != (energies > more) or (rank == other) != (energies == more):
                w.report.check("places by energies", False, (rank, energies, other, more))
    w.report.check("places were compared", len(places) > 3, places)


SCENARIOS = (shapes, places, expiry, publishing, chance, levels, achievements, history)
