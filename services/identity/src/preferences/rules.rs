//! What a preference may be (reference: identity, section 12).

use muster_domain::preferences::stored_value;
use muster_error::{AppError, ErrorId};
use muster_proto::model::Preference;

/// Every row must belong to the user whose preferences are changed, whoever asks.
pub(crate) fn check_owner(user_id: &str, preferences: &[Preference]) -> Result<(), AppError> {
    match preferences.iter().find(|p| p.user_id != user_id) {
        None => Ok(()),
        Some(other) => Err(AppError::new(ErrorId::PreferenceUpdateRefused).detail(format_args!("row of user {}", other.user_id))),
    }
}

/// The row as it is stored.
pub(crate) fn checked(preference: &Preference) -> Result<Preference, AppError> {
    let value = stored_value(&preference.category, &preference.name, &preference.value)?;
    Ok(Preference { value, ..preference.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_others_are_refused() {
        let row = Preference { user_id: "u".into(), ..Preference::default() };
        assert_eq!(check_owner("u", std::slice::from_ref(&row)), Ok(()));
        assert_eq!(check_owner("v", &[row]).expect_err("foreign").status, 403);
    }
}
