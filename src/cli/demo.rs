//! `hubkeeper demo`: the tour. Every number in its summary is read back from the hub with GetFindings.

mod cluster;
mod manifests;
mod tally;
mod voice;

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use tokio_util::sync::CancellationToken;

use super::Ended;
use super::environment::Environment;
use super::failure::Failure;
use super::out::{Out, WIDTH, count, shorten};
use super::{plan, signals};
use crate::assembly::host;
use crate::assembly::tour::{Seen, Stage, Tour, TourError, held};
use crate::core::ids::FindingKey;
use crate::core::status::WorkflowStatus;

use tally::Tally;
use voice::Voice;

/// A second of the tour is this many of the hub's.
const FACTOR: u32 = 60;
/// The exception ends this many minutes of the hub's clock after the start, if nothing is late.
const LASTS_MINUTES: i64 = 12;
/// How long something is awaited, in real seconds.
const PATIENCE: u64 = 60;
/// How long the hub is watched at the end, in real time.
const WATCHED: Duration = Duration::from_secs(2);
/// Who holds what in the manifests of the tour.
const EXCEPTION: &str = "FindingException/team-pay/cdn";

/// The tour: a hub of its own, a policy, a person, an exception that ends; no AWS account, no cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Takes under 30 seconds. Changes nothing outside this process but a temporary directory, which it removes.
With --cluster it stays until Ctrl-C, and then ends and removes all that it has started.")]
pub(super) struct Args {
    /// In a Kubernetes control plane of its own, on loopback: for kubectl, and it stays until Ctrl-C
    #[arg(long)]
    cluster: bool,
    /// Findings of the hub
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(200..=20_000))]
    findings: u32,
    /// Same seed, same company
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
}

pub(super) async fn execute(args: Args, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    let stage = Stage { findings: args.findings as usize, accounts: 6, regions: 3, seed: args.seed, factor: FACTOR };
    if args.cluster {
        return cluster::execute(stage, environment, out).await;
    }
    signals::until(None, |token| async move {
        let mut show = Show { voice: Voice { out, progress: environment.progress } };
        match show.all(&stage, token).await {
            Ok(()) => Ok(Ended::Done),
            Err(stopped) => Err(stopped.failure("Try `hubkeeper demo --seed 7`, or say so in an issue with this sentence.")),
        }
    })
    .await
}

/// Why the show is over early.
enum Stopped {
    Terminal(std::io::Error),
    Tour(TourError),
}

impl Stopped {
    fn failure(self, next: &str) -> Failure {
        match self {
            Self::Terminal(error) => error.into(),
            Self::Tour(error) => Failure::new(error.to_string(), next),
        }
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Terminal(error)
    }
}

impl From<TourError> for Stopped {
    fn from(error: TourError) -> Self {
        Self::Tour(error)
    }
}

struct Show<'a> {
    voice: Voice<'a>,
}

