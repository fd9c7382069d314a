//! `hubkeeper demo --cluster`: the tour to take part in. Tells what it starts and what came of it, says what to type in another
//! terminal, and stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::ToSpan;
use tokio_util::sync::CancellationToken;

use super::tally::Tally;
use super::voice::Voice;
use super::{EXCEPTION, Stopped, manifests};
use crate::assembly::host;
use crate::assembly::keep::{Format, log};
use crate::assembly::tour::cluster::{Binaries, ClusterTour, Written, programs};
use crate::assembly::tour::{Stage, TourError};
use crate::cli::Ended;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::out::{Out, count};
use crate::cli::signals;

/// The exception lasts so long from now.
const LASTS_DAYS: i64 = 60;
/// How long something is awaited: other work may keep the machine busy.
const PATIENCE: Duration = Duration::from_mins(3);
/// What Hubkeeper logs, unless `HUBKEEPER_LOG` says otherwise: what goes well is told in fewer words.
const LEVELS: &str = "warn,aws_config=error";
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn execute(stage: Stage, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    let binaries = programs(environment.assets.as_deref(), &environment.cache).map_err(Failure::said)?;
    signals::until(Some("\nending what was started"), |token| async move {
        let mut show = Show { voice: Voice { out, progress: environment.progress }, environment };
        // Boxed: it is large.
        let ended = Box::pin(show.all(&binaries, &stage, token)).await;
        match ended {
            Ok(()) | Err(Stopped::Tour(TourError::Interrupted)) => Ok(Ended::Done),
            Err(stopped) => Err(stopped.failure("Nothing is left running. Try again, or say so in an issue with this sentence.")),
        }
    })
    .await
}

struct Show<'a> {
    voice: Voice<'a>,
    environment: &'a Environment,
}

