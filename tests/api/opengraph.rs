//! Link previews.

use serde_json::{Value, json};
use testkit::{
    Cluster, Options, Person,
    website::{Page, Website},
};
use tokio::sync::OnceCell;

const OFF: &str = "api.post.link_preview_disabled.app_error";
const BODY: &str = "api.context.invalid_body_param.app_error";

/// Previews on; of this machine, only the name `localhost` may be reached.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(|| {
            Cluster::start(
                Options::default()
                    .env("MM_SERVICESETTINGS_ENABLELINKPREVIEWS", "true")
                    .env("MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", "localhost"),
            )
        })
        .await
}

async fn preview(person: &Person, url: &str) -> Value {
    person.post("/opengraph", json!({"url": url})).await.expect(200)
}

fn nothing() -> Value {
    json!({"type": "", "url": "", "title": "", "description": "", "determiner": "", "site_name": "", "locale": "",
        "locales_alternate": null, "images": null, "audios": null, "videos": null})
}

#[tokio::test]
async fn a_page_says_what_it_is() {
    let ada = cluster().await.person("ada").await;
    let site = Website::start().await;
    let local = |path: &str| format!("http://localhost:{}{path}", site.port);
    let html = "<html><head><title>No</title><meta property=\"og:title\" content=\"Grüße &amp; more\"><meta property=\"og:type\" content=\"article\">\
        <meta property=\"og:image\" content=\"/a.png\"><meta property=\"og:image:width\" content=\"40\"></head><body>x</body></html>";
    site.set("/page", Page::html(html));
    site.set("/moved", Page::redirect("/page"));
    site.set("/image", Page { headers: vec![("content-type", "image/png".into())], ..Page::html(html) });
    site.set("/gone", Page::html(html).status(404));
    let latin = "<meta property=og:title content='café'>".chars().map(|c| c as u8).collect::<Vec<u8>>();
    site.set("/latin", Page { headers: vec![("content-type", "text/html; charset=iso-8859-1".into())], ..Page::html(latin) });
    let mut huge = html.as_bytes().to_vec();
    huge.resize(3 * 1024 * 1024, b' ');
    site.set("/huge", Page::html(huge));
    let seen = preview(&ada, &local("/page")).await;
    let image = json!([{"url": local("/a.png"), "secure_url": "", "type": "", "width": 40, "height": 0}]);
    let mut expected = nothing();
    expected["title"] = json!("Grüße & more");
    expected["type"] = json!("article");
    expected["images"] = image;
    assert_eq!(seen, expected);
    for path in ["/moved", "/huge"] {
        assert_eq!(preview(&ada, &local(path)).await, expected, "{path}");
    }
    assert_eq!(preview(&ada, &local("/latin")).await["title"], "café");
    for path in ["/image", "/gone", "/unknown"] {
        assert_eq!(preview(&ada, &local(path)).await, nothing(), "{path}");
    }
    // Repeats come from memory.
    let asked = site.asked().len();
    assert_eq!(preview(&ada, &local("/page")).await, expected);
    assert_eq!(site.asked().len(), asked);
}

#[tokio::test]
async fn internal_addresses_are_not_reached() {
    let ada = cluster().await.person("ada").await;
    let site = Website::start().await;
    site.set("/page", Page::html("<meta property=og:title content=inside>"));
    site.set("/lure", Page::redirect(&site.url("/page")));
    let port = site.port;
    for url in [
        site.url("/page"),
        format!("http://localhost:{port}/lure"),
        format!("http://127.1:{port}/page"),
        format!("http://2130706433:{port}/page"),
        format!("http://0.0.0.0:{port}/page"),
        format!("http://[::1]:{port}/page"),
        format!("http://[::ffff:127.0.0.1]:{port}/page"),
        format!("http://ip6-localhost:{port}/page"),
        "http://169.254.169.254/latest/meta-data".into(),
        "file:///etc/passwd".into(),
        "ftp://localhost/".into(),
        "no address".into(),
        "http://".into(),
        format!("http://localhost:{port}/{}", "x".repeat(5_000)),
    ] {
        assert_eq!(preview(&ada, &url).await, nothing(), "{url}");
    }
    let asked: Vec<String> = site.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked, ["/lure"], "only what the list allows was asked, and not where it led");
}

#[tokio::test]
async fn previews_that_are_refused() {
    let cluster = cluster().await;
    let ada = cluster.person("ada").await;
    for body in [json!({}), json!({"url": ""}), json!({"url": 5}), json!([])] {
        ada.post("/opengraph", body).await.refused(400, BODY);
    }
    cluster.anonymous(0).post("/opengraph", json!({"url": "http://x"})).await.refused(401, "api.context.session_expired.app_error");
    // Off as shipped, whatever the body.
    let shared = Cluster::shared().await.person("ada").await;
    shared.post("/opengraph", json!({})).await.refused(501, OFF);
}
