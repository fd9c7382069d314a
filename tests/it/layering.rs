//! The arrows of the house, as `src/lib.rs` draws them: who may name whom, which crates stay at which edge, and how files are
//! kept. Reads the sources as tokens, so that comments, strings and documentation do not count.

mod promised;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use scan::{Allow, Name, Source};

/// One room: what it may name of the house, and of the world.
struct Room {
    name: &'static str,
    /// Rooms, or single modules of rooms, that it may name. `core` is the vocabulary of all.
    arrows: &'static [&'static str],
    world: World,
}

/// Which crates outside the house a room may name.
enum World {
    /// These and the standard library's values: no async, no I/O, no clock, no environment.
    Pure(&'static [&'static str]),
    /// Anything but these; a prefix where it ends in `_`.
    Without(&'static [&'static str]),
}

#[rustfmt::skip] // a table
const ROOMS: &[Room] = &[
    Room { name: "core", arrows: &[], world: World::Pure(PURE) },
    Room { name: "inventory", arrows: &["core"], world: World::Pure(PURE) },
    Room {
        name: "api",
        arrows: &["core"],
        world: World::Without(&["aws_", "axum", "clap", "anyhow", "http", "indicatif", "prometheus_client", "tokio", "tower", "tracing"]),
    },
    Room {
        name: "wire",
        arrows: &["core"],
        world: World::Pure(&["serde", "serde_json", "jiff", "thiserror", "sha2", "bytes", "http"]),
    },
    Room {
        name: "engine",
        arrows: &["core", "inventory"],
        world: World::Without(&[
            "aws_", "axum", "clap", "anyhow", "http", "http_body", "http_body_util", "indicatif", "k8s_openapi", "kube",
            "prometheus_client", "schemars", "serde_saphyr", "tower", "tracing_subscriber",
        ]),
    },
    Room {
        name: "manifest",
        arrows: &["core", "api", "engine::ports"],
        world: World::Without(&["aws_", "axum", "clap", "anyhow", "indicatif", "prometheus_client", "tower", "tracing_subscriber"]),
    },
    Room {
        name: "cluster",
        arrows: &["core", "api", "engine::ports"],
        // tower: kube's client is a service, in tests one without a server.
        world: World::Without(&["aws_", "axum", "clap", "anyhow", "indicatif", "prometheus_client", "tracing_subscriber"]),
    },
    Room {
        name: "controlplane",
        arrows: &[],
        world: World::Without(&["aws_", "axum", "clap", "anyhow", "indicatif", "prometheus_client", "tower", "tracing_subscriber"]),
    },
    Room {
        name: "aws",
        arrows: &["core", "wire", "engine::ports"],
        // axum: the SDK's HTTP client can be a router in the same process.
        world: World::Without(&[
            "clap", "anyhow", "indicatif", "k8s_openapi", "kube", "prometheus_client", "schemars", "serde_saphyr", "tracing_subscriber",
        ]),
    },
    Room {
        name: "local",
        arrows: &["core", "wire"],
        world: World::Without(&[
            "aws_sdk_", "aws_config", "clap", "anyhow", "indicatif", "k8s_openapi", "kube", "prometheus_client", "schemars",
            "serde_saphyr", "tracing_subscriber",
        ]),
    },
    Room {
        name: "telemetry",
        arrows: &["core", "engine::ports"],
        world: World::Without(&["aws_", "clap", "anyhow", "indicatif", "k8s_openapi", "kube", "schemars", "serde_saphyr"]),
    },
    Room {
        name: "assembly",
        arrows: &[
            "core", "inventory", "api", "wire", "engine", "manifest", "cluster", "controlplane", "aws", "local", "telemetry",
        ],
        world: World::Without(&["clap", "indicatif"]),
    },
    Room { name: "cli", arrows: &["core", "assembly"], world: World::Without(&["aws_", "axum", "kube", "k8s_openapi", "tower"]) },
];

/// What `core` and `inventory` are made of.
const PURE: &[&str] = &["serde", "serde_json", "jiff", "sha2", "hashbrown", "aho_corasick", "ipnet", "csv", "thiserror"];

