//! Events on a real queue: from Security Hub Local by `aws::queue_target` to moto's SQS, and by `aws::feed` to the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use hubkeeper::assembly::pass::{ListingProves, SoleWriter};
use hubkeeper::assembly::time::{Dice, HouseClock};
use hubkeeper::aws::feed::{QueueAddress, SqsFeed};
use hubkeeper::aws::queue_target::SqsTarget;
use hubkeeper::aws::quota::{Quota, Share};
use hubkeeper::aws::transport::{Settings, Transport};
use hubkeeper::core::hub_owner::HubOwner;
use hubkeeper::core::status::WorkflowStatus::Suppressed;
use hubkeeper::engine::keeper::{Keeper, Purpose};
use hubkeeper::engine::ports::{Blocked, Effect, Feed, Gate, World};
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::faults::{EventFaults, Faults};
use hubkeeper::local::feed::EventTarget;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::http::connector;
use super::moto::{Moto, Served, until};
use crate::sim::world::{self, Heard, Sim, policy};

/// A queue of moto's with a dead-letter queue after three receives; messages hide for a second.
struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    dead: String,
    transport: Transport,
    quota: Arc<Quota>,
    address: QueueAddress,
}

impl Queue {
    async fn create(moto: &Moto) -> Self {
        let credentials = aws_credential_types::Credentials::new("111122223333", "hubkeeper", None, None, "tests");
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
            .endpoint_url(moto.endpoint())
            .credentials_provider(credentials.clone())
            .build();
        let client = aws_sdk_sqs::Client::from_conf(config);
        let dead = client.create_queue().queue_name("dead-letters").send().await.unwrap().queue_url.unwrap();
        let arn = attribute(&client, &dead, QueueAttributeName::QueueArn).await;
        let redrive = format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":3}}");
        let made = client
            .create_queue()
            .queue_name("hubkeeper")
            .attributes(QueueAttributeName::VisibilityTimeout, "1")
            .attributes(QueueAttributeName::RedrivePolicy, redrive);
        let url = made.send().await.unwrap().queue_url.unwrap();
        let clock = Arc::new(HouseClock::system());
        let mut settings = Settings::new("eu-west-1".parse().unwrap(), clock.clone());
        settings.credentials = Some(aws_credential_types::provider::SharedCredentialsProvider::new(credentials));
        let transport = Transport::load(settings).await.unwrap();
        let quota = Arc::new(Quota::new(clock, Arc::new(Dice::seeded(7)), Share::percent(100)));
        let address = QueueAddress::parse(&url, &"eu-west-1".parse().unwrap()).unwrap();
        Self { client, url, dead, transport, quota, address }
    }

    fn target(&self) -> Target {
        Target(SqsTarget::new(&self.transport, Arc::clone(&self.quota), self.address.clone()))
    }

    fn feed(&self) -> SqsFeed {
        SqsFeed::new(&self.transport, Arc::clone(&self.quota), self.address.clone())
    }

    /// Messages that were not removed, hidden ones included.
    async fn depth(&self, url: &str) -> u64 {
        let visible = attribute(&self.client, url, QueueAttributeName::ApproximateNumberOfMessages).await;
        let hidden = attribute(&self.client, url, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await;
        visible.parse::<u64>().unwrap() + hidden.parse::<u64>().unwrap()
    }
}

async fn attribute(client: &aws_sdk_sqs::Client, url: &str, name: QueueAttributeName) -> String {
    let answer = client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await.unwrap();
    answer.attributes.unwrap()[&name].clone()
}

/// The shipped target, as Security Hub Local takes it.
struct Target(SqsTarget);

#[async_trait]
impl EventTarget for Target {
    async fn send(&self, bodies: Vec<String>) -> Result<(), String> {
        self.0.send(bodies).await.map_err(|failure| failure.to_string())
    }
}

/// Lets acknowledgements fail as long as it is shut.
#[derive(Default)]
struct AckGate {
    shut: AtomicBool,
    refused: AtomicU64,
}

