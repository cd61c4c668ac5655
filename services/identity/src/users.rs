//! Accounts: reading, creating, changing.

mod change;
mod create;
mod events;
mod lists;
mod rules;
mod store;

use crate::{audits::AuditLog, mail::Mailer, passwords::Passwords, sessions::Revoker, statuses::Live};
use muster_error::{AppError, ErrorId};
use muster_events::Outbox;
use muster_proto::{
    identity::{
        AutocompleteUsersReply, AutocompleteUsersRequest, CreateUserReply, CreateUserRequest, GetUserRequest, GetUsersRequest,
        ListUsersRequest, MentionablesReply, MentionablesRequest, PatchUserRequest, SearchUsersRequest, SetUserActiveRequest,
        SetUserRolesRequest, UpdateUserRequest, UserCountsReply, UserCountsRequest, UserIdRequest, UserList, UserListVersionReply,
        UserListVersionRequest, get_user_request::By, users_server::Users,
    },
    model::User,
};
use muster_runtime::{Caller, ConfigFeed, postgres::sql_error};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

pub(crate) use rules::AUTO_RESPONDER;
pub(crate) use store::{
    Secrets, by_email, by_id, clear_failures, count_failure, for_login, lock, lock_for_session, secrets, set_notify_prop, set_verified,
};

#[derive(Clone)]
pub(crate) struct UsersService {
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
    pub(crate) feed: ConfigFeed,
    pub(crate) passwords: Passwords,
    pub(crate) revoker: Revoker,
    pub(crate) live: Live,
    pub(crate) audit_log: AuditLog,
    pub(crate) mailer: Mailer,
}

#[tonic::async_trait]
impl Users for UsersService {
    async fn get(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        Caller::of(&request)?;
        let found = match request.into_inner().by {
            Some(By::Id(id)) => store::by_id(&self.pool, &id).await,
            Some(By::Username(name)) => store::by_username(&self.pool, &name).await,
            Some(By::Email(email)) => store::by_email(&self.pool, &email).await,
            None => return Err(AppError::body("user_id").into()),
        };
        let user = found.map_err(sql_error)?.ok_or_else(|| AppError::new(ErrorId::UserNotFound))?;
        Ok(Response::new(user))
    }

    async fn get_many(&self, request: Request<GetUsersRequest>) -> Result<Response<UserList>, Status> {
        Caller::of(&request)?;
        let GetUsersRequest { ids, usernames } = request.into_inner();
        let users = store::many(&self.pool, &ids, &usernames).await.map_err(sql_error)?;
        Ok(Response::new(UserList { users }))
    }

    async fn mentionables(&self, request: Request<MentionablesRequest>) -> Result<Response<MentionablesReply>, Status> {
        Caller::of(&request)?;
        let users = store::mentionables(&self.pool, &request.get_ref().user_ids).await.map_err(sql_error)?;
        Ok(Response::new(MentionablesReply { users }))
    }

    async fn create(&self, request: Request<CreateUserRequest>) -> Result<Response<CreateUserReply>, Status> {
        Caller::of(&request)?;
        Ok(Response::new(self.create_user(request.into_inner()).await?))
    }

    async fn list(&self, request: Request<ListUsersRequest>) -> Result<Response<UserList>, Status> {
        Caller::of(&request)?;
        let users = lists::list(&self.pool, request.get_ref()).await.map_err(sql_error)?;
        Ok(Response::new(UserList { users }))
    }

    async fn search(&self, request: Request<SearchUsersRequest>) -> Result<Response<UserList>, Status> {
        Caller::of(&request)?;
        let users = lists::search(&self.pool, request.get_ref()).await.map_err(sql_error)?;
        Ok(Response::new(UserList { users }))
    }

    async fn autocomplete(&self, request: Request<AutocompleteUsersRequest>) -> Result<Response<AutocompleteUsersReply>, Status> {
        Caller::of(&request)?;
        let (users, out_of_channel) = lists::autocomplete(&self.pool, request.get_ref()).await.map_err(sql_error)?;
        Ok(Response::new(AutocompleteUsersReply { users, out_of_channel }))
    }

    async fn update(&self, request: Request<UpdateUserRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let user = request.into_inner().user.ok_or_else(|| AppError::body("user"))?;
        let id = user.id.clone();
        let changed = self.change(&id, |old| rules::replaced(old, user)).await?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        Ok(Response::new(changed))
    }

    async fn patch(&self, request: Request<PatchUserRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let patch = request.into_inner();
        let id = patch.user_id.clone();
        let changed = self.change(&id, |old| rules::patched(old, patch)).await?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        Ok(Response::new(changed))
    }

    async fn set_roles(&self, request: Request<SetUserRolesRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let SetUserRolesRequest { user_id, roles } = request.into_inner();
        let user = self.change_roles(&user_id, &roles).await?;
        let info = format!("roles={roles} session_user={}", caller.user_id);
        self.audit_log.record(&caller, &user_id, info).await;
        Ok(Response::new(user))
    }

    async fn set_active(&self, request: Request<SetUserActiveRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let SetUserActiveRequest { user_id, active, by_deletion } = request.into_inner();
        let user = self.change_active(&user_id, active).await?;
        if !by_deletion {
            let info = format!("active={active} session_user={}", caller.user_id);
            self.audit_log.record(&caller, &user_id, info).await;
        }
        Ok(Response::new(user))
    }

    async fn picture_changed(&self, request: Request<UserIdRequest>) -> Result<Response<User>, Status> {
        let caller = Caller::of(&request)?;
        let user = self.change_picture(&request.get_ref().user_id).await?;
        self.audit_log.record(&caller, &caller.user_id, "").await;
        Ok(Response::new(user))
    }

    async fn counts(&self, request: Request<UserCountsRequest>) -> Result<Response<UserCountsReply>, Status> {
        Caller::of(&request)?;
        let (total, active) = store::counts(&self.pool).await.map_err(sql_error)?;
        Ok(Response::new(UserCountsReply { total, active }))
    }

    async fn list_version(&self, request: Request<UserListVersionRequest>) -> Result<Response<UserListVersionReply>, Status> {
        Caller::of(&request)?;
        let update_at = store::newest_update(&self.pool).await.map_err(sql_error)?;
        Ok(Response::new(UserListVersionReply { update_at }))
    }
}
