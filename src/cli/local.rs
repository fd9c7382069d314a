//! `hubkeeper local`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use clap::parser::ValueSource;
use jiff::Timestamp;

use super::Ended;
use super::environment::Environment;
use super::failure::Failure;
use super::logging::LogFlags;
use super::out::{Out, count};
use super::signals::{self, Step};
use crate::assembly::host::{
    self, BadValue, CallFault, Ending, EventAccount, Faults, HostError, Hosted, Lifetimes, LocalOptions, MissingField,
    OldFindings, Pace, Resets, RulesSee, Sharing, Speed, SuppressedOnPassed, Switches, ThrottleCode, UserFields,
};
use crate::core::ids::{AccountId, Region};

/// Serve Security Hub Local: a hub to try things on and to test against
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With the AWS CLI, in another terminal (the account is the administrator that it prints):
  export AWS_ENDPOINT_URL=http://127.0.0.1:4600 AWS_DEFAULT_REGION=eu-west-1
  export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=alice
  aws securityhub get-findings --max-items 1

Ground rules:
- The access key id is the account, the secret access key the name of the principal; no more is
  checked. Every twelve digits are an account; one that is not of the organization has its hub off
  until it enables it. Every Region that a signature names is served.
- The organization (administrator, members, home and linked Regions) is made by --accounts,
  --regions and --home-region, or with --bare by the operations on members, administrators and
  aggregators, which change it too.
- Any role of any account can be assumed; one that is named by --external-id takes its external id.
- BatchImportFindings under product/aws/securityhub is taken as the service's own check run, which
  AWS keeps for itself: it makes and updates control findings.
- An operation that it does not have answers NotImplementedException (501), and names it.
- What AWS leaves unsaid is a switch under Behaviour, which says the default.

