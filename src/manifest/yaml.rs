//! YAML (and JSON, which is YAML) as a tree that remembers its lines. Bounded: depth, copies made by aliases, keys.
//!
//! Scalars mean what they mean to kubectl, which reads YAML 1.1: a plain `yes` is a boolean, a plain date is a text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag, options};

/// Deepest nesting of lists and maps. The deepest valid manifest has about 12 levels.
const MAX_DEPTH: usize = 64;
/// Nodes that anchors and aliases may copy in one file: enough for people, too few for a bomb.
const MAX_COPIES: usize = 20_000;

/// A value and the line it begins at.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From 1.
    pub line: u32,
    /// What it is.
    pub data: Data,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Null, boolean, number or text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file; keys are distinct.
    Map(Vec<Entry>),
}

/// A member of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Line of the key, from 1.
    pub line: u32,
    /// The value.
    pub value: Node,
}

/// Something that is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: u32,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What could be read of it.
    pub root: Node,
    /// What is wrong with it; empty if nothing is.
    pub faults: Vec<Fault>,
}

impl Node {
    fn null(line: u32) -> Self {
        Self { line, data: Data::Scalar(Value::Null) }
    }

    /// A member of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing is there.
    pub fn is_null(&self) -> bool {
        self.data == Data::Scalar(Value::Null)
    }

    /// Without lines.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// The line of a field such as `spec.rules[2].match`, or of the nearest thing around it that is there.
    pub fn line_of(&self, path: &str) -> u32 {
        self.seek(path.trim_start_matches('.'), self.line)
    }

    fn seek(&self, path: &str, line: u32) -> u32 {
        if path.is_empty() {
            return line;
        }
        match &self.data {
            Data::Map(entries) => {
                let rest = |entry: &Entry| match path.strip_prefix(entry.key.as_str()) {
                    Some("") => Some(0),
                    Some(rest) if rest.starts_with(['.', '[']) => Some(rest.len()),
                    _ => None,
                };
                // Keys may hold dots: the longest that fits is meant.
                let found =
                    entries.iter().filter_map(|entry| rest(entry).map(|rest| (rest, entry))).min_by_key(|(rest, _)| *rest);
                found.map_or(line, |(rest, entry)| {
                    let rest = path.get(path.len() - rest..).unwrap_or_default();
                    entry.value.seek(rest.strip_prefix('.').unwrap_or(rest), entry.line)
                })
            }
            Data::List(items) => {
                let index = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let item = index.and_then(|(index, rest)| Some((items.get(index.parse::<usize>().ok()?)?, rest)));
                item.map_or(line, |(item, rest)| item.seek(rest.strip_prefix('.').unwrap_or(rest), item.line))
            }
            Data::Scalar(_) => line,
        }
    }

    fn count(&self) -> usize {
        1 + match &self.data {
            Data::Scalar(_) => 0,
            Data::List(items) => items.iter().map(Self::count).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.count()).sum(),
        }
    }
}

/// Reads all documents. On a fault that ends reading, the last document is what was read of it till there; a text without
/// any document gives none.
pub fn parse(text: &str) -> Vec<Document> {
    let options: Options = options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: false,
    };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if builder.event(event, &span).is_none() {
                    builder.finish();
                    break;
                }
            }
            Err(error) => {
                let line = number(error.marker().line());
                builder.faults.push(Fault { line, message: format!("cannot be read as YAML: {}", error.info()) });
                builder.started = true;
                builder.finish();
                break;
            }
        }
    }
    builder.documents
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

#[derive(Debug)]
enum Frame {
    List {
        line: u32,
        anchor: usize,
        items: Vec<Node>,
    },
    /// `seen`: the keys till now and their lines.
    Map {
        line: u32,
        anchor: usize,
        entries: Vec<Entry>,
        key: Option<(String, u32)>,
        seen: BTreeMap<String, u32>,
    },
}

#[derive(Debug, Default)]
struct Builder {
    documents: Vec<Document>,
    started: bool,
    stack: Vec<Frame>,
    root: Option<Node>,
    faults: Vec<Fault>,
    anchors: BTreeMap<usize, Node>,
    copies: usize,
    last_line: u32,
}

impl Builder {
    fn fault(&mut self, line: u32, message: String) {
        // A file of garbage has a fault a line: the first ones will do.
        if self.faults.len() < 20 {
            self.faults.push(Fault { line, message });
        }
    }

