//! `muster user …`: accounts, for whoever runs the server.

use super::{
    connect::Connected,
    output::{Output, refused},
};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use muster_domain::{
    ids::{is_id, new_token},
    roles::{SYSTEM_ADMIN, SYSTEM_USER, has_role, parse_roles},
};
use muster_error::{AppError, ErrorId};
use muster_proto::{
    identity::{
        CreateUserRequest, DeactivateMfaRequest, GetUserRequest, ListUsersRequest, RevokeAllRequest, SetPasswordRequest,
        SetUserActiveRequest, SetUserRolesRequest, get_user_request::By,
    },
    model::User,
};
use serde_json::json;

/// Users of one call while listing.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub enum UserCommand {
    /// Make an account. The first account of a server becomes its administrator
    Create(Create),
    /// Make somebody a system administrator
    Promote(Who),
    /// Take the role of system administrator away
    Demote(Who),
    /// Close an account: its sessions and access tokens end at once; nothing is deleted
    Deactivate(Who),
    /// Open a closed account again
    Activate(Who),
    /// Give an account a new password and unlock it; its sessions end
    ResetPassword(ResetPassword),
    /// Switch off the second factor of somebody who has lost the authenticator
    ResetMfa(Who),
    /// List accounts by username
    List(List),
}

#[derive(Args)]
pub struct Who {
    /// Username, e-mail address or id
    user: String,
}

#[derive(Args)]
pub struct Create {
    /// 1 to 64 of a-z 0-9 . - _
    #[arg(long)]
    username: String,
    #[arg(long)]
    email: String,
    #[arg(long, default_value = "")]
    first_name: String,
    #[arg(long, default_value = "")]
    last_name: String,
    #[arg(long, default_value = "")]
    nickname: String,
    /// Language, such as en or de
    #[arg(long, default_value = "")]
    locale: String,
    /// Make the account a system administrator
    #[arg(long)]
    admin: bool,
    /// Leave the e-mail address to be verified by its owner
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    password: NewPassword,
}

#[derive(Args)]
pub struct NewPassword {
    /// Read the password from standard input instead of making one up. (Arguments are visible to every user of a machine.)
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Args)]
pub struct ResetPassword {
    #[command(flatten)]
    who: Who,
    /// Leave the account's sessions open
    #[arg(long)]
    keep_sessions: bool,
    #[command(flatten)]
    password: NewPassword,
}

#[derive(Args)]
pub struct List {
    /// Members of this team only (its name)
    #[arg(long)]
    team: Option<String>,
    /// Closed accounts only
    #[arg(long)]
    inactive: bool,
}

impl UserCommand {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "user create",
            Self::Promote(_) => "user promote",
            Self::Demote(_) => "user demote",
            Self::Deactivate(_) => "user deactivate",
            Self::Activate(_) => "user activate",
            Self::ResetPassword(_) => "user reset-password",
            Self::ResetMfa(_) => "user reset-mfa",
            Self::List(_) => "user list",
        }
    }

    pub async fn run(self, muster: &Connected, output: Output) -> anyhow::Result<()> {
        match self {
            Self::Create(args) => create(muster, output, args).await,
            Self::Promote(who) => set_admin(muster, output, &who.user, true).await,
            Self::Demote(who) => set_admin(muster, output, &who.user, false).await,
            Self::Deactivate(who) => set_active(muster, output, &who.user, false).await,
            Self::Activate(who) => set_active(muster, output, &who.user, true).await,
            Self::ResetPassword(args) => reset_password(muster, output, args).await,
            Self::ResetMfa(who) => {
                let user = find(muster, &who.user).await?;
                let request = DeactivateMfaRequest { user_id: user.id.clone() };
                muster.clients.mfa().deactivate(muster.caller.call(request)).await.map_err(refused)?;
                output.say(format!("{} signs in without a second factor now", user.username), &shown(&user));
                Ok(())
            }
            Self::List(args) => list(muster, output, args).await,
        }
    }
}

/// The account of a username, e-mail address or id.
pub async fn find(muster: &Connected, text: &str) -> anyhow::Result<User> {
    let mut ways = vec![if text.contains('@') { By::Email(text.to_lowercase()) } else { By::Username(text.to_lowercase()) }];
    if is_id(text) {
        ways.push(By::Id(text.to_owned()));
    }
    for by in ways {
        match muster.clients.users().get(muster.caller.call(GetUserRequest { by: Some(by) })).await {
            Ok(found) => return Ok(found.into_inner()),
            Err(status) => {
                let error = AppError::from(status);
                if error.id != ErrorId::UserNotFound {
                    return Err(error.into());
                }
            }
        }
    }
    bail!("there is no account '{text}'")
}

fn shown(user: &User) -> serde_json::Value {
    json!({ "id": user.id, "username": user.username, "email": user.email, "roles": user.roles, "active": user.delete_at == 0 })
}

