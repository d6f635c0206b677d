"""CloudPayments: its webhooks are sent from here."""

import base64
import hashlib
import hmac
from urllib.parse import unquote_plus, urlencode

from club.kit import Json, User, World
from club.payments import MADE, STATUS, attempt, link
from club.providers import CALLS, CP_SECRET, DAY
from club.shapes import text, true
from club.wire import Answer


def cloud(
    w: World, kind: str, *, sign: str | None = None, header: str = "Content-HMAC", **fields: object
) -> Answer:
    """A notification of CloudPayments."""
    raw = urlencode({key: str(value) for key, value in fields.items()}).encode()
    over = unquote_plus(raw.decode()).encode() if header == "X-Content-HMAC" else raw
    digest = base64.b64encode(hmac.new(CP_SECRET.encode(), over, hashlib.sha256).digest()).decode()
    headers = {header: digest if sign is None else sign, "Content-Type": "application/x-www-form-urlencoded"}
    return w.send("POST", f"/api/webhooks/cloudpayments/{kind}", raw, headers)


def coded(w: World, name: str, answer: Answer, code: int) -> None:
    w.report.equal(name, (answer.status, answer.object().get("code")), (200, code))


def terms(me: User, id: str, **changes: object) -> Json:
    """What every notification of an attempt says."""
    return {
        "InvoiceId": id,
        "AccountId": me.tg,
        "Amount": "2000.00",
        "Currency": "RUB",
        "Email": "a@example.test",
    } | changes


def vector(w: World) -> None:
    """The signed body of the contract."""
    body = b"TransactionId=1001&Amount=2000.00&Currency=RUB&Status=Completed&AccountId=1000000001&Email=test%40example.test"
    sign = "ABNk6MXYcVhCc9AhvIg0wf2CpGlQvsPbwVXkK7YSJn0="
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    path = "/api/webhooks/cloudpayments"
    coded(w, "accepted", w.send("POST", f"{path}/pay", body, kind | {"Content-HMAC": sign}), 0)
    coded(
        w,
        "one byte flipped",
        w.send("POST", f"{path}/pay", body.replace(b"2000", b"2001"), kind | {"Content-HMAC": sign}),
        13,
    )
    for each in ("check", "pay", "fail", "refund", "cancel", "recurrent"):
        for bad in ("", "x", sign[:-2] + "1="):
            coded(
                w,
                f"{each}: signature {bad[-3:]!r}",
                w.send("POST", f"{path}/{each}", body, kind | {"Content-HMAC": bad}),
                13,
            )
        coded(w, f"{each}: none", w.send("POST", f"{path}/{each}", body, kind), 13)


