"""Quarantined money, refunds, the cooldown, tracking, Telegram's stars."""

from datetime import UTC, datetime, timedelta

from club.kit import User, World, body_of, dig
from club.payments import (
    DAY,
    MADE,
    SUPPORT,
    attempt,
    event,
    form,
    link,
    made,
    private,
    record,
)
from club.shapes import boolean, text, true


def quarantine(w: World) -> None:
    """Money that contradicts its attempt."""
    me = w.user()
    id = made(w, me)
    w.success("a wrong amount is acknowledged", event(w, id, amount="1999.99", currency="RUB"))
    w.idle()
    w.report.equal(
        "gives nothing",
        (me.me()["isPro"], me.balance(), attempt(me, id).get("status")),
        (False, 0, "pending"),
    )
    listed = w.success("unassigned", w.admin("GET", "/api/admin/unassigned-payments"))
    rows = listed.get("payments") or listed.get("unassigned") or listed.get("unassignedPayments") or []
    own = [each for each in rows if each.get("attempt_id") == id]
    w.report.equal("one of it", len(own), 1)
    pid = own[0]["id"] if own else "none"
    w.success("again", event(w, id, amount="1999.99", currency="RUB"))
    rows = body_of(w.admin("GET", "/api/admin/unassigned-payments")).get("payments") or []
    w.report.equal("still one", len([each for each in rows if each.get("attempt_id") == id]), 1)
    path = f"/api/admin/unassigned-payments/{pid}"
    for name, bad in {
        "nothing": {},
        "no offer": {"telegram_id": me.tg},
        "a bad id": {"telegram_id": "x", "offer_key": "monthly_rub_2000"},
    }.items():
        w.refused(f"assign {name}", w.admin("POST", f"{path}/assign", bad), 400)
    w.refused(
        "assign to an unknown offer",
        w.admin("POST", f"{path}/assign", {"telegram_id": me.tg, "offer_key": "nothing"}),
        404,
    )
    w.success(
        "assign", w.admin("POST", f"{path}/assign", {"telegram_id": me.tg, "offer_key": "monthly_rub_2000"})
    )
    w.idle()
    w.report.equal(
        "settles",
        (me.me()["isPro"], me.balance(), me.me()["subscriptionExpires"]),
        (True, 500, w.iso(30 * DAY)),
    )
    again = w.admin("POST", f"{path}/assign", {"telegram_id": me.tg, "offer_key": "monthly_rub_2000"})
    w.refused("assign twice", again, 409, "already_assigned")
    w.report.equal("once", me.balance(), 500)
    w.refused(
        "assign nothing",
        w.admin(
            "POST",
            "/api/admin/unassigned-payments/nothing/assign",
            {"telegram_id": me.tg, "offer_key": "monthly_rub_2000"},
        ),
        404,
    )
    other = w.user()
    second = made(w, other)
    w.success("a wrong currency", event(w, second, amount="2000.00", currency="USD"))
    rows = body_of(w.admin("GET", "/api/admin/unassigned-payments")).get("payments") or []
    own = [each for each in rows if each.get("attempt_id") == second]
    w.report.equal("in quarantine", len(own), 1)
    if own:
        w.success(
            "dismiss",
            w.admin("POST", f"/api/admin/unassigned-payments/{own[0]['id']}/dismiss", {"reason": "Тест"}),
        )
        late = w.admin(
            "POST",
            f"/api/admin/unassigned-payments/{own[0]['id']}/assign",
            {"telegram_id": other.tg, "offer_key": "monthly_rub_2000"},
        )
        w.report.check("a dismissed one is not assigned", late.status == 409, late.brief())
    w.success(
        "an unknown attempt",
        event(
            w, "att_00000000000000000000000000", external_id=f"x{w.number()}", amount="5.00", currency="RUB"
        ),
    )


