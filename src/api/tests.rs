//! The CRDs as a whole.

#![expect(clippy::disallowed_methods, reason = "a test reads the repository")]

use super::*;

#[test]
fn every_definition_can_be_made() {
    assert_eq!(all_crds().len(), 6);
}

#[test]
fn the_files_of_crds_are_what_the_code_says() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let files = crds_yaml().unwrap();
    if std::env::var_os("HUBKEEPER_GENERATE").is_some() {
        std::fs::create_dir_all(&directory).unwrap();
        for (name, content) in &files {
            std::fs::write(directory.join(name), content).unwrap();
        }
    }
    let mut there: Vec<String> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    let mut wanted: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    wanted.sort();
    assert_eq!(there, wanted, "crds/ holds other files than hubkeeper crds makes");
    for (name, content) in files {
        let found = std::fs::read_to_string(directory.join(&name)).unwrap();
        assert!(found == content, "crds/{name} has drifted: run make generate");
    }
}
