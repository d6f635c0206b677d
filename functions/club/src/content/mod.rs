//! Content: courses, programmes, videos, meditations, and what members have completed of them.
//!
//! Administrators write it through one route ([`admin`]), each entity whole, and every writing
//! raises the tag of all content in its transaction: an answer is validated by that tag, by the
//! member where it shows the member's own, and by whether the member is paid. Lists stand in
//! partitions that one query reads for each megabyte, five of them at most; an item of content and
//! all that it holds stand together on its *shelf* ([`shelf`]).
//!
//! What is for paid members is cut out here, never by the app: a closed course has no days, a
//! closed day and meditation neither texts nor media, and videos are refused. What is not published
//! is not there.
//!
//! Completing something is one transaction of the completion, the member, the entry of the energies
//! and whatever experience follows. The completion is written where none is, so that however often
//! and however many at once it is told, it earns once. How much somebody has watched and meditated
//! is kept beside, never counted.

pub mod admin;
mod courses;
mod earning;
pub mod fields;
mod items;
mod learning;
mod meditating;
mod meditations;
mod model;
mod own;
mod placing;
mod shelf;
mod store;
#[cfg(test)]
mod tests;
mod videos;
mod watching;
mod writing;

use shared::function::Function;

pub use admin::delete as delete_content;
pub use admin::put as put_content;
pub use courses::favorites as favorite_courses;
pub use courses::list as courses;
pub use courses::one as course;
pub use items::list as items;
pub use items::month_program;
pub use items::one as item;
pub use items::sections;
pub use learning::favorite as course_favorite;
pub use learning::progress as course_progress;
pub use meditating::session as meditation_session;
pub use meditations::history as meditation_history;
pub use meditations::list as meditations;
pub use meditations::one as meditation;
pub use meditations::stats as meditation_stats;
pub use videos::of_item as item_videos;
pub use videos::of_section as section_videos;
pub use videos::one as video;
pub use videos::practice;
pub use watching::complete;
pub use watching::list as watched;
pub use watching::stats as watch_stats;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        courses(),
        favorite_courses(),
        course(),
        course_progress(),
        course_favorite(),
        items(),
        item(),
        month_program(),
        sections(),
        section_videos(),
        item_videos(),
        video(),
        practice(),
        watched(),
        watch_stats(),
        complete(),
        meditations(),
        meditation(),
        meditation_history(),
        meditation_stats(),
        meditation_session(),
        put_content(),
        delete_content(),
    ]
}
