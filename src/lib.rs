//! Hubkeeper keeps AWS Security Hub the way Git says: the map of the house.
//!
//! # Bird's-eye view
//!
//! Manifests say which findings are accepted or suppressed, and why. Security Hub says which findings there are. The loop
//! compares the two and writes the difference, and takes back what nobody declares any more. Data flows one way:
//!
//! ```text
//! sources ─→ ingest ─→ inventory ─→ evaluate ─→ limits ─→ act ─→ report
//! manifests            every        core         core     hub    status, events,
//! hub reads, events    finding      decides      counts   writes metrics
//! ```
//!
//! To follow one finding through the house, read in this order: [`core::doc`] (what a finding is), [`core::objects`] (what people
//! declare), [`core::marker`] (how a finding says who holds it), [`engine::ports`] (all that the loop needs of the world), then
//! the rest of [`engine`].
//!
//! # The rooms
//!
//! ```text
//! core/       pure: identities, the borrowed finding, AWS filter semantics, matcher, decision chain, limits, plans
//! inventory/  pure: what is known of every finding, and its indexes: rows, owners, problems, coverage
//! api/        the custom resources: one file per kind, and the CRDs made from them
//! wire/       Security Hub's shapes, errors, limits and page tokens
//! engine/     the ports, and the loop on them: ingest, evaluate, act, report
//! manifest/   a directory as the source of desired state, and files as the place of status
//! cluster/    the API server as the source of desired state, as the place of status and events; the Lease
//! controlplane/ a control plane of one's own on loopback: to try and to test against
//! aws/        the hub and its event queue over the network: transport, quota, retries
//! local/      Security Hub Local: a hub to try and to test against
//! telemetry/  logs, metrics, the health server
//! assembly/   joins the ports to their adapters
//! cli/        arguments to settings, settings to the assembly, results to the terminal
//! ```
//!
//! # The arrows
//!
//! A room names only what its arrow names. `core` is the vocabulary of all.
//!
//! ```text
//! inventory ─→ core                      aws       ─→ core, wire, engine::ports
//! api       ─→ core                      local     ─→ core, wire
//! wire      ─→ core                      telemetry ─→ core, engine::ports
//! engine    ─→ core, inventory           assembly  ─→ every room but cli
//! manifest  ─→ core, api, engine::ports  cli       ─→ core, assembly
//! cluster   ─→ core, api, engine::ports  controlplane ─→ nothing of ours
//! ```
//!
//! # Invariants
//!
//! - Invariant: `core` and `inventory` have no async, no I/O, no clock (`now` is an argument) and no environment. The same input
//!   gives the same answer on every machine; no result depends on the order of a hash table.
//! - Invariant: `engine` knows no AWS SDK, no Kubernetes client, no HTTP and no file. Adapters translate; they do not decide.
//! - Invariant: nobody asks the system for the time, the environment or a thread. Time comes from [`engine::ports::Clock`], the
//!   environment is read once in `cli`, tasks belong to a tracker that shutdown waits for. Exceptions carry `#[expect]` and a reason.
//! - Invariant: filters mean the same everywhere: [`core::filter`] is the only implementation, for policies and for
//!   Security Hub Local.
//! - Invariant: unknown means do nothing and say so. Absence must be proved: a source that is not complete gives nothing back.
//! - Invariant: what must survive a restart is in Security Hub (the marker) or in the declared objects. The inventory is a cache;
//!   the state directory holds a lock and status.
//! - Invariant: a hub has one owner, named by a tag on its ARN ([`core::hub_owner`]). Who is not known to be that writes nothing there.
//! - Invariant: each effect on the world passes a [`engine::ports::Gate`] before and after it, so that a test can stop there.
//! - Invariant: the tests drive the shipped code. Security Hub Local is reached as AWS is: through the SDK and an endpoint.
//!
//! Each arrow is checked by `tests/it/layering.rs`, each ban by `clippy.toml`, each dependency by `deny.toml`.
//!
//! # Deliberately absent
//!
//! - No database and no object per finding: a hub has more findings than a control plane has room for.
//! - No typed GetFindings of the SDK: pages are parsed from the response's bytes ([`core::doc`]).
//! - No SDK retries and no rate limiter with a timer of its own: one retry loop, one token per attempt, in `aws`.
//! - No expression language over findings: AWS's own filter JSON is the escape hatch.
//! - No global state: no global metrics registry, no lazily read settings.

pub mod api;
pub mod assembly;
pub mod aws;
pub mod cli;
pub mod cluster;
pub mod controlplane;
pub mod core;
pub mod engine;
pub mod inventory;
pub mod local;
pub mod manifest;
pub mod telemetry;
pub mod wire;
