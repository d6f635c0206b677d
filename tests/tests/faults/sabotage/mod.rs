//! What the tests are worth: each guarantee is dropped on purpose, and must be missed.
//!
//! A guarantee only shows when two meet, so each scene also makes them meet. Every scene is played
//! twice, with the guarantee and without: what is checked must hold the first time, and must not
//! the second.
//!
//! What holds the takes, ends and payments of errands together is one transaction each; its own tests
//! (`orders::tests::sabotage`, `payments::tests::sabotage`) also leave out every entry of every one.

mod scenes;
pub mod stage;

use std::pin::Pin;

use stage::Guarantee;

/// Plays a scene, and answers what was wrong in the end.
pub type Scene = fn(Guarantee) -> Pin<Box<dyn Future<Output = Vec<String>> + Send>>;

/// Each guarantee, and a scene that needs it.
const GUARANTEES: [(&str, Scene); 11] = [
    ("a payment is new", |g| Box::pin(scenes::a_payment_is_new(g))),
    ("a member's version counts", |g| Box::pin(scenes::a_members_version_counts(g))),
    ("a message is claimed once", |g| Box::pin(scenes::a_message_is_claimed_once(g))),
    ("a bucket has a bottom", |g| Box::pin(scenes::a_bucket_has_a_bottom(g))),
    ("a sweep is fenced", |g| Box::pin(scenes::a_sweep_is_fenced(g))),
    ("a publisher is fenced", |g| Box::pin(scenes::a_publisher_is_fenced(g))),
    ("an audit is fenced", |g| Box::pin(scenes::an_audit_is_fenced(g))),
    ("a key is free", |g| Box::pin(scenes::a_key_is_free(g))),
    ("a key is written down", |g| Box::pin(scenes::a_key_is_written_down(g))),
    ("a token rotates once", |g| Box::pin(scenes::a_token_rotates_once(g))),
    ("a contribution's revision counts", |g| Box::pin(scenes::a_contributions_revision_counts(g))),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_guarantee_that_is_dropped_is_missed() {
    all_are_missed("sabotage", &GUARANTEES).await;
}

/// Plays each scene with its guarantee and without.
pub async fn all_are_missed(title: &str, guarantees: &[(&str, Scene)]) {
    let (mut caught, mut wrong) = (Vec::new(), Vec::new());
    for (name, scene) in guarantees {
        let began = std::time::Instant::now();
        let kept = scene(Guarantee::Kept).await;
        let dropped = scene(Guarantee::Dropped).await;
        let first = dropped.first().map_or("nothing", String::as_str);
        println!(
            "{name}: kept, {} violations; dropped, {}, such as: {first} ({:.1} s)",
            kept.len(),
            dropped.len(),
            began.elapsed().as_secs_f32()
        );
        match (kept.is_empty(), dropped.is_empty()) {
            (true, false) => caught.push(*name),
            (true, true) => wrong.push(format!("{name}: dropped, and not missed")),
            (false, _) => wrong.push(format!("{name}: kept, and yet {kept:?}")),
        }
    }
    println!(
        "{title}: {} of {} dropped guarantees caught: {}",
        caught.len(),
        guarantees.len(),
        caught.join("; ")
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
