//! All rules at once. Each rule is filed under the values of its rarest necessary property ([`witness`]); a finding looks up its
//! own values and verifies only what it finds there. Literals of globs are found by one automaton over all of them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::Timestamp;

use crate::core::facts::Facts;
use crate::core::filter::{Field, Item};

use super::controls::service_of;
use super::literals::Literals;
use super::view::View;
use super::witness::{self, Key};
use super::{Matcher, view};

/// A rule's number. Results come in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey(pub u32);

/// The index. It is not changed but built again and swapped whole.
#[derive(Debug)]
pub struct Index<K = RuleKey> {
    /// Ascending by key.
    rules: Vec<(K, Matcher)>,
    /// Seeded at random, so that nobody can choose values that collide. Only look-ups: no order of it is ever seen.
    hasher: DefaultHashBuilder,
    /// A bit for each kind of [`Key`] that any rule is filed under.
    kinds: u32,
    /// By hash alone: two values that share one share a bucket, and verification tells them apart.
    buckets: HashTable<Bucket>,
    postings: Vec<Posting>,
    literals: Option<Literals>,
    /// One for each literal.
    literal_buckets: Vec<Bucket>,
    always: Vec<Posting>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    hash: u64,
    start: usize,
    end: usize,
}

/// A rule where it is filed, with its mask, so that most are dismissed without looking at the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    rule: u32,
    mask: u32,
}

/// Space that is used again from finding to finding.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// For each rule, the finding that last looked at it.
    seen: Vec<u32>,
    finding: u32,
    matched: Vec<u32>,
}

impl Scratch {
    fn begin(&mut self, rules: usize) {
        self.matched.clear();
        self.finding = self.finding.wrapping_add(1);
        if self.finding == 0 || self.seen.len() != rules {
            self.seen.clear();
            self.seen.resize(rules, 0);
            self.finding = 1;
        }
    }
}

impl<K: Ord + Copy> Index<K> {
    /// Files the rules. Matchers that can never match are left out. At most 2^32 rules.
    pub fn build(rules: Vec<(K, Matcher)>) -> Self {
        let mut rules: Vec<(K, Matcher)> = rules.into_iter().filter(|(_, matcher)| !matcher.is_never()).collect();
        rules.sort_by_key(|(key, _)| *key);
        let hasher = DefaultHashBuilder::default();
        let mut kinds = 0;
        let mut always = Vec::new();
        let mut hashed: Vec<(u64, Posting)> = Vec::new();
        let mut literal: Vec<(&str, Posting)> = Vec::new();
        for (rule, (_, matcher)) in (0u32..).zip(&rules) {
            let posting = Posting { rule, mask: matcher.mask };
            let Some(keys) = witness::best(matcher) else {
                always.push(posting);
                continue;
            };
            for key in keys {
                kinds |= 1 << key.kind();
                match key {
                    Key::Literal(text) => literal.push((text, posting)),
                    key => hashed.push((hasher.hash_one(key), posting)),
                }
            }
        }
        hashed.sort_unstable();
        hashed.dedup();
        literal.sort_unstable();
        literal.dedup();

        let mut postings = Vec::with_capacity(hashed.len() + literal.len());
        let mut buckets = HashTable::new();
        for run in hashed.chunk_by(|(a, _), (b, _)| a == b) {
            let bucket = file(&mut postings, run);
            buckets.insert_unique(bucket.hash, bucket, |bucket: &Bucket| bucket.hash);
        }
        let mut texts = Vec::new();
        let mut literal_buckets = Vec::new();
        for run in literal.chunk_by(|(a, _), (b, _)| a == b) {
            texts.extend(run.first().map(|(text, _)| *text));
            let run: Vec<_> = run.iter().map(|(_, posting)| (0, *posting)).collect();
            literal_buckets.push(file(&mut postings, &run));
        }
        let literals = Literals::new(&texts);
        if literals.is_none() {
            // More text than an automaton holds: these rules are looked at every time.
            always.extend(literal.iter().map(|(_, posting)| *posting));
            always.sort_unstable();
            always.dedup();
        }
        Self { rules, hasher, kinds, buckets, postings, literals, literal_buckets, always }
    }

