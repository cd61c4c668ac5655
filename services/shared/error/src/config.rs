//! A refused configuration as the error a client sees.

use crate::{AppError, ErrorId};
use muster_domain::config::{Refusal, Rule, validate};

impl From<Rule> for AppError {
    fn from(rule: Rule) -> Self {
        // The catalogue has an id for every rule (tested below).
        let id = ErrorId::from_wire(rule.wire()).unwrap_or(ErrorId::InvalidParam);
        let error = AppError::new(id);
        match rule {
            Rule::SiteNameLength => error.param("MaxLength", validate::MAX_SITE_NAME_BYTES),
            Rule::PasswordLength => {
                error.param("MinLength", validate::PASSWORD_LENGTH.start()).param("MaxLength", validate::PASSWORD_LENGTH.end())
            }
            _ => error,
        }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotATree => AppError::body("config"),
            Refusal::Invalid(rule) => rule.into(),
            Refusal::ReadOnly => ErrorId::ConfigReadOnlyCluster.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_error_with_a_complete_message() {
        for rule in Rule::ALL {
            let error = AppError::from(*rule);
            assert_eq!((error.id.wire(), error.status), (rule.wire(), 400));
            assert!(!error.message().contains("{{"), "{}", error.message());
        }
    }
}
