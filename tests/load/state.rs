//! The state file: what `seed` made, for the other commands.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Somebody who is logged in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub username: String,
    pub token: String,
}

/// Everything the load commands need to know.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    pub team_id: String,
    pub users: Vec<Person>,
    /// Ids; every user is in every channel.
    pub channels: Vec<String>,
}

impl State {
    /// Reads what `seed` wrote; fails with the advice to seed first.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: run `muster-load seed` first", path.display()))?;
        let state: Self = serde_json::from_str(&text).with_context(|| format!("{} is not a state file", path.display()))?;
        ensure!(!state.users.is_empty() && !state.channels.is_empty(), "{} is empty: run `muster-load seed` again", path.display());
        Ok(state)
    }

    /// Writes for the owner only: the file holds live session tokens.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(())
    }
}
