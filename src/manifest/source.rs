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
        let files = files::read(&self.directory);
        let now = self.clock.elapsed();
        self.due = now.saturating_add(POLL);
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
            let broken = Broken { object: None, origin: problem.place().into(), message: problem.sentence().into() };
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
