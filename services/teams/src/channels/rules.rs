//! What a channel may be and what may be done to it.

use muster_domain::{
    channels::{ChannelFault, ChannelFields, ChannelType, GROUP_MAX, GROUP_MIN, TOWN_SQUARE, group_name_source},
    ids,
};
use muster_error::{AppError, ErrorId, Result};
use muster_proto::{model::Channel, teams::PatchChannelRequest};
use sha1::{Digest, Sha1};
use std::fmt::Write;

/// Open and private channels belong to a team; direct and group channels do not.
pub fn is_of_team(channel: &Channel) -> bool {
    channel.r#type.parse().is_ok_and(ChannelType::is_of_team)
}

fn is_default(channel: &Channel) -> bool {
    channel.name == TOWN_SQUARE && is_of_team(channel)
}

/// The open or private channel to store for what a creator sent.
pub fn new_channel(given: Channel, creator_id: &str, now: i64) -> Result<Channel> {
    if matches!(given.r#type.parse(), Ok(ChannelType::Direct | ChannelType::Group)) {
        return Err(AppError::new(ErrorId::ChannelCreateDirect));
    }
    if !given.id.is_empty() {
        return Err(AppError::new(ErrorId::ChannelSaveExisting));
    }
    let channel = Channel {
        id: ids::new_id(),
        create_at: now,
        update_at: now,
        delete_at: 0,
        last_post_at: 0,
        total_msg_count: 0,
        extra_update_at: now,
        creator_id: creator_id.to_owned(),
        ..given
    };
    fields(&channel).check_new().map_err(fault)?;
    Ok(channel)
}

/// A direct or group channel.
pub fn conversation(kind: &str, name: String, display_name: String, now: i64) -> Channel {
    Channel {
        id: ids::new_id(),
        create_at: now,
        update_at: now,
        extra_update_at: now,
        r#type: kind.into(),
        name,
        display_name,
        ..Channel::default()
    }
}

pub fn check_group_size(people: usize) -> Result<()> {
    if (GROUP_MIN..=GROUP_MAX).contains(&people) { Ok(()) } else { Err(AppError::new(ErrorId::GroupChannelBadSize)) }
}

