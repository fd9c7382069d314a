//! A directory as a source of desired state: polled, because a mounted ConfigMap, a network share and an editor's rename
//! all look alike to a poll.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::files::{self, Files};
use super::load::{Cache, assemble};
use super::problem::{Problem, Verdict};
use crate::core::objects::{Broken, Desired};
use crate::engine::ports::{Clock, DesiredSource, SourceError};

/// How often the directory is looked at.
const POLL: Duration = Duration::from_secs(1);
/// How long a change must have rested before it is believed: a file cut at the end of a document looks whole.
const REST: Duration = Duration::from_millis(200);
/// After so many looks at a directory that never rests, it is taken as it is, as incomplete.
const RESTLESS: u32 = 25;

/// Manifests in a directory.
#[derive(Debug)]
pub struct DirectorySource {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    cache: Cache,
    /// When to look next, by the clock's elapsed time: kept here, so that a caller who cancels often does not stop the polls.
    due: Duration,
    /// What was last seen at rest.
    seen: Option<Files>,
    /// A change that must rest first, and how often it was looked at.
    moving: Option<(Files, u32)>,
    given: Option<Arc<Desired>>,
    verdict: Arc<Verdict>,
}

impl DirectorySource {
    /// A directory that may not exist yet: until it does, the state is incomplete.
    pub fn new(directory: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory: directory.to_owned(),
            clock,
            cache: Cache::default(),
            due: Duration::ZERO,
            seen: None,
            moving: None,
            given: None,
            verdict: Arc::default(),
        }
    }

    /// What there is to say about what [`DesiredSource::next`] gave last.
    pub fn verdict(&self) -> Arc<Verdict> {
        Arc::clone(&self.verdict)
    }

    /// Looks once; gives the state if it changed and rests.
    fn look(&mut self) -> Option<Arc<Desired>> {
        let start = self.clock.elapsed();
        let files = files::read(&self.directory);
        let now = self.clock.elapsed();
        // Ten thousand files take a tenth of a second: looking costs at most a twentieth of the time.
        self.due = now.saturating_add(POLL.max(now.saturating_sub(start) * 20));
        match self.moving.take() {
            None if self.seen.as_ref() == Some(&files) => None,
            Some((before, _)) if before == files => self.give(files, true),
            Some((_, looks)) if looks >= RESTLESS => self.give(files, false),
            moving => {
                self.due = now.saturating_add(REST);
                self.moving = Some((files, moving.map_or(1, |(_, looks)| looks + 1)));
                None
            }
        }
    }

    /// The state of these files, if it is another than the last.
    fn give(&mut self, files: Files, rested: bool) -> Option<Arc<Desired>> {
        let mut loaded = assemble(&files, &mut self.cache);
        if rested {
            self.seen = Some(files);
        } else {
            self.seen = None;
            let message = "its files keep changing: not everything is known until they rest".to_owned();
            let file = self.directory.display().to_string();
            let problem = Problem { file, line: 0, field: String::new(), message };
            let broken = Broken {
                object: None,
                origin: problem.place().into(),
                message: problem.sentence().into(),
                priority: None,
                generation: 0,
            };
            loaded.desired.complete = false;
            loaded.desired.broken.push(broken);
            loaded.verdict.errors.push(problem);
        }
        self.verdict = Arc::new(loaded.verdict);
        let desired = Arc::new(loaded.desired);
        if self.given.as_ref() == Some(&desired) {
            return None;
        }
        self.given = Some(Arc::clone(&desired));
        Some(desired)
    }
}

