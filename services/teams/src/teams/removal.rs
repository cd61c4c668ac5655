//! Deleting a team for good: its rows here at once, what others keep of it by effects.

use super::{Teams, events, store};
use crate::{
    effects::Effect,
    writer::{Consequences, sql},
};
use muster_domain::time::now_ms;
use muster_error::Result;
use muster_proto::model::Team;
use muster_runtime::Caller;

impl Teams {
    /// The team with its memberships and channels. Posts, read states, files, preferences and copies of memberships follow,
    /// however often it takes. An unknown team is done already.
    pub(super) async fn remove_everything(&self, caller: &Caller, team_id: &str) -> Result<()> {
        let mut tx = self.writer.begin().await?;
        let Some(team) = store::lock(&mut tx, team_id).await.map_err(sql)? else { return Ok(()) };
        let channel_ids = store::remove(&mut tx, team_id).await.map_err(sql)?;
        self.writer.drop_memberships(&mut tx, channel_ids.iter().map(String::as_str).chain([team_id])).await?;

        let mut consequences = Consequences::default();
        consequences.stale_team(team_id);
        for id in &channel_ids {
            consequences.stale_channel(id);
            consequences.effect(Effect::forget_channel(id));
        }
        consequences.effects.extend(Effect::forget_team(team_id, &channel_ids));
        let now = now_ms();
        consequences.announce(events::deleted(&Team { delete_at: now, update_at: now, ..team }));
        self.writer.commit(caller, tx, consequences).await
    }
}
