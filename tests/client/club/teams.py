"""Teams, as the administrator and the team view see them."""

from club.kit import World, body_of, dig
from club.shapes import TEAM, TEAM_MEMBER, count, number, obj, text


def lists(w: World) -> None:
    """Lists, filters, statistics, one team."""
    city = w.city()
    leader = w.user(paid=True, city=city)
    outsider = w.user(paid=True)
    empty = w.success("no team", leader.get("/api/teams/my"))
    w.report.check("is null", empty.get("team", 0) is None, empty)
    team = w.team(city, leader, metka=f"m{w.number()}", description="Описание")
    w.report.equal("its name", team.get("name"), f"Десятка №1 {city}")
    mine = w.success(
        "my team", leader.get("/api/teams/my", userId=leader.id), {"team": TEAM | {"inviteLink": text}}
    )
    w.report.equal("I lead it", dig(mine, "team.userRole"), "leader")
    w.report.equal("its leader", dig(mine, "team.leaderId"), leader.id)
    w.report.equal("one member", (dig(mine, "team.memberCount"), dig(mine, "team.currentMembers")), (1, 1))
    w.refused("another's team", outsider.get("/api/teams/my", userId=leader.id), 403, "subject_mismatch")
    shape = {"teams": [TEAM], "total": count, "page": count, "totalPages": count}
    listed = w.success("teams of a city", outsider.get("/api/teams", city=city), shape)
    w.report.equal("are these", [each["id"] for each in listed.get("teams") or []], [team["id"]])
    links = [each.get("inviteLink") for each in listed.get("teams") or []]
    w.report.check("no link for strangers", not any(links), links)
    by = body_of(outsider.get("/api/teams", metka=team["metka"]))
    w.report.equal("by metka", [each["id"] for each in by.get("teams") or []], [team["id"]])
    spelled = body_of(outsider.get("/api/teams", city=f" {city.upper()} "))
    w.report.equal("the city's key decides", spelled.get("total"), 1)
    for _ in range(2):
        w.team(city)
    two = w.success("pages", outsider.get("/api/teams", city=city, limit=2, page=2), shape)
    w.report.equal("second page", (len(two.get("teams") or []), two.get("totalPages")), (1, 2))
    w.refused("limit=0", outsider.get("/api/teams", limit=0), 400, "validation_failed")
    w.success("limit=1000 is capped", outsider.get("/api/teams", limit=1000), shape)
    figures = {
        "totalTeams": count,
        "totalMembers": count,
        "averageSize": number,
        "byMetka": obj,
        "fullTeams": count,
    }
    stats = body_of(outsider.get("/api/teams/stats"))
    if isinstance(dig(stats, "stats.byMetka"), list):
        figures |= {"byMetka": lambda value: isinstance(value, list)}
    w.success("stats", outsider.get("/api/teams/stats"), {"stats": figures})
    one = w.success("one team", leader.get(f"/api/teams/{team['id']}"), {"team": TEAM | {"inviteLink": text}})
    w.report.check(
        "its members for its members", isinstance(dig(one, "team.members") or one.get("members"), list), one
    )
    alien = w.success("for a stranger", outsider.get(f"/api/teams/{team['id']}"), {"team": TEAM})
    w.report.check("no members", not dig(alien, "team.members") and not alien.get("members"), alien)
    w.report.check("no link", not dig(alien, "team.inviteLink"), alien)
    members = w.success("members", leader.get(f"/api/teams/{team['id']}/members"), {"members": [TEAM_MEMBER]})
    w.report.equal("one", [each["userId"] for each in members.get("members") or []], [leader.id])
    w.refused(
        "members for a stranger", outsider.get(f"/api/teams/{team['id']}/members"), 403, "not_team_member"
    )
    for bad in ("nothing", "00000000-0000-4000-8000-000000000000", "..%2f", "%D0%B6"):
        w.refused(f"team {bad}", leader.get(f"/api/teams/{bad}"), 404, "not_found", "Team not found")
        w.refused(f"members of {bad}", leader.get(f"/api/teams/{bad}/members"), 404, "not_found")
    for path in ("/api/teams", "/api/teams/my", "/api/teams/stats", f"/api/teams/{team['id']}"):
        w.refused(f"{path} of nobody", w.anonymous(path), 401, "unauthorized")


