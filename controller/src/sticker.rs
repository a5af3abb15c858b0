//! A sticker for a new board, to print and to throw away afterwards: A6, in Vietnamese, with the square to scan. A page
//! without scripts, and without anything from elsewhere.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::{pki::Enrolment, qr, store::Speaker};

const STYLE: &str = "@page{size:105mm 148mm;margin:6mm}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:93mm;color:#000;background:#fff;font:11pt/1.35 system-ui,sans-serif}\
h1{font-size:16pt;line-height:1.15;margin:0}\
p{margin:1mm 0}\
.place{font-size:10pt}\
.square svg{display:block;width:52mm;height:52mm;margin:2mm auto}\
.code{font:700 17pt/1.2 ui-monospace,monospace;text-align:center;letter-spacing:.04em}\
ol{margin:2mm 0 0;padding-left:6mm}\
li{margin:0 0 1mm}\
.small{font-size:8pt;overflow-wrap:anywhere}";

/// What a browser may do with the page: show it.
pub fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// `areas`: the names of its area and those above, from the nearest. `None` when the address is too long for a square.
pub fn page(speaker: &Speaker, areas: &[String], enrolment: &Enrolment) -> Option<String> {
    let text = enrolment.text();
    let square = qr::svg(&text)?;
    let expires = enrolment.expires.timestamp();
    let until = match expires.in_tz(&speaker.zone) {
        Ok(here) => here.strftime("%H:%M ngày %d/%m/%Y").to_string(),
        Err(_) => expires.to_string(),
    };
    let (name, id) = (escape(&speaker.name), escape(speaker.id.as_str()));
    let place = escape(&areas.join(", "));
    let (code, text) = (&enrolment.code, escape(&text));
    let mut page = String::with_capacity(square.len() + 4_000);
    // Writing to memory does not fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Tem nhận loa: {name}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n\
         <p class=\"place\">{place} · mã loa <b>{id}</b></p>\n\
         <div class=\"square\">{square}</div>\n<p class=\"code\">{code}</p>\n<ol>\n\
         <li>Cấp điện và nối mạng cho bo mạch trên cột.</li>\n\
         <li>Trên bo mạch, gõ <b>loa-agent enrol -</b> rồi quét hình vuông này bằng máy quét, hoặc chép dòng chữ nhỏ bên dưới.</li>\n\
         <li>Mở ứng dụng Loa: khi loa này báo “trực tuyến” là xong. Hãy hủy tem.</li>\n</ol>\n\
         <p>Dùng được một lần, đến <b>{until}</b>. Ai có tem này đều nhận được loa: đừng để lộ.</p>\n\
         <p class=\"small\">{text}</p>\n</body>\n</html>\n"
    );
    Some(page)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
