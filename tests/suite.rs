//! All tests that speak to a running cluster, in one binary: one build, one set of engines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "api/analytics.rs"]
mod analytics;
mod architecture;
#[path = "api/audits.rs"]
mod audits;
#[path = "api/brand.rs"]
mod brand;
#[path = "api/channel_members.rs"]
mod channel_members;
#[path = "api/channels.rs"]
mod channels;
mod cluster;
#[path = "api/command_line.rs"]
mod command_line;
#[path = "api/common.rs"]
mod common;
#[path = "api/config.rs"]
mod config;
#[path = "api/counters.rs"]
mod counters;
mod counting;
#[path = "api/credentials.rs"]
mod credentials;
#[path = "api/edge.rs"]
mod edge;
#[path = "api/email_verification.rs"]
mod email_verification;
#[path = "api/emoji.rs"]
mod emoji;
#[path = "api/events_audience.rs"]
mod events_audience;
#[path = "api/file_downloads.rs"]
mod file_downloads;
#[path = "api/file_limits.rs"]
mod file_limits;
#[path = "api/files.rs"]
mod files;
#[path = "api/identity_walk.rs"]
mod identity_walk;
#[path = "api/invitations.rs"]
mod invitations;
#[path = "api/jobs.rs"]
mod jobs;
#[path = "api/license.rs"]
mod license;
#[path = "api/limiter.rs"]
mod limiter;
#[path = "api/login_storm.rs"]
mod login_storm;
#[path = "api/logs.rs"]
mod logs;
#[path = "api/mail.rs"]
mod mail;
#[path = "api/mentions.rs"]
mod mentions;
#[path = "api/message_actions.rs"]
mod message_actions;
#[path = "api/mfa.rs"]
mod mfa;
#[path = "api/nodes.rs"]
mod nodes;
#[path = "api/notifications.rs"]
mod notifications;
#[path = "api/opengraph.rs"]
mod opengraph;
mod parity;
#[path = "api/password_reset.rs"]
mod password_reset;
#[path = "api/ping.rs"]
mod ping;
#[path = "api/post_limits.rs"]
mod post_limits;
#[path = "api/post_lists.rs"]
mod post_lists;
#[path = "api/post_office.rs"]
mod post_office;
#[path = "api/posts.rs"]
mod posts;
#[path = "api/posts_outage.rs"]
mod posts_outage;
#[path = "api/preferences.rs"]
mod preferences;
#[path = "api/reactions.rs"]
mod reactions;
#[path = "api/remembered.rs"]
mod remembered;
#[path = "api/roles.rs"]
mod roles;
#[path = "api/scene.rs"]
mod scene;
#[path = "api/search.rs"]
mod search;
#[path = "api/sessions.rs"]
mod sessions;
#[path = "api/slack_import.rs"]
mod slack_import;
mod slow_reader;
#[path = "api/status.rs"]
mod status;
mod steps;
#[path = "api/switching.rs"]
mod switching;
#[path = "api/system.rs"]
mod system;
#[path = "api/team_deletion.rs"]
mod team_deletion;
#[path = "api/team_image.rs"]
mod team_image;
#[path = "api/team_members.rs"]
mod team_members;
#[path = "api/teams.rs"]
mod teams;
mod teeth;
#[path = "api/threads.rs"]
mod threads;
#[path = "api/tokens.rs"]
mod tokens;
mod tracing;
#[path = "api/user_image.rs"]
mod user_image;
#[path = "api/user_lists.rs"]
mod user_lists;
#[path = "api/users.rs"]
mod users;
#[path = "api/web.rs"]
mod web;
mod ws;
