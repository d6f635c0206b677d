//! What each action makes fresh, and what it leaves alone (§14): every action by every route whose
//! answers have validators, as a member who acts sees it, one of the same team, a stranger, and
//! somebody without a credential.
//!
//! What is expected is no list by hand: a row says which actions it commits and whom they are
//! about, the club says which tags those raise, and a column says which tags its validator is made
//! of. Beside each cell the same is asked for in a way that nothing keeps, so that a validator that
//! still stands while its answer would be another is found, whatever was expected.

mod columns;
mod content;
mod later;
mod members;
mod money;
mod nothing;
mod rows;
mod scene;

mod table;
mod teams;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use club::tags::{Action, WRITERS};
use futures::FutureExt as _;
use futures::future::join_all;
use tests::{Answer, Call, World, local};

use columns::{COLUMNS, Column};
use rows::{Act, ELSEWHERE, Row, rows};
use scene::{Scene, Who};
use table::Table;

/// What somebody has seen of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    status: u16,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Seen {
    fn of(answer: &Answer) -> Self {
        let etag = answer.header("etag").map(str::to_owned);
        assert_eq!(answer.status == 200, etag.is_some(), "{answer}");
        let body = if answer.status == 200 { answer.body.clone() } else { Vec::new() };
        Self { status: answer.status, etag, body }
    }
}

/// What a row has made of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The validator still stands.
    Same,
    /// There is a new one, of another answer.
    Fresh,
    /// There is a new one, of the same answer.
    Raised,
    /// The answer is refused now, or no more.
    Turned,
    /// It was refused before and still is.
    Refused,
}

impl Outcome {
    fn is_fresh(self) -> bool {
        matches!(self, Self::Fresh | Self::Raised | Self::Turned)
    }

    fn shows_another(self) -> bool {
        matches!(self, Self::Fresh | Self::Turned)
    }
}

/// Where a cell stands: the column, who looks, and what they have.
struct Cell {
    column: &'static Column,
    who: Who,
    path: String,
    seen: Seen,
}

fn ask(scene: &Scene, who: Who, path: &str) -> Call {
    match scene.member(who) {
        Some(member) => member.get(path),
        None => scene.world.get(path),
    }
}

/// The cells as they stand, column by column.
async fn look(scene: &Scene) -> Vec<Vec<Cell>> {
    let looked = COLUMNS.iter().map(|column| async move {
        let mut cells = Vec::new();
        for who in Who::ALL {
            if who == Who::Nobody && !column.is_open() {
                continue;
            }
            let path = column.path(scene, who);
            let seen = Seen::of(&ask(scene, who, &path).await);
            cells.push(Cell { column, who, path, seen });
        }
        cells
    });
    join_all(looked).await
}

/// The same path with a query that nobody reads, so that nothing kept is of it.
fn unkept(path: &str, round: usize) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}round={round}")
}

/// Looks at a cell again, and complains of what cannot be.
async fn again(
    scene: &Scene,
    cell: &mut Cell,
    round: usize,
    complaints: &mut Vec<String>,
) -> Outcome {
    let Cell { column, who, path, seen: before } = &*cell;
    let mut complain = |what: &str| complaints.push(format!("{who:?}: {path}: {what}"));
    let call = ask(scene, *who, path);
    let answer = match &before.etag {
        Some(etag) => call.header("if-none-match", etag).await,
        None => call.await,
    };
    let truth = Seen::of(&ask(scene, *who, &unkept(path, round)).await);
    if answer.status == 304 {
        if (truth.status, &truth.body) != (200, &before.body) {
            complain("its validator stands while it shows something else");
        }
        return Outcome::Same;
    }
    let now = Seen::of(&answer);
    if (now.status, &now.body) != (truth.status, &truth.body) {
        complain("a fresh answer is not what there is");
    }
    let outcome = match (before.status, now.status) {
        (200, 200) if before.etag == now.etag => {
            complain("an answer whose validator stands was sent again");
            Outcome::Same
        }
        (200, 200) if before.body == now.body => Outcome::Raised,
        (200, 200) => Outcome::Fresh,
        (one, other) if one == other => Outcome::Refused,
        _ => Outcome::Turned,
    };
    if let Some(etag) = &now.etag {
        let plain = ask(scene, *who, path).await;
        let kept = if column.is_kept(&plain.json()) { "HIT" } else { "MISS" };
        if Seen::of(&plain) != now || plain.header("x-cache") != Some(kept) {
            complain(&format!("a further read is no {kept}: {plain}"));
        }
        let known = ask(scene, *who, path).header("if-none-match", etag).await;
        if (known.status, known.header("x-cache")) != (304, Some("HIT-304")) {
            complain(&format!("a further read by who knows it is no 304: {known}"));
        }
    }
    cell.seen = now;
    outcome
}

/// Does the row have to make this cell fresh? What an answer shows decides where its validator is
/// made of that.
fn is_expected(row: &Row, cell: &Cell, outcome: Outcome) -> bool {
    let raised = row.raises(cell.column, cell.who);
    raised || (row.may_show(cell.column, cell.who) && outcome.shows_another())
}

