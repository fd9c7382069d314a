//! What a finding may look like is what the service's model says, as botocore has it.

use std::process::Command;

use super::moto::program;

#[test]
fn the_table_of_a_findings_shapes_is_made_from_the_services_model() {
    let made = Command::new(program("python3"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/real/finding_shapes.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (made, kept) = (String::from_utf8(made.stdout).unwrap(), include_str!("../../../src/wire/finding_shapes.txt"));
    let changed = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    assert!(made == kept, "botocore has another model; read what `make shapes` changes: first {changed:?}");
}
