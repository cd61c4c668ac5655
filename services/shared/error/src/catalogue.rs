//! Every error a client can see: its wire id, HTTP status and English message.
//!
//! Wire ids and statuses come from Mattermost 4.10; clients key on the ids. `{{.Name}}` in a message is filled from the
//! error's params. Ids that are ours begin with `muster.`.

macro_rules! catalogue {
    ($($name:ident = $id:literal, $status:literal, $message:literal;)*) => {
        /// What went wrong, as clients know it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorId { $($name),* }

        impl ErrorId {
            /// Every id, in the order of this file.
            pub const ALL: &'static [ErrorId] = &[$(ErrorId::$name),*];

            /// The id on the wire.
            pub const fn wire(self) -> &'static str {
                match self { $(ErrorId::$name => $id),* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(ErrorId::$name => $status),* }
            }

            /// The English message, before params are filled in.
            pub const fn message(self) -> &'static str {
                match self { $(ErrorId::$name => $message),* }
            }
        }
    };
}

catalogue! {
    // Any operation.
    SessionExpired = "api.context.session_expired.app_error", 401, "Invalid or expired session, please login again.";
    TokenProvided = "api.context.token_provided.app_error", 401, "Session is not OAuth but token was provided in the query string.";
    MfaRequired = "api.context.mfa_required.app_error", 403, "Multi-factor authentication is required on this server.";
    Permissions = "api.context.permissions.app_error", 403, "You do not have the appropriate permissions.";
    InvalidUrlParam = "api.context.invalid_url_param.app_error", 400, "Invalid or missing {{.Name}} parameter in request URL.";
    InvalidBodyParam = "api.context.invalid_body_param.app_error", 400, "Invalid or missing {{.Name}} in request body.";
    InvalidParam = "api.context.invalid_param.app_error", 400, "Invalid {{.Name}} parameter.";
    NotFound = "api.context.404.app_error", 404, "Sorry, we could not find the page.";
    ApiV3Disabled = "api.context.v3_disabled.app_error", 501, "API version 3 has been disabled on this server. Please use API version 4.";

    // Ours: conditions the original has no id for.
    NotImplemented = "muster.not_implemented.app_error", 501, "This operation is not built yet.";
    Internal = "muster.internal.app_error", 500, "Something went wrong on our side. The request id tells us what.";
    Unavailable = "muster.unavailable.app_error", 503, "A part of the server is not reachable right now. Please try again.";
    Timeout = "muster.timeout.app_error", 504, "The server took too long to answer. Please try again.";
    Busy = "muster.busy.app_error", 503, "The server is busy. Please try again.";
    Unauthenticated = "muster.unauthenticated_caller.app_error", 401, "This call carries no authenticated caller.";
    BodyTooLarge = "muster.body_too_large.app_error", 413, "The request body is too large.";
    InvalidText = "muster.invalid_text.app_error", 400, "The text contains a character that cannot be stored.";
}
