//! What the app gets before anybody signs in. (Which bytes a browser gets of its files: beside `page`.)

use serde_json::json;

use super::{office, office_with, request, with};
use crate::config::Config;

#[tokio::test]
async fn the_app_knows_the_house_before_anybody_signs_in() {
    let mut config = Config::default();
    config.web.tiles = Some("https://tile.vn/{z}/{x}/{y}.png".into());
    config.web.tiles_attribution = Some("© ai đó".into());
    let office = office_with(config).await;
    let app = office.get("", "/api/v1/app").await.ok();
    assert_eq!(
        (&app["name"], &app["zone"], &app["set_up"]),
        (&json!("Loa"), &json!("Asia/Ho_Chi_Minh"), &json!(true))
    );
    assert_eq!(
        app["map"],
        json!({ "tiles": "https://tile.vn/{z}/{x}/{y}.png", "attribution": "© ai đó" })
    );
    assert_eq!(
        app["limits"],
        json!({ "upload_mb": 200, "max_audio_minutes": 120 })
    );
    let page = office.get("", "/").await;
    let policy = page.headers["content-security-policy"].to_str();
    assert!(policy.is_ok_and(|p| p.contains("https://tile.vn;")));
}

#[tokio::test]
async fn without_tiles_the_map_has_no_ground() {
    let office = office().await;
    let app = office.get("", "/api/v1/app").await.ok();
    assert_eq!(app["map"], json!({ "tiles": null, "attribution": "" }));
}

#[tokio::test]
async fn the_first_page_costs_a_304_when_it_is_known() {
    let office = office().await;
    let page = office.get("", "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["cache-control"], "no-cache");
    let tag = page.headers["etag"].to_str().expect("text");
    let again = with(request("GET", "", "/", None), "if-none-match", tag);
    let kept = office.send(again).await;
    assert_eq!(kept.status, 304);
    // A browser would put these in place of the page's own.
    for name in ["content-security-policy", "cache-control"] {
        let own = kept.headers.get(name);
        assert!(own.is_none() || own == page.headers.get(name), "{name}");
    }
    let nothing = office.get("", "/metric").await;
    assert_eq!(nothing.refusal(), (404, "no_such_route"));
    let posted = office.post("", "/", &json!({})).await;
    assert_eq!(posted.refusal(), (404, "no_such_route"));
}
