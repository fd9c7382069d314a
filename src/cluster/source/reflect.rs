//! One kind: list, watch, and list again when the watch is lost. Absence is proved: what a listing misses is asked for by name,
//! and a listing is counted against the API server's own count.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, ObjectMeta, WatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};

use super::super::absence::found;
use super::super::definitions::Definitions;
use super::super::failure;
use super::super::resource::{api_of, resource};
use super::super::store::{Store, name_of};
use crate::core::ids::{Kind, ObjectRef};
use crate::engine::ports::Clock;

/// How many objects a page of a listing has.
const PAGE: u32 = 500;
/// Pauses between tries to prove something.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is tried whether a watch that was refused is allowed again.
const PROBE: Duration = Duration::from_secs(5);

/// Reads one kind.
pub(super) struct Reflect {
    client: Client,
    kind: Kind,
    resource: ApiResource,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    definitions: Arc<Definitions>,
}

impl Reflect {
    pub(super) fn new(
        client: Client,
        kind: Kind,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        definitions: Arc<Definitions>,
    ) -> Self {
        Self { client, kind, resource: resource(kind), store, clock, definitions }
    }

    fn all(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &self.resource)
    }

    /// Never ends.
    pub(super) async fn run(self) {
        loop {
            self.follow().await;
        }
    }

    /// Lists and watches; until what was listed is of no use.
    async fn follow(&self) {
        let config = watcher::Config::default().page_size(PAGE);
        let mut events = Box::pin(watcher::watcher(self.all(), config).default_backoff());
        let (mut told, mut refused) = (false, false);
        loop {
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                // A watch that is quiet again gives no sign of it.
                () = self.clock.sleep(PROBE), if refused => {
                    if self.may_watch().await {
                        tracing::info!(kind = %self.kind, "watched again");
                        (told, refused) = (false, false);
                        self.store.trust(self.kind);
                    }
                    continue;
                }
            };
            match event {
                Some(Ok(event)) => {
                    // A listing that only begins has not succeeded.
                    told &= matches!(event, Event::Init);
                    refused &= !matches!(event, Event::InitDone);
                    if !self.take(event).await {
                        return;
                    }
                }
                Some(Err(error)) => {
                    let why = failure::of_watch(&error, &self.resource.plural);
                    // The same failure comes with every try.
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(kind = %self.kind, "{why}");
                    }
                    refused |= failure::is_refusal(&error);
                    self.store.doubt(self.kind, why, refused);
                }
                None => return,
            }
        }
    }

    /// `false`: what was listed is of no use, because it was read by a definition that hides some of it.
    async fn take(&self, event: Event<DynamicObject>) -> bool {
        match event {
            Event::Init => self.store.begin(self.kind),
            Event::InitApply(object) => {
                if let Some(object) = self.as_it_is(object).await {
                    self.store.list(self.kind, &object);
                }
            }
            Event::InitDone => {
                if self.waited_for_definition().await {
                    return false;
                }
                self.listed().await;
            }
            Event::Apply(object) => {
                if let Some(object) = self.as_it_is(object).await {
                    self.store.put(self.kind, &object);
                }
            }
            Event::Delete(object) => {
                if let Some(name) = self.name(&object.metadata) {
                    self.gone(&name).await;
                }
            }
        }
        true
    }

    /// Returns when the definition has all that is needed; `true`: it had not at first.
    async fn waited_for_definition(&self) -> bool {
        let mut pause = FIRST_PAUSE;
        while let Err(why) = self.definitions.have_all_of(self.kind).await {
            if pause == FIRST_PAUSE {
                tracing::warn!(kind = %self.kind, "a listing is not believed: {why}");
            }
            self.store.doubt(self.kind, why, false);
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        pause > FIRST_PAUSE
    }

    /// Whether a watch is answered: begun, and left.
    async fn may_watch(&self) -> bool {
        self.all().watch_metadata(&WatchParams::default().timeout(1), "0").await.is_ok()
    }

    /// An object that is told as it once was is asked for by name: a stale server may tell so. `None`: it is gone.
    async fn as_it_is(&self, object: DynamicObject) -> Option<DynamicObject> {
        let name = self.name(&object.metadata)?;
        if !self.store.is_old(self.kind, &object) {
            return Some(object);
        }
        tracing::warn!(%name, "told as it was before: asked again");
        self.asked(&name, "is told as it was before").await
    }

    fn name(&self, meta: &ObjectMeta) -> Option<ObjectRef> {
        name_of(self.kind, meta)
    }

    /// A listing is through: it counts once nothing about it is in doubt. Until then what was known stays.
    async fn listed(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.proved().await {
                Ok(gone) => return self.store.commit(self.kind, &gone),
                Err(why) => {
                    tracing::warn!(kind = %self.kind, "a listing is not believed yet: {why}");
                    self.store.doubt(self.kind, why, false);
                }
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Completes the listing, and gives what is proved to be gone.
    async fn proved(&self) -> Result<BTreeSet<ObjectRef>, String> {
        let listed = self.store.listing(self.kind);
        let count = self.all().list_metadata(&ListParams::default().limit(1)).await;
        let count = count.map_err(|error| failure::of(&error, &format!("count {}", self.resource.plural)))?;
        let left = count.metadata.remaining_item_count.and_then(|left| usize::try_from(left).ok()).unwrap_or(0);
        if count.items.len() + left > listed.len() {
            // Some have come meanwhile, or the listing lacks some.
            for name in self.names().await?.difference(&listed) {
                self.list_by_name(name).await?;
            }
        }
        let mut gone = BTreeSet::new();
        for name in self.store.missing(self.kind) {
            if !self.list_by_name(&name).await? {
                gone.insert(name);
            }
        }
        Ok(gone)
    }

    /// Adds one to the listing; `false`: it is not there.
    async fn list_by_name(&self, name: &ObjectRef) -> Result<bool, String> {
        let found = self.fetch(name).await.map_err(|error| failure::of(&error, &format!("get {name}")))?;
        if let Some(object) = &found {
            self.store.list(self.kind, object);
        }
        Ok(found.is_some())
    }

    /// The names of all there are, page by page.
    async fn names(&self) -> Result<BTreeSet<ObjectRef>, String> {
        let (mut names, mut token) = (BTreeSet::new(), None::<String>);
        loop {
            let mut params = ListParams::default().limit(PAGE);
            params.continue_token = token;
            let page = self.all().list_metadata(&params).await;
            let page = page.map_err(|error| failure::of(&error, &format!("count {}", self.resource.plural)))?;
            names.extend(page.items.iter().filter_map(|item| self.name(&item.metadata)));
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// The watch says that one is gone: asked once more, because a stale server may say so. Unknown means that it is there.
    async fn gone(&self, name: &ObjectRef) {
        match self.asked(name, "was deleted").await {
            None => self.store.remove(self.kind, name),
            Some(object) => self.store.put(self.kind, &object),
        }
    }

    /// Asks for one until there is an answer; `None`: it is not there.
    async fn asked(&self, name: &ObjectRef, because: &str) -> Option<DynamicObject> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.fetch(name).await {
                Ok(found) => return found,
                Err(error) => tracing::warn!("{}", failure::of(&error, &format!("get {name}, which {because}"))),
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn fetch(&self, name: &ObjectRef) -> kube::Result<Option<DynamicObject>> {
        found(api_of::<DynamicObject>(&self.client, name).get(&name.name).await, &name.name)
    }
}
