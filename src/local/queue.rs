//! Queues that behave like SQS's: visibility, receive counts, dead letters, long polls.
//!
//! What is due when is told by the hub's clock; visibility and waiting by tokio's, as for every other client of SQS.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::core::ids::AccountId;
use crate::wire::error::AwsError;
use crate::wire::sqs::ReceivedMessage;

use super::clock::{LocalClock, before};
use super::forms;
use super::hub::uuid;

/// How long SQS keeps a message by default.
const RETENTION: Duration = Duration::from_hours(96);
/// Messages kept in one queue, so that nobody has to read it: the oldest go first, also when their retention is over.
const MOST: usize = 250_000;
/// Bytes of their bodies, likewise: an event is some 3 KB.
const MOST_BYTES: usize = 384 << 20;
/// Visibility of a queue that does not say.
pub const VISIBILITY: Duration = Duration::from_secs(30);

/// The name of the queue for what was received too often of another.
pub fn dead_letters(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

/// A queue's name within its account.
pub type QueueKey = (AccountId, String);

/// All queues.
#[derive(Debug)]
pub struct Queues {
    clock: LocalClock,
    inner: Mutex<SavedQueues>,
    /// Something may be there to receive.
    news: Notify,
    /// Nobody waits any more for what may come.
    ending: CancellationToken,
}

/// The queues as they are: in a snapshot, too.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::local) struct SavedQueues {
    #[serde(with = "forms::map")]
    queues: BTreeMap<QueueKey, Queue>,
    #[serde(with = "forms::rng")]
    rng: fastrand::Rng,
}

#[derive(Debug, Serialize, Deserialize)]
struct Queue {
    messages: BTreeMap<u64, Stored>,
    /// Of the bodies.
    bytes: usize,
    last: u64,
    settings: QueueSettings,
}

impl Queue {
    fn put(&mut self, place: u64, message: Stored) {
        self.bytes += message.body.len();
        if let Some(other) = self.messages.insert(place, message) {
            self.bytes -= other.body.len();
        }
    }

    fn remove(&mut self, place: u64) -> Option<Stored> {
        let message = self.messages.remove(&place)?;
        self.bytes -= message.body.len();
        Some(message)
    }

    /// The oldest go, if there are too many or if they were sent before `horizon`.
    fn forget(&mut self, horizon: Timestamp) {
        while let Some((place, first)) = self.messages.first_key_value() {
            if self.messages.len() <= MOST && self.bytes <= MOST_BYTES && first.sent >= horizon {
                return;
            }
            let place = *place;
            self.remove(place);
        }
    }
}

/// How a queue behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// How long a received message is hidden.
    pub visibility: Duration,
    /// After so many receipts a message goes to that queue of the same account.
    pub redrive: Option<(String, u32)>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { visibility: VISIBILITY, redrive: None }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    id: String,
    body: String,
    sent: Timestamp,
    /// Not received before this time of the hub's clock.
    due: Timestamp,
    /// Of tokio's clock, so not in a snapshot: what was received and not deleted is there again, as SQS may do at any time.
    #[serde(skip)]
    hidden_until: Option<Instant>,
    receives: u32,
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Not received.
    pub visible: usize,
    /// Received and hidden.
    pub in_flight: usize,
    /// Not yet due.
    pub delayed: usize,
}