impl Show<'_> {
    async fn all(&mut self, binaries: &Binaries, stage: &Stage, token: CancellationToken) -> Result<(), Stopped> {
        let mut tour = self.the_cluster(binaries, stage, token).await?;
        let told = self.story(&mut tour, binaries).await;
        let folder = tour.folder().to_owned();
        // Whatever happened: everything that was started is ended.
        tour.end().await;
        told?;
        self.voice.say(&format!("Gone: the control plane, the hub, Hubkeeper, and {}.", folder.display()))?;
        Ok(())
    }

    async fn story(&mut self, tour: &mut ClusterTour, binaries: &Binaries) -> Result<(), Stopped> {
        self.hubkeeper(tour).await?;
        self.the_manifests(tour).await?;
        self.what_to_type(tour, binaries)?;
        let colour = self.environment.colour_of_errors;
        let levels = if self.environment.log.is_empty() { LEVELS } else { &self.environment.log };
        log(Format::Text { colour }, levels).map_err(|error| Stopped::Terminal(std::io::Error::other(error)))?;
        self.follow(tour).await
    }

    /// Tells what changes in the hub, whoever changes it, until somebody stops it.
    async fn follow(&mut self, tour: &mut ClusterTour) -> Result<(), Stopped> {
        let (mut told, mut known) = (tour.written(), Tally::of(&tour.read()?));
        let mut last = told;
        while tour.stay(LOOK * 3).await? {
            let written = tour.written();
            // What is under way is told when it is done.
            if written != last || written == told {
                last = written;
                continue;
            }
            let now = Tally::of(&tour.read()?);
            let time = host::now().strftime("%H:%M:%SZ").to_string();
            for (who, before, after) in changes(&known, &now) {
                self.voice.say(&format!("{time}  {who}: {} ({before} before)", count(after, "finding")))?;
            }
            (told, known) = (written, now);
        }
        Ok(())
    }

    async fn the_cluster(
        &mut self,
        binaries: &Binaries,
        stage: &Stage,
        token: CancellationToken,
    ) -> Result<ClusterTour, Stopped> {
        self.voice.title("1. A cluster and a hub, on this machine")?;
        self.voice.say(
            "etcd, kube-apiserver and kube-controller-manager start on free ports of this machine, with certificates of their own, \
             and Security Hub Local beside them. No nodes: objects are kept and judged, no container runs.",
        )?;
        let bar = self.voice.bar("the control plane starts: some seconds");
        bar.enable_steady_tick(LOOK);
        let began = now();
        let tour = ClusterTour::new(binaries, stage, host::now(), token).await;
        bar.finish_and_clear();
        let tour = tour?;
        self.voice.fact("control plane", &format!("ready after {}", seconds(began)))?;
        self.voice.fact("definitions", "6 kinds of hubkeeper.dev")?;
        self.voice.fact("Security Hub Local", &tour.url())?;
        self.voice.fact("administrator", &tour.administrator().to_string())?;
        let regions = tour.regions();
        let home = regions.first().map_or("", String::as_str);
        self.voice.fact("accounts, Regions", &format!("{}, {} (home: {home})", tour.accounts(), regions.len()))?;
        let tally = Tally::of(&tour.read()?);
        self.voice.fact("findings", &format!("{}, of them {} failing and not suppressed", tally.findings, tally.failing))?;
        Ok(tour)
    }

    async fn hubkeeper(&mut self, tour: &mut ClusterTour) -> Result<(), Stopped> {
        self.voice.title("2. Hubkeeper, as a controller")?;
        let began = now();
        tour.keep().await?;
        let deadline = now() + PATIENCE;
        let holder = loop {
            if let Some(holder) = tour.leader().await? {
                break holder;
            }
            in_time(deadline, "Hubkeeper leading")?;
            tour.pause(LOOK).await?;
        };
        self.voice.fact("leads", &format!("after {}, as {holder}", seconds(began)))?;
        self.voice.fact("its Lease", "hubkeeper, in the namespace hubkeeper")?;
        if let Some(health) = tour.health() {
            self.voice.fact("its metrics", &format!("http://{health}/metrics"))?;
        }
        Ok(())
    }

    async fn the_manifests(&mut self, tour: &mut ClusterTour) -> Result<(), Stopped> {
        self.voice.title("3. What is declared")?;
        self.voice.say(
            "The manifests are those of examples/quickstart, with this hub's event queue, and dates that fit today: a hub, two \
             accounts, a policy, a guardrail, an exception.",
        )?;
        let start = host::now();
        let ends = start.checked_add((LASTS_DAYS * 24).hours()).unwrap_or(start);
        let files = manifests::all(&tour.queue_url(), start, ends);
        tour.namespaces(&["team-pay", "sec-approvals"]).await?;
        let before = Tally::of(&tour.read()?);
        let command = format!("$ kubectl apply -f {}", tour.manifests().display());
        self.voice.typed(&[self.voice.out.dim(&command)])?;
        let said = tour.declare(&files).await?;
        let began = now();
        self.voice.typed(&said.lines().collect::<Vec<_>>())?;

        let bar = self.voice.bar("Hubkeeper reads the hub");
        let (deadline, mut first) = (began + PATIENCE, None);
        let kept = loop {
            let Written { findings, .. } = tour.written();
            if findings > 0 && first.is_none() {
                first = Some(seconds(began));
            }
            if first.is_some() {
                bar.set_message(format!("{} written", count(usize::try_from(findings).unwrap_or(usize::MAX), "finding")));
            }
            bar.tick();
            if tour.kept().await? {
                break seconds(began);
            }
            in_time(deadline, "the hub as declared")?;
            tour.pause(LOOK).await?;
        };
        bar.finish_and_clear();
        self.voice.title("4. What came of it, as the hub has it")?;
        let after = Tally::of(&tour.read()?);
        let Written { calls, findings } = tour.written();
        let calls = count(usize::try_from(calls).unwrap_or(usize::MAX), "call");
        if let Some(first) = first {
            self.voice.fact("first write after", &first)?;
        }
        self.voice.fact("everything Ready after", &kept)?;
        self.voice.fact("written", &format!("{findings} findings in {calls} of BatchUpdateFindings"))?;
        self.voice.fact("failing, not suppressed", &format!("{} before, {} now", before.failing, after.failing))?;
        for (owner, number) in &after.held {
            self.voice.fact(owner, &format!("holds {}", count(*number, "finding")))?;
        }
        Ok(())
    }

    fn what_to_type(&mut self, tour: &ClusterTour, binaries: &Binaries) -> Result<(), Stopped> {
        self.voice.title("5. Your turn: in another terminal")?;
        let mut exports = vec![
            format!("export KUBECONFIG={}", quoted(tour.kubeconfig())),
            format!("export AWS_ENDPOINT_URL={} AWS_DEFAULT_REGION={}", tour.url(), tour.regions().first().map_or("", |r| r)),
            format!("export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=alice", tour.administrator()),
        ];
        let missing = self.folders(binaries);
        if !missing.is_empty() {
            let folders: Vec<String> = missing.iter().map(|folder| quoted(folder)).collect();
            exports.push(format!("export PATH={}:\"$PATH\"", folders.join(":")));
        }
        self.voice.typed(&exports)?;
        self.voice.out.line("")?;

        let held = tour.read()?.into_iter().find(|finding| finding.held_by.as_deref() == Some(EXCEPTION));
        let manifests = tour.manifests();
        let all = quoted(&manifests);
        let exceptions = quoted(&manifests.join("exceptions.yaml"));
        let owner = format!(
            r#"{{"UserDefinedFields": [{{"Key": "hubkeeper.dev/owner", "Value": "{EXCEPTION}", "Comparison": "EQUALS"}}]}}"#
        );
        let as_aws_has_it = format!(
            "aws securityhub get-findings --filters '{owner}' --query 'Findings[].[Workflow.Status, Resources[0].Id]' --output text"
        );
        self.voice.try_this("What is declared, and how it is", "kubectl get hubkeeper --all-namespaces")?;
        self.voice.try_this("All that the exception says of itself", "kubectl describe findingexception cdn -n team-pay")?;
        self.voice.try_this("Its findings, as AWS has them (with the AWS CLI)", &as_aws_has_it)?;
        if let Some(finding) = &held {
            let id = finding.key.id.rsplit('/').next().unwrap_or(&finding.key.id);
            self.voice.try_this("Why one of them is as it is", &format!("hubkeeper explain {id} -f {all}"))?;
            let history = format!(
                "aws securityhub get-finding-history --finding-identifier Id={},ProductArn={} \
                 --query 'Records[].[UpdateTime, UpdateSource.Identity]' --output text",
                finding.key.id, finding.key.product_arn
            );
            self.voice.try_this("Who changed it, by AWS's own record", &history)?;
        }
        self.voice.try_this("What would change: nothing", &format!("hubkeeper plan {all}"))?;
        self.voice.try_this(
            "Take the exception away: its findings are open again, and no longer SUPPRESSED in AWS",
            "kubectl delete findingexception cdn -n team-pay",
        )?;
        self.voice.try_this("And give it again", &format!("kubectl apply -f {exceptions}"))?;
        self.voice.try_this(
            "What makes no sense is refused, in a sentence",
            r#"kubectl patch findingexception cdn -n team-pay --type merge -p '{"spec": {"expiresAt": "2020-01-01T00:00:00Z"}}'"#,
        )?;
        self.voice.out.line("")?;
        self.voice.say("Ctrl-C ends all of it and removes its folder. Until then, what changes in the hub is told here:")?;
        Ok(())
    }

    /// Folders that the reader's `PATH` lacks: of this program, and of kubectl.
    fn folders(&self, binaries: &Binaries) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        if let Some(program) = &self.environment.program {
            let known = self.environment.found("hubkeeper").and_then(|path| path.canonicalize().ok());
            if known.is_none() || known != program.canonicalize().ok() {
                folders.extend(program.parent().map(Path::to_owned));
            }
        }
        if self.environment.found("kubectl").is_none() {
            folders.extend(binaries.kubectl().parent().map(Path::to_owned));
        }
        folders
    }
}

