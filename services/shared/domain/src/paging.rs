//! `page` and `per_page` as every list takes them.

/// Rows when `per_page` is absent or unreadable.
pub const PER_PAGE_DEFAULT: i64 = 60;
/// More than this is cut to this.
pub const PER_PAGE_MAX: i64 = 200;

/// One page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 0.
    pub page: i64,
    /// 0 is honoured: an empty list.
    pub per_page: i64,
}

impl Page {
    /// Negative or unreadable values count as absent.
    pub fn parse(page: Option<&str>, per_page: Option<&str>) -> Self {
        let number = |text: Option<&str>| text.and_then(|t| t.parse::<i64>().ok()).filter(|n| *n >= 0);
        Self { page: number(page).unwrap_or(0), per_page: number(per_page).unwrap_or(PER_PAGE_DEFAULT).min(PER_PAGE_MAX) }
    }

    pub fn limit(self) -> i64 {
        self.per_page
    }

    /// Rows to skip; a page beyond any table is just past the end.
    pub fn offset(self) -> i64 {
        self.page.saturating_mul(self.per_page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_the_reference_says() {
        for (page, per_page, expected) in [
            (None, None, (0, 60)),
            (Some("2"), Some("10"), (2, 10)),
            (Some("-1"), Some("-5"), (0, 60)),
            (Some("x"), Some("x"), (0, 60)),
            (Some("0"), Some("0"), (0, 0)),
            (Some("0"), Some("201"), (0, 200)),
        ] {
            let parsed = Page::parse(page, per_page);
            assert_eq!((parsed.page, parsed.per_page), expected);
        }
        assert_eq!(Page { page: i64::MAX, per_page: 200 }.offset(), i64::MAX);
    }
}