/// Does something and waits for what follows. What fails of it is said, and the rows go on: one
/// that cannot be done hides no other.
async fn done(scene: &Scene, act: Act) -> Option<String> {
    let ended = AssertUnwindSafe(act(scene)).catch_unwind().await;
    scene.world.idle().await;
    let cause = ended.err()?;
    let text = cause.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| "it could not be done".to_owned()))
}

/// Runs one row; what every cell has become, and what is wrong.
async fn run(
    scene: &Scene,
    row: &Row,
    round: usize,
    cells: &mut [Vec<Cell>],
) -> (Vec<Vec<Outcome>>, Vec<String>) {
    let before = runs(scene, row).await;
    let mut complaints = Vec::new();
    complaints.extend(done(scene, row.act).await);
    for ((function, before), (_, after)) in before.iter().zip(runs(scene, row).await) {
        if *before == after {
            complaints.push(format!("{function} has not run"));
        }
    }
    let looked = cells.iter_mut().map(|column| async move {
        let (mut outcomes, mut complaints) = (Vec::new(), Vec::new());
        for cell in column {
            let outcome = again(scene, cell, round, &mut complaints).await;
            let expected = is_expected(row, cell, outcome);
            if outcome != Outcome::Refused && outcome.is_fresh() != expected {
                let what = if expected { "is not fresh" } else { "is fresh for nothing" };
                complaints.push(format!("{:?}: {} {what}", cell.who, cell.path));
            }
            let must = row.shows.contains(&(cell.who, cell.column.route));
            if must && !outcome.shows_another() {
                complaints.push(format!("{:?}: {} shows no change", cell.who, cell.path));
            }
            outcomes.push(outcome);
        }
        (outcomes, complaints)
    });
    let mut outcomes = Vec::new();
    for (column, wrong) in join_all(looked).await {
        outcomes.push(column);
        complaints.extend(wrong);
    }
    (outcomes, complaints)
}

/// The last run of each function that the row is about.
async fn runs(scene: &Scene, row: &Row) -> Vec<(&'static str, String)> {
    let last = row.by.iter().map(|function| async move {
        let path = format!("invocations?function={function}&limit=1");
        let found = scene.world.desk_get(&path).await;
        (*function, found["invocations"][0]["request_id"].to_string())
    });
    join_all(last).await
}

async fn matrix(world: World) -> (Table, Vec<String>) {
    let scene = Scene::new(world).await;
    let mut cells = look(&scene).await;
    let mut table = Table::new();
    let mut complaints = Vec::new();
    for (round, row) in rows().iter().enumerate() {
        if let Some(prepare) = row.prepare {
            let failed = done(&scene, prepare).await;
            complaints.extend(failed.map(|what| format!("before {}: {what}", row.name)));
            cells = look(&scene).await;
        }
        let (outcomes, wrong) = run(&scene, row, round, &mut cells).await;
        table.row(row.name, &outcomes);
        complaints.extend(wrong.into_iter().map(|what| format!("{}: {what}", row.name)));
    }
    (table, complaints)
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_p22_actions_make_fresh_what_they_change_and_nothing_else() {
    let world = local!(
        "RATE_API" => "1000000/60", "RATE_PUBLIC" => "1000000/60", "RATE_PAYMENT" => "1000000/60",
        "RATE_ADMIN" => "1000000/60", "RATE_AUTH" => "1000000/60", "ACCESS_TTL_S" => "63072000",
    );
    let (table, complaints) = matrix(world).await;
    println!("{}", table.text());
    assert!(complaints.is_empty(), "{}:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_action_is_a_row_of_the_matrix() {
    let rows = rows();
    let acted: BTreeSet<Action> = rows.iter().flat_map(|row| row.actions.iter().copied()).collect();
    assert_eq!(acted, Action::ALL.into_iter().collect());
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "each row has a name of its own");
}

/// What a function may commit, as the club says, is done by it in a row, or it is said why not.
#[test]
fn whatever_a_function_commits_is_done_by_it_in_a_row() {
    let rows = rows();
    for row in &rows {
        let may: BTreeSet<Action> = row.by.iter().flat_map(|name| commits(name)).collect();
        for action in row.actions {
            assert!(may.contains(action), "{}: {action:?} is none of {:?}", row.name, row.by);
        }
    }
    let mut missing = BTreeSet::new();
    for (function, actions) in WRITERS {
        let own: Vec<&Row> = rows.iter().filter(|row| row.by.contains(function)).collect();
        let done: BTreeSet<Action> =
            own.iter().flat_map(|row| row.actions.iter().copied()).collect();
        if own.is_empty() || actions.iter().any(|action| !done.contains(action)) {
            missing.insert(*function);
        }
    }
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(function, _)| *function).collect();
    assert_eq!(missing, elsewhere, "functions whose actions are in no row of theirs");
}

fn commits(function: &str) -> Vec<Action> {
    let found = WRITERS.iter().find(|(name, _)| *name == function);
    found.unwrap_or_else(|| panic!("{function} writes nothing")).1.to_vec()
}