/// Hexadecimal SHA-1 of the sorted ids, so that a group of people has one channel.
pub fn group_name(ids: &[&str]) -> String {
    Sha1::digest(group_name_source(ids).as_bytes()).iter().fold(String::with_capacity(40), |mut name, byte| {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// PUT: header and purpose always, display name, name and type when given.
pub fn replace(current: &Channel, given: Channel, now: i64) -> Result<Channel> {
    if current.delete_at > 0 {
        return Err(AppError::new(ErrorId::ChannelUpdateArchived));
    }
    let or_current = |given: String, current: &String| if given.is_empty() { current.clone() } else { given };
    let channel = Channel {
        display_name: or_current(given.display_name, &current.display_name),
        name: or_current(given.name, &current.name),
        r#type: or_current(given.r#type, &current.r#type),
        header: given.header,
        purpose: given.purpose,
        update_at: now,
        ..current.clone()
    };
    check_change(current, &channel)?;
    Ok(channel)
}

/// PATCH: what is given; the type never.
pub fn patch(current: &Channel, patch: PatchChannelRequest, now: i64) -> Result<Channel> {
    let channel = Channel {
        display_name: patch.display_name.unwrap_or_else(|| current.display_name.clone()),
        name: patch.name.unwrap_or_else(|| current.name.clone()),
        header: patch.header.unwrap_or_else(|| current.header.clone()),
        purpose: patch.purpose.unwrap_or_else(|| current.purpose.clone()),
        update_at: now,
        ..current.clone()
    };
    check_change(current, &channel)?;
    Ok(channel)
}

/// Something that PATCH reports with a system post.
pub fn has_visible_change(before: &Channel, after: &Channel) -> bool {
    before.display_name != after.display_name || before.header != after.header || before.purpose != after.purpose
}

fn check_change(before: &Channel, after: &Channel) -> Result<()> {
    let (renamed, retyped) = (before.name != after.name, before.r#type != after.r#type);
    if is_default(before) && (renamed || retyped) {
        return Err(AppError::new(ErrorId::DefaultChannelChange).param("Channel", TOWN_SQUARE));
    }
    if retyped && !(is_of_team(before) && is_of_team(after)) {
        return Err(AppError::new(ErrorId::ChannelInvalidType));
    }
    // The name of a direct or group channel says whose it is.
    if renamed && !is_of_team(before) {
        return Err(AppError::new(ErrorId::ChannelInvalidName));
    }
    fields(after).check().map_err(fault)
}

pub fn may_convert(channel: &Channel) -> Result<()> {
    if is_default(channel) {
        return Err(AppError::new(ErrorId::DefaultChannelConvert));
    }
    match channel.r#type.parse() {
        Ok(ChannelType::Open) => Ok(()),
        Ok(ChannelType::Private) => Err(AppError::new(ErrorId::ChannelAlreadyPrivate)),
        _ => Err(AppError::new(ErrorId::ChannelInvalidType)),
    }
}

pub fn may_archive(channel: &Channel) -> Result<()> {
    if channel.delete_at > 0 {
        return Err(AppError::new(ErrorId::ChannelAlreadyArchived));
    }
    if is_default(channel) {
        return Err(AppError::new(ErrorId::DefaultChannelArchive).param("Channel", TOWN_SQUARE));
    }
    if !is_of_team(channel) {
        return Err(AppError::new(ErrorId::ChannelInvalidType));
    }
    Ok(())
}

/// Whether people can be added to it at all.
pub fn may_join(channel: &Channel) -> Result<()> {
    if channel.delete_at > 0 {
        return Err(AppError::new(ErrorId::ChannelJoinArchived));
    }
    if !is_of_team(channel) {
        return Err(AppError::new(ErrorId::ChannelJoinType));
    }
    Ok(())
}

/// Whether a membership of it can end.
pub fn may_leave(channel: &Channel) -> Result<()> {
    if channel.delete_at > 0 {
        return Err(AppError::new(ErrorId::ChannelLeaveArchived));
    }
    if is_default(channel) {
        return Err(AppError::new(ErrorId::DefaultChannelLeave).param("Channel", TOWN_SQUARE));
    }
    if !is_of_team(channel) {
        return Err(AppError::new(ErrorId::ChannelLeaveDirect));
    }
    Ok(())
}

fn fields(channel: &Channel) -> ChannelFields<'_> {
    ChannelFields {
        name: &channel.name,
        display_name: &channel.display_name,
        header: &channel.header,
        purpose: &channel.purpose,
        kind: &channel.r#type,
    }
}

fn fault(fault: ChannelFault) -> AppError {
    AppError::new(match fault {
        ChannelFault::Name => ErrorId::ChannelInvalidName,
        ChannelFault::InvalidCharacter => ErrorId::ChannelInvalidCharacter,
        ChannelFault::DisplayName => ErrorId::ChannelInvalidDisplayName,
        ChannelFault::Header => ErrorId::ChannelInvalidHeader,
        ChannelFault::Purpose => ErrorId::ChannelInvalidPurpose,
        ChannelFault::Type => ErrorId::ChannelInvalidType,
        ChannelFault::Creator => ErrorId::ChannelInvalidCreator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(kind: &str, name: &str) -> Channel {
        Channel {
            id: "c".into(),
            r#type: kind.into(),
            name: name.into(),
            header: "h".into(),
            display_name: "D".into(),
            ..Channel::default()
        }
    }

    fn refused<T: std::fmt::Debug>(result: Result<T>) -> ErrorId {
        result.expect_err("refused").id
    }

    #[test]
    fn creating() {
        let open = Channel { id: String::new(), ..channel("O", "dev") };
        let made = new_channel(open.clone(), "u", 9).expect("valid");
        assert_eq!((made.creator_id.as_str(), made.extra_update_at, made.last_post_at), ("u", 9, 0));
        assert_eq!(refused(new_channel(channel("O", "dev"), "u", 9)), ErrorId::ChannelSaveExisting);
        assert_eq!(refused(new_channel(channel("D", "dev"), "u", 9)), ErrorId::ChannelCreateDirect);
        assert_eq!(refused(new_channel(Channel { name: "a__b".into(), ..open.clone() }, "u", 9)), ErrorId::ChannelInvalidCharacter);
        assert_eq!(refused(new_channel(Channel { r#type: String::new(), ..open }, "u", 9)), ErrorId::ChannelInvalidType);
    }

    #[test]
    fn put_keeps_what_is_blank_except_header_and_purpose() {
        let after =
            replace(&channel("O", "dev"), Channel { purpose: "p".into(), r#type: "P".into(), ..Channel::default() }, 5).expect("valid");
        assert_eq!(after, Channel { purpose: "p".into(), header: String::new(), r#type: "P".into(), update_at: 5, ..channel("O", "dev") });
        let archived = Channel { delete_at: 1, ..channel("O", "dev") };
        assert_eq!(refused(replace(&archived, Channel::default(), 5)), ErrorId::ChannelUpdateArchived);
    }

    #[test]
    fn the_default_channel_keeps_name_and_type() {
        let town = channel("O", TOWN_SQUARE);
        let rename = PatchChannelRequest { name: Some("other".into()), ..Default::default() };
        assert_eq!(refused(patch(&town, rename, 1)), ErrorId::DefaultChannelChange);
        assert_eq!(refused(replace(&town, channel("P", TOWN_SQUARE), 1)), ErrorId::DefaultChannelChange);
        assert!(replace(&town, channel("O", TOWN_SQUARE), 1).is_ok());
        assert_eq!(refused(may_archive(&town)), ErrorId::DefaultChannelArchive);
        assert_eq!(refused(may_convert(&town)), ErrorId::DefaultChannelConvert);
        assert_eq!(refused(may_leave(&town)), ErrorId::DefaultChannelLeave);
    }

    #[test]
    fn conversations_keep_name_type_and_people() {
        let direct = channel("D", "a__b");
        assert_eq!(refused(replace(&direct, channel("O", "a__b"), 1)), ErrorId::ChannelInvalidType);
        assert_eq!(refused(replace(&direct, channel("D", "ab"), 1)), ErrorId::ChannelInvalidName);
        assert_eq!(refused(may_archive(&direct)), ErrorId::ChannelInvalidType);
        assert_eq!(refused(may_join(&direct)), ErrorId::ChannelJoinType);
        assert_eq!(refused(may_leave(&direct)), ErrorId::ChannelLeaveDirect);
    }

    #[test]
    fn group_names_do_not_depend_on_order() {
        assert_eq!(group_name(&["b", "a", "c"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(check_group_size(3).is_ok() && check_group_size(8).is_ok());
        assert_eq!(refused(check_group_size(2)), ErrorId::GroupChannelBadSize);
        assert_eq!(refused(check_group_size(9)), ErrorId::GroupChannelBadSize);
    }
}