impl Show<'_> {
    async fn all(&mut self, stage: &Stage, token: CancellationToken) -> Result<(), Stopped> {
        let start = host::now();
        let tour = Tour::new(stage, start, token).await?;
        self.the_hub(&tour).await?;
        let ends = start.checked_add(LASTS_MINUTES.minutes()).unwrap_or(start);
        for (name, text) in manifests::all(&tour.queue_url(), start, ends) {
            tour.write(name, &text)?;
        }
        self.the_plan(&tour).await?;
        let before = Tally::of(&tour.read().await?);
        tour.start();
        let after = self.convergence(&tour).await?;
        let person = self.a_person(&tour).await?;
        let (held, back) = self.an_exception_ends(&tour, ends, &after).await?;
        self.rest(&tour).await?;
        self.summary(&tour, &before, held, back, &person).await?;
        tour.end().await;
        Ok(())
    }

    // ---- Scenes.

    async fn the_hub(&mut self, tour: &Tour) -> Result<(), Stopped> {
        self.voice.title("1. A hub of its own")?;
        let seen = tour.read().await?;
        let tally = Tally::of(&seen);
        self.voice.say(&format!(
            "Security Hub Local runs in this process. The AWS SDK talks to it as it does to AWS. Its clock goes {FACTOR} times as \
             fast as yours: a second here is a minute there."
        ))?;
        let regions = tour.regions();
        self.voice.fact("administrator", &tour.administrator().to_string())?;
        self.voice.fact(
            "accounts, Regions",
            &format!("{}, {} (home: {})", tour.accounts(), regions.len(), regions.first().map_or("", String::as_str)),
        )?;
        self.voice.fact("findings", &format!("{}, of them {} failing and not suppressed", tally.findings, tally.failing))?;
        Ok(self.voice.fact("suppressed by hand", &tally.by_hand.to_string())?)
    }

    async fn the_plan(&mut self, tour: &Tour) -> Result<(), Stopped> {
        self.voice.title("2. The plan")?;
        self.voice.say(
            "The manifests are those of examples/quickstart: a hub, two accounts, a policy, a guardrail, an exception. For the tour \
             they get the local event queue, and the exception gets dates that fit its clock.",
        )?;
        let mut surveyed = tour.plan("main").await?;
        let plan = surveyed.plan();
        for ((owner, action, reason), changes) in plan::groups(&plan) {
            let what = format!("{:>6}  {action} ({reason})", changes.len());
            let line = format!("  {owner:<32}{what}");
            self.voice.out.line(line)?;
            if let Some(first) = changes.first() {
                let finding = &first.finding;
                let control = finding.control.as_deref().unwrap_or("-");
                let before = format!("      e.g. {control} on ");
                let resource = shorten(&finding.resource, WIDTH.saturating_sub(before.chars().count()));
                let text = self.voice.out.dim(&format!("{before}{resource}"));
                self.voice.out.line(text)?;
            }
        }
        for hold in &plan.over_limit {
            self.voice
                .say(&format!("Over a limit, and held back: {} of {} findings for {}.", hold.action, hold.wanted, hold.owner))?;
        }
        Ok(self.voice.say(&format!("{}. Nothing is written yet.", count(plan.changes.len(), "change")))?)
    }

    async fn convergence(&mut self, tour: &Tour) -> Result<Tally, Stopped> {
        self.voice.title("3. Keeping it")?;
        self.voice.say("Now `run` watches the manifests and the hub's events.")?;
        self.converge(tour).await?;
        let tally = Tally::of(&tour.read().await?);
        for (owner, number) in &tally.held {
            self.voice.fact(owner, &format!("holds {}", count(*number, "finding")))?;
        }
        Ok(tally)
    }

    /// A person suppresses one finding; then the service makes a new finding for the same problem.
    async fn a_person(&mut self, tour: &Tour) -> Result<Person, Stopped> {
        self.voice.title("4. A person decides otherwise")?;
        let seen = tour.read().await?;
        let mut free: Vec<&Seen> = seen.iter().filter(|finding| is_free(finding, &seen)).collect();
        free.sort_by_key(|finding| (&finding.control, &finding.key.id));
        let Some(chosen) = free.first() else {
            return Err(TourError::Late("a failing finding that nobody has answered".to_owned(), 0).into());
        };
        let control = chosen.control.clone().unwrap_or_default();
        tour.click("alice", &chosen.key, WorkflowStatus::Suppressed)?;
        self.voice.say(&format!("In the console, alice suppresses {control} on"))?;
        let resource = format!("  {}", shorten(&chosen.resource, WIDTH - 2));
        self.voice.out.line(resource)?;
        tour.pause(Duration::from_millis(700)).await?;
        self.converge(tour).await?;
        let respected = one(tour, &chosen.key).await?;
        let kept = respected.workflow == WorkflowStatus::Suppressed && !respected.marked;
        self.voice.fact(
            "read back",
            &format!("{}, {}", respected.workflow, if kept { "without our marker: respected" } else { "changed" }),
        )?;
        self.voice.say("The service archives that finding and makes a new one for the same problem, with a new id and NEW.")?;
        let next = tour.recreate(&chosen.key)?;
        let inherited =
            await_one(tour, &next, "the new finding suppressed", |finding| finding.workflow == WorkflowStatus::Suppressed)
                .await?;
        let owner = inherited.held_by.clone().unwrap_or_else(|| "nobody".to_owned());
        self.voice.fact("read back", &format!("{}, held as: {owner}", inherited.workflow))?;
        if let Some(note) = &inherited.note {
            self.voice.fact("its note", note)?;
        }
        Ok(Person { first: chosen.key.clone(), next })
    }

    /// Gives how many findings the exception held, and how many of those are open again.
    async fn an_exception_ends(&mut self, tour: &Tour, ends: Timestamp, after: &Tally) -> Result<(usize, usize), Stopped> {
        self.voice.title("5. An exception ends")?;
        let clock = |at: Timestamp| at.strftime("%H:%M:%S").to_string();
        let seen = tour.read().await?;
        let holds: Vec<FindingKey> =
            seen.into_iter().filter(|finding| finding.held_by.as_deref() == Some(EXCEPTION)).map(|finding| finding.key).collect();
        let number = holds.len().max(after.held_by(EXCEPTION));
        self.voice.say(&format!(
            "{EXCEPTION} holds {} until {} UTC. The hub's clock shows {}.",
            count(holds.len(), "finding"),
            clock(ends),
            clock(tour.now())
        ))?;
        self.voice.out.flush()?;
        let bar = self.voice.bar("waiting for the end");
        while tour.now() < ends {
            bar.set_message(format!("the hub's clock shows {}", clock(tour.now())));
            bar.tick();
            tour.pause(Duration::from_millis(100)).await?;
        }
        bar.finish_and_clear();
        let back = await_until(tour, "the exception's findings given back", |seen| !held(seen).contains_key(EXCEPTION)).await?;
        let open = |finding: &&Seen| finding.workflow != WorkflowStatus::Suppressed;
        let back = back.iter().filter(|finding| holds.contains(&finding.key)).filter(open).count();
        self.voice.fact("at", &format!("{} UTC it holds nothing; {} open again", clock(tour.now()), count(back, "finding")))?;
        Ok((number, back))
    }

    async fn rest(&mut self, tour: &Tour) -> Result<(), Stopped> {
        self.voice.title("6. Rest")?;
        self.converge(tour).await?;
        let before = tour.read().await?;
        tour.pause(WATCHED).await?;
        let after = tour.read().await?;
        let changed = after.iter().filter(|finding| !before.contains(finding)).count();
        let minutes = WATCHED.as_secs() * u64::from(FACTOR) / 60;
        let changed = count(changed, "finding");
        Ok(self.voice.say(&format!("Read again {minutes} minutes of the hub's clock later: {changed} changed."))?)
    }

    async fn summary(&mut self, tour: &Tour, before: &Tally, held: usize, back: usize, person: &Person) -> Result<(), Stopped> {
        self.voice.title("Summary, read back from the hub with GetFindings")?;
        let now = Tally::of(&tour.read().await?);
        self.voice.fact("findings", &now.findings.to_string())?;
        self.voice.fact("failing, not suppressed", &format!("{} before, {} now", before.failing, now.failing))?;
        self.voice.fact("suppressed", &format!("{} before, {} now", before.suppressed, now.suppressed))?;
        for (owner, number) in &now.held {
            self.voice.fact(&format!("  for {owner}"), &number.to_string())?;
        }
        self.voice.fact("  by hand", &format!("{} (alice's is among them)", now.by_hand))?;
        let (first, next) = (one(tour, &person.first).await?, one(tour, &person.next).await?);
        let next_owner = next.held_by.as_deref().unwrap_or("nobody");
        self.voice
            .fact("alice's finding", &format!("{}, archived; its successor: {}, {next_owner}", first.workflow, next.workflow))?;
        self.voice.fact("exception", &format!("held {held}, gave back {back}"))?;
        self.voice.title("What to try next")?;
        for (command, what) in [
            ("hubkeeper local", "a hub that stays; it prints what to export"),
            ("hubkeeper plan examples/quickstart", "in another terminal, with that"),
            ("hubkeeper run -f examples/quickstart", "then change a file and look on"),
            ("hubkeeper explain ID -f examples/quickstart", "why a finding is as it is"),
        ] {
            self.voice.out.line(format_args!("  {command}"))?;
            let what = self.voice.out.dim(&format!("      {what}"));
            self.voice.out.line(what)?;
        }
        self.voice.out.line("For your own hub: README.md, \"A first policy\" and \"Permissions\".")?;
        Ok(self.voice.out.flush()?)
    }

    // ---- How things are said.

    /// Shows progress until nothing is left to do.
    async fn converge(&mut self, tour: &Tour) -> Result<(), Stopped> {
        self.voice.out.flush()?;
        let bar = self.voice.bar("reading");
        let began = tour.figures();
        for _ in 0..PATIENCE * 20 {
            let figures = tour.figures();
            bar.set_message(format!(
                "{} findings known, {} changes to go, {} written",
                figures.findings, figures.pending_changes, figures.written_findings
            ));
            bar.tick();
            if figures.converged {
                bar.finish_and_clear();
                let (calls, written) = (figures.writes - began.writes, figures.written_findings - began.written_findings);
                if calls > 0 {
                    let calls = count(usize::try_from(calls).unwrap_or(usize::MAX), "call");
                    self.voice.fact("written", &format!("{written} findings in {calls} of BatchUpdateFindings"))?;
                }
                return Ok(());
            }
            tour.pause(Duration::from_millis(50)).await?;
        }
        Err(TourError::Late("the hub as declared".to_owned(), PATIENCE).into())
    }
}

