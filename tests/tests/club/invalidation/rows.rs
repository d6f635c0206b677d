//! The rows of the matrix: what is done, by which functions, which actions that commits, and whom
//! they are about.

use std::pin::Pin;

use club::tags::{Action, Raised};

use super::columns::{Column, Dep};
use super::scene::{Scene, Team, Who};
use super::{content, later, members, money, nothing, teams};

/// Something that is done through the service, from outside.
pub type Act = for<'a> fn(&'a Scene) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// An act of these statements, with the scene under this name.
macro_rules! act {
    ($scene:ident => $body:expr) => {
        |$scene| {
            Box::pin(async move {
                $body;
            })
        }
    };
}
pub(super) use act;

/// Actions, and what becomes of the caches when they are committed.
pub struct Row {
    pub name: &'static str,
    pub actions: &'static [Action],
    /// The functions that commit them.
    pub by: &'static [&'static str],
    /// Members whom they are about, of those who look.
    whose: &'static [Who],
    /// Teams that they are about, of those of who looks.
    teams: &'static [Team],
    /// Who is paid now and was not, or the other way round.
    paid: &'static [Who],
    /// Routes that have to show something else, and to whom.
    pub shows: Vec<(Who, &'static str)>,
    /// What has to be there before.
    pub prepare: Option<Act>,
    pub act: Act,
}

impl Row {
    pub fn new(
        name: &'static str,
        actions: &'static [Action],
        by: &'static [&'static str],
        act: Act,
    ) -> Self {
        let (whose, teams, paid) = (&[], &[], &[]);
        Self { name, actions, by, whose, teams, paid, shows: Vec::new(), prepare: None, act }
    }

    pub fn of(self, whose: &'static [Who]) -> Self {
        Self { whose, ..self }
    }

    pub fn in_teams(self, teams: &'static [Team]) -> Self {
        Self { teams, ..self }
    }

    pub fn paid(self, paid: &'static [Who]) -> Self {
        Self { paid, ..self }
    }

    pub fn shows(mut self, who: Who, routes: &[&'static str]) -> Self {
        self.shows.extend(routes.iter().map(|route| (who, *route)));
        self
    }

    pub fn after(self, prepare: Act) -> Self {
        Self { prepare: Some(prepare), ..self }
    }

    /// Is a tag raised that this column's validator is made of, for who looks?
    pub fn raises(&self, column: &Column, who: Who) -> bool {
        column.deps.iter().any(|dep| match dep {
            Dep::Own => self.is_about(who),
            Dep::Anna => self.is_about(Who::Anna),
            Dep::Paid => self.paid.contains(&who),
            Dep::OwnTeam => who != Who::Nobody && self.is_about_team(team_of(who)),
            Dep::FirstTeam => {
                who == Who::Vera && (self.is_about(who) || self.is_about_team(Team::First))
            }
            Dep::Content => self.has(&[Raised::Content]),
            Dep::Views => self.has(&[Raised::Views]),
            Dep::Shop => self.has(&[Raised::Shop]),
            Dep::Teams => self.has(&[Raised::Teams]),
            // The generation is the tag's version: whatever else raises it waits for the next one.
            Dep::Ratings => self.actions.contains(&Action::RatingsPublish),
            Dep::Shown => false,
        })
    }

    /// Is the validator made of what is shown?
    pub fn may_show(&self, column: &Column, who: Who) -> bool {
        column.deps.iter().any(|dep| match dep {
            Dep::Shown => true,
            Dep::FirstTeam => who != Who::Vera,
            _ => false,
        })
    }

    fn has(&self, tags: &[Raised]) -> bool {
        self.actions.iter().flat_map(|action| action.raises()).any(|raised| tags.contains(raised))
    }

    fn is_about(&self, who: Who) -> bool {
        use Raised::{Gamification, GiverAndRecipient, OwnShop, User};
        self.whose.contains(&who) && self.has(&[User, GiverAndRecipient, Gamification, OwnShop])
    }

    fn is_about_team(&self, team: Team) -> bool {
        self.teams.contains(&team) && self.has(&[Raised::Team])
    }
}

const fn team_of(who: Who) -> Team {
    if matches!(who, Who::Vera) { Team::Second } else { Team::First }
}

/// All of them, in the order in which they are done.
pub fn rows() -> Vec<Row> {
    [
        members::rows(),
        members::goods(),
        money::rows(),
        money::gifts(),
        content::rows(),
        content::removals(),
        content::learning(),
        teams::rows(),
        nothing::rows(),
        later::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What takes a payment like the sandbox provider's functions: the same transactions, tried by the
/// tests of each provider.
const SETTLES: &str = "settles and gives back by the transactions of the sandbox's webhook";
/// What runs the jobs that have rows of their own.
const RUNS: &str = "runs the jobs of other rows";

/// Functions some of whose actions are in no row of theirs, and why.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("club-payments-check", SETTLES),
    ("club-payments-reconcile", SETTLES),
    ("club-lavatop-payment", SETTLES),
    ("club-lavatop-recurring", SETTLES),
    ("club-cloudpayments-check", "answers CloudPayments alone"),
    ("club-cloudpayments-pay", SETTLES),
    ("club-cloudpayments-fail", "answers CloudPayments alone"),
    ("club-cloudpayments-refund", SETTLES),
    ("club-cloudpayments-cancel", SETTLES),
    ("club-cloudpayments-recurrent", SETTLES),
    ("club-admin-refund", SETTLES),
    ("club-admin-assign", SETTLES),
    ("club-admin-job", RUNS),
    ("club-admin-job-run", RUNS),
    ("club-teams-sync", "closes a place as the cleanup does"),
    ("club-onboarding-remind", "tells a new member what the clock says"),
];