def creates(w: World) -> None:
    """What an administrator may create."""
    city = w.city()
    leader = w.user(paid=True, city=city)
    body = {"city": city, "leaderUserId": leader.id, "tgChatId": -100_500_000 - w.number(), "maxMembers": 2}
    made = w.success("create", w.admin("POST", "/api/teams", body), {"team": TEAM})
    w.report.equal("number 1", dig(made, "team.number"), 1)
    w.report.equal("max", dig(made, "team.maxMembers"), 2)
    other = w.user(paid=True, city=city)
    taken = {"city": city, "leaderUserId": other.id, "tgChatId": body["tgChatId"]}
    w.refused("a chat twice", w.admin("POST", "/api/teams", taken), 409, "chat_taken")
    w.refused(
        "a leader twice",
        w.admin("POST", "/api/teams", {"city": city, "leaderUserId": leader.id}),
        409,
        "leader_busy",
    )
    second = w.success("the next", w.admin("POST", "/api/teams", {"city": city.upper()}), {"team": TEAM})
    w.report.equal("has the next number", dig(second, "team.number") in (2, 3, 4), True)
    w.report.equal("and the known city name", dig(second, "team.city"), city)
    for name, wrong in {
        "no city": {"city": None},
        "an empty city": {"city": ""},
        "a long city": {"city": "я" * 81},
        "one member": {"maxMembers": 1},
        "51 members": {"maxMembers": 51},
        "a text": {"maxMembers": "ten"},
    }.items():
        w.refused(name, w.admin("POST", "/api/teams", {"city": city} | wrong), 400, "validation_failed")
    w.refused(
        "an unknown leader",
        w.admin("POST", "/api/teams", {"city": city, "leaderUserId": "nobody"}),
        404,
        "not_found",
    )
    w.refused("by a member", leader.post("/api/teams", {"city": city}), 403, "admin_required")
    key = f"team-{w.number()}"
    first = w.admin("POST", "/api/teams", {"city": city}, idempotency_key=key)
    again = w.admin("POST", "/api/teams", {"city": city}, idempotency_key=key)
    w.report.equal("a key makes one team", dig(first.json(), "team.id"), dig(again.json(), "team.id"))


def members(w: World) -> None:
    """Joining, leaving, a new leader."""
    city = w.city()
    leader, second, third, extra = [w.user(paid=True, city=city) for _ in range(4)]
    team = w.team(city, leader, maxMembers=2)
    path = f"/api/teams/{team['id']}"
    joined = w.success("join", w.admin("POST", f"{path}/join", {"userId": second.id}), {"team": TEAM})
    w.report.equal("now full", (dig(joined, "team.memberCount"), dig(joined, "team.isFull")), (2, True))
    w.refused(
        "a third", w.admin("POST", f"{path}/join", {"userId": third.id}), 409, "team_full", "Team is full"
    )
    again = w.admin("POST", f"{path}/join", {"userId": second.id})
    if again.status != 200:
        w.refused("the same again", again, 409, "already_in_team", "User is already in a team")
    more = w.success(
        "an ambassador",
        w.admin("POST", f"{path}/join", {"userId": extra.id, "role": "ambassador"}),
        {"team": TEAM},
    )
    w.report.equal("is extra", (dig(more, "team.memberCount"), dig(more, "team.ambassadorCount")), (2, 1))
    elsewhere = w.team(city)
    w.refused(
        "one team per member",
        w.admin("POST", f"/api/teams/{elsewhere['id']}/join", {"userId": second.id}),
        409,
        "already_in_team",
        "User is already in a team",
    )
    mine = body_of(second.get("/api/teams/my"))
    w.report.equal("his role", dig(mine, "team.userRole"), "member")
    rows = body_of(second.get(f"{path}/members")).get("members") or []
    w.report.equal(
        "by joining", [each["joinedAt"] for each in rows], sorted(each["joinedAt"] for each in rows)
    )
    left = w.success("leave", w.admin("POST", "/api/teams/leave", {"userId": second.id}))
    w.report.among("names the team or none", dig(left, "team.id"), team["id"], None)
    w.report.equal("counted", dig(body_of(leader.get("/api/teams/my")), "team.memberCount"), 1)
    gone = w.admin("POST", "/api/teams/leave", {"userId": second.id})
    w.refused("leave twice", gone, 409, "not_in_team", "User is not in a team")
    w.success("now the third", w.admin("POST", f"{path}/join", {"userId": third.id}))
    w.refused(
        "a leader from outside",
        w.admin("POST", f"{path}/replace-leader", {"userId": second.id}),
        409,
        "not_in_team",
    )
    done = w.success(
        "replace the leader", w.admin("POST", f"{path}/replace-leader", {"userId": third.id}), {"team": TEAM}
    )
    w.report.equal("he leads", dig(done, "team.leaderId"), third.id)
    w.report.equal(
        "the same again", w.admin("POST", f"{path}/replace-leader", {"userId": third.id}).status, 200
    )
    roles = {
        each["userId"]: each["role"] for each in body_of(third.get(f"{path}/members")).get("members") or []
    }
    w.report.equal("roles", (roles.get(third.id), roles.get(leader.id)), ("leader", "member"))
    for person, amount in ((third, 20), (leader, 10)):
        found = w.need(w.admin("POST", "/api/v1/energies/triggers/daily-login", {"userId": person.id}))
        w.report.equal("whose awards are doubled", found.get("amount"), amount)
    for name in ("join", "replace-leader"):
        w.refused(
            f"{name}: unknown team",
            w.admin("POST", f"/api/teams/nothing/{name}", {"userId": third.id}),
            404,
            "not_found",
            "Team not found",
        )
        w.refused(f"{name}: no user", w.admin("POST", f"{path}/{name}", {}), 400, "validation_failed")
        w.refused(
            f"{name}: unknown user", w.admin("POST", f"{path}/{name}", {"userId": "nobody"}), 404, "not_found"
        )
        w.refused(
            f"{name} by a member", third.post(f"{path}/{name}", {"userId": third.id}), 403, "admin_required"
        )
    w.refused(
        "leave by a member", third.post("/api/teams/leave", {"userId": third.id}), 403, "admin_required"
    )
    w.refused(
        "a strange role",
        w.admin("POST", f"{path}/join", {"userId": second.id, "role": "king"}),
        400,
        "validation_failed",
    )


