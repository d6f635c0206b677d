//! The table of actions, and that tags only grow.

use std::collections::BTreeSet;

use http::Method;
use shared::function::Function;

use super::*;
use crate::App;
use crate::auth::Member;
use crate::testing::World;

/// What the contract says of each action, by the names it gives them.
const TABLE: [(&str, Action, &[Raised]); 24] = {
    use Action as A;
    use Raised::{
        Content, Gamification, GiverAndRecipient, OwnShop, Ratings, Shop, Team, Teams, User, Views,
    };
    [
        ("user.update", A::UserUpdate, &[User]),
        ("user.subscription.change", A::SubscriptionChange, &[User]),
        ("energy_points.change", A::EnergiesChange, &[User, Ratings]),
        ("team.create", A::TeamCreate, &[Teams, Team, User, Ratings]),
        ("team.update", A::TeamUpdate, &[Teams, Team, User, Ratings]),
        ("team.member.add", A::TeamMemberAdd, &[Teams, Team, User, Ratings]),
        ("team.member.remove", A::TeamMemberRemove, &[Teams, Team, User, Ratings]),
        ("course.update", A::CourseUpdate, &[Content]),
        ("lesson.update", A::LessonUpdate, &[Content]),
        ("meditation.update", A::MeditationUpdate, &[Content]),
        ("other content changes", A::ContentUpdate, &[Content]),
        ("shop.purchase", A::ShopPurchase, &[User, OwnShop]),
        ("shop.purchase of stock", A::ShopPurchaseOfStock, &[User, OwnShop, Shop]),
        ("shop.item.update", A::ShopItemUpdate, &[Shop]),
        ("gamification.xp.change", A::XpChange, &[User, Gamification]),
        ("gamification.achievement.unlock", A::AchievementUnlock, &[User, Gamification]),
        ("ratings.publish", A::RatingsPublish, &[Ratings]),
        ("gift.*", A::Gift, &[GiverAndRecipient]),
        ("progress.*", A::Progress, &[User]),
        ("favorite.set", A::FavoriteSet, &[User]),
        ("report.*", A::Report, &[User]),
        ("meditation.session", A::MeditationSession, &[User]),
        ("stream.attend", A::StreamAttend, &[User, Views]),
        ("shop.purchase.use", A::ShopPurchaseUse, &[User]),
    ]
};

#[test]
fn every_action_raises_what_the_contract_says_and_none_is_missing() {
    for (name, action, raised) in TABLE {
        assert_eq!(action.raises(), raised, "{name}");
    }
    let listed: BTreeSet<Action> = TABLE.iter().map(|(_, action, _)| *action).collect();
    let known: BTreeSet<Action> = Action::ALL.into_iter().collect();
    assert_eq!(listed, known);
    assert_eq!((listed.len(), known.len()), (TABLE.len(), Action::ALL.len()), "each of them once");
}

/// Everything that runs but to read: whoever adds a function says here what it does.
#[test]
fn every_function_that_writes_says_which_actions_it_commits() {
    let writes = |function: &Function<App>| {
        let endpoint = function.declaration().endpoint();
        endpoint.is_none_or(|endpoint| endpoint.method != Method::GET)
    };
    let functions = crate::functions();
    let writing: BTreeSet<&str> =
        functions.iter().filter(|one| writes(one)).map(|one| one.declaration().name).collect();
    let told: BTreeSet<&str> = WRITERS.iter().map(|(name, _)| *name).collect();
    assert_eq!((told, writing.len()), (writing, WRITERS.len()));
    let committed: BTreeSet<Action> =
        WRITERS.iter().flat_map(|(_, actions)| actions.iter().copied()).collect();
    assert_eq!(committed, Action::ALL.into_iter().collect(), "each action is somebody's");
}

#[tokio::test]
async fn a_tag_grows_by_one_with_each_change_and_no_other_tag_does() {
    let world = World::new().await;
    let tags = [Tag::Content, Tag::Shop, Tag::Teams, Tag::Views];
    let keys: Vec<_> = tags.iter().map(Tag::key).collect();
    let versions = async || {
        let rows = world.table().batch(&keys).await.unwrap();
        tags.iter().map(|tag| tag.version(&rows).unwrap().parse().unwrap()).collect::<Vec<u64>>()
    };
    assert_eq!(versions().await, [0; 4]);
    for (index, tag) in tags.iter().enumerate() {
        let mut expected = versions().await;
        world.table().transact(vec![tag.raise()]).await.unwrap();
        expected[index] += 1;
        assert_eq!(versions().await, expected, "{tag:?}");
    }
}

#[tokio::test]
async fn touching_a_member_changes_the_version_and_nothing_else() {
    let world = World::new().await;
    let member = world.member(7).await;
    world.table().write(touch(7)).await.unwrap();
    let touched = world.member_now(7).await;
    assert_eq!(touched, Member { version: member.version + 1, ..member });
    world.table().write(touch(8)).await.unwrap_err();
}