/// What a pure room may not name of the standard library, nor anybody's clock.
#[rustfmt::skip] // a table
const IMPURE: &[&str] = &[
    "std::env", "std::fs", "std::future", "std::io", "std::net::TcpListener", "std::net::TcpStream", "std::net::UdpSocket", "std::os",
    "std::process", "std::task", "std::thread", "std::time::Instant", "std::time::SystemTime", "jiff::Timestamp::now",
    "jiff::Zoned::now", "Timestamp::now", "Zoned::now", "Instant::now", "SystemTime::now",
];

/// Lines that a file may have; 500 is the goal.
const MAX_LINES: usize = 700;

/// Lints that may be allowed without a reason: the fields of plain values whose names say it.
const ALLOWED_WITHOUT_REASON: &[&str] = &["missing_docs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `src`, sorted, with its path relative to `src`.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    paths.into_iter().map(|path| (path.strip_prefix(&src).unwrap().to_owned(), fs::read_to_string(&path).unwrap())).collect()
}

/// The names by which code calls the crates of a dependency table of `Cargo.toml`.
fn dependencies(table: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let heading = format!("[{table}]");
    let names: BTreeSet<String> = manifest
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, _)| name.replace('-', "_"))
        .collect();
    assert!(!names.is_empty(), "Cargo.toml has no [{table}]");
    names
}

/// What a file does against the table; one sentence each.
fn violations(path: &Path, text: &str, rooms: &[Room], crates: &BTreeSet<String>, dev: &BTreeSet<String>) -> Vec<String> {
    let source = Source::read(path, text);
    let at = |line: usize, what: String| format!("src/{}:{line}: {what}", path.display());
    let Some(room) = rooms.iter().find(|room| Some(room.name) == source.room()) else {
        return vec![at(1, "lies in no room of the table in tests/it/layering.rs".to_owned())];
    };
    let mut found = Vec::new();
    for Name { line, path } in source.names() {
        let name = path.join("::");
        let first = path[0].as_str();
        if first == "crate" {
            let inside = &name["crate".len()..].trim_start_matches("::");
            let own = path.get(1).is_none_or(|other| other == room.name || !rooms.iter().any(|r| r.name == other));
            let allowed = room.arrows.iter().any(|arrow| inside == arrow || inside.starts_with(&format!("{arrow}::")));
            if !own && !allowed {
                found.push(at(*line, format!("{} must not know {name}", room.name)));
            }
            continue;
        }
        let foreign = crates.contains(first) && !dev.contains(first);
        match &room.world {
            World::Pure(list) => {
                if (foreign && !list.contains(&first))
                    || IMPURE.iter().any(|bad| name == *bad || name.starts_with(&format!("{bad}::")))
                {
                    found.push(at(*line, format!("{} is pure and must not name {name}", room.name)));
                }
            }
            World::Without(list) => {
                if foreign && list.iter().any(|bad| first == *bad || (bad.ends_with('_') && first.starts_with(bad))) {
                    found.push(at(*line, format!("{} must not name the crate {first}", room.name)));
                }
            }
        }
    }
    if matches!(room.world, World::Pure(_)) {
        found.extend(
            source.keywords(&["async", "await"]).map(|(line, word)| at(line, format!("{} is pure: no {word}", room.name))),
        );
    }
    found
}

/// Attributes that silence a lint without saying why.
fn silent_allows(path: &Path, text: &str) -> Vec<String> {
    Source::read(path, text)
        .allows()
        .iter()
        .filter(|Allow { lints, reason, .. }| {
            !reason && !lints.iter().all(|lint| ALLOWED_WITHOUT_REASON.contains(&lint.as_str()))
        })
        .map(|Allow { line, lints, .. }| {
            format!(
                "src/{}:{line}: allows {} without a reason: use #[expect(.., reason = \"..\")]",
                path.display(),
                lints.join(", ")
            )
        })
        .collect()
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_room_knows_only_what_its_arrows_name() {
    let (crates, dev) = (dependencies("dependencies"), dependencies("dev-dependencies"));
    let found: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| path.components().count() > 1)
        .flat_map(|(path, text)| violations(path, text, ROOMS, &crates, &dev))
        .collect();
    assert_none(&found);
}

