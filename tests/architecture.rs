//! The crate rules of ARCHITECTURE.md, asserted over the workspace.

use cargo_metadata::MetadataCommand;
use std::collections::{BTreeMap, BTreeSet};

/// Workspace crates each crate may depend on.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    const SHARED: &[&str] = &["muster-domain", "muster-error", "muster-events", "muster-proto", "muster-runtime"];
    Some(match name {
        "muster-domain" | "muster-proto" => &[],
        "muster-error" => &["muster-domain"],
        "muster-runtime" => &["muster-domain", "muster-error"],
        "muster-events" => &["muster-domain", "muster-error", "muster-proto"],
        "muster-identity" | "muster-teams" | "muster-posts" | "muster-files" | "muster-jobs" | "muster-gateway" => SHARED,
        // The binary and the tests wire everything.
        _ => return None,
    })
}

#[test]
fn crates_depend_only_downwards() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let members: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut checked = BTreeMap::new();
    for package in &metadata.packages {
        let dependencies: Vec<&str> = package.dependencies.iter().map(|d| d.name.as_str()).collect();
        if let Some(allowed) = allowed(&package.name) {
            for dependency in dependencies.iter().filter(|d| members.contains(*d)) {
                assert!(allowed.contains(dependency), "{} must not depend on {dependency}", package.name);
            }
            assert!(!dependencies.contains(&"anyhow"), "{}: anyhow is for the binary and tests", package.name);
            checked.insert(package.name.to_string(), ());
        }
    }
    assert_eq!(checked.len(), 11, "every library crate is covered: {checked:?}");
    let gateway = metadata.packages.iter().find(|p| p.name == "muster-gateway").expect("gateway");
    assert!(gateway.dependencies.iter().all(|d| d.name != "sqlx"), "the gateway has no database");
}
