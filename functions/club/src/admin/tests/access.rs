//! Nobody is an administrator but by the secret.

use shared::function::Access;

use super::*;

/// Every function of the service that administrators call.
fn all() -> Vec<Function<App>> {
    let functions = crate::functions().into_iter();
    functions
        .filter(|function| {
            let endpoint = function.declaration().endpoint();
            endpoint.is_some_and(|endpoint| endpoint.access == Access::Admin)
        })
        .collect()
}

fn call(function: &Function<App>) -> Request {
    let endpoint = function.declaration().endpoint().unwrap();
    let path = endpoint.path.replace("{id}", "sandbox:x").replace("{key}", "x");
    let path = path.replace("{name}", "gift_expiry").replace("{telegram_id}", "1000000001");
    Request::post(&path, json!({})).method(endpoint.method.clone())
}

#[tokio::test]
async fn no_route_of_administrators_lets_anybody_else_in() {
    let office = Office::open().await;
    let token = office.world.token(&office.anna().await).await;
    assert!(all().len() >= functions().len());
    for function in all() {
        let name = function.declaration().name;
        let request = call(&function);
        let instance = office.world.start(function).await;
        for wrong in [None, Some(""), Some("x"), Some(&SECRET[1..]), Some(&*SECRET.to_uppercase())]
        {
            let request = request.clone().token(&token);
            let request = match wrong {
                Some(guess) => request.header("x-admin-secret", guess),
                None => request,
            };
            let reply = office.world.send(&instance, request).await;
            assert_eq!(code(&reply), (403, "admin_required".to_owned()), "{name} {wrong:?}");
            assert_eq!(reply.body["error"], "Forbidden: admin access required");
            assert_eq!(reply.cost.requests, 0, "{name}");
        }
        let known = request.header("x-admin-secret", SECRET).header("idempotency-key", "k");
        let reply = office.world.send(&instance, known).await;
        assert!([200, 400, 404].contains(&reply.status.as_u16()), "{name}: {}", reply.body);
    }
}

#[tokio::test]
async fn where_no_secret_is_set_nobody_is_an_administrator() {
    let office = Office::open().await;
    for function in all() {
        let name = function.declaration().name;
        let request = call(&function);
        let instance = office.world.start_with(function, &[("ADMIN_SECRET", "")]).await.unwrap();
        for guess in ["", SECRET] {
            let request = request.clone().header("x-admin-secret", guess);
            let reply = office.world.send(&instance, request).await;
            assert_eq!(code(&reply), (403, "admin_required".to_owned()), "{name} {guess:?}");
        }
    }
    let prod = [("ADMIN_SECRET", ""), ("STAGE", "prod"), ("SANDBOX_PROVIDER_URL", "")];
    let refused = office.world.start_with(grant(), &prod).await.err().unwrap();
    assert_eq!(refused.to_string(), "setting ADMIN_SECRET is missing");
}

#[test]
fn every_path_of_administration_is_an_administrators() {
    for function in crate::functions() {
        let Some(endpoint) = function.declaration().endpoint() else { continue };
        let is_admin = endpoint.access == Access::Admin;
        assert!(is_admin || !endpoint.path.starts_with("/api/admin/"), "{}", endpoint.path);
        assert!(!is_admin || endpoint.limit == Some(crate::wire::ADMIN));
        assert!(!is_admin || endpoint.cache.is_none());
    }
}