#[test]
fn the_table_the_directories_and_the_map_name_the_same_rooms() {
    let in_table: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
    let files = sources();
    let in_src: BTreeSet<&str> = files
        .iter()
        .filter(|(path, _)| path.components().count() > 1)
        .filter_map(|(path, _)| path.components().next()?.as_os_str().to_str())
        .collect();
    assert_eq!(in_table, in_src);
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in ROOMS {
        assert!(map.contains(&format!("pub mod {};", room.name)), "src/lib.rs has no module {}", room.name);
        assert!(map.contains(&format!("//! {}/", room.name)), "the map in src/lib.rs has no line for {}/", room.name);
    }
    let outside: BTreeSet<&Path> =
        files.iter().map(|(path, _)| path.as_path()).filter(|path| path.components().count() == 1).collect();
    assert_eq!(outside, BTreeSet::from([Path::new("lib.rs"), Path::new("main.rs")]));
}

#[test]
fn the_arrows_have_no_cycle() {
    fn reaches(from: &str, goal: &str, seen: &mut BTreeSet<String>) -> bool {
        let room = ROOMS.iter().find(|room| room.name == from).unwrap();
        room.arrows
            .iter()
            .map(|arrow| arrow.split("::").next().unwrap())
            .any(|next| next == goal || (seen.insert(next.to_owned()) && reaches(next, goal, seen)))
    }
    for room in ROOMS {
        assert!(!reaches(room.name, room.name, &mut BTreeSet::new()), "{} reaches itself", room.name);
    }
}

#[test]
fn the_binary_only_parses_traces_and_exits() {
    let text = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(text.lines().count() <= 40, "src/main.rs has more than 40 lines");
    let source = Source::read(Path::new("main.rs"), &text);
    for Name { line, path } in source.names().iter().filter(|name| name.path[0] == "hubkeeper") {
        assert!(
            path.get(1).is_none_or(|room| room == "cli"),
            "src/main.rs:{line}: names {} and not only hubkeeper::cli",
            path.join("::")
        );
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let found: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("src/{} has {lines} lines, more than {MAX_LINES}: split it by subject", path.display()))
        .collect();
    assert_none(&found);
}