impl Queues {
    /// None yet.
    pub fn new(clock: LocalClock, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed ^ 0x5135);
        Self::going_on(clock, SavedQueues { queues: BTreeMap::new(), rng })
    }

    /// Those of a snapshot.
    pub(in crate::local) fn going_on(clock: LocalClock, saved: SavedQueues) -> Self {
        Self { clock, inner: Mutex::new(saved), news: Notify::new(), ending: CancellationToken::new() }
    }

    /// From now on receiving gives what is there, without waiting: the service is ending.
    pub fn end_waits(&self) {
        self.ending.cancel();
    }

    pub(in crate::local) fn lock(&self) -> MutexGuard<'_, SavedQueues> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a queue; one that exists gets the settings and keeps its messages.
    pub fn create(&self, key: QueueKey, settings: QueueSettings) {
        let mut inner = self.lock();
        let queue = inner.queues.entry(key);
        queue
            .or_insert_with(|| Queue { messages: BTreeMap::new(), bytes: 0, last: 0, settings: QueueSettings::default() })
            .settings = settings;
    }

    /// How a queue behaves; `None`: there is none.
    pub fn settings(&self, key: &QueueKey) -> Option<QueueSettings> {
        self.lock().queues.get(key).map(|queue| queue.settings.clone())
    }

    /// Sends a message that is due at `due`, overtaking up to `overtake` of those before it. Gives its id.
    pub fn send(&self, key: &QueueKey, body: String, due: Timestamp, overtake: u64) -> Result<String, AwsError> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let id = uuid(&mut inner.rng);
        let queue = inner.queues.get_mut(key).ok_or_else(no_queue)?;
        queue.last += 1;
        let mut place = queue.last;
        let message = Stored { id: id.clone(), body, sent: now, due, hidden_until: None, receives: 0 };
        // Changes places with those before it, but for what was received already: receipts name a place.
        for _ in 0..overtake {
            let other = queue.messages.range(..place).next_back().filter(|(_, other)| other.receives == 0);
            let Some(other_place) = other.map(|(place, _)| *place) else { break };
            if let Some(other) = queue.remove(other_place) {
                queue.put(place, other);
            }
            place = other_place;
        }
        queue.put(place, message);
        queue.forget(before(now, RETENTION));
        drop(inner);
        self.news.notify_waiters();
        Ok(id)
    }

    /// Receives up to `most` messages, waiting up to `wait` for the first.
    pub async fn receive(
        &self,
        key: &QueueKey,
        most: usize,
        wait: Duration,
        visibility: Option<Duration>,
    ) -> Result<Vec<ReceivedMessage>, AwsError> {
        let deadline = Instant::now() + wait;
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            // Registered before looking, so that nothing is missed in between.
            news.as_mut().enable();
            let (received, wake, due) = self.take(key, most, visibility)?;
            if !received.is_empty() || Instant::now() >= deadline || self.ending.is_cancelled() {
                return Ok(received);
            }
            let due = async {
                match due {
                    Some(due) => self.clock.sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.ending.cancelled() => {}
                () = news => {}
                () = due => {}
                () = tokio::time::sleep_until(wake.map_or(deadline, |wake| wake.min(deadline))) => {}
            }
        }
    }

    /// What can be received now; else when a hidden message is visible again, and when the next one is due.
    #[expect(clippy::type_complexity, reason = "one caller, three lines above")]
    fn take(
        &self,
        key: &QueueKey,
        most: usize,
        visibility: Option<Duration>,
    ) -> Result<(Vec<ReceivedMessage>, Option<Instant>, Option<Timestamp>), AwsError> {
        let (now, instant) = (self.clock.now(), Instant::now());
        let mut inner = self.lock();
        let queue = inner.queues.get_mut(key).ok_or_else(no_queue)?;
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        let (mut wake, mut next_due) = (None::<Instant>, None::<Timestamp>);
        let redrive = queue.settings.redrive.clone();
        let hide = visibility.unwrap_or(queue.settings.visibility);
        for (seq, message) in &mut queue.messages {
            if received.len() == most {
                break;
            }
            if message.due > now {
                next_due = Some(next_due.map_or(message.due, |due| due.min(message.due)));
                continue;
            }
            if let Some(until) = message.hidden_until.filter(|until| *until > instant) {
                wake = Some(wake.map_or(until, |wake| wake.min(until)));
                continue;
            }
            if redrive.as_ref().is_some_and(|(_, receives)| message.receives >= *receives) {
                dead.push(*seq);
                continue;
            }
            message.receives += 1;
            message.hidden_until = Some(instant + hide);
            let attributes = BTreeMap::from([
                ("ApproximateReceiveCount".to_owned(), message.receives.to_string()),
                ("SentTimestamp".to_owned(), message.sent.as_millisecond().to_string()),
            ]);
            received.push(ReceivedMessage {
                message_id: message.id.clone(),
                receipt_handle: format!("{seq}/{}/{}", message.receives, message.id),
                body: message.body.clone(),
                attributes,
            });
        }
        let dead: Vec<Stored> = dead.iter().filter_map(|seq| queue.remove(*seq)).collect();
        if let Some((name, _)) = redrive.filter(|_| !dead.is_empty())
            && let Some(letters) = inner.queues.get_mut(&(key.0, name))
        {
            for message in dead {
                letters.last += 1;
                letters.put(letters.last, Stored { hidden_until: None, receives: 0, ..message });
            }
            letters.forget(before(now, RETENTION));
        }
        Ok((received, wake, next_due))
    }

    /// Removes a received message; one that is gone already is fine. An older receipt of a message that was received again
    /// does not remove it, as with SQS under load.
    pub fn delete(&self, key: &QueueKey, receipt: &str) -> Result<(), AwsError> {
        if let Some(seq) = self.find(key, receipt)?
            && let Some(queue) = self.lock().queues.get_mut(key)
        {
            queue.remove(seq);
        }
        Ok(())
    }

    /// Hides a received message for so long from now; zero shows it again.
    pub fn hide(&self, key: &QueueKey, receipt: &str, visibility: Duration) -> Result<(), AwsError> {
        if let Some(seq) = self.find(key, receipt)? {
            let mut inner = self.lock();
            if let Some(message) = inner.queues.get_mut(key).and_then(|queue| queue.messages.get_mut(&seq)) {
                message.hidden_until = Some(Instant::now() + visibility);
            }
        }
        self.news.notify_waiters();
        Ok(())
    }

    /// The place of the message that a receipt is the latest of.
    fn find(&self, key: &QueueKey, receipt: &str) -> Result<Option<u64>, AwsError> {
        let bad = || AwsError::bad_receipt(format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."));
        let mut parts = receipt.splitn(3, '/');
        let seq: u64 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let receives: u32 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let id = parts.next().ok_or_else(bad)?;
        let inner = self.lock();
        let queue = inner.queues.get(key).ok_or_else(no_queue)?;
        Ok(queue.messages.get(&seq).filter(|message| message.id == id && message.receives == receives).map(|_| seq))
    }

    /// Removes every message.
    pub fn purge(&self, key: &QueueKey) -> Result<(), AwsError> {
        let mut inner = self.lock();
        let queue = inner.queues.get_mut(key).ok_or_else(no_queue)?;
        queue.messages.clear();
        queue.bytes = 0;
        Ok(())
    }

    /// How many messages there are.
    pub fn depth(&self, key: &QueueKey) -> Result<Depth, AwsError> {
        let (now, instant) = (self.clock.now(), Instant::now());
        let inner = self.lock();
        let queue = inner.queues.get(key).ok_or_else(no_queue)?;
        let mut depth = Depth { visible: 0, in_flight: 0, delayed: 0 };
        for message in queue.messages.values() {
            if message.due > now {
                depth.delayed += 1;
            } else if message.hidden_until.is_some_and(|until| until > instant) {
                depth.in_flight += 1;
            } else {
                depth.visible += 1;
            }
        }
        Ok(depth)
    }

    /// The bodies in a queue, in order, whatever their visibility: for tests.
    pub fn bodies(&self, key: &QueueKey) -> Vec<String> {
        let inner = self.lock();
        inner
            .queues
            .get(key)
            .map(|queue| queue.messages.values().map(|message| message.body.clone()).collect())
            .unwrap_or_default()
    }
}

fn no_queue() -> AwsError {
    AwsError::no_queue("The specified queue does not exist.")
}