#[async_trait]
impl Gate for AckGate {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        if matches!(effect, Effect::QueueAck(_)) && self.shut.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Blocked::Fail);
        }
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_through_a_real_queue_duplicates_too_and_stay_until_they_are_acknowledged() {
    let moto = Moto::start().await;
    let queue = Queue::create(&moto).await;
    let faults = Faults { events: EventFaults { duplicate_percent: 100, ..EventFaults::default() }, ..Faults::default() };
    let sim = Sim::with(Local::builder().faults(faults));
    let (local, target) = (sim.local.clone(), queue.target());
    let forward = tokio::spawn(async move { local.forward_events(&target).await });
    tokio::task::yield_now().await;
    until("the hub forwards", async || {
        sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b{}", sim.local.len()));
        queue.depth(&queue.url).await > 0
    })
    .await;
    let expected = queue.depth(&queue.url).await;
    let feed = queue.feed();
    let mut received = Vec::new();
    while received.len() < 2 {
        received.extend(feed.receive().await.unwrap());
    }
    let body: serde_json::Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(body["detail-type"], "Security Hub Findings - Imported");
    let id = body["detail"]["findings"][0]["Id"].as_str().unwrap();
    let same = received.iter().filter(|message| message.body.contains(id)).count();
    assert!(same >= 2, "each event was sent twice");
    assert!(queue.depth(&queue.url).await >= expected, "receiving removes nothing");
    // Until all are gone: those whose receipt has grown too old come again.
    let mut receipts: Vec<String> = received.into_iter().map(|message| message.receipt).collect();
    until("every message is acknowledged", async || {
        feed.acknowledge(&receipts).await.unwrap();
        if queue.depth(&queue.url).await == 0 {
            return true;
        }
        receipts = feed.receive().await.unwrap().into_iter().map(|message| message.receipt).collect();
        false
    })
    .await;
    forward.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_acts_on_an_event_acknowledges_after_it_and_leaves_poison_to_the_dead_letters() {
    let moto = Moto::start().await;
    let queue = Queue::create(&moto).await;
    let local = Local::builder().speed(Speed::Real).start(world::at(world::START)).build().unwrap();
    let served = Served::start(&local).await;
    let (hub, target) = (local.clone(), queue.target());
    let forward = tokio::spawn(async move { hub.forward_events(&target).await });

    let gate = Arc::new(AckGate::default());
    let heard = Arc::new(Heard::default());
    let clock = Arc::new(HouseClock::from(world::at(world::START), 1));
    let mut connector = connector(&served.endpoint(), "111122223333", gate.clone());
    connector.clock = clock.clone();
    let world = World {
        owner: HubOwner::files(),
        clock,
        rng: Arc::new(Dice::seeded(13)),
        gate: gate.clone(),
        fence: Arc::new(SoleWriter),
        status: heard.clone(),
        events: heard.clone(),
        meter: heard.clone(),
        connector: Arc::new(connector),
        absence: Arc::new(ListingProves),
    };
    let manifests = format!(
        "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {{name: main}}\nspec:\n  homeRegion: eu-west-1\n  events: {{queueUrl: \"{}\"}}\n  limits: {{maxFindings: 1000, maxPercent: 100}}\n{}",
        queue.url,
        policy("p", "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}")
    );
    let desired = world::parse(&manifests);
    assert!(desired.broken.is_empty(), "{:#?}", desired.broken);
    let (_sender, desired) = watch::channel(Arc::new(desired));
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(Keeper::new(world, "main", Purpose::Keep).run(desired, stop.clone()));
    until("the first read is over", async || local.count("GetFindings").calls > 0).await;

    gate.shut.store(true, Ordering::SeqCst);
    let finding = hubkeeper::local::document::ControlFinding::failed(
        local.administrator(),
        local.home().clone(),
        "S3.9",
        "AwsS3Bucket",
        "arn:aws:s3:::cdn",
        local.clock().now(),
    );
    let key = hubkeeper::core::ids::FindingKey { id: finding.id(), product_arn: finding.product_arn() };
    assert_eq!(local.import(vec![finding.document()]).unwrap().failed_count, 0);
    let workflow = || local.finding(&key).unwrap()["Workflow"]["Status"] == Suppressed.as_str();
    until("the event's finding is suppressed", async || workflow()).await;
    until("an acknowledgement is refused", async || gate.refused.load(Ordering::SeqCst) > 0).await;
    assert!(queue.depth(&queue.url).await > 0, "not acknowledged, so it is still there");
    gate.shut.store(false, Ordering::SeqCst);
    let updates = local.count("BatchUpdateFindings").calls;
    // What was received three times without an acknowledgement is among the dead letters; all else is handled.
    until("the queue is empty", async || queue.depth(&queue.url).await == 0).await;
    assert_eq!(local.count("BatchUpdateFindings").calls, updates, "an event that comes again changes nothing");

    let dead = queue.depth(&queue.dead).await;
    queue.client.send_message().queue_url(&queue.url).message_body("no event").send().await.unwrap();
    until("poison goes to the dead letters", async || {
        // moto moves it at a receive that finds something else.
        queue.depth(&queue.dead).await > dead
    })
    .await;
    until("the queue is empty again", async || queue.depth(&queue.url).await == 0).await;
    let letters = queue.client.receive_message().queue_url(&queue.dead).max_number_of_messages(10).send().await.unwrap();
    assert!(letters.messages().iter().any(|message| message.body() == Some("no event")));
    stop.cancel();
    keeper.await.unwrap();
    forward.abort();
}
