//! Mails about posts: a mention or direct message, or several that were collected.

use super::content::{Mail, Site};
use muster_domain::time::DAY_MS;
use muster_proto::jobs::mail_message::{Digest, PostNotice};

/// Characters of a message that a digest shows.
const EXCERPT: usize = 300;
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// `November 24, 2026` (UTC).
fn date(ms: i64) -> String {
    // Days since 0000-03-01, so that a leap day is a year's last: years of 365 days and a quarter, minus centuries.
    let days = ms.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    format!("{} {day}, {year}", usize::try_from(month).ok().and_then(|m| MONTHS.get(m)).unwrap_or(&""))
}

/// Where the post was written, as a subject says it.
fn place(notice: &PostNotice) -> String {
    match notice.channel_type.as_str() {
        "D" => format!("Direct Message from {}", notice.sender_name),
        "G" if notice.full => format!("Group Message in {}", notice.channel_name),
        "G" => "Group Message".to_owned(),
        _ => format!("Mention in {} ({})", notice.channel_name, notice.team_display_name),
    }
}

fn link(notice: &PostNotice, site: &Site) -> String {
    if notice.team_name.is_empty() { site.link("/") } else { site.link(&format!("/{}/pl/{}", notice.team_name, notice.post_id)) }
}

fn message(notice: &PostNotice) -> String {
    if notice.message.is_empty() && notice.files > 0 { "(attached a file)".to_owned() } else { notice.message.clone() }
}

pub fn notice(notice: &PostNotice, site: &Site) -> Mail {
    let date = date(notice.create_at);
    let subject = match notice.channel_type.as_str() {
        "D" => format!("New Direct Message from {} on {date}", notice.sender_name),
        "G" => format!("New {} on {date}", place(notice)),
        _ if notice.name_channel => format!("Notification in {} ({}) on {date}", notice.team_display_name, notice.channel_name),
        _ => format!("Notification in {} on {date}", notice.team_display_name),
    };
    let title = match notice.channel_type.as_str() {
        "D" => "You have a new direct message.",
        "G" => "You have a new group message.",
        _ => "You have a new notification.",
    };
    let from = format!("{} - {}", notice.sender_name, place(notice));
    let paragraphs = if notice.full { vec![from, message(notice)] } else { vec![from] };
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    site.mail(subject, title, &paragraphs).button("Go To Post", link(notice, site)).note(WHY)
}

const WHY: &str = "You can change when you are notified by mail in your account settings.";

pub fn digest(digest: &Digest, site: &Site) -> Mail {
    let notices = &digest.notices;
    let date = date(notices.last().map_or(0, |notice| notice.create_at));
    let title = match notices.len() {
        1 => "You have a new notification.".to_owned(),
        n => format!("You have {n} new notifications."),
    };
    let subject = if notices.len() == 1 { format!("New Notification for {date}") } else { format!("New Notifications for {date}") };
    let entries: Vec<String> = notices
        .iter()
        .map(|notice| {
            let head = format!("{} - {}", notice.sender_name, place(notice));
            let link = link(notice, site);
            if !notice.full {
                return format!("{head}\n{link}");
            }
            let message: String = message(notice).chars().take(EXCERPT).collect();
            format!("{head}\n{message}\n{link}")
        })
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    site.mail(subject, title, &entries).note(WHY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (ms, expected) in [
            (0, "January 1, 1970"),
            (951_782_400_000, "February 29, 2000"),
            (951_868_800_000, "March 1, 2000"),
            (1_795_478_400_000, "November 24, 2026"),
            (1_798_761_599_999, "December 31, 2026"),
        ] {
            assert_eq!(date(ms), expected, "{ms}");
        }
    }
}
