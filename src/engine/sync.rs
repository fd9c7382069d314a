//! Which pages to read next: the first full read, the rotating audit, and reads of what is about to be written.
//!
//! A full read runs two chains over one place, from the oldest finding up and from the newest down, until they meet: two calls
//! in flight without knowing how findings spread over time, and at most one page more than the fewest possible. The audit
//! reads windows over `CreatedAt` of equal size, spread evenly over the sync interval. Never by a field that we write.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::ports::{Order, ReadFilter};
use crate::inventory::{Place, Window};

/// Findings in an audit window: 20 full pages, so that the last, partial page is at most 5 % more.
const AUDIT_WINDOW: usize = 2000;

/// Of the sync interval, how much the audit plans with; the rest is slack for retries.
const AUDIT_SHARE: f64 = 0.9;

/// One chain of pages.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Its number, unique within a [`Sync`].
    pub id: u64,
    /// Where.
    pub place: Place,
    /// Which `CreatedAt`.
    pub window: Window,
    /// Further conditions; empty for full reads and audits.
    pub filter: ReadFilter,
    /// In which order, for chains that meet another.
    pub order: Option<Order>,
    /// The next page's token.
    pub token: Option<String>,
    /// When the first page was asked for.
    pub started_at: Timestamp,
    in_flight: bool,
    frontier: Option<Timestamp>,
    sorted: bool,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Half of a full read; the other half is the chain with this number.
    Pass { partner: Option<u64> },
    /// A window of the audit.
    Audit,
    /// What is about to be written, or has to be looked at again.
    Look,
    /// What lacks a field that a rule names anew.
    Backfill,
}

/// What a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Nothing: there are more pages.
    Nothing,
    /// This window of the place has been read completely, by a read started then.
    Window(Place, Window, Timestamp),
    /// A look-up is complete.
    Look,
    /// The service repeated a page token: the chain was given up and starts again.
    TokenRepeated,
}

/// The reads of one hub.
#[derive(Debug, Default)]
pub struct Sync {
    chains: Vec<Chain>,
    /// Page tokens that each chain has had.
    tokens: BTreeMap<u64, BTreeSet<String>>,
    next_id: u64,
    audits: Vec<Audit>,
}

#[derive(Debug)]
struct Audit {
    place: Place,
    windows: Vec<Window>,
    next: usize,
    due: Duration,
    step: Duration,
}

impl Sync {
    /// Starts a full read of a place, unless one is under way.
    pub fn begin_pass(&mut self, place: Place, now: Timestamp) {
        if !self.passing(place) {
            self.open(place, Window::ALL, ReadFilter::default(), Some(Order::Oldest), Purpose::Pass { partner: None }, now);
        }
    }

    /// Whether a full read of the place is under way.
    pub fn passing(&self, place: Place) -> bool {
        self.chains.iter().any(|chain| chain.place == place && matches!(chain.purpose, Purpose::Pass { .. }))
    }

    /// Starts a look-up of some findings; the number of its chain.
    pub fn look(&mut self, place: Place, filter: ReadFilter, now: Timestamp) -> u64 {
        let window = Window { from: filter.created_from, to: filter.created_to };
        self.open(place, window, filter, None, Purpose::Look, now)
    }

    /// How many look-ups of a place are under way.
    pub fn looking(&self, place: Place) -> usize {
        self.chains.iter().filter(|chain| chain.place == place && chain.purpose == Purpose::Look).count()
    }

    /// Starts reading findings again that lack a field; the number of its chain. Everything else goes first.
    pub fn backfill(&mut self, place: Place, filter: ReadFilter, now: Timestamp) -> u64 {
        let window = Window { from: filter.created_from, to: filter.created_to };
        self.open(place, window, filter, None, Purpose::Backfill, now)
    }

    /// Gives up what [`Self::backfill`] started: other fields are named now. The numbers of its chains.
    pub fn end_backfills(&mut self) -> Vec<u64> {
        let ids: Vec<u64> = self.chains.iter().filter(|c| c.purpose == Purpose::Backfill).map(|c| c.id).collect();
        self.close(&ids);
        ids
    }

    /// Drops everything that is under way: the hub or the connection changed.
    pub fn clear(&mut self) {
        self.chains.clear();
        self.tokens.clear();
        self.audits.clear();
    }

    fn open(
        &mut self,
        place: Place,
        window: Window,
        filter: ReadFilter,
        order: Option<Order>,
        purpose: Purpose,
        now: Timestamp,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let filter = ReadFilter { created_from: window.from, created_to: window.to, ..filter };
        self.chains.push(Chain {
            id,
            place,
            window,
            filter,
            order,
            token: None,
            started_at: now,
            in_flight: false,
            frontier: None,
            sorted: true,
            purpose,
        });
        id
    }

