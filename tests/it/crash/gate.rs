//! A gate that numbers every passage, before and after each effect, and strikes at those it is told to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hubkeeper::engine::ports::{Blocked, Effect, Gate};
use tokio::sync::Notify;

/// What happens at a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process ends here: this passage and every later one never return.
    Crash,
    /// Before: the effect fails without having happened. After: it happened, and its answer is lost.
    Fail,
}

/// One passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    pub effect: Effect,
    pub after: bool,
}

impl std::fmt::Display for Passage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", if self.after { "after" } else { "before" }, self.effect)
    }
}

/// Passages are numbered from 0 over the whole life of the world, restarts included.
#[derive(Debug, Default)]
pub struct Passages {
    plan: Mutex<BTreeMap<usize, Blow>>,
    at_tag: Mutex<Option<(bool, Blow)>>,
    log: Mutex<Vec<Passage>>,
    struck: AtomicBool,
    told: Notify,
}

impl Passages {
    /// Strikes at these passages.
    pub fn striking(plan: impl IntoIterator<Item = (usize, Blow)>) -> Self {
        Self { plan: Mutex::new(plan.into_iter().collect()), ..Self::default() }
    }

    /// One more blow, so many passages from now.
    pub fn strike_in(&self, passages: usize, blow: Blow) {
        let at = self.log.lock().unwrap().len() + passages;
        self.plan.lock().unwrap().insert(at, blow);
    }

    /// Strikes before (0) or after (1) the next tag of the hub is set.
    pub fn strike_at_tag(&self, passage: usize, blow: Blow) {
        *self.at_tag.lock().unwrap() = Some((passage == 1, blow));
    }

    /// No blow is left.
    pub fn calm(&self) {
        self.plan.lock().unwrap().clear();
    }

    /// Every passage so far.
    pub fn log(&self) -> Vec<Passage> {
        self.log.lock().unwrap().clone()
    }

    /// Returns once the process has crashed.
    pub async fn crashed(&self) {
        while !self.struck.load(Ordering::SeqCst) {
            self.told.notified().await;
        }
    }

    /// The process is started again.
    pub fn revive(&self) {
        self.struck.store(false, Ordering::SeqCst);
    }

    async fn pass(&self, effect: &Effect, after: bool) -> Result<(), Blocked> {
        if self.struck.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let blow = {
            let mut log = self.log.lock().unwrap();
            log.push(Passage { effect: effect.clone(), after });
            let planned = self.plan.lock().unwrap().remove(&(log.len() - 1));
            let tag = self.at_tag.lock().unwrap().take_if(|(at, _)| *effect == Effect::HubTag && *at == after);
            planned.or(tag.map(|(_, blow)| blow))
        };
        match blow {
            None => Ok(()),
            Some(Blow::Fail) => Err(Blocked::Fail),
            Some(Blow::Crash) => {
                self.struck.store(true, Ordering::SeqCst);
                self.told.notify_one();
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl Gate for Passages {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        self.pass(effect, false).await
    }

    async fn after(&self, effect: &Effect) -> Result<(), Blocked> {
        self.pass(effect, true).await
    }
}
