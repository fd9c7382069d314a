//! The table of faults and attacks names tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

/// A test of that name is in the text, and is run.
fn has(text: &str, test: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let is = |line: &str| {
        line.trim_start_matches("async ").strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{test}(")))
    };
    lines.iter().enumerate().any(|(number, line)| {
        let mut before = lines[..number].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        // Those of proptest are tests by where they are.
        is(line) && (line.contains(" in ") || before.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")))
    })
}

/// What is wrong with a table, in sentences.
fn wrong(table: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rows = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| F") || line.starts_with("| A")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [row, _, tests, not_yet] = cells[..] else {
            wrong.push(format!("{line}: not four cells"));
            continue;
        };
        if !rows.insert(row.to_owned()) {
            wrong.push(format!("{row} comes twice"));
        }
        if tests.is_empty() && not_yet.is_empty() {
            wrong.push(format!("{row} has neither a test nor a reason"));
        }
        let mut file = None;
        for name in tests.split('`').skip(1).step_by(2) {
            if name.contains('/') {
                file = read(name);
                if file.is_none() {
                    wrong.push(format!("{row}: there is no {name}"));
                }
            } else if !file.as_deref().is_some_and(|text| has(text, name)) {
                wrong.push(format!("{row}: there is no test {name}"));
            }
        }
    }
    for row in ["F", "A"].into_iter().flat_map(|list| (1..=25).map(move |number| format!("{list}{number}"))) {
        if !rows.contains(&row) {
            wrong.push(format!("{row} is missing"));
        }
    }
    wrong
}

#[test]
fn each_fault_and_attack_has_a_test_that_is_there_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("tests/FAULTS.md")).unwrap();
    assert_eq!(wrong(&table, |file| std::fs::read_to_string(root.join(file)).ok()), [""; 0]);
}

#[test]
fn a_table_that_has_rotted_is_told() {
    let file = "#[test]\nfn is_run() {}\nfn is_not_run() {}\nproptest! {\n fn is_a_law(x in 0..1) {}\n}\n";
    let table = "| F1 | a | `a/b.rs`: `is_run`, `is_a_law` | |\n| F2 | b | `a/b.rs`: `is_not_run`, `is_gone` | |\n| F3 | c | `a/c.rs`: `x` | \
                 |\n| F4 | d | | |\n| F1 | e | | later |\n";
    let told = wrong(table, |name| (name == "a/b.rs").then(|| file.to_owned()));
    for says in [
        "F2: there is no test is_not_run",
        "F2: there is no test is_gone",
        "F3: there is no a/c.rs",
        "F3: there is no test x",
        "F4 has neither a test nor a reason",
        "F1 comes twice",
        "A25 is missing",
    ] {
        assert!(told.iter().any(|told| told == says), "{says}: {told:?}");
    }
    assert!(!told.iter().any(|told| told.contains("test is_run") || told.contains("is_a_law")));
}