#[async_trait]
impl DesiredSource for DirectorySource {
    async fn next(&mut self) -> Result<Arc<Desired>, SourceError> {
        loop {
            let wait = self.due.saturating_sub(self.clock.elapsed());
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
            if let Some(desired) = self.look() {
                return Ok(desired);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make directories")]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::super::clock::PausedClock;
    use super::*;

    const HUB: &str =
        "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {name: main}\nspec: {homeRegion: eu-west-1}\n";
    const ACCOUNT: &str =
        "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata: {name: a}\nspec: {id: \"111122223333\"}\n";

    fn source(directory: &Path) -> DirectorySource {
        DirectorySource::new(directory, Arc::new(PausedClock::new()))
    }

    async fn soon(source: &mut DirectorySource) -> Option<Arc<Desired>> {
        timeout(Duration::from_secs(30), source.next()).await.ok().map(Result::unwrap)
    }

    #[tokio::test(start_paused = true)]
    async fn the_state_comes_at_once_and_then_only_when_it_differs() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("hub.yaml"), HUB).unwrap();
        let mut source = source(directory.path());
        let first = soon(&mut source).await.unwrap();
        assert!(first.complete && first.objects.hubs.len() == 1 && first.objects.accounts.is_empty());
        assert!(soon(&mut source).await.is_none(), "nothing changed");
        fs::write(directory.path().join("notes.txt"), "x").unwrap();
        fs::write(directory.path().join("hub.yaml"), format!("{HUB}# a comment at the end changes nothing\n")).unwrap();
        assert!(soon(&mut source).await.is_none(), "nothing that matters changed");
        fs::write(directory.path().join("account.yaml"), ACCOUNT).unwrap();
        let second = soon(&mut source).await.unwrap();
        assert_eq!(second.objects.accounts.len(), 1);
        assert!(source.verdict().is_clean());
    }

    const EXCEPTION: &str = "apiVersion: hubkeeper.dev/v1alpha1\nkind: FindingException\nmetadata: {name: e, namespace: t}\nspec:\n  \
         targets: [{controls: [S3.8], accounts: [\"111122223333\"]}]\n  reason: FalsePositive\n  justification: j\n  owner: o\n  \
         startsAt: \"2026-12-01T00:00:00Z\"\n  expiresAt: \"2027-01-31T00:00:00Z\"\n";

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_changed_is_refused_in_a_file_too_and_the_last_good_version_stays_the_measure() {
        let directory = tempfile::tempdir().unwrap();
        let (hub, exception) = (directory.path().join("hub.yaml"), directory.path().join("e.yaml"));
        fs::write(&hub, HUB).unwrap();
        fs::write(&exception, EXCEPTION).unwrap();
        let mut source = source(directory.path());
        assert_eq!(soon(&mut source).await.unwrap().objects.exceptions.len(), 1);
        fs::write(&exception, EXCEPTION.replace("2026-12-01", "2026-12-20")).unwrap();
        let refused = soon(&mut source).await.unwrap();
        let [broken] = refused.broken.as_slice() else { panic!("{:?}", refused.broken) };
        assert!(refused.complete && refused.objects.exceptions.is_empty());
        assert_eq!(broken.object.as_ref().unwrap().to_string(), "FindingException/t/e");
        let verdict = source.verdict();
        let told = verdict.errors[0].to_string();
        let message = "e.yaml:9: spec.startsAt: Invalid value: startsAt cannot be changed, because durations are counted from \
                       it: make another exception.";
        assert!(told.ends_with(message), "{told}");
        assert_eq!(verdict.errors.len(), 1);
        fs::write(&exception, EXCEPTION.replace("2026-12-01", "2026-12-21")).unwrap();
        assert_eq!(soon(&mut source).await, None, "what was refused is no version to compare with");
        assert!(!source.verdict().is_clean());
        // What can be changed is, and counts from the version that was good.
        fs::write(&exception, EXCEPTION.replace("2027-01-31", "2027-01-30")).unwrap();
        let changed = soon(&mut source).await.unwrap();
        assert_eq!((changed.objects.exceptions.len(), changed.broken.len()), (1, 0));
        assert!(source.verdict().is_clean());
        fs::write(&hub, HUB.replace("eu-west-1", "eu-west-2")).unwrap();
        let moved = soon(&mut source).await.unwrap();
        assert!(moved.objects.hubs.is_empty() && moved.broken[0].message.contains("homeRegion cannot be changed"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_deleted_and_made_again_is_another_object_but_not_while_something_is_unreadable() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("account.yaml");
        fs::write(directory.path().join("hub.yaml"), HUB).unwrap();
        fs::write(&file, ACCOUNT).unwrap();
        let mut source = source(directory.path());
        soon(&mut source).await.unwrap();
        let other = ACCOUNT.replace("111122223333", "444455556666");
        fs::write(&file, "").unwrap();
        assert!(!soon(&mut source).await.unwrap().complete);
        fs::write(&file, &other).unwrap();
        assert_eq!(soon(&mut source).await.unwrap().broken.len(), 1, "half-written is not deleted");
        fs::remove_file(&file).unwrap();
        assert!(soon(&mut source).await.unwrap().complete);
        fs::write(&file, &other).unwrap();
        let made = soon(&mut source).await.unwrap();
        assert_eq!((made.objects.accounts.len(), made.broken.len()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_emptied_file_is_incomplete_and_a_deleted_one_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("account.yaml");
        fs::write(directory.path().join("hub.yaml"), HUB).unwrap();
        fs::write(&file, ACCOUNT).unwrap();
        let mut source = source(directory.path());
        assert_eq!(soon(&mut source).await.unwrap().objects.accounts.len(), 1);
        fs::write(&file, "").unwrap();
        let emptied = soon(&mut source).await.unwrap();
        assert!(!emptied.complete && emptied.objects.accounts.is_empty() && emptied.objects.hubs.len() == 1);
        fs::remove_file(&file).unwrap();
        let gone = soon(&mut source).await.unwrap();
        assert!(gone.complete && gone.objects.accounts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_comes_later_is_found_and_one_that_goes_proves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("manifests");
        let mut source = source(&directory);
        assert!(!soon(&mut source).await.unwrap().complete);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("hub.yaml"), HUB).unwrap();
        let there = soon(&mut source).await.unwrap();
        assert!(there.complete && there.objects.hubs.len() == 1);
        fs::remove_dir_all(&directory).unwrap();
        assert!(!soon(&mut source).await.unwrap().complete);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_is_not_believed_until_it_rests() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("all.yaml");
        let whole = format!("{HUB}---\n{ACCOUNT}");
        fs::write(&file, &whole).unwrap();
        let mut source = source(directory.path());
        soon(&mut source).await.unwrap();
        // Cut at the end of a document it looks whole; the writer goes on before it has rested.
        tokio::time::sleep(POLL).await;
        let writer = async {
            fs::write(&file, HUB).unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            fs::write(&file, &whole).unwrap();
        };
        let (seen, ()) = tokio::join!(soon(&mut source), writer);
        assert_eq!(seen, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_never_rests_is_given_as_incomplete() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hub.yaml");
        fs::write(&file, HUB).unwrap();
        let mut source = source(directory.path());
        soon(&mut source).await.unwrap();
        let restless = async {
            for turn in 0.. {
                fs::write(&file, format!("{HUB}# {turn}\n")).unwrap();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        };
        let seen = tokio::select! {
            seen = soon(&mut source) => seen.unwrap(),
            () = restless => unreachable!(),
        };
        assert!(!seen.complete && seen.objects.hubs.len() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_cancels_often_sees_the_change_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("hub.yaml"), HUB).unwrap();
        let mut source = source(directory.path());
        soon(&mut source).await.unwrap();
        fs::write(directory.path().join("account.yaml"), ACCOUNT).unwrap();
        let mut seen = None;
        for _ in 0..100 {
            seen = seen.or(timeout(Duration::from_millis(30), source.next()).await.ok());
        }
        assert_eq!(seen.unwrap().unwrap().objects.accounts.len(), 1);
    }
}