def refunds(w: World) -> None:
    """Each refund touches its own payment."""
    me = w.user()
    first = made(w, me)
    w.pay(first)
    second = made(w, me)
    w.pay(second)
    w.report.equal("two payments", (me.balance(), me.me()["subscriptionExpires"]), (1000, w.iso(60 * DAY)))
    w.pay(first, "refunded")
    w.report.equal("one taken back", (me.balance(), me.me()["subscriptionExpires"]), (500, w.iso(30 * DAY)))
    w.report.equal("reason", me.history()[0]["reason"], "Возврат платежа")
    w.report.equal(
        "states", (attempt(me, first).get("status"), attempt(me, second).get("status")), ("refunded", "paid")
    )
    w.pay(first, "refunded")
    w.report.equal("a second time nothing", me.balance(), 500)
    pid = next((each["id"] for each in record(w, me)["payments"] if each.get("attempt_id") == second), "none")
    path = f"/api/admin/payments/{pid}/refund"
    w.refused("a refund without a key", w.admin("POST", path, {}), 400)
    w.refused(
        "of nothing",
        w.admin("POST", "/api/admin/payments/nothing/refund", {}, idempotency_key=f"r{w.number()}"),
        404,
    )
    for bad in ("0", "-5.00", "2000.01", "x"):
        answer = w.admin("POST", path, {"amount": bad}, idempotency_key=f"r{w.number()}")
        w.report.check(f"amount {bad}", answer.status in (400, 409), answer.brief())
    key = f"half-{w.number()}"
    w.success("half", w.admin("POST", path, {"amount": "1000.00"}, idempotency_key=key))
    w.idle()
    w.report.equal("takes half", (me.balance(), me.me()["subscriptionExpires"]), (250, w.iso(15 * DAY)))
    w.success("replayed", w.admin("POST", path, {"amount": "1000.00"}, idempotency_key=key))
    w.idle()
    w.report.equal("takes no more", me.balance(), 250)
    w.success("the rest", w.admin("POST", path, {}, idempotency_key=f"rest-{w.number()}"))
    w.idle()
    w.report.equal("takes the rest", (me.balance(), me.me()["isPro"]), (0, False))
    w.refused(
        "all is refunded",
        w.admin("POST", path, {}, idempotency_key=f"more-{w.number()}"),
        409,
        "already_refunded",
    )
    spent = w.user()
    third = made(w, spent)
    w.pay(third)
    w.need(w.admin("POST", "/api/v1/energies/spend", {"userId": spent.id, "amount": 450, "reason": "Трата"}))
    w.pay(third, "refunded")
    w.report.equal("never below 0", spent.balance(), 0)
    w.award(spent, 100)
    w.report.equal("never collected later", spent.balance(), 100)


def cooldown(w: World) -> None:
    """Seven to ninety days after the end."""
    people = {days: w.user(paid=True, days=1) for days in (6, 8, 91)}
    end = w.now() + DAY
    for days, me in people.items():
        w.set_clock(end + days * DAY)
        w.idle()
        refused = days == 8
        answer = link(me)
        if not refused:
            w.success(f"{days} days after", answer, MADE)
            found = w.success(
                "check", me.get("/api/analytics/check-cooldown", telegram_id=me.tg), {"blocked": boolean}
            )
            w.report.equal("not blocked", found.get("blocked"), False)
            continue
        unlock = (datetime.fromtimestamp(end + 90 * DAY, UTC) + timedelta(hours=3)).strftime("%d.%m.%Y")
        body = w.refused("8 days after", answer, 403, "cooldown_active")
        w.report.equal("unlock date", body.get("unlock_date"), unlock)
        w.report.equal("error is the code", body.get("error"), "cooldown_active")
        w.refused("support", me.post(SUPPORT, form(me, offer_key=...)), 403, "cooldown_active")
        tracked = {"telegram_id": str(me.tg), "payment_method": "card", "amount": 2000}
        w.refused(
            "payment-attempt", me.post("/api/analytics/payment-attempt", tracked), 403, "cooldown_active"
        )
        w.success(
            "payment-attempt of a gift",
            me.post("/api/analytics/payment-attempt", tracked | {"metka": "gift_payment"}),
        )
        found = w.success(
            "check",
            me.get("/api/analytics/check-cooldown", telegram_id=me.tg),
            {"blocked": true, "unlock_date": text, "first_name": text},
        )
        w.report.equal("blocked until", (found.get("unlock_date"), found.get("first_name")), (unlock, "Анна"))
        status = body_of(me.get("/api/payments/status"))
        w.report.equal("status", (status.get("blocked"), status.get("unlock_date")), (True, unlock))
        w.success("a gift link", link(me, offer_key="gift_rub_2000"), MADE)
        w.report.equal(
            "no attempt but the gift's", [each["purpose"] for each in record(w, me)["attempts"]], ["gift"]
        )


def analytics(w: World) -> None:
    """What the forms track."""
    me = w.user()
    base = "/api/analytics"
    form_open = {"telegram_id": str(me.tg), "email": "undefined", "name": "null", "utm_source": "vk"}
    done = w.success("form-open", me.post(f"{base}/form-open", form_open))
    w.report.equal("message", done.get("message"), "Form open tracked")
    gift = w.success(
        "gift-attempt", me.post(f"{base}/gift-attempt", {"gifter_id": str(me.tg), "recipient_id": "5"})
    )
    w.report.equal("message", gift.get("message"), "Gift attempt tracked")
    money_body = {"telegram_id": str(me.tg), "payment_method": "card", "amount": 2000}
    paid = w.success("payment-success", me.post(f"{base}/payment-success", money_body))
    w.report.equal("message", paid.get("message"), "Payment success tracked")
    tried = w.success(
        "payment-attempt",
        me.post(f"{base}/payment-attempt", money_body | {"currency": "RUB", "code_word": "слово"}),
    )
    w.report.equal("message", tried.get("message"), "Payment attempt tracked")
    w.report.equal(
        "grants nothing", (me.me()["isPro"], me.balance(), record(w, me)["attempts"]), (False, 0, [])
    )
    w.tick()
    for path, body in (
        ("form-open", form_open),
        ("payment-success", money_body),
        ("payment-attempt", money_body),
    ):
        w.refused(
            f"{path} for another",
            me.post(f"{base}/{path}", body | {"telegram_id": str(me.tg + 1)}),
            403,
            "subject_mismatch",
        )
    w.refused(
        "gift-attempt for another",
        me.post(f"{base}/gift-attempt", {"gifter_id": "77", "recipient_id": "5"}),
        403,
        "subject_mismatch",
    )
    w.refused(
        "a long word",
        me.post(f"{base}/form-open", form_open | {"utm_source": "я" * 256}),
        400,
        "validation_failed",
    )
    w.refused("a bad id", me.get(f"{base}/check-cooldown", telegram_id="x"), 400)
    w.refused(
        "another's cooldown", me.get(f"{base}/check-cooldown", telegram_id=me.tg + 1), 403, "subject_mismatch"
    )