/// The two findings of the person's problem.
struct Person {
    first: FindingKey,
    next: FindingKey,
}

/// A failing control finding of the policy's scope that nobody has answered, alone with its problem.
fn is_free(finding: &Seen, all: &[Seen]) -> bool {
    let alike = |other: &&Seen| {
        (&other.control, &other.account, &other.resource) == (&finding.control, &finding.account, &finding.resource)
    };
    finding.failed
        && !finding.archived
        && !finding.marked
        && finding.workflow == WorkflowStatus::New
        && finding.control.is_some()
        && finding.standards.iter().any(|standard| standard.contains("aws-foundational-security-best-practices"))
        && all.iter().filter(alike).count() == 1
}

async fn one(tour: &Tour, key: &FindingKey) -> Result<Seen, TourError> {
    let late = || TourError::Late(format!("finding {}", key.id), 0);
    tour.read_one(key).await?.ok_or_else(late)
}

async fn await_one(tour: &Tour, key: &FindingKey, what: &str, is: impl Fn(&Seen) -> bool) -> Result<Seen, TourError> {
    for _ in 0..PATIENCE * 5 {
        if let Some(finding) = tour.read_one(key).await?.filter(&is) {
            return Ok(finding);
        }
        tour.pause(Duration::from_millis(200)).await?;
    }
    Err(TourError::Late(what.to_owned(), PATIENCE))
}

async fn await_until(tour: &Tour, what: &str, is: impl Fn(&[Seen]) -> bool) -> Result<Vec<Seen>, TourError> {
    for _ in 0..PATIENCE * 5 {
        let seen = tour.read().await?;
        if is(&seen) {
            return Ok(seen);
        }
        tour.pause(Duration::from_millis(200)).await?;
    }
    Err(TourError::Late(what.to_owned(), PATIENCE))
}
