//! The licence clients ask about. Muster needs none and offers everything; real clients hide features unless the licence
//! map names them, so the map names them all.

use std::collections::BTreeMap;

/// Licensed users: a number no installation reaches.
const USERS: &str = "10000000";
/// 31 December 9999 in ms: clients warn before a licence ends.
const NEVER: &str = "253402214400000";

const FEATURES: &[&str] = &[
    "LDAP",
    "MFA",
    "SAML",
    "Cluster",
    "Metrics",
    "GoogleOAuth",
    "Office365OAuth",
    "Compliance",
    "CustomBrand",
    "MHPNS",
    "PasswordRequirements",
    "Announcement",
    "Elasticsearch",
    "DataRetention",
    "EmailNotificationContents",
    "MessageExport",
];

/// The map of `GET /license/client?format=old`. `installation_id` stands in for a licence's id; only administrators see
/// the keys that would identify a customer.
pub fn client_map(installation_id: &str, is_admin: bool) -> BTreeMap<&'static str, String> {
    let mut map: BTreeMap<&'static str, String> = FEATURES.iter().map(|feature| (*feature, "true".to_owned())).collect();
    map.insert("IsLicensed", "true".to_owned());
    map.insert("Users", USERS.to_owned());
    map.insert("Company", String::new());
    if is_admin {
        for (key, value) in [
            ("Id", installation_id),
            ("IssuedAt", "0"),
            ("StartsAt", "0"),
            ("ExpiresAt", NEVER),
            ("Name", ""),
            ("Email", ""),
            ("PhoneNumber", ""),
        ] {
            map.insert(key, value.to_owned());
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_on_and_identity_is_for_administrators() {
        let everybody = client_map("id", false);
        assert_eq!(everybody["IsLicensed"], "true");
        assert!(FEATURES.iter().all(|feature| everybody[feature] == "true"));
        let admin = client_map("id", true);
        let private: Vec<_> = admin.keys().filter(|key| !everybody.contains_key(*key)).copied().collect();
        assert_eq!(private, ["Email", "ExpiresAt", "Id", "IssuedAt", "Name", "PhoneNumber", "StartsAt"]);
    }
}
