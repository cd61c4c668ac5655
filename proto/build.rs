//! Compiles `muster/**.proto` without an installed protoc and puts serde on the entities of `muster.model.v1`.
//!
//! Rule (ARCHITECTURE.md, "Say each thing once"): an entity's JSON is its message. Every field has a default and takes
//! `null` as default, as Go does; the tables below are the exceptions.

use prost::Message;
use std::{env, fs, path::PathBuf};

/// Left out of the JSON when empty, zero or false.
const OMIT_WHEN_EMPTY: &[&str] = &[
    "User.email_verified",
    "User.allow_marketing",
    "User.props",
    "User.notify_props",
    "User.last_password_update",
    "User.last_picture_update",
    "User.failed_attempts",
    "User.mfa_active",
    "User.last_activity_at",
    "Post.message_source",
    "Post.filenames",
    "Post.file_ids",
    "Post.has_reactions",
    "FileInfo.post_id",
    "FileInfo.width",
    "FileInfo.height",
    "FileInfo.has_preview_image",
    "Team.last_team_icon_update",
    "UserAccessToken.token",
];

/// Strings that hold JSON and are written through raw; the value is the module of `serde_rules` that does it.
const RAW_JSON: &[(&str, &str)] = &[("Post.props", "raw_object"), ("Job.data", "raw_or_null")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=muster");
    let mut protos = Vec::new();
    collect(&PathBuf::from("muster"), &mut protos)?;
    protos.sort();
    let descriptors = protox::compile(&protos, ["."])?;

    let mut config = tonic_prost_build::configure().btree_map(".").bytes(".");
    for file in descriptors.file.iter().filter(|f| f.package() == "muster.model.v1") {
        for message in &file.message_type {
            let name = message.name();
            config = config
                .type_attribute(format!(".muster.model.v1.{name}"), "#[derive(serde::Serialize, serde::Deserialize)] #[serde(default)]");
            for field in &message.field {
                let path = format!("{name}.{}", field.name());
                config = config.field_attribute(format!(".muster.model.v1.{path}"), field_rule(&path));
            }
        }
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    config.compile_fds(descriptors)?;
    Ok(())
}

fn field_rule(path: &str) -> String {
    if let Some((_, module)) = RAW_JSON.iter().find(|(p, _)| *p == path) {
        return format!("#[serde(with = \"crate::serde_rules::{module}\")]");
    }
    let mut rule = String::from("#[serde(deserialize_with = \"crate::serde_rules::null_as_default\"");
    if OMIT_WHEN_EMPTY.contains(&path) {
        rule.push_str(", skip_serializing_if = \"crate::serde_rules::is_default\"");
    }
    rule.push_str(")]");
    rule
}

fn collect(dir: &PathBuf, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}
