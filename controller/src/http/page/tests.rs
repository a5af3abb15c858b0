//! What a browser is given of the app.

use super::*;

const fn asset(path: &'static str, kind: &'static str, plain: &'static [u8]) -> Asset {
    Asset {
        path,
        kind,
        hash: "abc",
        plain,
        brotli: None,
        gzip: None,
    }
}

static BUILT: &[Asset] = &[
    asset("/index.html", "text/html; charset=utf-8", b"the app"),
    Asset {
        brotli: Some(b"br"),
        gzip: Some(b"gz"),
        ..asset(
            "/assets/app-1a2b.js",
            "text/javascript; charset=utf-8",
            b"plain",
        )
    },
    asset("/sw.js", "text/javascript; charset=utf-8", b"worker"),
];

fn ask(path: &str, headers: &[(&'static str, &str)]) -> Response {
    let web = WebConfig {
        tiles: Some("https://{s}.tile.vn/{z}/{x}/{y}.png".into()),
        ..WebConfig::default()
    };
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    Site::of(BUILT, &web).serve(&request)
}

fn sent(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).map(|v| v.to_str());
    value.and_then(Result::ok).unwrap_or_default().to_owned()
}

async fn body(response: Response) -> Vec<u8> {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    bytes.expect("a body").to_vec()
}

#[tokio::test]
async fn a_phone_gets_the_smallest_form_it_reads() {
    for (accepted, encoding, bytes) in [
        ("gzip, deflate, br", "br", &b"br"[..]),
        ("gzip", "gzip", b"gz"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gz"),
        ("identity", "", b"plain"),
        ("", "", b"plain"),
    ] {
        let answer = ask("/assets/app-1a2b.js", &[("accept-encoding", accepted)]);
        assert_eq!(sent(&answer, "content-encoding"), encoding, "{accepted}");
        assert_eq!(sent(&answer, "vary"), "accept-encoding");
        assert_eq!(
            sent(&answer, "content-length"),
            bytes.len().to_string(),
            "{accepted}"
        );
        assert_eq!(body(answer).await, bytes, "{accepted}");
    }
}

#[tokio::test]
async fn what_has_not_changed_does_not_cross_the_line_again() {
    let first = ask("/sw.js", &[]);
    let tag = sent(&first, "etag");
    assert_eq!(sent(&first, "cache-control"), "no-cache");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
        let again = ask("/sw.js", &[("if-none-match", &known)]);
        assert_eq!(again.status(), 304, "{known}");
        assert_eq!(sent(&again, "etag"), tag);
        assert!(body(again).await.is_empty());
    }
    assert_eq!(ask("/sw.js", &[("if-none-match", "\"old\"")]).status(), 200);
    // Each form has its own tag: a proxy must not take one for the other.
    let packed = ask("/assets/app-1a2b.js", &[("accept-encoding", "br")]);
    let plain = ask("/assets/app-1a2b.js", &[]);
    assert_ne!(sent(&packed, "etag"), sent(&plain, "etag"));
    assert_eq!(
        sent(&plain, "cache-control"),
        "public, max-age=31536000, immutable"
    );
}

#[tokio::test]
async fn a_page_is_the_app_and_a_file_that_is_not_there_is_not() {
    for path in ["/", "/setup?token=x"] {
        assert_eq!(body(ask(path, &[])).await, b"the app", "{path}");
    }
    let opened = [("accept", "text/html,application/xhtml+xml")];
    assert_eq!(body(ask("/bulletins", &opened)).await, b"the app");
    for (path, headers) in [
        ("/metrics", &[][..]),
        ("/assets/gone.js", &opened),
        ("/api/v2/things", &opened),
        ("/../etc/passwd", &[]),
    ] {
        assert_eq!(ask(path, headers).status(), 404, "{path}");
    }
}

#[test]
fn the_app_may_load_nothing_but_itself_and_the_map() {
    let page = ask("/", &[]);
    let policy = sent(&page, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "));
    assert!(policy.contains("img-src 'self' data: blob: https://*.tile.vn;"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(
        sent(&page, "permissions-policy"),
        "microphone=(self), geolocation=(self)"
    );
    let bare = Site::of(BUILT, &WebConfig::default());
    assert!(bare.policy.to_str().is_ok_and(|p| p.contains("blob:;")));
}

#[test]
fn the_program_has_an_app_or_says_how_to_get_one() {
    let index = ASSETS.iter().find(|asset| asset.path == "/index.html");
    assert!(index.is_some_and(|asset| asset.kind.starts_with("text/html")));
    for asset in ASSETS
        .iter()
        .filter(|asset| asset.kind.starts_with("text/html"))
    {
        let html = String::from_utf8_lossy(asset.plain);
        assert!(
            !html.contains("<style") && !html.contains("<script>"),
            "{}",
            asset.path
        );
    }
}

#[test]
fn a_program_without_the_app_knows_it() {
    let stands_in = ASSETS.iter().any(|asset| asset.path == "/plain.css");
    assert_eq!(IS_BUILT, !stands_in);
}