impl NewPassword {
    /// The password, and whether it was made up here.
    fn read(&self) -> anyhow::Result<(String, bool)> {
        if !self.password_stdin {
            // 130 bits; the capital, digit and sign are for the strictest policy.
            return Ok((format!("{}-A1", new_token()), true));
        }
        let text = std::io::read_to_string(std::io::stdin()).context("reading the password from standard input")?;
        let password = text.trim_end_matches(['\r', '\n']).to_owned();
        if password.is_empty() {
            bail!("standard input holds no password");
        }
        Ok((password, false))
    }
}

/// Says it, and the password that nobody else will say again.
fn say_with_password(output: Output, text: &str, user: &User, password: &str, made_up: bool) {
    let mut value = shown(user);
    let mut text = text.to_owned();
    if made_up {
        value["password"] = json!(password);
        text.push_str(&format!("\npassword: {password}"));
    }
    output.say(text, &value);
}

async fn create(muster: &Connected, output: Output, args: Create) -> anyhow::Result<()> {
    let (password, made_up) = args.password.read()?;
    let user = User {
        username: args.username,
        email: args.email,
        first_name: args.first_name,
        last_name: args.last_name,
        nickname: args.nickname,
        locale: args.locale,
        email_verified: !args.unverified,
        ..User::default()
    };
    let request = CreateUserRequest { user: Some(user), password: password.clone(), by_admin: true, ..CreateUserRequest::default() };
    let reply = muster.clients.users().create(muster.caller.call(request)).await.map_err(refused)?.into_inner();
    let mut user = reply.user.context("the service answered without the account")?;
    if args.admin && !has_role(&user.roles, SYSTEM_ADMIN) {
        user = set_roles(muster, &user, format!("{SYSTEM_ADMIN} {}", user.roles)).await?;
    }
    let kind = if has_role(&user.roles, SYSTEM_ADMIN) { "system administrator" } else { "account" };
    say_with_password(output, &format!("made the {kind} {} ({})", user.username, user.id), &user, &password, made_up);
    Ok(())
}

async fn set_roles(muster: &Connected, user: &User, roles: String) -> anyhow::Result<User> {
    let request = SetUserRolesRequest { user_id: user.id.clone(), roles };
    Ok(muster.clients.users().set_roles(muster.caller.call(request)).await.map_err(refused)?.into_inner())
}

async fn set_admin(muster: &Connected, output: Output, who: &str, admin: bool) -> anyhow::Result<()> {
    let user = find(muster, who).await?;
    let others = parse_roles(&user.roles).filter(|role| *role != SYSTEM_ADMIN);
    let mut roles: Vec<&str> = if admin { vec![SYSTEM_ADMIN] } else { Vec::new() };
    roles.extend(others);
    if !roles.contains(&SYSTEM_USER) {
        roles.push(SYSTEM_USER);
    }
    let user = set_roles(muster, &user, roles.join(" ")).await?;
    output.say(format!("{} has the roles: {}", user.username, user.roles), &shown(&user));
    Ok(())
}

async fn set_active(muster: &Connected, output: Output, who: &str, active: bool) -> anyhow::Result<()> {
    let user = find(muster, who).await?;
    let request = SetUserActiveRequest { user_id: user.id, active, by_deletion: false };
    let user = muster.clients.users().set_active(muster.caller.call(request)).await.map_err(refused)?.into_inner();
    output.say(format!("{} is {}", user.username, if active { "active" } else { "deactivated" }), &shown(&user));
    Ok(())
}

async fn reset_password(muster: &Connected, output: Output, args: ResetPassword) -> anyhow::Result<()> {
    let user = find(muster, &args.who.user).await?;
    let (password, made_up) = args.password.read()?;
    let request = SetPasswordRequest { user_id: user.id.clone(), new_password: password.clone(), ..SetPasswordRequest::default() };
    muster.clients.accounts().set_password(muster.caller.call(request)).await.map_err(refused)?;
    if !args.keep_sessions {
        let request = RevokeAllRequest { user_id: user.id.clone() };
        muster.clients.sessions().revoke_all(muster.caller.call(request)).await.map_err(refused)?;
    }
    say_with_password(output, &format!("{} has a new password", user.username), &user, &password, made_up);
    Ok(())
}

async fn list(muster: &Connected, output: Output, args: List) -> anyhow::Result<()> {
    let in_team = match &args.team {
        Some(name) => super::teams::find(muster, name).await?.id,
        None => String::new(),
    };
    let mut rows = Vec::new();
    for page in 0.. {
        let request = ListUsersRequest { in_team: in_team.clone(), offset: page * PAGE, limit: PAGE, ..ListUsersRequest::default() };
        let users = muster.clients.users().list(muster.caller.call(request)).await.map_err(refused)?.into_inner().users;
        let last = users.len() < PAGE as usize;
        for user in users.into_iter().filter(|user| !args.inactive || user.delete_at > 0) {
            let state = if user.delete_at == 0 { "active" } else { "deactivated" };
            rows.push(vec![user.username, user.email, user.roles, state.to_owned(), user.id]);
        }
        if last {
            break;
        }
    }
    output.table(&["username", "email", "roles", "state", "id"], rows);
    Ok(())
}
