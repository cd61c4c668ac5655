//! What a broken rule of `muster-domain` is called on the wire.

use crate::{AppError, ErrorId};
use muster_domain::{
    channels::{ChannelFault, NotifyFault},
    passwords::PasswordFault,
    posts::PostFault,
    preferences::PreferenceFault,
    teams::TeamFault,
    users::UserFault,
};

impl From<UserFault> for AppError {
    fn from(fault: UserFault) -> Self {
        Self::new(match fault {
            UserFault::Username => ErrorId::UserInvalidUsername,
            UserFault::Email => ErrorId::UserInvalidEmail,
            UserFault::Nickname => ErrorId::UserInvalidNickname,
            UserFault::FirstName => ErrorId::UserInvalidFirstName,
            UserFault::LastName => ErrorId::UserInvalidLastName,
            UserFault::Position => ErrorId::UserInvalidPosition,
            // The original has no rule for these and fails in the database.
            UserFault::Locale => return Self::body("locale"),
            UserFault::Props => return Self::body("props"),
            UserFault::NotifyProps => return Self::body("notify_props"),
            UserFault::Timezone => return Self::body("timezone"),
        })
    }
}

impl From<PasswordFault> for AppError {
    fn from(PasswordFault(policy): PasswordFault) -> Self {
        let id = match (policy.lowercase, policy.uppercase, policy.number, policy.symbol) {
            (false, false, false, false) => ErrorId::PasswordInvalid,
            (true, false, false, false) => ErrorId::PasswordInvalidLowercase,
            (true, true, false, false) => ErrorId::PasswordInvalidLowercaseUppercase,
            (true, true, true, false) => ErrorId::PasswordInvalidLowercaseUppercaseNumber,
            (true, true, true, true) => ErrorId::PasswordInvalidLowercaseUppercaseNumberSymbol,
            (true, true, false, true) => ErrorId::PasswordInvalidLowercaseUppercaseSymbol,
            (true, false, true, false) => ErrorId::PasswordInvalidLowercaseNumber,
            (true, false, true, true) => ErrorId::PasswordInvalidLowercaseNumberSymbol,
            (true, false, false, true) => ErrorId::PasswordInvalidLowercaseSymbol,
            (false, true, false, false) => ErrorId::PasswordInvalidUppercase,
            (false, true, true, false) => ErrorId::PasswordInvalidUppercaseNumber,
            (false, true, true, true) => ErrorId::PasswordInvalidUppercaseNumberSymbol,
            (false, true, false, true) => ErrorId::PasswordInvalidUppercaseSymbol,
            (false, false, true, false) => ErrorId::PasswordInvalidNumber,
            (false, false, true, true) => ErrorId::PasswordInvalidNumberSymbol,
            (false, false, false, true) => ErrorId::PasswordInvalidSymbol,
        };
        Self::new(id).param("Min", policy.minimum_length)
    }
}

impl From<TeamFault> for AppError {
    fn from(fault: TeamFault) -> Self {
        Self::new(match fault {
            TeamFault::Characters => ErrorId::TeamInvalidCharacters,
            TeamFault::Url => ErrorId::TeamInvalidUrl,
            TeamFault::Reserved => ErrorId::TeamInvalidReserved,
            TeamFault::DisplayName => ErrorId::TeamInvalidName,
            TeamFault::Description => ErrorId::TeamInvalidDescription,
            TeamFault::Company => ErrorId::TeamInvalidCompany,
            TeamFault::Domains => ErrorId::TeamInvalidDomains,
            TeamFault::Email => ErrorId::TeamInvalidEmail,
            TeamFault::Type => ErrorId::TeamInvalidType,
            // The original has no rule for this and fails in the database.
            TeamFault::InviteId => return Self::body("invite_id"),
        })
    }
}

impl From<ChannelFault> for AppError {
    fn from(fault: ChannelFault) -> Self {
        Self::new(match fault {
            ChannelFault::Name => ErrorId::ChannelInvalidName,
            ChannelFault::InvalidCharacter => ErrorId::ChannelInvalidCharacter,
            ChannelFault::DisplayName => ErrorId::ChannelInvalidDisplayName,
            ChannelFault::Header => ErrorId::ChannelInvalidHeader,
            ChannelFault::Purpose => ErrorId::ChannelInvalidPurpose,
            ChannelFault::Type => ErrorId::ChannelInvalidType,
            ChannelFault::Creator => ErrorId::ChannelInvalidCreator,
        })
    }
}

impl From<NotifyFault> for AppError {
    fn from(fault: NotifyFault) -> Self {
        Self::new(match fault {
            NotifyFault::Desktop => ErrorId::ChannelMemberInvalidNotifyLevel,
            NotifyFault::MarkUnread => ErrorId::ChannelMemberInvalidUnreadLevel,
            NotifyFault::Push => ErrorId::ChannelMemberInvalidPushLevel,
            NotifyFault::Email => ErrorId::ChannelMemberInvalidEmailValue,
        })
    }
}

impl From<PostFault> for AppError {
    fn from(fault: PostFault) -> Self {
        match fault {
            PostFault::Message => Self::new(ErrorId::PostInvalidMessage),
            PostFault::SystemType => Self::new(ErrorId::InvalidParam).param("Name", "post.type"),
            PostFault::Type => Self::new(ErrorId::PostInvalidType),
            PostFault::Props => Self::new(ErrorId::PostInvalidProps),
            PostFault::FileIds => Self::new(ErrorId::PostInvalidFileIds),
        }
    }
}

impl From<PreferenceFault> for AppError {
    fn from(fault: PreferenceFault) -> Self {
        Self::new(match fault {
            PreferenceFault::Category => ErrorId::PreferenceInvalidCategory,
            PreferenceFault::Name => ErrorId::PreferenceInvalidName,
            PreferenceFault::Value => ErrorId::PreferenceInvalidValue,
            PreferenceFault::Theme => ErrorId::PreferenceInvalidTheme,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::passwords::PasswordSettings;

    #[test]
    fn password_ids_grow_with_the_classes_demanded() {
        for bits in 0..16u8 {
            let on = |bit: u8| bits & bit != 0;
            let policy = PasswordSettings { minimum_length: 7, lowercase: on(1), uppercase: on(2), number: on(4), symbol: on(8) };
            let suffix: String = [(1, "_lowercase"), (2, "_uppercase"), (4, "_number"), (8, "_symbol")]
                .iter()
                .filter(|(bit, _)| on(*bit))
                .map(|(_, name)| *name)
                .collect();
            let error = AppError::from(PasswordFault(policy));
            assert_eq!(error.id.wire(), format!("model.user.is_valid.pwd{suffix}.app_error"));
            assert!(error.message().contains("at least 7 characters"));
        }
    }
}
