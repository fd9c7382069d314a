//! Snapshots: everything that Security Hub Local knows, as one file that it goes on from.
//!
//! A line `hubkeeper-local-snapshot 1`, then JSON, then `sha256` of all before. What is in it is not listed anywhere: it is the
//! serde form of `State`, of the queues and of the clock, all derived. New state belongs into one of these, and is then in
//! every snapshot; what has no serde form does not compile there. What is not in it belongs to the process: which
//! names are told apart, which roles take an external id, which calls were counted, the clock's speed.
//!
//! Invariant: a file that is not whole, not ours or of another format is refused before anything is made of it. It is read
//! twice for that, some at a time both times: a million findings are never in memory as bytes and as findings at once.

use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::{LocalClock, Reading, Speed};
use super::options::LocalOptions;
use super::queue::{Queues, SavedQueues};
use super::{Local, State};
use crate::wire::sigv4::hex;

/// What the file begins with.
const MAGIC: &str = "hubkeeper-local-snapshot ";
/// The format that is written, and the only one that is read.
const VERSION: u32 = 1;
/// Before the digest.
const SEAL: &[u8] = b"\nsha256 ";
/// [`SEAL`], 64 digits, end of line.
const SEAL_BYTES: u64 = SEAL.len() as u64 + 65;
/// Bytes read or written at once.
const PIECE: usize = 1 << 20;

/// Why a snapshot cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not made by us.
    #[error("it is no snapshot of Security Hub Local: name another file, or one that is not there yet")]
    Foreign,
    /// Of a version that knows more.
    #[error("it has format {0} and this hubkeeper reads format {VERSION}: use the hubkeeper that wrote it, or a newer one")]
    Newer(u32),
    /// Of a version that is gone.
    #[error("it has format {0} and this hubkeeper reads format {VERSION}: use the hubkeeper that wrote it, or begin a new file")]
    Older(u32),
    /// Cut off, or changed.
    #[error("it is damaged ({0}): take a copy of it, or begin a new file")]
    Damaged(String),
    /// The file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What is written.
#[derive(Serialize)]
struct Written<'a> {
    seed: u64,
    queue: &'a str,
    clock: Reading,
    queues: &'a SavedQueues,
    state: &'a State,
}

/// What is read: the same members.
#[derive(Deserialize)]
struct Kept {
    seed: u64,
    queue: String,
    clock: Reading,
    queues: SavedQueues,
    state: State,
}

/// Digests what passes.
struct Digesting<W> {
    to: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl Local {
    /// Writes a snapshot. Gives how many findings are in it.
    pub fn save(&self, to: &mut dyn Write) -> Result<usize, SnapshotError> {
        let mut digesting = Digesting { to, digest: Sha256::new() };
        // The locks in the order that deliveries take them, held over both: a moment of the whole.
        let state = self.state();
        let findings = state.hub.len();
        {
            let mut out = BufWriter::with_capacity(PIECE, &mut digesting);
            out.write_all(format!("{MAGIC}{VERSION}\n").as_bytes())?;
            let queues = self.0.queues.lock();
            let (seed, queue, clock) = (self.0.seed, self.0.queue_name.as_str(), self.0.clock.read());
            let written = Written { seed, queue, clock, queues: &queues, state: &state };
            serde_json::to_writer(&mut out, &written).map_err(|error| std::io::Error::other(error.to_string()))?;
            out.flush()?;
        }
        drop(state);
        let Digesting { to, digest } = digesting;
        to.write_all(SEAL)?;
        to.write_all(hex(&digest.finalize()).as_bytes())?;
        to.write_all(b"\n")?;
        to.flush()?;
        Ok(findings)
    }

    /// A hub that goes on from a snapshot. Of `options` count those of the process: speed, principals, external ids, calls; a
    /// real clock shows `start` if that is later than the snapshot's time.
    pub fn restore(snapshot: impl Read + Seek, options: LocalOptions) -> Result<Self, SnapshotError> {
        let Kept { seed, queue, clock, queues, mut state } = read(snapshot)?;
        let first = match options.speed {
            Speed::Real => Reading { now: clock.now.max(options.start), ..clock },
            Speed::Accelerated(_) | Speed::Stepped => clock,
        };
        state.hub.resume_rounds(first.now);
        let clock = LocalClock::going_on(first, options.speed);
        let queues = Queues::going_on(clock.clone(), queues);
        let options = LocalOptions { seed, queue, ..options };
        Ok(Self::assemble(options, clock, queues, state))
    }
}

fn read(mut from: impl Read + Seek) -> Result<Kept, SnapshotError> {
    let begins = first_line(&mut from)?;
    let ends = from.seek(SeekFrom::End(0))?.checked_sub(SEAL_BYTES).filter(|ends| *ends >= begins);
    let ends = ends.ok_or_else(|| damaged("cut off"))?;
    require_seal(&mut from, ends)?;
    from.seek(SeekFrom::Start(begins))?;
    let body = BufReader::with_capacity(PIECE, from.take(ends - begins));
    serde_json::from_reader(body).map_err(|error| damaged(&error.to_string()))
}

/// Reads the first line; gives where the next one begins.
fn first_line(from: &mut impl Read) -> Result<u64, SnapshotError> {
    let mut first = Vec::new();
    // A version has few digits.
    from.take(MAGIC.len() as u64 + 12).read_to_end(&mut first)?;
    let rest = first.strip_prefix(MAGIC.as_bytes()).ok_or(SnapshotError::Foreign)?;
    let line = rest.iter().position(|byte| *byte == b'\n').ok_or(SnapshotError::Foreign)?;
    let version = std::str::from_utf8(&rest[..line]).ok().and_then(|version| version.parse().ok());
    match version.ok_or(SnapshotError::Foreign)? {
        VERSION => Ok((MAGIC.len() + line + 1) as u64),
        newer if newer > VERSION => Err(SnapshotError::Newer(newer)),
        older => Err(SnapshotError::Older(older)),
    }
}

/// Refuses a file whose seal, at `ends`, is not that of what comes before it.
fn require_seal(from: &mut (impl Read + Seek), ends: u64) -> Result<(), SnapshotError> {
    from.rewind()?;
    let (mut digest, mut left, mut piece) = (Sha256::new(), ends, vec![0; PIECE]);
    while left > 0 {
        let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let piece = &mut piece[..length];
        from.read_exact(piece).map_err(cut_off)?;
        digest.update(piece);
        left -= length as u64;
    }
    let mut seal = Vec::new();
    from.read_to_end(&mut seal)?;
    let told = seal.strip_prefix(SEAL).and_then(|seal| seal.strip_suffix(b"\n")).ok_or_else(|| damaged("cut off"))?;
    if hex(&digest.finalize()).as_bytes() == told { Ok(()) } else { Err(damaged("its checksum is another")) }
}

fn damaged(what: &str) -> SnapshotError {
    SnapshotError::Damaged(what.to_owned())
}

/// Shorter than it was a moment ago.
fn cut_off(error: std::io::Error) -> SnapshotError {
    if error.kind() == ErrorKind::UnexpectedEof { damaged("cut off") } else { error.into() }
}
