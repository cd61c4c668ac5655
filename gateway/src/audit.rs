//! Writing the audit trail for operations whose effect is not identity's own.

use crate::{extract::Session, state::Gateway};
use muster_proto::{identity::RecordAuditsRequest, model::Audit};

/// Records what this request did. A trail that cannot be written is logged; the operation stands.
pub async fn record(gateway: &Gateway, session: &Session, extra_info: &str) {
    let audit = Audit {
        user_id: session.user_id.clone(),
        action: session.facts.path.to_string(),
        extra_info: extra_info.to_owned(),
        ip_address: session.facts.client_ip.to_string(),
        session_id: session.id.clone(),
        ..Audit::default()
    };
    if let Err(status) = gateway.clients.audits().record(session.call(RecordAuditsRequest { audits: vec![audit] })).await {
        tracing::error!(%status, user = session.user_id, path = %session.facts.path, "an audit could not be recorded");
    }
}