def races(w: World) -> None:
    """The last place."""
    city = w.city()
    team = w.team(city, maxMembers=3)
    people = [w.user(paid=True, city=city) for _ in range(8)]
    path = f"/api/teams/{team['id']}/join"
    answers = w.both([lambda p=p: w.admin("POST", path, {"userId": p.id}) for p in people], 8)
    inside = sum(each.status == 200 for each in answers)
    w.report.check("eight for three places", inside <= 3, [each.brief() for each in answers])
    w.report.equal("others are refused", {each.status for each in answers} - {200, 409, 503}, set())
    for each in people:
        if w.admin("POST", path, {"userId": each.id}).status == 200:
            inside += 1
    found = (body_of(people[0].get("/api/teams", city=city)).get("teams") or [{}])[0]
    w.report.equal("three are inside", found.get("memberCount"), 3)
    w.report.equal("it is full", found.get("isFull"), True)


def distribution(w: World) -> None:
    """25 members of one city."""
    w.need(w.admin("POST", "/api/teams/distribute", {}))
    city = w.city()
    people = [w.user(paid=True, city=city) for _ in range(25)]
    unpaid = w.user(city=city)
    shape = {"teamsCreated": count, "usersAssigned": count, "usersDistributed": count, "remaining": count}
    done = w.success("distribute", w.admin("POST", "/api/teams/distribute", {}), shape)
    w.report.equal("25 assigned", (done.get("usersAssigned"), done.get("usersDistributed")), (25, 25))
    w.report.equal("three teams", (done.get("teamsCreated"), done.get("remaining")), (3, 0))
    teams = body_of(people[0].get("/api/teams", city=city)).get("teams") or []
    w.report.equal("of at most ten", sorted(each["memberCount"] for each in teams), [5, 10, 10])
    w.report.check("the unpaid has none", body_of(unpaid.get("/api/teams/my")).get("team", 0) is None, "")
    again = w.success("again", w.admin("POST", "/api/teams/distribute", {}), shape)
    w.report.equal("nobody", (again.get("usersAssigned"), again.get("teamsCreated")), (0, 0))
    w.refused("by a member", people[0].post("/api/teams/distribute"), 403, "admin_required")


SCENARIOS = (lists, creates, members, races, distribution)