/// Who holds more or less than before, and how much.
fn changes(before: &Tally, after: &Tally) -> Vec<(String, usize, usize)> {
    let owners: BTreeSet<&String> = before.held.keys().chain(after.held.keys()).collect();
    let held = owners.into_iter().map(|owner| (format!("{owner} holds"), before.held_by(owner), after.held_by(owner)));
    let by_hand = ("suppressed by hand".to_owned(), before.by_hand, after.by_hand);
    held.chain([by_hand]).filter(|(_, before, after)| before != after).collect()
}

#[expect(clippy::disallowed_methods, reason = "how long the reader waited is told, and decides nothing")]
fn now() -> Instant {
    Instant::now()
}

/// `2.4 s`.
fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

fn in_time(deadline: Instant, what: &str) -> Result<(), TourError> {
    if now() < deadline { Ok(()) } else { Err(TourError::Late(what.to_owned(), PATIENCE.as_secs())) }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_more_or_less_is_told_and_who_holds_as_much_is_not() {
        let tally = |held: &[(&str, usize)], by_hand| Tally {
            findings: 9,
            failing: 9,
            suppressed: 0,
            by_hand,
            held: held.iter().map(|(owner, number)| ((*owner).to_owned(), *number)).collect(),
        };
        let changes = changes(&tally(&[("a", 1), ("b", 2)], 3), &tally(&[("b", 2), ("c", 4)], 5));
        let expected = [("a holds", 1, 0), ("c holds", 0, 4), ("suppressed by hand", 3, 5)];
        assert_eq!(changes, expected.map(|(who, before, after)| (who.to_owned(), before, after)));
    }

    #[test]
    fn a_path_is_quoted_where_a_shell_would_break_it() {
        assert_eq!(quoted(Path::new("/tmp/hubkeeper-demo-1/admin.kubeconfig")), "/tmp/hubkeeper-demo-1/admin.kubeconfig");
        assert_eq!(quoted(Path::new("/tmp/it's here")), r"'/tmp/it'\''s here'");
    }
}
