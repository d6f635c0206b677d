"""The wire types of the contract, as rules on their fields."""

import re
from datetime import datetime
from typing import Any

from club.kit import Rule

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MONEY = re.compile(r"\d+(\.\d\d)?")


def text(value: Any) -> bool:
    return isinstance(value, str)


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def count(value: Any) -> bool:
    return integer(value) and value >= 0


def number(value: Any) -> bool:
    return integer(value) or isinstance(value, float)


def instant(value: Any) -> bool:
    if not text(value) or not INSTANT.fullmatch(value):
        return False
    datetime.fromisoformat(value.replace("Z", "+00:00"))
    return True


def obj(value: Any) -> bool:
    return isinstance(value, dict)


def array(value: Any) -> bool:
    return isinstance(value, list)


def null(value: Any) -> bool:
    return value is None


def money(value: Any) -> bool:
    return text(value) and bool(MONEY.fullmatch(value))


def anything(_value: Any) -> bool:
    return True


def true(value: Any) -> bool:
    return value is True


def false(value: Any) -> bool:
    return value is False


def opt(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def like(shape: Any) -> Rule:
    """A rule out of a shape, for `opt`."""
    from club.kit import misfits

    return lambda value: not misfits(value, shape)


def of(*values: Any) -> Rule:
    return lambda value: any(value == each and type(value) is type(each) for each in values)


maybe_text = opt(text)
maybe_object = opt(obj)
maybe_instant = opt(instant)

PUBLIC_USER = {
    "id": text,
    "username": maybe_text,
    "firstName": maybe_text,
    "photoUrl": maybe_text,
    "level": integer,
    "streak": count,
    "createdAt": instant,
}
USER = PUBLIC_USER | {
    "telegramId": integer,
    "lastName": maybe_text,
    "languageCode": maybe_text,
    "city": maybe_text,
    "email": maybe_text,
    "phone": maybe_text,
    "experience": count,
    "energies": count,
    "lastActiveDate": maybe_instant,
    "isPro": boolean,
    "subscriptionExpires": maybe_instant,
    "autoRenewalEnabled": boolean,
    "gifted": boolean,
    "lavaContactId": null,
    "cloudpaymentsSubscriptionId": maybe_text,
    "settings": maybe_object,
    "updatedAt": instant,
}
TRANSACTION = {
    "id": text,
    "userId": text,
    "amount": integer,
    "delta": integer,
    "absoluteAmount": count,
    "type": of("income", "expense"),
    "kind": text,
    "reason": text,
    "metadata": maybe_object,
    "expiresAt": maybe_instant,
    "isExpired": boolean,
    "remaining": opt(count),
    "createdAt": instant,
}
ITEM_TYPE = of("raffle_ticket", "lesson", "discount", "gift", "access")
CATEGORY = of("elite", "secret", "savings")
SHOP_ITEM = {
    "id": text,
    "title": text,
    "description": maybe_text,
    "price": integer,
    "category": CATEGORY,
    "itemType": ITEM_TYPE,
    "imageUrl": maybe_text,
    "metadata": maybe_object,
    "itemData": maybe_object,
    "isActive": boolean,
    "stock": opt(count),
    "perUserLimit": opt(count),
    "sortOrder": integer,
    "createdAt": instant,
    "updatedAt": instant,
}
PURCHASE = {
    "id": text,
    "userId": text,
    "itemId": text,
    "price": integer,
    "status": of("completed", "used"),
    "metadata": maybe_object,
    "ticketNumbers": opt(array),
    "createdAt": instant,
    "purchasedAt": instant,
    "usedAt": maybe_instant,
    "item": maybe_object,
    "itemTitle": text,
    "itemDescription": maybe_text,
    "itemCategory": CATEGORY,
    "itemType": ITEM_TYPE,
    "itemImageUrl": maybe_text,
}
TEAM = {
    "id": text,
    "name": text,
    "city": text,
    "number": integer,
    "metka": maybe_text,
    "cityChat": anything,
    "description": maybe_text,
    "memberCount": count,
    "currentMembers": count,
    "maxMembers": count,
    "ambassadorCount": count,
    "leaderId": maybe_text,
    "isActive": boolean,
    "isFull": boolean,
    "createdAt": instant,
    "userRole": opt(of("leader", "member", "ambassador")),
    "joinedAt": maybe_instant,
}
TEAM_MEMBER = {
    "id": text,
    "userId": text,
    "teamId": text,
    "role": of("leader", "member", "ambassador"),
    "joinedAt": instant,
    "username": maybe_text,
    "firstName": maybe_text,
    "lastName": maybe_text,
    "photoUrl": maybe_text,
    "level": integer,
    "energies": count,
    "user": {
        "id": text,
        "firstName": maybe_text,
        "lastName": maybe_text,
        "username": maybe_text,
        "photoUrl": maybe_text,
    },
}
WEEKLY_REPORT = {
    "id": text,
    "userId": text,
    "weekNumber": integer,
    "year": integer,
    "content": text,
    "deadline": instant,
    "energiesEarned": count,
    "submittedAt": instant,
    "metadata": maybe_object,
}
LEADER_ROW = {
    "rank": integer,
    "id": text,
    "userId": text,
    "username": maybe_text,
    "firstName": maybe_text,
    "lastName": maybe_text,
    "name": maybe_text,
    "photoUrl": maybe_text,
    "city": maybe_text,
    "level": integer,
    "energies": count,
    "experience": count,
    "total": integer,
}
CITY_RATING = {
    "city": text,
    "totalEnergies": count,
    "memberCount": count,
    "userCount": count,
    "avgEnergies": number,
    "rank": integer,
}
TEAM_RATING = {
    "teamId": text,
    "decadeId": text,
    "teamName": text,
    "decadeName": text,
    "city": text,
    "number": integer,
    "totalEnergies": count,
    "memberCount": count,
    "avgEnergies": number,
    "rank": integer,
}
POSITION = {
    "globalRank": integer,
    "personalRank": integer,
    "cityRank": opt(integer),
    "teamRank": opt(integer),
    "city": maybe_text,
    "teamId": maybe_text,
    "decadeId": maybe_text,
    "eligible": boolean,
    "energies": count,
    "total": count,
    "generatedAt": instant,
}
