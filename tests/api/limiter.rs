//! The rate limiter: off by default, one count for all gateways.

use http::Method;
use testkit::{Answer, Client, Cluster, Options};

async fn from(client: &Client, address: &str, method: Method) -> Answer {
    client.send(client.request(method, "/system/ping").header("x-forwarded-for", address)).await
}

#[tokio::test]
async fn one_address_cannot_multiply_its_rate_by_the_gateways() {
    let options = Options::default()
        .env("MM_RATELIMITSETTINGS_ENABLE", "true")
        .env("MM_RATELIMITSETTINGS_PERSEC", "1")
        .env("MM_RATELIMITSETTINGS_MAXBURST", "4");
    let cluster = Cluster::start(options).await;
    let clients = [cluster.anonymous(0), cluster.anonymous(1)];
    let requests = (0..40).map(|i| from(&clients[i % 2], "10.0.0.1", if i % 4 == 0 { Method::OPTIONS } else { Method::GET }));
    let answers = futures_util::future::join_all(requests).await;
    let (refused, served): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 429);
    assert!(served.len() >= 5, "a burst of 4 beyond the first: {}", served.len());
    assert!(refused.len() > 10, "40 requests at 1 per second: {}", refused.len());
    assert!(served.iter().all(|answer| answer.status == 200));
    let number = |answer: &Answer, name: &str| answer.header(name).and_then(|text| text.parse::<i64>().ok());
    for answer in &answers {
        assert_eq!(number(answer, "x-ratelimit-limit"), Some(5));
        assert!(number(answer, "x-ratelimit-reset").is_some_and(|seconds| (1..=6).contains(&seconds)));
        let remaining = number(answer, "x-ratelimit-remaining").expect("a count");
        assert!((0..5).contains(&remaining), "{remaining}");
    }
    for answer in refused {
        assert_eq!(&answer.bytes[..], b"limit exceeded");
        assert!(number(answer, "retry-after").is_some_and(|seconds| seconds >= 1));
    }
    assert_eq!(from(&clients[0], "10.0.0.2", Method::GET).await.status, 200, "another address is another count");
}

#[tokio::test]
async fn it_is_off_by_default() {
    let cluster = Cluster::shared().await;
    assert_eq!(cluster.anonymous(0).get("/system/ping").await.header("x-ratelimit-limit"), None);
}