def stars(w: World) -> None:
    """Telegram's own payments."""
    me, other = w.user(), w.user()
    id = made(w, me, provider="stars", currency="XTR")

    def ask(who: User, amount: int, currency: str = "XTR") -> object:
        query = f"q{w.number()}"
        person = {"id": who.tg, "is_bot": False, "first_name": "Анна"}
        w.update(
            pre_checkout_query={
                "id": query,
                "from": person,
                "currency": currency,
                "total_amount": amount,
                "invoice_payload": id,
            }
        )
        found = w.desk("GET", "/telegram/messages")["messages"]
        answers = [each["payload"] for each in found if dig(each, "payload.pre_checkout_query_id") == query]
        return answers[-1] if answers else {}

    w.report.equal("equal terms", dig(ask(me, 1500), "ok"), True)
    for name, refusal in {
        "another amount": ask(me, 1499),
        "another payer": ask(other, 1500),
        "another currency": ask(me, 1500, "USD"),
    }.items():
        w.report.check(
            f"{name}: no, and why",
            dig(refusal, "ok") is False and "а" <= str(dig(refusal, "error_message"))[-3].lower() <= "я",
            refusal,
        )

    def pay(charge: str, attempt_id: str, **more: object) -> None:
        receipt = {
            "currency": "XTR",
            "total_amount": 1500,
            "invoice_payload": attempt_id,
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "p",
        }
        w.update(message=private(w, me) | {"successful_payment": receipt | more})
        w.idle()

    until = int(w.now() + 30 * DAY)
    charge = f"charge{w.number()}"
    pay(charge, id, is_recurring=True, is_first_recurring=True, subscription_expiration_date=until)
    pay(charge, id, is_recurring=True, is_first_recurring=True, subscription_expiration_date=until)
    w.report.equal(
        "two deliveries settle once", (me.balance(), me.me()["subscriptionExpires"]), (500, w.iso(30 * DAY))
    )
    status = body_of(me.get("/api/payments/status"))
    w.report.equal("it renews itself", (status.get("auto_renewal"), status.get("provider")), (True, "stars"))
    w.report.equal("the user says so", me.me()["autoRenewalEnabled"], True)
    active = w.success(
        "another link",
        link(me),
        {"active_subscription": true, "expires_at": text, "subscription_expires": text},
    )
    w.report.check("no attempt came", "attempt_id" not in active, active)
    w.tick()
    probe = w.success("a probe", link(me, email="a@check.local"))
    w.report.equal("answers the same", probe.get("active_subscription"), True)
    w.success("force_renew makes one", link(me, force_renew=True, provider="sandbox"), MADE)
    w.success("a gift, too", link(me, offer_key="gift_rub_2000"), MADE)
    pay(f"charge{w.number()}", id, is_recurring=True, subscription_expiration_date=until + 30 * DAY)
    w.report.equal(
        "a recurring charge adds 30 days",
        (me.balance(), me.me()["subscriptionExpires"][:10]),
        (1000, w.iso(60 * DAY - 61)[:10]),
    )
    paths = ("/api/v1/users/cancel-subscription", "/api/payments/cancel-subscription")
    done = [
        w.success(
            path,
            me.post(path, {"telegram_id": me.tg}),
            {"provider": text, "message": text, "expires_at": text},
        )
        for path in paths
    ]
    w.report.equal(
        "cancelled, the same twice",
        (done[0].get("expires_at"), done[0]),
        (done[1].get("expires_at"), done[1]),
    )
    w.report.check(
        "a Moscow date",
        str(done[0].get("expires_at"))[2::3] in ("..",) or str(done[0].get("expires_at")).count(".") == 2,
        done[0],
    )
    w.report.equal("paid time stays", (me.me()["isPro"], me.me()["autoRenewalEnabled"]), (True, False))
    calls = [
        each
        for each in w.desk("GET", "/telegram/messages")["messages"]
        if each["method"] == "editUserStarSubscription" and dig(each, "payload.user_id") == me.tg
    ]
    w.report.equal("Telegram was told once", len(calls), 1)
    for path in paths:
        w.refused(
            f"{path}: nothing to cancel",
            other.post(path),
            400,
            "no_active_subscription",
            "У вас нет активной подписки",
        )
        w.refused(f"{path}: for another", other.post(path, {"telegram_id": me.tg}), 403, "subject_mismatch")


SCENARIOS = (quarantine, refunds, cooldown, analytics, stars)
