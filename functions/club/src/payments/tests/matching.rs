//! Whose attempt a provider's word is about.

use super::*;
use crate::payments::contracts::RecurringContract;
use crate::payments::items::invoice_partition;
use crate::payments::matching::{Matched, Named, find};
use crate::payments::providers::Provider;

const PROVIDER: Provider = Provider::Lavatop;

/// Three attempts of LavaTop: of an invoice, of a subscription, of neither.
struct Three {
    shop: Shop,
    invoiced: String,
    renewed: String,
    bare: String,
}

impl Three {
    async fn made() -> Self {
        let shop = Shop::open().await;
        let mut ids = Vec::new();
        for (recipient, invoice) in [(71, Some("invoice")), (72, None), (73, None)] {
            let id = shop.gift_linked(recipient).await;
            let attempt = Attempt {
                provider: PROVIDER,
                invoice_id: invoice.map(str::to_owned),
                ..shop.attempt(&id).await
            };
            shop.world.put(&attempt).await;
            ids.push(id);
        }
        let [invoiced, renewed, bare] = ids.try_into().unwrap();
        let begun = shop.attempt(&renewed).await;
        let now = shop.world.now();
        shop.world
            .put(&RecurringContract {
                provider: PROVIDER,
                contract_id: "contract".to_owned(),
                attempt_id: renewed.clone(),
                payer: begun.payer,
                email: None,
                offer: begun.offer.clone(),
                days: begun.days,
                price: begun.price,
                newest: "contract".to_owned(),
                paid_from: None,
                paid_until: None,
                live: true,
                started_at: now,
                updated_at: now,
            })
            .await;
        Self { shop, invoiced, renewed, bare }
    }

    async fn find(
        &self,
        attempt: Option<&str>,
        invoice: Option<&str>,
        contract: Option<&str>,
    ) -> Matched {
        let named = Named { attempt_id: attempt, invoice_id: invoice, contract_id: contract };
        find(&self.shop.world.app, PROVIDER, named).await.unwrap()
    }
}

fn is(id: &str) -> Matched {
    Matched::Attempt(id.to_owned())
}

#[tokio::test]
async fn each_name_alone_leads_to_its_attempt() {
    let three = Three::made().await;
    assert_eq!(three.find(Some(&three.bare), None, None).await, is(&three.bare));
    assert_eq!(three.find(None, Some("invoice"), None).await, is(&three.invoiced));
    assert_eq!(three.find(None, None, Some("contract")).await, is(&three.renewed));
}

#[tokio::test]
async fn names_that_agree_are_one() {
    let three = Three::made().await;
    let (invoiced, renewed) = (three.invoiced.as_str(), three.renewed.as_str());
    assert_eq!(three.find(Some(invoiced), Some("invoice"), None).await, is(invoiced));
    assert_eq!(three.find(Some(renewed), None, Some("contract")).await, is(renewed));
    // What is not known says nothing against what is.
    assert_eq!(three.find(Some(invoiced), Some("other"), Some("other")).await, is(invoiced));
    assert_eq!(three.find(Some("att_unknown"), Some("invoice"), None).await, is(invoiced));
    let unknown = format!("att_{}", "0".repeat(26));
    assert_eq!(three.find(Some(&unknown), None, Some("contract")).await, is(renewed));
}

#[tokio::test]
async fn names_of_two_attempts_are_two() {
    let three = Three::made().await;
    for (attempt, invoice, contract) in [
        (Some(three.bare.as_str()), Some("invoice"), None),
        (Some(three.bare.as_str()), None, Some("contract")),
        (None, Some("invoice"), Some("contract")),
        (Some(three.invoiced.as_str()), Some("invoice"), Some("contract")),
    ] {
        let found = three.find(attempt, invoice, contract).await;
        assert_eq!(found, Matched::Two, "{attempt:?} {invoice:?} {contract:?}");
    }
}

#[tokio::test]
async fn what_nobody_knows_is_nobodys() {
    let three = Three::made().await;
    let unknown = format!("att_{}", "0".repeat(26));
    for (attempt, invoice, contract) in [
        (None, None, None),
        (Some(""), Some(""), Some("")),
        (Some(unknown.as_str()), None, None),
        (Some("running_shoes"), Some("invoice "), Some("CONTRACT")),
        (None, Some("contract"), Some("invoice")),
    ] {
        let found = three.find(attempt, invoice, contract).await;
        assert_eq!(found, Matched::Nobody, "{attempt:?} {invoice:?} {contract:?}");
    }
    // Another provider's names are others.
    let named =
        Named { invoice_id: Some("invoice"), contract_id: Some("contract"), ..Named::default() };
    let found = find(&three.shop.world.app, Provider::Cloudpayments, named).await.unwrap();
    assert_eq!(found, Matched::Nobody);
}

#[test]
fn only_invoices_with_an_id_of_their_own_are_indexed() {
    assert_eq!(invoice_partition(Provider::Lavatop, "i").as_deref(), Some("lavatop#i"));
    assert_eq!(invoice_partition(Provider::Cloudpayments, "i").as_deref(), Some("cloudpayments#i"));
    for provider in [Provider::Stars, Provider::Sandbox] {
        assert_eq!(invoice_partition(provider, "i"), None);
    }
}
