use jiff::SignedDuration;
use proptest::prelude::*;

use super::family::{read_token, write_token};
use super::*;
use crate::table::testing;

const GRACE: SignedDuration = SignedDuration::from_secs(30);

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(1_768_900_000 + seconds)
}

async fn sessions() -> Sessions {
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    let table = testing::table().await;
    Sessions::from_environment(&Environment::default(), table, secret).unwrap()
}

async fn opened(sessions: &Sessions) -> Renewal {
    let (write, renewal) = sessions.open("member", 42, at(0)).unwrap();
    sessions.table.write(write).await.unwrap();
    renewal
}

#[test]
fn the_rule_of_rotation() {
    for (newest, presented, after_s, verdict) in [
        (1, 1, 0, Verdict::Rotate),
        (2, 1, 86_400, Verdict::Again(2)),
        (3, 1, 30, Verdict::Again(2)),
        (3, 1, 31, Verdict::Revoke),
        (4, 1, 0, Verdict::Revoke),
        (1, 2, 0, Verdict::Revoke),
    ] {
        let judged = judge(newest, at(0), presented, GRACE, at(after_s));
        assert_eq!(judged, verdict, "newest {newest}, presented {presented}, {after_s} s");
    }
}

#[tokio::test]
async fn an_access_token_lives_an_hour_and_dies_with_its_family() {
    let sessions = sessions().await;
    let tokens = opened(&sessions).await;
    let check = |seconds| sessions.check(&tokens.access_token, at(seconds));
    assert_eq!(check(3_599).await.unwrap().unwrap().telegram_id, 42);
    assert!(matches!(check(3_600).await.unwrap(), Err(AccessError::Expired(_))));
    sessions.revoke(&tokens.claims.family, at(10)).await.unwrap();
    assert!(matches!(check(11).await.unwrap(), Err(AccessError::Revoked)));
}

#[tokio::test]
async fn a_lost_answer_gets_the_same_successor_a_day_later() {
    let sessions = sessions().await;
    let first = opened(&sessions).await.refresh_token;
    let second = sessions.rotate(&first, None, at(1)).await.unwrap().refresh_token;
    let again = sessions.rotate(&first, None, at(86_400)).await.unwrap().refresh_token;
    assert_eq!(second, again);
    let third = sessions.rotate(&second, None, at(90_000)).await.unwrap().refresh_token;
    assert_ne!(second, third);
    let late = sessions.rotate(&first, None, at(90_031)).await.unwrap_err();
    assert_eq!(late.code(), "refresh_reused");
    let dead = sessions.rotate(&third, None, at(90_032)).await.unwrap_err();
    assert_eq!(dead.code(), "refresh_invalid");
}

#[tokio::test]
async fn parallel_tabs_get_one_successor() {
    let sessions = sessions().await;
    let first = opened(&sessions).await.refresh_token;
    let tabs = (0..16).map(|_| sessions.rotate(&first, None, at(1)));
    let tokens: Vec<_> = futures::future::join_all(tabs)
        .await
        .into_iter()
        .map(|renewal| renewal.unwrap().refresh_token)
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[tokio::test]
async fn a_family_slides_for_thirty_days_and_belongs_to_one_member() {
    let sessions = sessions().await;
    let first = opened(&sessions).await.refresh_token;
    let foreign = sessions.rotate(&first, Some(43), at(1)).await.unwrap_err();
    assert_eq!(foreign.code(), "refresh_invalid");
    let day = 86_400;
    let second = sessions.rotate(&first, Some(42), at(29 * day)).await.unwrap().refresh_token;
    assert!(sessions.rotate(&second, None, at(58 * day)).await.is_ok());
    let third = sessions.rotate(&second, None, at(58 * day)).await.unwrap().refresh_token;
    let late = sessions.rotate(&third, None, at(88 * day)).await.unwrap_err();
    assert_eq!(late.code(), "refresh_invalid");
}

#[tokio::test]
async fn cookies_name_the_families_of_their_owner_only() {
    let sessions = sessions().await;
    let (first, second) = (opened(&sessions).await, opened(&sessions).await);
    let lives =
        async |tokens: &Renewal| sessions.check(&tokens.access_token, at(2)).await.unwrap().is_ok();
    let cookies = Cookies {
        access: Some(first.access_token.clone()),
        refresh: Some(second.refresh_token.clone()),
    };
    sessions.revoke_named(&cookies, 43, at(1)).await.unwrap();
    let forged = Cookies { access: Some("a.b.c".to_owned()), refresh: Some("x.1.y".to_owned()) };
    sessions.revoke_named(&forged, 42, at(1)).await.unwrap();
    assert!(lives(&first).await && lives(&second).await);
    sessions.revoke_named(&cookies, 42, at(1)).await.unwrap();
    assert!(!lives(&first).await && !lives(&second).await);
}

#[test]
fn other_algorithms_and_other_secrets_are_refused() {
    let secret = Secret::new("0123456789abcdef0123456789abcdef");
    for token in [
        "",
        "a.b.c",
        // {"alg":"none"} with an empty signature
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwidGVsZWdyYW1JZCI6MSwiZmFtIjoiZiIsImp0aSI6ImoiLCJpYXQiOjEsImV4cCI6OTk5OTk5OTk5OX0.",
    ] {
        assert_eq!(token::read(token, &secret), None, "{token}");
    }
}

proptest! {
    #[test]
    fn refresh_tokens_read_back_and_nothing_else_does(number in 0_u64.., at in 0_usize..60, other in "[A-Za-z0-9._-]{1}") {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let token = write_token("family", number, &secret);
        prop_assert_eq!(read_token(&token, &secret), Some(("family".to_owned(), number)));
        let at = at % token.len();
        let mut forged = token.clone();
        forged.replace_range(at..=at, &other);
        if forged != token {
            // base64 leaves spare bits in its last character, which carry nothing
            let last = at + 1 == token.len();
            prop_assert!(last || read_token(&forged, &secret).is_none());
        }
    }
}