While it runs: GET / is a page that tells what is in it, the calls so far and the switches; under
/_local/ are GET and PUT faults, POST advance {\"seconds\": 3600}, POST accounts (AWS
Organizations: {\"id\": \"444455556666\", \"inOrganization\": false}), POST world (somebody did something
to resources, which their next checks will see: {\"Filters\": ..., \"Becomes\": \"PASSED\"}; or FAILED,
WARNING, NOT_AVAILABLE, DELETED), POST checks (they run now: {\"Filters\": ...}; with \"NewIds\": true
they make new findings), POST standards (a subscription in trouble: {\"account\": ..., \"region\": ...,
\"standardsArn\": ..., \"status\": \"INCOMPLETE\", \"reason\": \"NO_AVAILABLE_CONFIGURATION_RECORDER\"}; or
FAILED; READY again), POST snapshot, POST action (what the console does with a custom action:
{\"ActionTargetArn\": ..., \"FindingIdentifiers\": [...]}), GET clock, organization,
operations, calls. Web pages of other sites are refused there. The log has a line for each call:
account, Region, operation, code and milliseconds (target hubkeeper::local::call; --log warn is
silent).

The clock is real, faster (--clock 60x), or stands until it is stepped (--clock stepped); POST
advance steps it at any speed, up to a year a call. What is due by it happens when it is due:
events, reads that lag, buckets, standards and controls that follow, the end of findings. With a
stepped clock the same seed and the same calls give the same answers, to the byte.

Faults of calls are typed as OPERATION[@ACCOUNT][/REGION]=FAULT[,percent=N][,skip=N][,times=N],
where OPERATION may be * (every operation of Security Hub; those of SQS, STS and EC2 by their
names):
  --fault GetFindings@111122223333/eu-west-1=throttle:LimitExceededException,times=3
  --fault BatchUpdateFindings=deniedField:Workflow.Status=SUPPRESSED
  --fault '*=serverError:503,percent=5'
FAULT is throttle[:CODE], serverError[:STATUS], accessDenied, deniedField:FIELD[=VALUE],
expiredCredentials, timeoutBefore, timeoutAfter (no answer, and yet done), emptyBody, slowMillis:N
(late by so much of real time), staleMillis:N (a GetFindings that sees no later write), shortPage,
or partial:CODE[:PERCENT] (of BatchUpdateFindings' findings). JSON, {\"operation\": ...,
\"fault\": ...}, does as well. The first that applies decides; slow, stale, short and partial
answers all apply.

Bounds: a million findings take about 1 GiB. 250,000 messages or 384 MiB a queue and 256 MiB of
finding histories, then the oldest go; 100,000 older versions for reads that lag. A page that reads
2,000 findings of which no index knows anything ends early, with a token.")]
pub(super) struct Args {
    // First: what is read of the others takes them away.
    #[command(flatten)]
    given: Given,
    /// Where it is served; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4600", value_parser = address)]
    listen: SocketAddr,
    /// Serve other machines too, although no signature is checked: whoever reaches the port may change everything
    #[arg(long)]
    i_know_that_anybody_can_write: bool,
    /// Findings to make, up to 10,000,000; the organization is there also with 0
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = up_to(0, FINDINGS_MAX))]
    findings: usize,
    /// Accounts, the administrator included, up to 10,001: AWS's quota of members
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = up_to(1, ACCOUNTS_MAX))]
    accounts: usize,
    /// Regions, the home Region included, up to the 17 that every account has
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to(1, REGIONS_MAX))]
    regions: usize,
    /// The home Region. Default: eu-west-1
    #[arg(long, value_name = "REGION")]
    home_region: Option<String>,
    /// Hubs are off and nobody administers anybody: all of that is left to the operations of Security Hub
    #[arg(long, conflicts_with = "findings")]
    bare: bool,
    /// The management account of the organization, which designates the delegated administrator. Every account belongs to it,
    /// unless POST /_local/accounts says otherwise. Default: 000000000000
    #[arg(long, value_name = "ACCOUNT")]
    management_account: Option<String>,
    /// Same seed, same findings, same faults
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,

    /// What the clock shows at first, RFC 3339. Default: now
    #[arg(long, value_name = "TIME", help_heading = "Clock")]
    start: Option<String>,
    /// How fast the hub's clock goes: real, N times as fast as 60x, or stepped: it stands until POST /_local/advance. Default: as
    /// that of the snapshot that it goes on from, else real
    #[arg(long, value_name = "SPEED", help_heading = "Clock")]
    clock: Option<Speed>,
    /// Days without an update until an active finding is removed; 0: never
    #[arg(long, value_name = "DAYS", default_value_t = 90, help_heading = "Clock")]
    keep_active_days: u16,
    /// Days without an update until an archived finding is removed; 0: never
    #[arg(long, value_name = "DAYS", default_value_t = 30, help_heading = "Clock")]
    keep_archived_days: u16,
    /// Days without an update until a control finding is archived: 3 to 5 on AWS; 0: never. Default: 5, with --no-checks 0
    #[arg(long, value_name = "DAYS", help_heading = "Clock")]
    archive_days: Option<u16>,
    /// No check runs by itself. Default: every control finding is checked again every 12, 18 or 24 hours, as its control is
    #[arg(long, help_heading = "Clock")]
    no_checks: bool,
    /// Minutes from a change of a resource (POST /_local/world) to the checks that changes trigger. Default: they wait for their
    /// turn, like the others
    #[arg(long, value_name = "MINUTES", help_heading = "Clock")]
    change_triggers_after: Option<u32>,

    /// How long something takes that does not happen at once, in seconds; may be repeated: enabling (of standards: 30),
    /// disabling (30), updating (of controls: 30), archive-after (of findings whose control is off: 259200) and archive-spread
    /// (at most so much more: 172800), consolidation (86400), linking (of old findings: 86400), centralizing (30)
    #[arg(long, value_name = "NAME=SECONDS", help_heading = "Clock")]
    pace: Vec<String>,

    /// Go on from this file if it is there, and write everything to it at the end and on POST /_local/snapshot. What is in it
    /// counts: flags of what is made, faults and behaviour are for the first time
    #[arg(long, value_name = "FILE", help_heading = "State")]
    snapshot: Option<PathBuf>,

    /// Reads within so many milliseconds of a write may not see it
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, help_heading = "Faults")]
    lag_millis: u64,
    /// So many milliseconds more until a write in one Region is read in another, home or linked; in its own it is read before
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, help_heading = "Faults")]
    replication_lag_millis: u64,
    /// Of 100 calls to Security Hub, how many are throttled, beyond the buckets
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    throttle_percent: u8,
    /// Of 100 calls to Security Hub, how many fail with 500
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    error_percent: u8,
    /// Of 100 findings of BatchUpdateFindings, how many are not processed (InternalFailure)
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    partial_percent: u8,
    /// Of 100 pages, how many hold fewer findings than asked for
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    short_page_percent: u8,
    /// Milliseconds until an event is delivered
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, help_heading = "Faults")]
    event_delay_millis: u64,
    /// Of 100 events, how many are delivered twice
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    event_duplicate_percent: u8,
    /// Of 100 events, how many overtake others
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    event_disorder_percent: u8,
    /// Of 100 events, how many are lost
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent(), help_heading = "Faults")]
    event_loss_percent: u8,
    /// One fault of calls, as below under Faults; may be repeated
    #[arg(long, value_name = "CALLS=FAULT", help_heading = "Faults")]
    fault: Vec<CallFault>,
    /// All faults as JSON, as GET /_local/faults shows them; the flags above are added
    #[arg(long, value_name = "FILE", help_heading = "Faults")]
    faults: Option<PathBuf>,

    /// Without the API's token buckets. Default: with them
    #[arg(long, help_heading = "Behaviour")]
    no_buckets: bool,
    /// Operations whose quota AWS does not list by name share one bucket. Default: each has its own
    #[arg(long, help_heading = "Behaviour")]
    one_bucket_for_others: bool,
    /// How a throttle is called
    #[arg(long, value_enum, default_value = "too-many-requests", help_heading = "Behaviour")]
    throttle_code: Throttle,
    /// What an update makes of UserDefinedFields
    #[arg(long, value_enum, default_value = "replace", help_heading = "Behaviour")]
    user_fields: Fields,
    /// What becomes of SUPPRESSED when the check passes
    #[arg(long, value_enum, default_value = "stays", help_heading = "Behaviour")]
    suppressed_on_passed: OnPassed,
    /// Negative filters match where there is no such field. Default: they do not
    #[arg(long, help_heading = "Behaviour")]
    negative_filters_match_missing: bool,
    /// One bad value of an update refuses each finding. Default: it refuses the request
    #[arg(long, help_heading = "Behaviour")]
    bad_value_per_finding: bool,
    /// NOTIFIED becomes NEW when the resource is deleted. Default: it stays
    #[arg(long, help_heading = "Behaviour")]
    deletion_resets_notified: bool,
    /// Only control findings go back to NEW when they are active again or no longer PASSED. Default: all findings do
    #[arg(long, help_heading = "Behaviour")]
    only_controls_reset: bool,
    /// What the criteria of automation rules are compared with
    #[arg(long, value_enum, default_value = "original", help_heading = "Behaviour")]
    rules_see: Sight,

    /// Findings that a Region had before it was linked are replicated within 24 hours. Default: once they are updated
    #[arg(long, help_heading = "Behaviour")]
    link_old_findings: bool,

    /// Which account an event names on the administrator's bus
    #[arg(long, value_enum, default_value = "bus", help_heading = "Behaviour")]
    event_account: Named,

    /// One more name that is told apart as a secret access key; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    principal: Vec<String>,
    /// A role that takes an external id; may be repeated
    #[arg(long, value_name = "ROLE-ARN=ID", help_heading = "Identity")]
    external_id: Vec<String>,

    /// Name of the event queue: in the administrator's account in the home Region, and, where one of that name is made
    /// (CreateQueue), in any other account and Region that has a bus of its own
    #[arg(long, value_name = "NAME", default_value = "hubkeeper", value_parser = queue_name, help_heading = "Events")]
    queue: String,
    /// After so many receipts, 1 to 1000, a message goes to QUEUE-dead-letters
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = receives(), help_heading = "Events")]
    max_receives: u32,
    /// Send every event to this queue of another server too, with the ambient AWS identity
    #[arg(long, value_name = "URL", help_heading = "Events")]
    events_queue_url: Option<String>,

    #[command(flatten, next_help_heading = "Log")]
    logging: LogFlags,
}

