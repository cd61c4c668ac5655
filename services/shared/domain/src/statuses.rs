//! Presence: what it can be and what changes it.

use std::str::FromStr;

/// Milliseconds without activity after which an automatic status becomes away (`UserStatusAwayTimeout` by default).
pub const AWAY_TIMEOUT_MS: i64 = 300_000;

/// The presence of a user, in the order of `sort=status`; `ooo` and `offline` share the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    Online,
    Away,
    Dnd,
    /// Automatic replies are on.
    Ooo,
    #[default]
    Offline,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Dnd => "dnd",
            Self::Ooo => "ooo",
            Self::Offline => "offline",
        }
    }

    /// Whether `PUT /users/{id}/status` takes it.
    pub const fn is_settable(self) -> bool {
        !matches!(self, Self::Ooo)
    }

    /// The key of `sort=status`.
    pub const fn rank(self) -> i32 {
        match self {
            Self::Online => 0,
            Self::Away => 1,
            Self::Dnd => 2,
            Self::Ooo | Self::Offline => 3,
        }
    }
}

/// The text is no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        [Self::Online, Self::Away, Self::Dnd, Self::Ooo, Self::Offline].into_iter().find(|s| s.as_str() == text).ok_or(UnknownStatus)
    }
}

/// A user's presence as it is stored; the default is that of a user never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    pub status: Status,
    /// Set by hand: nothing automatic changes it.
    pub manual: bool,
    /// Milliseconds.
    pub last_activity_at: i64,
}

/// What happened to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A WebSocket authenticated, a post was written, a channel viewed.
    Active,
    /// The last WebSocket anywhere closed.
    Disconnected,
    /// A WebSocket answered a ping; away when the last activity is this long ago or longer.
    Pong { away_after_ms: i64 },
    /// The account was deactivated.
    Deactivated,
    /// The user chose; online means automatic again.
    Chosen(Status),
}

impl Presence {
    /// The presence after it. Announce the change when status or `manual` differ, and every [`Happening::Chosen`] that is
    /// manual even if they do not.
    #[must_use]
    pub fn after(self, happening: Happening, now: i64) -> Presence {
        match happening {
            Happening::Chosen(status) => Presence { status, manual: status != Status::Online, last_activity_at: now },
            Happening::Active if self.manual => Presence { last_activity_at: now, ..self },
            _ if self.manual => self,
            Happening::Active => Presence { status: Status::Online, last_activity_at: now, ..self },
            Happening::Disconnected | Happening::Deactivated => Presence { status: Status::Offline, ..self },
            Happening::Pong { away_after_ms } if self.status == Status::Online && now - self.last_activity_at >= away_after_ms => {
                Presence { status: Status::Away, ..self }
            }
            Happening::Pong { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (text, settable, rank) in [("online", true, 0), ("away", true, 1), ("dnd", true, 2), ("ooo", false, 3), ("offline", true, 3)] {
            let status: Status = text.parse().expect(text);
            assert_eq!((status.as_str(), status.is_settable(), status.rank()), (text, settable, rank));
        }
        assert_eq!("here".parse::<Status>(), Err(UnknownStatus));
    }

    #[test]
    fn what_changes_what() {
        use Happening::*;
        use Status::*;
        let pong = Pong { away_after_ms: AWAY_TIMEOUT_MS };
        let now = 1_000_000;
        let recent = now - AWAY_TIMEOUT_MS + 1;
        let long_ago = now - AWAY_TIMEOUT_MS;
        for ((status, manual, seen), happening, expected) in [
            ((Offline, false, 0), Active, (Online, false, now)),
            ((Dnd, true, 0), Active, (Dnd, true, now)),
            ((Online, false, 5), Disconnected, (Offline, false, 5)),
            ((Away, true, 5), Disconnected, (Away, true, 5)),
            ((Online, false, recent), pong, (Online, false, recent)),
            ((Online, false, long_ago), pong, (Away, false, long_ago)),
            ((Dnd, true, long_ago), pong, (Dnd, true, long_ago)),
            ((Offline, false, long_ago), pong, (Offline, false, long_ago)),
            ((Online, false, 5), Deactivated, (Offline, false, 5)),
            ((Ooo, true, 5), Deactivated, (Ooo, true, 5)),
            ((Online, false, 5), Chosen(Offline), (Offline, true, now)),
            ((Dnd, true, 5), Chosen(Online), (Online, false, now)),
        ] {
            let after = Presence { status, manual, last_activity_at: seen }.after(happening, now);
            assert_eq!((after.status, after.manual, after.last_activity_at), expected, "{status:?} {happening:?}");
        }
    }
}
