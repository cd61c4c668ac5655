//! What a page says about itself in `og:` tags. Pure.

use super::html::metas;
use serde::Serialize;
use url::Url;

/// Characters of one value; pages may say what they like.
const VALUE_MAX: usize = 4_096;
/// Pictures, sounds or films of one page.
const LIST_MAX: usize = 32;

/// As clients get it; lists are null when there is nothing.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct OpenGraph {
    pub r#type: String,
    pub url: String,
    pub title: String,
    pub description: String,
    pub determiner: String,
    pub site_name: String,
    pub locale: String,
    pub locales_alternate: Option<Vec<String>>,
    pub images: Option<Vec<Picture>>,
    pub audios: Option<Vec<Sound>>,
    pub videos: Option<Vec<Picture>>,
}

/// A picture or a film.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Picture {
    pub url: String,
    pub secure_url: String,
    pub r#type: String,
    /// Pixels.
    pub width: u64,
    pub height: u64,
}

#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Sound {
    pub url: String,
    pub secure_url: String,
    pub r#type: String,
}

impl OpenGraph {
    /// Reads a page that came from `base`; addresses become absolute.
    pub fn read(html: &str, base: &str) -> Self {
        let mut page = Self::default();
        for meta in metas(html) {
            if let Some(property) = meta.property.strip_prefix("og:") {
                let value: String = meta.content.trim().chars().take(VALUE_MAX).collect();
                page.take(property, value);
            }
        }
        if let Ok(base) = Url::parse(base) {
            page.make_absolute(&base);
        }
        page
    }

    fn take(&mut self, property: &str, value: String) {
        let (group, detail) = property.split_once(':').unwrap_or((property, ""));
        match (group, detail) {
            ("type", "") => self.r#type = value,
            ("url", "") => self.url = value,
            ("title", "") => self.title = value,
            ("description", "") => self.description = value,
            ("determiner", "") => self.determiner = value,
            ("site_name", "") => self.site_name = value,
            ("locale", "") => self.locale = value,
            ("locale", "alternate") => push(self.locales_alternate.get_or_insert_default(), value),
            ("image", _) => picture(self.images.get_or_insert_default(), detail, value),
            ("video", _) => picture(self.videos.get_or_insert_default(), detail, value),
            ("audio", _) => {
                let list = self.audios.get_or_insert_default();
                if let Some(sound) = current(list, detail) {
                    match detail {
                        "" | "url" => sound.url = value,
                        "secure_url" => sound.secure_url = value,
                        "type" => sound.r#type = value,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn make_absolute(&mut self, base: &Url) {
        let pictures =
            self.images.iter_mut().flatten().chain(self.videos.iter_mut().flatten()).flat_map(|p| [&mut p.url, &mut p.secure_url]);
        let sounds = self.audios.iter_mut().flatten().flat_map(|s| [&mut s.url, &mut s.secure_url]);
        for url in std::iter::once(&mut self.url).chain(pictures).chain(sounds) {
            if !url.is_empty()
                && let Ok(absolute) = base.join(url)
            {
                *url = absolute.into();
            }
        }
    }
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < LIST_MAX {
        list.push(item);
    }
}

/// The entry a tag speaks of: a tag without detail begins a new one.
fn current<'a, T: Default>(list: &'a mut Vec<T>, detail: &str) -> Option<&'a mut T> {
    if detail.is_empty() || list.is_empty() {
        if list.len() >= LIST_MAX {
            return None;
        }
        list.push(T::default());
    }
    list.last_mut()
}

fn picture(list: &mut Vec<Picture>, detail: &str, value: String) {
    let Some(picture) = current(list, detail) else { return };
    match detail {
        "" | "url" => picture.url = value,
        "secure_url" => picture.secure_url = value,
        "type" => picture.r#type = value,
        "width" => picture.width = value.parse().unwrap_or(0),
        "height" => picture.height = value.parse().unwrap_or(0),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_page_says() {
        let html = "<title>not this</title><meta property='og:title' content=' T '><meta property='og:type' content='article'>\
            <meta property='og:url' content='/page'><meta property='og:image' content='a.png'><meta property='og:image:width' content='12'>\
            <meta property='og:image:height' content='x'><meta property='og:image' content='https://b.example/b.png'>\
            <meta property='og:locale:alternate' content='de_DE'><meta property='og:audio' content='/s.mp3'><meta property='og:audio:type' content='m'>\
            <meta name='description' content='not this either'><meta property='og:video:url' content='v.mp4'>";
        let page = OpenGraph::read(html, "https://a.example/dir/x");
        assert_eq!((page.title.as_str(), page.r#type.as_str(), page.url.as_str()), ("T", "article", "https://a.example/page"));
        assert_eq!(page.description, "");
        let images = page.images.expect("images");
        assert_eq!((images[0].url.as_str(), images[0].width, images[0].height), ("https://a.example/dir/a.png", 12, 0));
        assert_eq!(images[1].url, "https://b.example/b.png");
        assert_eq!(page.audios.expect("audios")[0].url, "https://a.example/s.mp3");
        assert_eq!(page.videos.expect("videos")[0].url, "https://a.example/dir/v.mp4");
        assert_eq!(page.locales_alternate.expect("locales"), ["de_DE"]);
    }

    #[test]
    fn nothing_is_empty_texts_and_nulls() {
        let json = serde_json::to_string(&OpenGraph::read("<p>hello", "https://a.example")).expect("JSON");
        let expected = r#"{"type":"","url":"","title":"","description":"","determiner":"","site_name":"","locale":"","locales_alternate":null,"images":null,"audios":null,"videos":null}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn lists_end_somewhere() {
        let html = "<meta property='og:image' content='x'>".repeat(100);
        assert_eq!(OpenGraph::read(&html, "https://a.example").images.map(|i| i.len()), Some(LIST_MAX));
    }
}
