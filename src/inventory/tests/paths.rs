//! Values that rules name.

use super::*;
use crate::core::filter::{Field, Item};

fn missing(inventory: &Inventory, row: RowId) -> Vec<Field> {
    inventory.get(row).unwrap().missing()
}

fn values(inventory: &Inventory, row: RowId, field: Field) -> Vec<String> {
    let mut values = Vec::new();
    inventory.get(row).unwrap().facts().more.visit(field, &mut |item| match item {
        Item::Text(text) => values.push(text.to_owned()),
        Item::Entry(key, value) => values.push(format!("{key}={value}")),
        Item::Number(_) | Item::Flag(_) => {}
    });
    values
}

#[test]
fn a_new_path_is_lacking_until_the_finding_is_seen_again() {
    let mut inventory = Inventory::new(LAG);
    let mut finding = Finding::new(1);
    finding.tags = json!({"env": "prod"});
    let row = see(&mut inventory, &finding, read(200)).row;
    assert_eq!(missing(&inventory, row), []);
    inventory.set_paths(&[Field::RESOURCE_TAGS]);
    assert_eq!(missing(&inventory, row), [Field::RESOURCE_TAGS]);
    assert!(matches!(change(&mut inventory, &finding, read(201)), Change::Changed { .. }));
    assert_eq!(missing(&inventory, row), []);
    assert_eq!(values(&inventory, row, Field::RESOURCE_TAGS), ["env=prod"]);
    inventory.set_paths(&[]);
    assert_eq!(missing(&inventory, row), [], "fewer paths need no read");
    inventory.set_paths(&[Field::RESOURCE_TAGS]);
    assert_eq!(missing(&inventory, row), []);
}

#[test]
fn an_event_backfills_too() {
    let mut inventory = Inventory::new(LAG);
    let row = see(&mut inventory, &Finding::new(1), read(200)).row;
    inventory.set_paths(&[Field::RESOURCE_TAGS]);
    assert!(matches!(change(&mut inventory, &Finding::new(1), event(201)), Change::Changed { .. }), "of the same version too");
    assert_eq!(missing(&inventory, row), []);
}

#[test]
fn our_keys_and_our_note_are_not_among_the_values() {
    let mut inventory = Inventory::new(LAG);
    inventory.set_paths(&[Field::USER_DEFINED_FIELDS, Field::NOTE_TEXT, Field::KEYWORD]);
    let mut before = Finding::new(1);
    before.fields.push(("team".to_owned(), "pay".to_owned()));
    let row = see(&mut inventory, &before, read(200)).row;
    let keywords = values(&inventory, row, Field::KEYWORD);
    let mut after = before.clone().version(100).workflow(WorkflowStatus::Suppressed).marked(&marker("inherited", 1));
    after.note = Some(("held".to_owned(), "hubkeeper".to_owned()));
    see(&mut inventory, &after, read(201));
    assert_eq!(values(&inventory, row, Field::USER_DEFINED_FIELDS), ["team=pay"]);
    assert_eq!(values(&inventory, row, Field::NOTE_TEXT), Vec::<String>::new());
    assert_eq!(values(&inventory, row, Field::KEYWORD), keywords);
    after.note = Some(("seen".to_owned(), "alice".to_owned()));
    see(&mut inventory, &after.version(101), read(202));
    assert_eq!(values(&inventory, row, Field::NOTE_TEXT), ["seen"]);
}

#[test]
fn more_generations_of_paths_than_a_row_can_tell_apart_only_cost_a_read() {
    let mut inventory = Inventory::new(LAG);
    let fields: Vec<Field> = Field::all().collect();
    let all = fields.len();
    let mut sets = 0;
    for i in 0..all {
        for j in i + 1..all.min(i + 6) {
            let number = u32::try_from(sets).unwrap();
            inventory.set_paths(&[fields[i], fields[j]]);
            see(&mut inventory, &Finding::new(number), read(200));
            sets += 1;
        }
    }
    assert!(sets > 300, "{sets}");
    inventory.set_paths(&[fields[0]]);
    let lacking = inventory.rows().filter(|&row| !missing(&inventory, row).is_empty()).count();
    assert!(lacking >= sets - 256);
}

#[test]
fn a_path_that_is_no_longer_named_changes_nothing() {
    let mut inventory = Inventory::new(LAG);
    inventory.set_paths(&[Field::RESOURCE_TAGS, Field::NOTE_TEXT]);
    let mut finding = Finding::new(1);
    finding.tags = json!({"env": "prod"});
    see(&mut inventory, &finding, read(200));
    inventory.set_paths(&[Field::NOTE_TEXT]);
    assert_eq!(change(&mut inventory, &finding, event(201)), Change::Same);
    inventory.set_paths(&[Field::RESOURCE_TAGS]);
    assert!(matches!(change(&mut inventory, &finding, event(202)), Change::Changed { .. }), "let go meanwhile");
}
