//! A name for topics and addresses out of a Vietnamese one: "Bản Chương" becomes `ban-chuong`.

use loa_protocol::id::MAX_ID_BYTES;
use sqlx::SqliteConnection;

use super::{Result, StoreError};

/// Room for `-999` behind a name that is taken.
const LONGEST: usize = MAX_ID_BYTES - 4;
/// So much of a text is searched.
const LONGEST_FOLDED: usize = 4_000;

/// Lower case, without diacritics, everything else a hyphen. Empty when nothing of the name is left.
pub fn slug(name: &str) -> String {
    plain_words(name, '-', LONGEST)
}

/// For searching as people type on a phone: "Họp xóm!" becomes `hop xom`.
pub fn fold(text: &str) -> String {
    plain_words(text, ' ', LONGEST_FOLDED)
}

fn plain_words(text: &str, between: char, longest: usize) -> String {
    let mut words = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        // Marks of decomposed text (U+0300 to U+036F) go with their letter.
        if ('\u{300}'..='\u{36f}').contains(&letter) {
            continue;
        }
        let plain = plain(letter);
        if plain.is_ascii_alphanumeric() {
            words.push(plain);
        } else if !words.is_empty() && !words.ends_with(between) {
            words.push(between);
        }
        if words.len() >= longest {
            break;
        }
    }
    words.trim_end_matches(between).to_owned()
}

/// A name that nothing of its kind has yet: the slug of `name`, or that with `-2`, `-3` … behind it.
/// `taken` asks the database whether `$1` is one already; `what` stands in for a name of which nothing is left.
pub(super) async fn free_name(
    db: &mut SqliteConnection,
    what: &'static str,
    name: &str,
    taken: &'static str,
) -> Result<String> {
    let base = match slug(name) {
        empty if empty.is_empty() => what.to_owned(),
        base => base,
    };
    for n in 1..1_000 {
        let candidate = match n {
            1 => base.clone(),
            _ => format!("{base}-{n}"),
        };
        let row: Option<i64> = sqlx::query_scalar(taken)
            .bind(&candidate)
            .fetch_optional(&mut *db)
            .await?;
        if row.is_none() {
            return Ok(candidate);
        }
    }
    Err(StoreError::Taken { what, id: base })
}

/// The base letter of a lower-case Vietnamese one.
fn plain(letter: char) -> char {
    match letter {
        'à' | 'á' | 'ả' | 'ã' | 'ạ' | 'ă' | 'ằ' | 'ắ' | 'ẳ' | 'ẵ' | 'ặ' | 'â' | 'ầ' | 'ấ' | 'ẩ'
        | 'ẫ' | 'ậ' => 'a',
        'đ' | 'ð' => 'd',
        'è' | 'é' | 'ẻ' | 'ẽ' | 'ẹ' | 'ê' | 'ề' | 'ế' | 'ể' | 'ễ' | 'ệ' => 'e',
        'ì' | 'í' | 'ỉ' | 'ĩ' | 'ị' => 'i',
        'ò' | 'ó' | 'ỏ' | 'õ' | 'ọ' | 'ô' | 'ồ' | 'ố' | 'ổ' | 'ỗ' | 'ộ' | 'ơ' | 'ờ' | 'ớ' | 'ở'
        | 'ỡ' | 'ợ' => 'o',
        'ù' | 'ú' | 'ủ' | 'ũ' | 'ụ' | 'ư' | 'ừ' | 'ứ' | 'ử' | 'ữ' | 'ự' => 'u',
        'ỳ' | 'ý' | 'ỷ' | 'ỹ' | 'ỵ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vietnamese_name_becomes_a_plain_one() {
        for (name, plain) in [
            ("Võ Nhai", "vo-nhai"),
            ("Sảng Mộc", "sang-moc"),
            ("Bản Chương 1", "ban-chuong-1"),
            ("Khuổi Mèo", "khuoi-meo"),
            ("ĐẮK LẮK – xã 7", "dak-lak-xa-7"),
            // The same, decomposed.
            ("Ba\u{309}n Chu\u{31b}o\u{31b}ng", "ban-chuong"),
            ("  ?! ", ""),
        ] {
            assert_eq!(slug(name), plain, "{name}");
        }
        assert!(slug(&"ệ".repeat(200)).len() <= LONGEST);
        assert_eq!(fold("Họp xóm, 7h30: ĐẠI hội"), "hop xom 7h30 dai hoi");
    }
}