    /// `None`: reading ends here.
    fn event(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let line = number(span.start.line());
        self.last_line = line;
        match event {
            Event::DocumentStart(..) => self.started = true,
            Event::DocumentEnd => self.finish(),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), line);
                // A key is a text, however it looks.
                let data = if self.wants_key() { Value::String(text.into_owned()) } else { value };
                self.done(Node { line, data: Data::Scalar(data) }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.container_tag(tag.as_deref(), "seq", line);
                self.push(Frame::List { line, anchor, items: Vec::new() })?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.container_tag(tag.as_deref(), "map", line);
                self.push(Frame::Map { line, anchor, entries: Vec::new(), key: None, seen: BTreeMap::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    self.fault(line, "an alias must not be inside of what it stands for".to_owned());
                    return None;
                };
                self.copy(node.count(), line)?;
                self.done(node, 0)?;
            }
            _ => {}
        }
        Some(())
    }

    fn push(&mut self, frame: Frame) -> Option<()> {
        if self.stack.len() >= MAX_DEPTH {
            self.fault(self.last_line, format!("lists and maps must not be nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        self.stack.push(frame);
        Some(())
    }

    fn copy(&mut self, nodes: usize, line: u32) -> Option<()> {
        self.copies = self.copies.saturating_add(nodes);
        if self.copies > MAX_COPIES {
            self.fault(line, format!("anchors and aliases must not stand for more than {MAX_COPIES} values"));
            return None;
        }
        Some(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame::Map { key: None, .. }))
    }

    fn close(&mut self) -> Option<()> {
        let (node, anchor) = match self.stack.pop()? {
            Frame::List { line, anchor, items } => (Node { line, data: Data::List(items) }, anchor),
            Frame::Map { line, anchor, entries, .. } => (Node { line, data: Data::Map(self.merged(entries)) }, anchor),
        };
        self.done(node, anchor)
    }

    /// Merge keys: `<<: *defaults`, or a list of such; what is given beside them wins.
    fn merged(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if entries.iter().all(|entry| entry.key != "<<") {
            return entries;
        }
        let (merges, mut own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == "<<");
        let mut keys: BTreeSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
        for merge in merges {
            let sources = match merge.value.data {
                Data::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let Data::Map(inherited) = source.data else {
                    self.fault(merge.line, "<< must be given a map or a list of maps".to_owned());
                    continue;
                };
                for entry in inherited {
                    if keys.insert(entry.key.clone()) {
                        own.push(entry);
                    }
                }
            }
        }
        own
    }

    fn done(&mut self, node: Node, anchor: usize) -> Option<()> {
        if anchor != 0 {
            self.copy(node.count(), node.line)?;
            self.anchors.insert(anchor, node.clone());
        }
        let mut twice = None;
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, seen, .. }) => {
                if let Some((name, line)) = key.take() {
                    if let Some(first) = seen.get(&name) {
                        twice = Some((line, name, *first));
                    } else {
                        seen.insert(name.clone(), line);
                        entries.push(Entry { key: name, line, value: node });
                    }
                } else if let Data::Scalar(Value::String(name)) = node.data {
                    *key = Some((name, node.line));
                } else {
                    self.fault(node.line, "a key must be a text, not a list or a map".to_owned());
                    return None;
                }
            }
        }
        if let Some((line, name, first)) = twice {
            self.fault(line, format!("key {name:?} is given twice: the first time in line {first}"));
        }
        Some(())
    }

    fn finish(&mut self) {
        // What is still open when reading ended is closed, so that the identity of the object may be found.
        while !self.stack.is_empty() {
            if let Some(Frame::Map { entries, key, seen, .. }) = self.stack.last_mut()
                && let Some((name, line)) = key.take()
                && !seen.contains_key(&name)
            {
                entries.push(Entry { key: name, line, value: Node::null(line) });
            }
            if self.close().is_none() {
                break;
            }
        }
        if std::mem::take(&mut self.started) {
            let root = self.root.take().unwrap_or_else(|| Node::null(self.last_line.max(1)));
            self.documents.push(Document { root, faults: std::mem::take(&mut self.faults) });
        }
        self.stack.clear();
        self.anchors.clear();
    }

    fn container_tag(&mut self, tag: Option<&Tag>, allowed: &str, line: u32) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(allowed)
        {
            self.fault(line, format!("tag {} is not allowed here", tag.original()));
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, line: u32) -> Value {
        match tag.map(|tag| (tag, tag.core_suffix())) {
            None if style == ScalarStyle::Plain => {}
            None | Some((_, Some("str"))) => return Value::String(text.to_owned()),
            Some((_, Some("null" | "bool" | "int" | "float"))) => {}
            Some((tag, _)) => {
                self.fault(line, format!("tag {} is not allowed: write the value plainly", tag.original()));
                return Value::String(text.to_owned());
            }
        }
        plain(text).unwrap_or_else(|message| {
            self.fault(line, message);
            Value::Null
        })
    }
}

/// What a plain scalar means.
fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => return Ok(Value::Bool(false)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("{text} is not a number that JSON has"));
        }
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = |prefix: &str, radix: u32| {
        let digits = digits.strip_prefix(prefix)?;
        let number = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
        Some(Value::from(if text.starts_with('-') { -number } else { number }))
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| radix("0b", 2)) {
        return Ok(number);
    }
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') || !digits.contains(|c: char| c.is_ascii_digit())
    {
        return Ok(Value::String(text.to_owned()));
    }
    let bare = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    if bare.strip_prefix('-').unwrap_or(&bare).bytes().all(|byte| byte.is_ascii_digit()) {
        let number = bare.parse::<i64>().map(Number::from).or_else(|_| bare.parse::<u64>().map(Number::from));
        return number
            .map(Value::Number)
            .map_err(|_| format!("{text} is too large for a whole number: put it in quotes if it is a text"));
    }
    if bare.bytes().any(|byte| !(byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))) {
        return Ok(Value::String(text.to_owned()));
    }
    match bare.parse::<f64>() {
        Err(_) => Ok(Value::String(text.to_owned())),
        Ok(number) => Number::from_f64(number).map(Value::Number).ok_or_else(|| format!("{text} is too large for a number")),
    }
}
