//! QR codes, as drawings that a page can show.

use qrcode::{QrCode, render::svg};

/// SVG, black on white; `None`: it is too much for a QR code (some 2,900 bytes).
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build();
    // A page takes the drawing alone.
    let start = drawn.find("<svg")?;
    Some(drawn[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_no_code() {
        assert!(svg("loa").is_some_and(|svg| svg.starts_with("<svg")));
        assert!(svg(&"x".repeat(4_000)).is_none());
    }
}