/// Flags that were typed, and count each time; all others are of what a snapshot has in it.
#[rustfmt::skip] // a list of names
const OF_THE_PROCESS: [&str; 10] = [
    "listen", "i_know_that_anybody_can_write", "clock", "snapshot", "principal", "external_id", "events_queue_url", "log", "log_format",
    "verbose",
];

/// Which flags were typed that are of no effect where a snapshot is gone on from.
#[derive(Debug, Default)]
struct Given(Vec<String>);

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let typed = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        // A flag that is absent is no id; a group of flags is one, and is no flag.
        let ids = matches.ids().map(clap::Id::as_str).filter(|id| id.starts_with(|first: char| first.is_ascii_lowercase()));
        let made = ids.filter(|id| !OF_THE_PROCESS.contains(id)).filter(typed);
        Ok(Self(made.map(|id| format!("--{}", id.replace('_', "-"))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Given {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command
    }
}

fn percent() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(0..=100)
}

/// Findings to make, at most: a GiB a million.
const FINDINGS_MAX: usize = 10_000_000;
/// The administrator, and as many members as AWS lets it have.
const ACCOUNTS_MAX: usize = 1 + host::MEMBERS_MAX;
/// The Regions that need no opting in.
const REGIONS_MAX: usize = host::ON_BY_DEFAULT.len();

/// A number in these bounds.
fn up_to(least: usize, most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("write a number from {least} to {most}"))
    }
}