def by_cloud(w: World) -> None:
    """From a link to a refund."""
    me = w.user()
    CALLS.clear()
    done = w.success("link", link(me, provider="cloudpayments"), MADE)
    id = str(done.get("attempt_id"))
    sent = next((body for _, path, body in CALLS if path.endswith("orders/create")), {})
    w.report.equal(
        "the order carries the attempt", (sent.get("InvoiceId"), str(sent.get("AccountId"))), (id, str(me.tg))
    )
    w.report.equal(
        "provider",
        (done.get("provider"), done.get("payment_url", "")[:21]),
        ("cloudpayments", "https://orders.cp.exa"),
    )
    coded(w, "check", cloud(w, "check", TransactionId=1, **terms(me, id)), 0)
    coded(
        w,
        "check: unknown attempt",
        cloud(w, "check", TransactionId=1, **terms(me, "att_00000000000000000000000000")),
        10,
    )
    coded(
        w,
        "check: another account",
        cloud(w, "check", TransactionId=1, **terms(me, id, AccountId=me.tg + 1)),
        11,
    )
    coded(
        w, "check: another amount", cloud(w, "check", TransactionId=1, **terms(me, id, Amount="1999.00")), 12
    )
    coded(
        w, "check: another currency", cloud(w, "check", TransactionId=1, **terms(me, id, Currency="USD")), 12
    )
    coded(
        w,
        "fail",
        cloud(w, "fail", TransactionId=2, Reason="InsufficientFunds", ReasonCode=5051, **terms(me, id)),
        0,
    )
    w.report.equal("stays payable", attempt(me, id).get("status"), "pending")
    number = 5000 + w.number()
    coded(
        w,
        "pay, not completed",
        cloud(w, "pay", TransactionId=number + 500_000, Status="Authorized", **terms(me, id)),
        0,
    )
    w.idle()
    w.report.equal("gives nothing", me.balance(), 0)
    for header in ("Content-HMAC", "X-Content-HMAC"):
        coded(
            w,
            f"pay by {header}",
            cloud(w, "pay", header=header, TransactionId=number, Status="Completed", **terms(me, id)),
            0,
        )
    w.idle()
    w.report.equal(
        "settles once",
        (me.balance(), me.me()["subscriptionExpires"], attempt(me, id).get("status")),
        (500, w.iso(30 * DAY), "paid"),
    )
    coded(w, "check: paid already", cloud(w, "check", TransactionId=1, **terms(me, id)), 13)
    w.report.equal(
        "detected",
        me.get("/api/payments/detect-provider", telegram_id=me.tg).object().get("provider"),
        "cloudpayments",
    )
    second = str(w.need(link(me, provider="cloudpayments"))["attempt_id"])
    coded(
        w,
        "a second payment",
        cloud(w, "pay", TransactionId=number + 1_000_000, Status="Completed", **terms(me, second)),
        0,
    )
    w.idle()
    w.report.equal("stacks", me.me()["subscriptionExpires"], w.iso(60 * DAY))
    for _ in range(2):
        back = terms(me, id) | {"TransactionId": number + 2_000_000, "PaymentTransactionId": number}
        coded(w, "refund", cloud(w, "refund", **back), 0)
    w.idle()
    w.report.equal(
        "reverses exactly that", (me.balance(), me.me()["subscriptionExpires"]), (500, w.iso(30 * DAY))
    )
    w.report.equal(
        "states", (attempt(me, id).get("status"), attempt(me, second).get("status")), ("refunded", "paid")
    )
    old = w.user()
    third = str(w.need(link(old, provider="cloudpayments"))["attempt_id"])
    w.advance(DAY + 1)
    coded(w, "check: an old link", cloud(w, "check", TransactionId=1, **terms(old, third)), 20)


def renewing(w: World) -> None:
    """A CloudPayments subscription."""
    me = w.user()
    id = str(w.need(link(me, provider="cloudpayments"))["attempt_id"])
    sub = f"sc_{w.number()}"
    coded(
        w,
        "pay",
        cloud(
            w,
            "pay",
            TransactionId=30_000 + w.number(),
            Status="Completed",
            SubscriptionId=sub,
            **terms(me, id),
        ),
        0,
    )
    w.idle()
    auto = w.success("another link", link(me), {"provider": text, "auto_renewal": true})
    w.report.equal("renews itself", auto.get("provider"), "cloudpayments")
    w.report.equal(
        "status", w.success("status", me.get("/api/payments/status"), STATUS).get("auto_renewal"), True
    )
    coded(
        w,
        "a renewal",
        cloud(
            w,
            "pay",
            TransactionId=40_000 + w.number(),
            Status="Completed",
            SubscriptionId=sub,
            **terms(me, ""),
        ),
        0,
    )
    w.idle()
    w.report.equal("adds 30 days", (me.me()["subscriptionExpires"], me.balance()), (w.iso(60 * DAY), 1000))
    coded(w, "past due", cloud(w, "recurrent", Id=sub, AccountId=me.tg, Status="PastDue"), 0)
    w.idle()
    w.report.equal("is an event", me.me()["autoRenewalEnabled"], True)
    coded(w, "rejected", cloud(w, "recurrent", Id=sub, AccountId=me.tg, Status="Rejected"), 0)
    w.idle()
    w.report.equal(
        "paid time stays",
        (me.me()["subscriptionExpires"], me.me()["autoRenewalEnabled"]),
        (w.iso(60 * DAY), False),
    )


SCENARIOS = (vector, by_cloud, renewing)
