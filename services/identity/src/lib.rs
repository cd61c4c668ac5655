//! The identity service: users, credentials, sessions, roles, preferences, statuses, audits.
//!
//! Stateless: everything lives in PostgreSQL, or in Redis where it can be rebuilt.

mod access_tokens;
mod accounts;
mod audits;
mod cache;
mod codes;
mod credentials;
mod devices;
mod mail;
mod memberships;
mod mfa;
mod passwords;
mod preferences;
mod roles;
mod sessions;
mod statistics;
mod statuses;
mod users;

use muster_events::{Bus, OUTBOX_MIGRATION, Outbox};
use muster_proto::identity::{
    access_tokens_server::AccessTokensServer, accounts_server::AccountsServer, audits_server::AuditsServer, codes_server::CodesServer,
    devices_server::DevicesServer, mails_server::MailsServer, membership_counts_server::MembershipCountsServer,
    memberships_server::MembershipsServer, mfa_server::MfaServer, preferences_server::PreferencesServer, roles_server::RolesServer,
    sessions_server::SessionsServer, statistics_server::StatisticsServer, statuses_server::StatusesServer, users_server::UsersServer,
};
use muster_runtime::{
    ConfigFeed, ProcessConfig,
    config::{ConfigError, Role},
    peers::MESSAGE_MAX,
    postgres::{self, MigrationFile},
    redis::Redis,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

const MIGRATIONS: &[MigrationFile] = &[
    OUTBOX_MIGRATION,
    (2, "users", include_str!("../migrations/0002_users.sql")),
    (3, "sessions", include_str!("../migrations/0003_sessions.sql")),
    (4, "has_team", include_str!("../migrations/0004_has_team.sql")),
    (5, "mfa_pending", include_str!("../migrations/0005_mfa_pending.sql")),
    (6, "mail", include_str!("../migrations/0006_mail.sql")),
    (7, "list_orders", include_str!("../migrations/0007_list_orders.sql")),
    (8, "outsiders", include_str!("../migrations/0008_outsiders.sql")),
    (9, "words", include_str!("../migrations/0009_words.sql")),
];

/// Every statement is short: compiling one, or sharing it among processes, costs more than running it. The tables fit into
/// memory, where a row out of order costs little more than the next one.
const PLANNER: &[(&str, &str)] = &[("jit", "off"), ("max_parallel_workers_per_gather", "0"), ("random_page_cost", "1.1")];

/// What the service is started with.
pub struct Deps {
    pub config: Arc<ProcessConfig>,
    pub feed: ConfigFeed,
    pub bus: Bus,
    pub redis: Redis,
    pub stop: CancellationToken,
}

/// Migrates the schema, seeds the roles, starts background tasks (ended by `stop`) and returns the gRPC services.
pub async fn start(deps: Deps) -> Result<Routes, ConfigError> {
    let url = deps.config.database_url(Role::Identity)?;
    let pool = postgres::connect_with(&url, "identity", deps.config.database_connections, MIGRATIONS, PLANNER).await?;
    roles::seed(&pool, &deps.feed.get().tree).await.map_err(|e| ConfigError(format!("seeding roles: {e}")))?;

    let outbox = Outbox::start(pool.clone(), deps.bus.clone(), deps.stop.clone());
    let cache = cache::Cache::start(deps.redis.clone(), deps.stop.clone());
    let audit_log = audits::AuditLog::start(pool.clone());
    let passwords = passwords::Passwords::new(deps.config.bcrypt_cost).map_err(|e| ConfigError(format!("threads for hashing: {e}")))?;
    let live = statuses::Live::start(pool.clone(), deps.redis, cache.clone(), deps.bus.clone(), deps.feed.clone(), deps.stop.clone());
    let revoker = sessions::Revoker::new(outbox.clone(), cache.clone());
    let mailer = mail::Mailer::new(deps.bus.clone(), deps.feed.clone());
    sessions::expire_in_background(pool.clone(), deps.stop.clone());
    codes::expire_in_background(pool.clone(), deps.stop);

    macro_rules! service {
        ($server:ident, $service:expr) => {
            $server::new($service).max_decoding_message_size(MESSAGE_MAX).max_encoding_message_size(MESSAGE_MAX)
        };
    }
    let users = users::UsersService {
        pool: pool.clone(),
        outbox: outbox.clone(),
        feed: deps.feed.clone(),
        passwords: passwords.clone(),
        revoker: revoker.clone(),
        live: live.clone(),
        audit_log: audit_log.clone(),
        mailer: mailer.clone(),
    };
    let mut routes = Routes::builder();
    routes
        .add_service(service!(StatisticsServer, statistics::StatisticsService { pool: pool.clone() }))
        .add_service(service!(UsersServer, users.clone()))
        .add_service(service!(MfaServer, mfa::MfaService { users }))
        .add_service(service!(
            AccessTokensServer,
            access_tokens::AccessTokensService {
                pool: pool.clone(),
                feed: deps.feed.clone(),
                revoker: revoker.clone(),
                audit_log: audit_log.clone(),
                mailer: mailer.clone(),
            }
        ))
        .add_service(service!(
            AccountsServer,
            accounts::AccountsService {
                pool: pool.clone(),
                bus: deps.bus.clone(),
                feed: deps.feed.clone(),
                passwords: passwords.clone(),
                revoker: revoker.clone(),
                audit_log: audit_log.clone(),
                mailer: mailer.clone(),
            }
        ))
        .add_service(service!(
            CodesServer,
            codes::CodesService {
                pool: pool.clone(),
                bus: deps.bus.clone(),
                feed: deps.feed.clone(),
                passwords: passwords.clone(),
                audit_log: audit_log.clone(),
                mailer,
            }
        ))
        .add_service(service!(DevicesServer, devices::DevicesService { pool: pool.clone(), revoker: revoker.clone() }))
        .add_service(service!(MailsServer, mail::MailsService { pool: pool.clone() }))
        .add_service(service!(
            SessionsServer,
            sessions::SessionsService {
                pool: pool.clone(),
                feed: deps.feed.clone(),
                cache,
                passwords,
                revoker,
                audit_log: audit_log.clone()
            }
        ))
        .add_service(service!(PreferencesServer, preferences::PreferencesService { pool: pool.clone(), outbox: outbox.clone() }))
        .add_service(service!(StatusesServer, statuses::StatusesService { live }))
        .add_service(service!(RolesServer, roles::RolesService { pool: pool.clone(), outbox, audit_log: audit_log.clone() }))
        .add_service(service!(MembershipsServer, memberships::MembershipsService { pool: pool.clone(), bus: deps.bus.clone() }))
        .add_service(service!(MembershipCountsServer, memberships::CountsService { pool: pool.clone() }))
        .add_service(service!(AuditsServer, audits::AuditsService { pool }));
    Ok(routes.routes())
}
