//! The licence that clients ask about: everything is on, for everybody.

use serde_json::json;
use testkit::Cluster;

#[tokio::test]
async fn every_feature_is_licensed() {
    let cluster = Cluster::shared().await;
    let (admin, anonymous) = (cluster.admin().await, cluster.anonymous(1));
    let answer = anonymous.get("/license/client?format=old").await;
    let etag = answer.header("etag").expect("an ETag").to_owned();
    let map = answer.expect(200);
    for feature in ["IsLicensed", "LDAP", "SAML", "MFA", "Cluster", "Compliance", "DataRetention", "CustomBrand"] {
        assert_eq!(map[feature], "true", "{feature}");
    }
    assert!(map.get("Id").is_none(), "only administrators see whose it is");
    assert!(admin.get("/license/client?format=old").await.expect(200)["Id"].is_string());

    let again = anonymous.request(http::Method::GET, "/license/client?format=old").header("if-none-match", &etag);
    let again = anonymous.send(again).await;
    assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, Some(etag.as_str())));
    anonymous.get("/license/client").await.refused(501, "api.license.client.old_format.app_error");
    anonymous.get("/license/client?format=new").await.refused(400, "api.context.invalid_url_param.app_error");
}

#[tokio::test]
async fn there_is_nothing_to_install() {
    let cluster = Cluster::shared().await;
    let (admin, user) = (cluster.admin().await, cluster.person("buyer").await);
    let form = "--x\r\nContent-Disposition: form-data; name=\"license\"; filename=\"l\"\r\n\r\nsigned\r\n--x--\r\n";
    let add = |client: &testkit::Client, form: &str| {
        let request = client.request(http::Method::POST, "/license").header("content-type", "multipart/form-data; boundary=x");
        (client.clone(), request.body(form.to_owned()))
    };
    let (client, request) = add(&admin, form);
    client.send(request).await.refused(400, "api.license.add_license.invalid.app_error");
    let (client, request) = add(&admin, &form.replace("\"license\"", "\"other\""));
    client.send(request).await.refused(400, "api.license.add_license.no_file.app_error");
    admin.post("/license", json!({})).await.refused(400, "api.license.add_license.no_file.app_error");
    let (client, request) = add(&user, form);
    client.send(request).await.refused(403, "api.context.permissions.app_error");
    assert_eq!(admin.delete("/license").await.expect(200), json!({"status": "OK"}));
    user.delete("/license").await.refused(403, "api.context.permissions.app_error");
    cluster.anonymous(0).delete("/license").await.refused(401, "api.context.session_expired.app_error");
}
