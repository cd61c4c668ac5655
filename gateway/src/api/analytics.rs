//! `GET /analytics/old`: counts for administrators.

use super::ApiRoutes;
use crate::{
    error::{ApiError, ApiResult},
    extract::{Params, Session},
    state::Gateway,
    wire::ApiJson,
    ws::Hub,
};
use axum::extract::State;
use bytes::Bytes;
use muster_domain::permissions::Permission;
use muster_error::AppError;
use muster_events::Bus;
use muster_proto::{
    identity::{UserStatistics, UserStatisticsRequest},
    jobs::ListNodesRequest,
    posts::{DailyStatisticsRequest, PostStatistics, PostStatisticsRequest},
    teams::ChannelStatisticsRequest,
};
use serde::Serialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The question how many WebSockets are open.
const SOCKETS: &str = "sockets";
/// Longest other gateways are waited for.
const ASKED_WITHIN: Duration = Duration::from_secs(2);

pub fn routes() -> ApiRoutes {
    ApiRoutes::new().get("/analytics/old", read)
}

/// One count.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    value: i64,
}

fn row(name: impl Into<String>, value: i64) -> Row {
    Row { name: name.into(), value }
}

/// Stands for a count that is not made because there are too many people.
const NOT_COUNTED: i64 = -1;

/// `manage_system`: the counts of one kind, of a team or of the whole server.
async fn read(State(gateway): State<Gateway>, session: Session, params: Params) -> ApiResult<ApiJson<Vec<Row>>> {
    gateway.access.system(&session, Permission::ManageSystem)?;
    let team_id = params.get("team_id");
    let people = users(&gateway, &session, team_id).await?;
    let everybody = if team_id.is_empty() { people.active } else { users(&gateway, &session, "").await?.active };
    let counted = everybody <= gateway.settings().settings.max_users_for_statistics;
    let rows = match params.get("name") {
        "" | "standard" => standard(&gateway, &session, team_id, &people, counted).await?,
        "extra_counts" => extra(&gateway, &session, team_id, &people, counted).await?,
        "post_counts_day" => daily(&gateway, &session, team_id, false, counted).await?,
        "user_counts_with_posts_day" => daily(&gateway, &session, team_id, true, counted).await?,
        _ => return Err(AppError::url("name").into()),
    };
    Ok(ApiJson(rows))
}

async fn users(gateway: &Gateway, session: &Session, team_id: &str) -> Result<UserStatistics, ApiError> {
    let request = UserStatisticsRequest { team_id: team_id.to_owned() };
    Ok(gateway.clients.user_statistics().users(session.call(request)).await?.into_inner())
}

async fn posts(gateway: &Gateway, session: &Session, team_id: &str, counted: bool) -> Result<PostStatistics, ApiError> {
    if !counted {
        return Ok(PostStatistics { posts: NOT_COUNTED, with_files: NOT_COUNTED, with_hashtags: NOT_COUNTED });
    }
    let request = PostStatisticsRequest { team_id: team_id.to_owned() };
    Ok(gateway.clients.post_statistics().posts(session.call(request)).await?.into_inner())
}

async fn standard(gateway: &Gateway, session: &Session, team_id: &str, people: &UserStatistics, counted: bool) -> ApiResult<Vec<Row>> {
    let mut clients = gateway.clients.channel_statistics();
    let channels = async {
        let request = ChannelStatisticsRequest { team_id: team_id.to_owned() };
        Ok::<_, ApiError>(clients.channels(session.call(request)).await?.into_inner())
    };
    let (channels, posts, sockets) = tokio::try_join!(channels, posts(gateway, session, team_id, counted), sockets(gateway, session))?;
    Ok(vec![
        row("channel_open_count", channels.open),
        row("channel_private_count", channels.private),
        row("post_count", posts.posts),
        row("unique_user_count", people.active),
        row("team_count", channels.teams),
        row("total_websocket_connections", sockets),
        row("total_master_db_connections", people.database_connections),
        row("total_read_db_connections", 0),
        row("daily_active_users", people.daily_active),
        row("monthly_active_users", people.monthly_active),
        row("inactive_user_count", people.inactive),
    ])
}

/// Open WebSockets of all gateways.
async fn sockets(gateway: &Gateway, session: &Session) -> ApiResult<i64> {
    let nodes = gateway.clients.nodes().list(session.call(ListNodesRequest {})).await?.into_inner().nodes;
    let gateways = nodes.iter().filter(|node| node.is_alive && matches!(node.role.as_str(), "gateway" | "all")).count();
    let answers = gateway.bus.ask_all(SOCKETS, Bytes::new(), gateways, ASKED_WITHIN).await?;
    Ok(answers.iter().filter_map(|answer| std::str::from_utf8(answer).ok()?.parse::<i64>().ok()).sum())
}

/// Tells other gateways how many WebSockets are open here, until the token is cancelled.
pub async fn answer_for_sockets(bus: Bus, hub: Hub, stop: CancellationToken) {
    bus.answer(SOCKETS, stop, |_| hub.connections().len().to_string().into_bytes()).await;
}

async fn extra(gateway: &Gateway, session: &Session, team_id: &str, people: &UserStatistics, counted: bool) -> ApiResult<Vec<Row>> {
    let posts = posts(gateway, session, team_id, counted).await?;
    Ok(vec![
        row("file_post_count", posts.with_files),
        row("hashtag_post_count", posts.with_hashtags),
        // There are none before integrations exist.
        row("incoming_webhook_count", 0),
        row("outgoing_webhook_count", 0),
        row("command_count", 0),
        row("session_count", people.sessions),
    ])
}

async fn daily(gateway: &Gateway, session: &Session, team_id: &str, authors: bool, counted: bool) -> ApiResult<Vec<Row>> {
    if !counted {
        return Ok(vec![row("", NOT_COUNTED)]);
    }
    let request = DailyStatisticsRequest { team_id: team_id.to_owned(), authors };
    let reply = gateway.clients.post_statistics().daily(session.call(request)).await?.into_inner();
    Ok(reply.days.into_iter().map(|day| row(day.day, day.count)).collect())
}