/// As SQS has it.
fn receives() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(host::RECEIVES_MAX))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    // The one name that means the same everywhere; others are looked up, and answered by whoever answers.
    let address = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    address.parse().map_err(|_| "an address and a port, as 127.0.0.1:4600 or [::1]:4600".to_owned())
}

fn queue_name(text: &str) -> Result<String, String> {
    // That of the dead letters is the longer one.
    if !text.is_empty() && host::is_queue_name(&host::dead_letters(text)) {
        return Ok(text.to_owned());
    }
    let most = host::QUEUE_NAME_CHARS - host::dead_letters("").len();
    Err(format!("1 to {most} letters, digits, hyphens and underscores: SQS takes {} with -dead-letters", host::QUEUE_NAME_CHARS))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Throttle {
    /// TooManyRequestsException, as seen in practice
    TooManyRequests,
    /// LimitExceededException, as the model says
    LimitExceeded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fields {
    /// The map is replaced whole
    Replace,
    /// Keys that are not named stay
    Merge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnPassed {
    /// SUPPRESSED, as the API reference says
    Stays,
    /// RESOLVED, as the guide says
    Resolved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sight {
    /// The finding as its provider sent it, completed by the service, as the guide says
    Original,
    /// The finding as it would be filed, with what customers and the rules before wrote
    Current,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Named {
    /// The account of the bus, as every event of EventBridge does
    Bus,
    /// The account of the finding
    Finding,
}

impl Args {
    fn options(&self) -> Result<LocalOptions, Failure> {
        let start = match &self.start {
            None => host::now(),
            Some(text) => text.parse::<Timestamp>().map_err(|_| {
                Failure::new(format!("failed to use --start {text:?}: it is no time"), "Write it as 2026-12-01T08:00:00Z.")
            })?,
        };
        let first_region = self.home_region.as_deref().map(str::parse::<Region>).transpose();
        let first_region = first_region.map_err(|error| Failure::said(format!("failed to use --home-region: {error}")))?;
        let management = self.management_account.as_deref().map(str::parse::<AccountId>).transpose();
        let management = management.map_err(|error| Failure::said(format!("failed to use --management-account: {error}")))?;
        let mut options = LocalOptions {
            findings: self.findings,
            accounts: self.accounts,
            regions: self.regions,
            first_region,
            bare: self.bare,
            management,
            seed: self.seed,
            speed: self.clock.unwrap_or_default(),
            keep_speed: self.clock.is_none(),
            lifetimes: {
                let days = |days: u16| Some(days).filter(|days| *days > 0);
                let (active, archived) = (days(self.keep_active_days), days(self.keep_archived_days));
                let archive_days = self.archive_days.unwrap_or(if self.no_checks { 0 } else { 5 });
                Lifetimes { archived_after: days(archive_days), active, archived }
            },
            checks: !self.no_checks,
            switches: self.switches(),
            pace: self.times()?,
            buckets: !self.no_buckets,
            sharing: if self.one_bucket_for_others { Sharing::Others } else { Sharing::Each },
            throttle: match self.throttle_code {
                Throttle::TooManyRequests => ThrottleCode::TooManyRequests,
                Throttle::LimitExceeded => ThrottleCode::LimitExceeded,
            },
            faults: self.all_faults()?,
            external_ids: self.external_ids()?,
            queue: self.queue.clone(),
            max_receives: self.max_receives,
            ..LocalOptions::new(start)
        };
        options.principals.extend(self.principal.iter().cloned());
        Ok(options)
    }

    fn switches(&self) -> Switches {
        Switches {
            user_fields: match self.user_fields {
                Fields::Replace => UserFields::Replace,
                Fields::Merge => UserFields::Merge,
            },
            suppressed_on_passed: match self.suppressed_on_passed {
                OnPassed::Stays => SuppressedOnPassed::Stays,
                OnPassed::Resolved => SuppressedOnPassed::Resolved,
            },
            missing_field: if self.negative_filters_match_missing { MissingField::Match } else { MissingField::NoMatch },
            bad_value: if self.bad_value_per_finding { BadValue::PerFinding } else { BadValue::WholeRequest },
            deletion_resets_notified: self.deletion_resets_notified,
            resets: if self.only_controls_reset { Resets::OfControls } else { Resets::All },
            rules_see: match self.rules_see {
                Sight::Original => RulesSee::Original,
                Sight::Current => RulesSee::Current,
            },
            event_account: match self.event_account {
                Named::Bus => EventAccount::Bus,
                Named::Finding => EventAccount::Finding,
            },
            old_findings: if self.link_old_findings { OldFindings::Replicated } else { OldFindings::OnceUpdated },
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the edge: faults come from a file")]
    fn all_faults(&self) -> Result<Faults, Failure> {
        use host::{Fault, UnprocessedCode};
        let mut faults = match &self.faults {
            None => Faults::default(),
            Some(path) => {
                let failed = |error: String| {
                    Failure::new(
                        format!("failed to read faults from {}: {error}", path.display()),
                        "GET /_local/faults of a running Security Hub Local shows the shape.",
                    )
                };
                let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
                serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?
            }
        };
        faults.calls.extend(self.fault.iter().cloned());
        let mut call = |percent: u8, operation: Option<&str>, fault: Fault| {
            if percent > 0 {
                let operation = operation.map(str::to_owned);
                faults.calls.push(CallFault { operation, account: None, region: None, fault, percent, skip: 0, times: None });
            }
        };
        let code = if self.throttle_code == Throttle::LimitExceeded {
            ThrottleCode::LimitExceeded
        } else {
            ThrottleCode::TooManyRequests
        };
        call(self.throttle_percent, None, Fault::Throttle(code));
        call(self.error_percent, None, Fault::ServerError(500));
        if self.partial_percent > 0 {
            let partial = Fault::Partial { code: UnprocessedCode::InternalFailure, percent: self.partial_percent };
            call(100, Some("BatchUpdateFindings"), partial);
        }
        faults.lag_millis = faults.lag_millis.max(self.lag_millis);
        faults.replication_lag_millis = faults.replication_lag_millis.max(self.replication_lag_millis);
        faults.short_page_percent = faults.short_page_percent.max(self.short_page_percent);
        let events = &mut faults.events;
        events.delay_millis = events.delay_millis.max(self.event_delay_millis);
        events.duplicate_percent = events.duplicate_percent.max(self.event_duplicate_percent);
        events.disorder_percent = events.disorder_percent.max(self.event_disorder_percent);
        events.loss_percent = events.loss_percent.max(self.event_loss_percent);
        Ok(faults)
    }

    fn times(&self) -> Result<Pace, Failure> {
        let change_triggered = self.change_triggers_after.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
        let mut pace = Pace { change_triggered, ..Pace::default() };
        for text in &self.pace {
            pace.set(text).map_err(|why| Failure::new(format!("failed to use --pace {text:?}"), format!("{why}.")))?;
        }
        Ok(pace)
    }

    fn external_ids(&self) -> Result<BTreeMap<String, String>, Failure> {
        let pair = |text: &String| {
            let pair = text.split_once('=').filter(|(arn, id)| arn.starts_with("arn:") && !id.is_empty());
            pair.map(|(arn, id)| (arn.to_owned(), id.to_owned())).ok_or_else(|| {
                Failure::new(
                    format!("failed to use --external-id {text:?}"),
                    "Write it as arn:aws:iam::111122223333:role/hubkeeper=example.",
                )
            })
        };
        self.external_id.iter().map(pair).collect()
    }
}

pub(super) async fn execute(args: Args, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    if !args.listen.ip().is_loopback() && !args.i_know_that_anybody_can_write {
        return Err(Failure::new(
            format!("failed to listen on {}: other machines could reach it, and no signature is checked", args.listen),
            "Use an address such as 127.0.0.1:4600, or add --i-know-that-anybody-can-write.",
        ));
    }
    args.logging.start(environment)?;
    let options = args.options()?;
    let snapshot = args.snapshot;
    let ending = Ending::default();
    let given = args.given;
    let (steps, lost) = steps(&ending, snapshot.as_deref());
    let serving = async {
        let mut told = Ok(());
        let ready = |hosted: &Hosted| told = tell(hosted, snapshot.as_deref(), &given, out).and_then(|()| out.flush());
        let forward = args.events_queue_url.as_deref();
        // Boxed: it is large.
        let hosted = Box::pin(host::host(options, args.listen, snapshot.as_deref(), forward, ending, ready)).await;
        told?;
        hosted.map(|()| Ended::Done).map_err(|error| match error {
            HostError::Options(_) => Failure::new(error.to_string(), "Ask for fewer accounts or Regions."),
            other => Failure::said(other),
        })
    };
    signals::stepwise(steps, lost, serving).await
}

/// What the first signal asks for, the second, and what is lost with the third.
fn steps(ending: &Ending, snapshot: Option<&Path>) -> ([Step; 2], impl FnOnce() -> Failure + use<>) {
    let path = snapshot.map(|path| path.display().to_string());
    let said = match &path {
        Some(path) => format!("ending without the answers that are under way; {path} is written first"),
        None => "ending without the answers that are under way".to_owned(),
    };
    let steps = [Step { token: ending.in_order.clone(), said: None }, Step { token: ending.at_once.clone(), said: Some(said) }];
    let lost = move || {
        let next = match path {
            Some(path) => format!("{path} is as it was saved last: what happened since then is lost."),
            None => "Its state was in memory, and is gone; --snapshot keeps it in a file.".to_owned(),
        };
        Failure::new("failed to end in order: interrupted three times", next)
    };
    (steps, lost)
}

fn tell(hosted: &Hosted, snapshot: Option<&Path>, given: &Given, out: &mut Out) -> std::io::Result<()> {
    let linked = if hosted.linked.is_empty() { "none".to_owned() } else { hosted.linked.join(", ") };
    let real = hosted.clock == Speed::Real;
    let clock = match hosted.clock {
        Speed::Stepped => "stands until POST /_local/advance".to_owned(),
        Speed::Real => "real".to_owned(),
        Speed::Accelerated(factor) => format!("{factor} times as fast as real"),
    };
    out.line(out.bold(&format!("Security Hub Local on http://{}", hosted.address)))?;
    let members = count(hosted.members.len(), "member");
    let organization = match &hosted.bare {
        Some(management) => vec![("organization", format!("none yet; its management account is {management}"))],
        None => vec![
            ("administrator", format!("{} ({members})", hosted.administrator)),
            ("home Region", hosted.home.clone()),
            ("linked Regions", linked),
        ],
    };
    for (name, value) in organization.into_iter().chain([
        ("findings", hosted.findings.to_string()),
        ("clock", clock),
        ("event queue", hosted.queue_url.clone()),
    ]) {
        out.line(format_args!("  {name:<15}{value}"))?;
    }
    if let Some(path) = snapshot {
        let from = if hosted.restored { "went on from it" } else { "new" };
        out.line(format_args!("  {:<15}{} ({from})", "snapshot", path.display()))?;
        // A real clock is set to a later time.
        let idle = given.0.iter().map(String::as_str).filter(|flag| *flag != "--start" || !real);
        let idle = idle.collect::<Vec<_>>().join(", ");
        if hosted.restored && !idle.is_empty() {
            out.line(format_args!("  {:<15}{idle}: what the snapshot has counts", "without effect"))?;
        }
    }
    out.line("")?;
    out.line("For the AWS CLI and hubkeeper, in another terminal:")?;
    out.line(format_args!("  export AWS_ENDPOINT_URL=http://{} AWS_DEFAULT_REGION={}", hosted.address, hosted.home))?;
    out.line(format_args!("  export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=alice", hosted.administrator))?;
    out.line("  aws securityhub get-findings --max-items 1")
}