    /// The rules that ask for one of these projected fields, each without what it asks of them: those that may match a finding
    /// of which the fields are not known.
    #[must_use]
    pub fn without(&self, fields: &[Field]) -> Self {
        let asking = self.rules.iter().filter(|(_, matcher)| matcher.projects(fields));
        Self::build(asking.map(|(key, matcher)| (*key, matcher.without(fields))).collect())
    }

    /// How many rules can match at all.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no rule can match.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many rules have no property worth filing under: each costs every finding a look.
    pub fn always_count(&self) -> usize {
        self.always.len()
    }

    /// Calls `each` with the key of every rule that matches, ascending. Allocates nothing once `scratch` has grown.
    pub fn matching(&self, facts: &Facts<'_>, now: Timestamp, scratch: &mut Scratch, mut each: impl FnMut(K)) {
        scratch.begin(self.rules.len());
        let view = View::new(facts);
        let Scratch { seen, finding, matched } = scratch;
        self.candidates(&view, |posting| {
            if !view.passes(posting.mask) {
                return;
            }
            let rule = posting.rule as usize;
            let (Some(last), Some((_, matcher))) = (seen.get_mut(rule), self.rules.get(rule)) else { return };
            if std::mem::replace(last, *finding) != *finding && matcher.admits(&view, now) {
                matched.push(posting.rule);
            }
        });
        matched.sort_unstable();
        for rule in matched {
            if let Some((key, _)) = self.rules.get(*rule as usize) {
                each(*key);
            }
        }
    }

    /// How many rules a finding makes us look at; for figures.
    pub fn candidate_count(&self, facts: &Facts<'_>) -> usize {
        let mut count = 0;
        self.candidates(&View::new(facts), |_| count += 1);
        count
    }

    fn has(&self, kind: Key<'_>) -> bool {
        self.kinds & (1 << kind.kind()) != 0
    }

    fn candidates(&self, view: &View<'_>, mut each: impl FnMut(Posting)) {
        let facts = view.facts;
        self.always.iter().for_each(|posting| each(*posting));
        let mut look_up = |key: Key<'_>| {
            if self.has(key) {
                let hash = self.hasher.hash_one(key);
                if let Some(bucket) = self.buckets.find(hash, |bucket| bucket.hash == hash) {
                    self.filed(bucket).for_each(&mut each);
                }
            }
        };
        if let Some(control) = view.control() {
            look_up(Key::ControlIn(control, facts.account));
            look_up(Key::Control(control));
            look_up(Key::Service(service_of(control)));
        }
        look_up(Key::Account(facts.account));
        look_up(Key::Generator(facts.generator));
        look_up(Key::Product(facts.product));
        look_up(Key::Region(facts.region));
        if let Some(label) = view::severity_number(view.bits) {
            look_up(Key::Severity(label));
        }
        for resource in facts.resources {
            look_up(Key::ResourceType(&resource.kind));
            look_up(Key::Resource(&resource.id));
        }
        for standard in facts.standards {
            look_up(Key::Standard(crate::core::catalogue::standard_name(standard)));
        }
        if self.has(Key::Tag("", "")) {
            facts.more.visit(Field::RESOURCE_TAGS, &mut |item| {
                if let Item::Entry(key, value) = item {
                    look_up(Key::Tag(key, value));
                }
            });
        }
        if let Some(literals) = &self.literals {
            for resource in facts.resources {
                literals.find(&resource.id, |literal| {
                    if let Some(bucket) = self.literal_buckets.get(literal) {
                        self.filed(bucket).for_each(&mut each);
                    }
                });
            }
        }
    }

    fn filed(&self, bucket: &Bucket) -> impl Iterator<Item = Posting> {
        self.postings.get(bucket.start..bucket.end).unwrap_or_default().iter().copied()
    }
}

fn file(postings: &mut Vec<Posting>, run: &[(u64, Posting)]) -> Bucket {
    let start = postings.len();
    postings.extend(run.iter().map(|(_, posting)| *posting));
    Bucket { hash: run.first().map_or(0, |(hash, _)| *hash), start, end: postings.len() }
}