#[test]
fn nothing_of_security_hub_local_is_left_out_of_its_snapshots() {
    // Receipts of messages: they belong to a clock that does not go on. See src/local/queue.rs.
    let left_out: Vec<(PathBuf, usize)> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("local"))
        .map(|(path, text)| (path, text.lines().map(str::trim_start).filter(|line| is_left_out(line)).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(left_out, [(PathBuf::from("local/queue.rs"), 1)]);
}

/// What is not there need not be written.
fn is_left_out(line: &str) -> bool {
    line.starts_with("#[serde(skip") && !line.starts_with("#[serde(skip_serializing_if = \"Option::is_none\")]")
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    assert_none(&sources().iter().flat_map(|(path, text)| silent_allows(path, text)).collect::<Vec<_>>());
}

/// The guards themselves: each sample is wrong (or right) in one way.
mod self_test {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let (crates, dev) = (dependencies("dependencies"), dependencies("dev-dependencies"));
        violations(Path::new(path), text, ROOMS, &crates, &dev)
    }

    #[test]
    fn wrong_samples_are_found() {
        let wrong: BTreeMap<&str, (&str, &str)> = BTreeMap::from([
            ("an arrow upwards", ("core/decide.rs", "use crate::engine::ports::Clock;")),
            ("an arrow upwards in a group", ("core/decide.rs", "use crate::{core::ids, engine::{ports::Clock}};")),
            ("an arrow through super", ("core/decide/mod.rs", "use super::super::inventory::Row;")),
            (
                "an arrow through super in a module",
                ("core/decide.rs", "mod a { mod b { use super::super::super::super::wire; } }"),
            ),
            ("an arrow in an expression", ("wire/shapes.rs", "fn f() { let x = crate::local::hub::Hub::new(); }")),
            ("an arrow in a macro", ("inventory/rows.rs", "vec![crate::aws::quota::Bucket(1)]")),
            ("more than the ports", ("aws/feed.rs", "use crate::engine::evaluate;")),
            ("more than the ports, renamed", ("telemetry/mod.rs", "use crate::engine as e;")),
            ("a neighbour", ("local/http.rs", "use crate::aws::transport;")),
            ("the edges", ("engine/act.rs", "use crate::assembly::Parts;")),
            ("past the assembly", ("cli/plan.rs", "use crate::engine::evaluate;")),
            ("a foreign crate in a pure room", ("core/decide.rs", "use tokio::sync::Mutex;")),
            ("a foreign crate from the root", ("core/decide.rs", "fn f() { ::tracing::info!(\"x\"); }")),
            ("a foreign crate in a path", ("inventory/rows.rs", "fn f(x: futures::future::Ready<()>) {}")),
            ("a foreign crate as a whole", ("core/decide.rs", "use anyhow as oops;")),
            ("the SDK in the engine", ("engine/act.rs", "use aws_sdk_securityhub::Client;")),
            ("the terminal in the API", ("api/account.rs", "use tracing::info;")),
            ("files", ("core/catalogue.rs", "fn f() { std::fs::read_to_string(\"x\"); }")),
            ("files in a group", ("core/catalogue.rs", "use std::{fmt, fs};")),
            ("the environment", ("inventory/rows.rs", "use std::env;")),
            ("a clock", ("core/plan.rs", "use jiff::Timestamp; fn f() { Timestamp::now(); }")),
            ("async", ("core/plan.rs", "async fn f() {}")),
            ("a room that nobody knows", ("attic/mod.rs", "fn f() {}")),
        ]);
        for (what, (path, text)) in wrong {
            assert_eq!(check(path, text).len(), 1, "{what}: {:?}", check(path, text));
        }
    }

    #[test]
    fn right_samples_pass() {
        let right: BTreeMap<&str, (&str, &str)> = BTreeMap::from([
            ("its own room", ("core/decide.rs", "use crate::core::ids; use super::{marker, status};")),
            ("down the arrow", ("manifest/load.rs", "use crate::{api, core::ids, engine::ports::{Clock, DesiredSource}};")),
            ("documentation", ("core/ids.rs", "//! See [`crate::engine`].\n/* crate::local /* tokio::spawn */ */ fn f() {}")),
            (
                "text",
                (
                    "core/ids.rs",
                    "const A: &str = \"crate::engine\"; const B: &str = r#\"tokio::\"fs\"::read\"#; const C: u8 = b'\"';",
                ),
            ),
            ("lifetimes and characters", ("core/ids.rs", "fn f<'a>(x: &'a str) -> char { '\\'' } // crate::aws")),
            ("a module that is called as a crate", ("core/ids.rs", "use super::http::Status; use self::tower::X;")),
            ("tests' own crates", ("core/ids.rs", "#[cfg(test)] mod tests { use super::*; use proptest::prelude::*; }")),
            ("a macro's crate", ("core/status.rs", "macro_rules! m { () => { $crate::core::ids::X } }")),
        ]);
        for (what, (path, text)) in right {
            assert_eq!(check(path, text), Vec::<String>::new(), "{what}");
        }
    }

    #[test]
    fn a_silent_allow_is_found_and_a_reasoned_one_passes() {
        let found = |text| silent_allows(Path::new("core/ids.rs"), text).len();
        assert_eq!(found("#[allow(clippy::unwrap_used)] fn f() {}"), 1);
        assert_eq!(found("#![allow(dead_code)]"), 1);
        assert_eq!(found("#[cfg_attr(test, allow(unused, missing_docs))] fn f() {}"), 1);
        assert_eq!(found("#[expect(dead_code)] fn f() {}"), 1);
        assert_eq!(found("#[allow(missing_docs)] struct S { x: u8 }"), 0);
        assert_eq!(found("#[expect(clippy::disallowed_methods, reason = \"the edge\")] fn f() {}"), 0);
        assert_eq!(found("// #[allow(dead_code)]\nfn allow(x: u8) {}"), 0);
    }
}
