//! A row of what commits no action: no validator may change.

use serde_json::json;

use super::rows::{Row, act};
use super::scene::Scene;

/// What members ask for and say.
async fn said(scene: &Scene) {
    let anna = scene.anna();
    let refresh = json!({ "refreshToken": scene.noted("refresh") });
    scene.world.post("/api/v1/auth/refresh", &refresh).await.ok();
    let out = scene.world.call("POST", "/api/v1/auth/logout").bearer(&scene.noted("token"));
    out.await.ok();
    let attempt = anna.link(tests::MONTH).await;
    scene.world.provider_says(&attempt, "unpaid").await;
    let form = json!({ "telegram_id": 42, "email": "anna@example.test" });
    anna.post("/api/payments/generate-link-support", &form).await.ok();
    let paid = json!({ "telegram_id": 42, "payment_method": "bank-rf", "amount": 2_000 });
    let gift = json!({ "gifter_id": 42, "recipient_id": 43 });
    for (name, body) in [
        ("form-open", &form),
        ("payment-attempt", &paid),
        ("payment-success", &paid),
        ("gift-attempt", &gift),
    ] {
        anna.post(&format!("/api/analytics/{name}"), body).await.ok();
    }
    for name in ["my", "cities", "can-create", "report-status"] {
        anna.post(&format!("/api/v1/decades/{name}"), &json!({})).await.is(200);
    }
}

/// What those who run the club do beside its content and its members.
async fn arranged(scene: &Scene) {
    for name in ["offers", "lavatop-offers"] {
        let (path, key) = (format!("/api/admin/{name}"), name.replace('-', "_"));
        let offer = json!({
            "key": key, "label": "Год", "purpose": "self", "days": 365,
            "prices": { "RUB": "15000.00" },
        });
        scene.office("POST", &path, &offer).await.ok();
        let one = format!("{path}/{key}");
        scene.office("PATCH", &one, &json!({ "label": "Целый год" })).await.ok();
        scene.office("DELETE", &one, &json!({})).await.ok();
    }
    let chat = json!({ "city": "Тула" });
    scene.office("PUT", "/api/admin/city-chats/-1001000000003", &chat).await.ok();
    let attempt = scene.anna().link(tests::MONTH).await;
    let short = json!({
        "attempt_id": attempt, "event": "success", "external_id": "aside", "amount": "1.00",
    });
    scene.world.webhook(&short).await.ok();
    let listed = scene.office("GET", "/api/admin/unassigned-payments", &json!({})).await.ok();
    let id = listed["payments"][0]["id"].as_str().unwrap();
    let path = format!("/api/admin/unassigned-payments/{id}/dismiss");
    scene.office("POST", &path, &json!({ "reason": "Возвращено банком" })).await.ok();
}

/// Jobs that have nothing to do.
async fn swept(scene: &Scene) {
    for job in [
        "club-payments-sweep",
        "club-payments-reconcile",
        "club-outbox-sweep",
        "club-energies-audit",
        "club-ratings-reconcile",
        "club-onboarding-sweep",
        "club-chat-hours",
        "club-health-probe",
        "club-subscriptions-remind",
    ] {
        scene.world.run(job).await;
    }
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "nothing: what is asked for and said",
            &[],
            &[
                "club-auth-refresh",
                "club-auth-logout",
                "club-payments-link",
                "club-payments-sandbox-state",
                "club-payments-support-link",
                "club-analytics-form-open",
                "club-analytics-payment-attempt",
                "club-analytics-payment-success",
                "club-analytics-gift-attempt",
                "club-decades-my",
                "club-decades-cities",
                "club-decades-can-create",
                "club-decades-report-status",
            ],
            act!(scene => said(scene).await),
        )
        .after(act!(scene => {
            let another = scene.anna().user.sign_in().await;
            scene.note("token", another.token);
            scene.note("refresh", another.refresh)
        })),
        Row::new(
            "nothing: offers, chats, money put aside",
            &[],
            &[
                "club-admin-offer-create",
                "club-admin-offer-update",
                "club-admin-offer-delete",
                "club-admin-lavatop-offer-create",
                "club-admin-lavatop-offer-update",
                "club-admin-lavatop-offer-delete",
                "club-admin-city-chat",
                "club-admin-dismiss",
            ],
            act!(scene => arranged(scene).await),
        ),
        Row::new(
            "nothing: jobs without work",
            &[],
            &[
                "club-payments-sweep",
                "club-payments-reconcile",
                "club-outbox-sweep",
                "club-energies-audit",
                "club-ratings-reconcile",
                "club-onboarding-sweep",
                "club-chat-hours",
                "club-health-probe",
                "club-subscriptions-remind",
            ],
            act!(scene => swept(scene).await),
        ),
    ]
}
