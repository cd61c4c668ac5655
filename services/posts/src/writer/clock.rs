//! When a post was created.

use muster_proto::model::Post;
use std::collections::HashMap;

/// Authors remembered before the map is tidied.
const REMEMBERED_MAX: usize = 8_192;

/// Gives posts of one author in one channel strictly growing times, so that `create_at` alone tells their order.
/// Posts of different authors may share a millisecond; lists then order by id.
#[derive(Default)]
pub struct AuthorClock(HashMap<(String, String), i64>);

impl AuthorClock {
    /// Sets `create_at` (unless given) and `update_at`.
    pub fn stamp(&mut self, post: &mut Post, now: i64) {
        if post.create_at == 0 {
            if self.0.len() >= REMEMBERED_MAX {
                self.0.retain(|_, last| *last >= now);
            }
            let last = self.0.entry((post.channel_id.clone(), post.user_id.clone())).or_default();
            *last = now.max(*last + 1);
            post.create_at = *last;
        }
        post.update_at = post.create_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_of_an_author_grow_and_others_do_not_wait() {
        let mut clock = AuthorClock::default();
        let mut at = |user: &str, create_at: i64, now: i64| {
            let mut post = Post { user_id: user.into(), channel_id: "c".into(), create_at, ..Post::default() };
            clock.stamp(&mut post, now);
            assert_eq!(post.create_at, post.update_at);
            post.create_at
        };
        assert_eq!((at("a", 0, 5), at("a", 0, 5), at("a", 0, 5), at("b", 0, 5)), (5, 6, 7, 5));
        assert_eq!(at("a", 0, 4), 8, "also when the clock steps back");
        assert_eq!(at("a", 3, 20), 3, "a given time is kept");
    }
}
