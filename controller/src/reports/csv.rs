//! A report as CSV (RFC 4180), so that a spreadsheet opens it as it is: UTF-8 with its mark, and no cell is a formula.

use super::{
    Gathered,
    words::{COLUMNS, Cell, said},
};
use crate::{http::Lang, logic::figures::Figures};

/// Without it Excel takes UTF-8 for something else, and Vietnamese with it.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// What each row is about, besides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Speaker,
    Area,
    Day,
}

/// One line each, and the total.
pub fn write(gathered: &Gathered, by: By, lang: Lang) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(MARK.to_vec());
    let first = match by {
        By::Speaker => said(lang, "Loa", "Speaker"),
        By::Area => said(lang, "Địa bàn", "Area"),
        By::Day => said(lang, "Ngày", "Day"),
    };
    let headings = COLUMNS.iter().map(|column| column.heading(lang));
    out.write_record(
        [first, said(lang, "Tên", "Name")]
            .into_iter()
            .chain(headings),
    )?;
    let mut line = |id: &str, name: &str, figures: &Figures| {
        let values = COLUMNS.iter().map(|column| text((column.value)(figures)));
        out.write_record([plain(id), plain(name)].into_iter().chain(values))
    };
    match by {
        By::Speaker => {
            for speaker in &gathered.speakers {
                line(speaker.id.as_str(), &speaker.name, &speaker.figures)?;
            }
        }
        By::Area => {
            for area in &gathered.areas {
                line(area.id.as_str(), &area.name, &area.figures)?;
            }
        }
        By::Day => {
            for (day, figures) in &gathered.days {
                line(
                    &day.to_string(),
                    &day.strftime("%d/%m/%Y").to_string(),
                    figures,
                )?;
            }
        }
    }
    line("", said(lang, "Tổng cộng", "Total"), &gathered.total)?;
    out.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

fn text(cell: Cell) -> String {
    match cell {
        Cell::Count(n) => n.to_string(),
        Cell::Share(_, 0) | Cell::Ms(None) => String::new(),
        Cell::Share(good, of) => format!("{:.2}", good as f64 * 100.0 / of as f64),
        Cell::Hours(h) => format!("{h:.2}"),
        Cell::Minutes(m) => format!("{m:.1}"),
        Cell::Ms(Some(ms)) => ms.to_string(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe in front.
fn plain(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_becomes_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(plain(bad), format!("'{bad}"));
        }
        assert_eq!(plain("Bản Chương 1"), "Bản Chương 1");
    }

    #[test]
    fn where_nothing_was_due_there_is_no_percentage() {
        assert_eq!(text(Cell::Share(0, 0)), "");
        assert_eq!(text(Cell::Share(1, 3)), "33.33");
    }
}