    /// The next chain that wants a page in a place that has room, marked as in flight. Look-ups first: a write waits for them.
    pub fn start_next(&mut self, room: impl Fn(Place) -> bool) -> Option<Chain> {
        let rank = |chain: &&mut Chain| {
            let by_purpose = match chain.purpose {
                Purpose::Look => 0,
                Purpose::Pass { .. } => 1,
                Purpose::Audit => 2,
                Purpose::Backfill => 3,
            };
            (by_purpose, chain.id)
        };
        let chain = self.chains.iter_mut().filter(|chain| !chain.in_flight && room(chain.place)).min_by_key(rank)?;
        chain.in_flight = true;
        Some(chain.clone())
    }

    /// A page of the chain failed: it will be asked for again. `restart`: from the beginning, because its token is no good.
    pub fn failed(&mut self, id: u64, restart: bool) {
        if let Some(chain) = self.chains.iter_mut().find(|chain| chain.id == id) {
            chain.in_flight = false;
            if restart {
                chain.token = None;
                chain.frontier = None;
                self.tokens.remove(&id);
            }
        }
    }

    /// A page of the chain was taken in: the `CreatedAt` of its findings in order, and the next token.
    pub fn advanced(&mut self, id: u64, created: &[Timestamp], token: Option<String>, now: Timestamp) -> Ended {
        let Some(position) = self.chains.iter().position(|chain| chain.id == id) else { return Ended::Nothing };
        let chain = &mut self.chains[position];
        chain.in_flight = false;
        if let Some(token) = &token
            && !self.tokens.entry(id).or_default().insert(token.clone())
        {
            self.failed(id, true);
            return Ended::TokenRepeated;
        }
        let first = chain.token.is_none();
        chain.token = token;
        if let Some(order) = chain.order {
            let mut all = chain.frontier.iter().chain(created);
            let mut next = chain.frontier.iter().chain(created);
            next.next();
            chain.sorted &= all.by_ref().zip(next).all(|(a, b)| if order == Order::Oldest { a <= b } else { a >= b });
            chain.frontier = created.last().copied().or(chain.frontier);
        }
        let ended = chain.token.is_none();
        let (place, window, started_at, purpose) = (chain.place, chain.window, chain.started_at, chain.purpose);
        match purpose {
            Purpose::Look | Purpose::Audit | Purpose::Backfill if !ended => Ended::Nothing,
            Purpose::Look | Purpose::Backfill => {
                self.close(&[id]);
                Ended::Look
            }
            Purpose::Audit => {
                self.close(&[id]);
                Ended::Window(place, window, started_at)
            }
            Purpose::Pass { partner } => {
                let met = partner.is_some_and(|partner| self.met(id, partner));
                if ended || met {
                    // Either chain that reaches the far end has read everything by itself.
                    let started = partner.and_then(|p| self.chains.iter().find(|c| c.id == p)).map(|c| c.started_at);
                    let started = started.map_or(started_at, |other| other.min(started_at));
                    self.close(&[id, partner.unwrap_or(id)]);
                    return Ended::Window(place, window, started);
                }
                if first && partner.is_none() {
                    let partner = self.open(
                        place,
                        window,
                        ReadFilter::default(),
                        Some(Order::Newest),
                        Purpose::Pass { partner: Some(id) },
                        now,
                    );
                    if let Some(chain) = self.chains.iter_mut().find(|chain| chain.id == id) {
                        chain.purpose = Purpose::Pass { partner: Some(partner) };
                    }
                }
                Ended::Nothing
            }
        }
    }

    fn close(&mut self, ids: &[u64]) {
        self.chains.retain(|chain| !ids.contains(&chain.id));
        for id in ids {
            self.tokens.remove(id);
        }
    }

    /// Whether two chains of a pass have read past each other. Strictly, so that findings of one moment are not lost.
    fn met(&self, a: u64, b: u64) -> bool {
        let frontier = |id: u64, order: Order| {
            let chain = self.chains.iter().find(|chain| chain.id == id && chain.order == Some(order))?;
            chain.sorted.then_some(chain.frontier?)
        };
        let up = frontier(a, Order::Oldest).or_else(|| frontier(b, Order::Oldest));
        let down = frontier(a, Order::Newest).or_else(|| frontier(b, Order::Newest));
        matches!((up, down), (Some(up), Some(down)) if up > down)
    }

    /// Plans the audit of a place: these windows, one after the other, within `interval` of `elapsed`.
    pub fn plan_audit(&mut self, place: Place, windows: Vec<Window>, interval: Duration, elapsed: Duration) {
        let count = u32::try_from(windows.len().max(1)).unwrap_or(u32::MAX);
        let step = interval.mul_f64(AUDIT_SHARE) / count;
        self.audits.retain(|audit| audit.place != place);
        self.audits.push(Audit { place, windows, next: 0, due: elapsed + step, step });
    }

    /// How many windows an audit of `findings` has.
    pub fn audit_windows(findings: usize) -> usize {
        findings.div_ceil(AUDIT_WINDOW).max(1)
    }

    /// When the next window of an audit is due.
    pub fn audit_due(&self) -> Option<Duration> {
        self.audits.iter().map(|audit| audit.due).min()
    }

