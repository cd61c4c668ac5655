//! A cluster that mails over SMTP, shared by the tests about mail, and what they have in common.

use serde_json::{Value, json};
use testkit::{Client, Cluster, Options, Smtp, eventually, unique};
use tokio::sync::OnceCell;

pub const SITE_URL: &str = "https://chat.example.com";

/// Settings of a cluster that mails to this server.
pub fn mailing_to(smtp: &Smtp) -> Options {
    mailing_to_port(smtp.port)
}

pub fn mailing_to_port(port: u16) -> Options {
    Options::default()
        .env("MM_EMAILSETTINGS_SMTPSERVER", "127.0.0.1")
        .env("MM_EMAILSETTINGS_SMTPPORT", &port.to_string())
        .env("MM_EMAILSETTINGS_FEEDBACKNAME", "The Site, Inc.")
        .env("MM_EMAILSETTINGS_FEEDBACKEMAIL", "site@example.com")
        .env("MM_SERVICESETTINGS_SITEURL", SITE_URL)
        .env("MM_TEAMSETTINGS_SITENAME", "Zürich & Co")
}

pub struct PostOffice {
    pub cluster: Cluster,
    pub smtp: Smtp,
}

impl PostOffice {
    pub async fn shared() -> &'static PostOffice {
        static SHARED: OnceCell<PostOffice> = OnceCell::const_new();
        SHARED
            .get_or_init(|| async {
                let smtp = Smtp::start();
                let cluster = Cluster::start(mailing_to(&smtp)).await;
                PostOffice { cluster, smtp }
            })
            .await
    }
}

/// Makes a code older by so many milliseconds.
pub async fn age_code(cluster: &Cluster, code: &str, ms: i64) {
    let sql = "UPDATE identity.codes SET create_at = create_at - $2 WHERE code_hash = encode(sha256(convert_to($1, 'UTF8')), 'hex')";
    let done = sqlx::query(sql).bind(code).bind(ms).execute(&mut cluster.sql().await).await.expect("SQL");
    assert_eq!(done.rows_affected(), 1, "the code is stored by its hash");
}

/// What a query finds in the cluster's database.
pub async fn rows(cluster: &Cluster, sql: &str) -> Vec<sqlx::postgres::PgRow> {
    sqlx::query(sql).fetch_all(&mut cluster.sql().await).await.expect("SQL")
}

/// Waits until jobs has fetched and acknowledged everything identity had.
pub async fn all_fetched(cluster: &Cluster) {
    eventually("identity's mails are fetched", || async { rows(cluster, "SELECT 1 FROM identity.mails").await.is_empty().then_some(()) })
        .await;
}

/// A sign-up's body; the address is `<username>@example.com`.
pub fn new_account(name: &str) -> Value {
    let username = unique(name);
    json!({"username": username, "email": format!("{username}@example.com"), "password": PASSWORD})
}

pub const PASSWORD: &str = "correct-horse-1";

/// Logs in; the status.
pub async fn login_status(client: &Client, login_id: &str, password: &str) -> u16 {
    client.post("/users/login", json!({"login_id": login_id, "password": password})).await.status
}