    /// Starts the windows that are due. Places whose round is over and wants new windows.
    pub fn start_audits(&mut self, elapsed: Duration, now: Timestamp) -> Vec<Place> {
        let mut over = Vec::new();
        let mut open = Vec::new();
        for audit in &mut self.audits {
            while audit.due <= elapsed {
                if let Some(&window) = audit.windows.get(audit.next) {
                    open.push((audit.place, window));
                } else {
                    over.push(audit.place);
                    break;
                }
                audit.next += 1;
                audit.due += audit.step;
                if audit.next == audit.windows.len() {
                    over.push(audit.place);
                    break;
                }
            }
        }
        for (place, window) in open {
            // One that is still being read is not started twice: the quota is behind, and says so by itself.
            if !self.chains.iter().any(|c| c.place == place && c.window == window && c.purpose == Purpose::Audit) {
                self.open(place, window, ReadFilter::default(), None, Purpose::Audit, now);
            }
        }
        over
    }

    /// The shortest interval in which `findings` can be read at `calls_per_second`.
    pub fn smallest_interval(findings: usize, calls_per_second: f64) -> Duration {
        let pages = findings.div_ceil(100).max(1);
        #[expect(clippy::cast_precision_loss, reason = "pages are far below 2^52")]
        Duration::from_secs_f64((pages as f64 / calls_per_second / AUDIT_SHARE).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Reads a world of findings by their CreatedAt seconds, and says which were read and in how many pages.
    fn read(world: &[i64], size: usize) -> (BTreeSet<i64>, usize) {
        let mut sync = Sync::default();
        let place = Place(0);
        sync.begin_pass(place, at(0));
        let mut sorted = world.to_vec();
        sorted.sort_unstable();
        let (mut seen, mut pages) = (BTreeSet::new(), 0);
        while let Some(chain) = sync.start_next(|_| true) {
            let offset: usize = chain.token.as_deref().map_or(0, |token| token.parse().unwrap());
            let ordered: Vec<i64> =
                if chain.order == Some(Order::Newest) { sorted.iter().rev().copied().collect() } else { sorted.clone() };
            let page: Vec<i64> = ordered.iter().skip(offset).take(size).copied().collect();
            pages += 1;
            seen.extend(&page);
            let more = (offset + size < ordered.len()).then(|| (offset + size).to_string());
            let created: Vec<Timestamp> = page.iter().map(|second| at(*second)).collect();
            if sync.advanced(chain.id, &created, more, at(1)) == Ended::Window(place, Window::ALL, at(0)) {
                assert!(!sync.passing(place));
            }
        }
        (seen, pages)
    }

    #[test]
    fn two_chains_meet_and_miss_nothing_with_at_most_one_page_more() {
        for (count, size) in [(0, 10), (1, 10), (10, 10), (11, 10), (1000, 10), (1005, 10), (95, 100)] {
            let world: Vec<i64> = (0..count).collect();
            let (seen, pages) = read(&world, size);
            assert_eq!(seen.len(), world.len());
            let fewest = world.len().div_ceil(size).max(1);
            assert!(pages <= fewest + 1, "{count} findings: {pages} pages, fewest {fewest}");
        }
    }

    #[test]
    fn findings_of_one_moment_are_not_lost_where_the_chains_meet() {
        // Identify findings by position; all created at the same second, so neither chain may stop early.
        let (_, pages) = read(&[7; 100], 10);
        assert!(pages >= 10, "{pages}");
    }

    #[test]
    fn a_repeated_token_starts_the_chain_again() {
        let mut sync = Sync::default();
        sync.look(Place(0), ReadFilter::default(), at(0));
        let chain = sync.start_next(|_| true).unwrap();
        assert_eq!(sync.advanced(chain.id, &[], Some("a".into()), at(0)), Ended::Nothing);
        let chain = sync.start_next(|_| true).unwrap();
        assert_eq!(sync.advanced(chain.id, &[], Some("a".into()), at(0)), Ended::TokenRepeated);
        assert_eq!(sync.start_next(|_| true).unwrap().token, None);
    }

    #[test]
    fn an_audit_reads_each_window_once_within_the_interval_and_then_asks_for_new_ones() {
        let mut sync = Sync::default();
        let windows = Window::split(&[at(10), at(20), at(30)]);
        sync.plan_audit(Place(0), windows.clone(), Duration::from_secs(100), Duration::ZERO);
        let mut started = Vec::new();
        let mut over = Vec::new();
        for second in 0..100 {
            over.extend(sync.start_audits(Duration::from_secs(second), at(0)));
            while let Some(chain) = sync.start_next(|_| true) {
                started.push(chain.window);
                assert_eq!(sync.advanced(chain.id, &[], None, at(0)), Ended::Window(Place(0), chain.window, at(0)));
            }
            if !over.is_empty() {
                break;
            }
        }
        assert_eq!(started, windows);
        assert_eq!(over, [Place(0)]);
    }

    #[test]
    fn the_smallest_interval_follows_from_pages_and_quota() {
        assert_eq!(Sync::smallest_interval(100_000, 1.8), Duration::from_secs(618));
        assert_eq!(Sync::smallest_interval(0, 1.8), Duration::from_secs(1));
    }
}
