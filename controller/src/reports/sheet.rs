//! The month's report as a spreadsheet: what is signed on the first sheet, areas and speakers on their own.

use jiff::tz::TimeZone;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::{
    Gathered,
    view::Heading,
    words::{COLUMNS, Cell, cause, outcome, said},
};
use crate::{http::Lang, logic::figures::Figures};

/// The column widths of names and of figures, in characters.
const NAMES: f64 = 28.0;
const FIGURES: f64 = 12.0;

struct Formats {
    title: Format,
    heading: Format,
    text: Format,
    bold: Format,
    whole: Format,
    percent: Format,
    tenths: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_border(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(14),
            heading: cell()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Center)
                .set_align(FormatAlign::VerticalCenter)
                .set_background_color(0x00E8_EEF4_u32),
            text: cell(),
            bold: cell().set_bold(),
            whole: cell().set_num_format("#,##0"),
            percent: cell().set_num_format("0.00%"),
            tenths: cell().set_num_format("#,##0.0"),
        }
    }
}

/// The bytes of an .xlsx file, the same for the same report.
pub fn write(heading: &Heading, gathered: &Gathered, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(heading.made.as_micros() / 1_000_000)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    summary(book.add_worksheet(), heading, gathered, lang, &formats)?;
    let areas = gathered
        .areas
        .iter()
        .map(|area| ([area.id.as_str(), area.name.as_str()], &area.figures));
    let sheet = book.add_worksheet();
    sheet.set_name(said(lang, "Địa bàn", "Areas"))?;
    table(sheet, areas, &gathered.total, lang, &formats)?;
    let speakers = gathered
        .speakers
        .iter()
        .map(|one| ([one.id.as_str(), one.name.as_str()], &one.figures));
    let sheet = book.add_worksheet();
    sheet.set_name(said(lang, "Loa", "Speakers"))?;
    table(sheet, speakers, &gathered.total, lang, &formats)?;
    book.save_to_buffer()
}

fn summary(
    sheet: &mut Worksheet,
    heading: &Heading,
    gathered: &Gathered,
    lang: Lang,
    formats: &Formats,
) -> Result<(), XlsxError> {
    sheet.set_name(said(lang, "Tổng hợp", "Summary"))?;
    sheet.set_column_width(0, 36)?.set_column_width(1, 14)?;
    sheet.set_column_width(2, 14)?.set_paper_size(9);
    sheet.set_print_fit_to_pages(1, 0);
    let title = said(
        lang,
        "BÁO CÁO THÁNG HỆ THỐNG TRUYỀN THANH",
        "MONTHLY REPORT OF THE LOUDSPEAKERS",
    );
    sheet.write_string_with_format(0, 0, title, &formats.title)?;
    let area = match &heading.area {
        Some((_, name)) => name.as_str(),
        None => said(lang, "Toàn hệ thống", "The whole office"),
    };
    let zone = TimeZone::get(&heading.zone).unwrap_or(TimeZone::UTC);
    let made = zone.to_datetime(heading.made.timestamp());
    let made = made.strftime("%H:%M %d/%m/%Y").to_string();
    let month = match heading.complete {
        true => heading.month.clone(),
        false => format!(
            "{} ({})",
            heading.month,
            said(lang, "chưa hết tháng", "not over yet")
        ),
    };
    for (row, (name, value)) in (1..).zip([
        (said(lang, "Địa bàn", "Area"), area),
        (said(lang, "Tháng", "Month"), month.as_str()),
        (said(lang, "Lập lúc", "Made"), made.as_str()),
    ]) {
        sheet
            .write_string(row, 0, name)?
            .write_string(row, 1, value)?;
    }
    let mut row = 5;
    for column in COLUMNS {
        sheet.write_string_with_format(row, 0, column.heading(lang), &formats.text)?;
        write_cell(sheet, row, 1, (column.value)(&gathered.total), formats)?;
        row += 1;
    }
    row += 1;
    let heads = [
        said(lang, "Lý do", "Reason"),
        said(lang, "Số lượt", "Times"),
    ];
    head(sheet, row, &heads, formats)?;
    for ((word, reason), n) in &gathered.reasons {
        row += 1;
        sheet.write_string_with_format(row, 0, outcome(lang, word, reason), &formats.text)?;
        write_cell(sheet, row, 1, Cell::Count(*n), formats)?;
    }
    row += 2;
    let heads = [
        said(lang, "Nguyên nhân mất kết nối", "Cause of outages"),
        said(lang, "Số lần", "Times"),
        said(lang, "Giờ", "Hours"),
    ];
    head(sheet, row, &heads, formats)?;
    for (why, (n, us)) in &gathered.total.line.causes {
        row += 1;
        sheet.write_string_with_format(row, 0, cause(lang, *why), &formats.text)?;
        write_cell(sheet, row, 1, Cell::Count(*n), formats)?;
        write_cell(sheet, row, 2, Cell::Hours(*us as f64 / 3_600e6), formats)?;
    }
    row += 2;
    let repaired = &gathered.repaired;
    for (name, n) in [
        (
            said(lang, "Sự cố mất kết nối", "Outage events"),
            gathered.outage_events as u64,
        ),
        (
            said(lang, "Phiếu sửa mới", "Repairs opened"),
            repaired.opened,
        ),
        (said(lang, "Đã sửa xong", "Repairs closed"), repaired.closed),
    ] {
        sheet.write_string_with_format(row, 0, name, &formats.text)?;
        write_cell(sheet, row, 1, Cell::Count(n), formats)?;
        row += 1;
    }
    let took = repaired.median_s.map_or(0.0, |s| s as f64 / 3_600.0);
    let name = said(
        lang,
        "Thời gian sửa (giờ, trung vị)",
        "Time to repair (h, median)",
    );
    sheet.write_string_with_format(row, 0, name, &formats.text)?;
    match repaired.median_s {
        Some(_) => write_cell(sheet, row, 1, Cell::Hours(took), formats)?,
        None => write_cell(sheet, row, 1, Cell::Ms(None), formats)?,
    }
    row += 3;
    sheet.write_string(row, 0, said(lang, "Người lập", "Made by"))?;
    sheet.write_string(
        row,
        1,
        said(lang, "Thủ trưởng đơn vị", "Head of the office"),
    )?;
    sheet.write_string(
        row + 1,
        0,
        said(lang, "(ký, ghi rõ họ tên)", "(signature and name)"),
    )?;
    sheet.write_string(
        row + 1,
        1,
        said(lang, "(ký tên, đóng dấu)", "(signature and seal)"),
    )?;
    sheet.write_string(row + 5, 0, "……………………………")?;
    sheet.write_string(row + 5, 1, "……………………………")?;
    Ok(())
}

fn head(
    sheet: &mut Worksheet,
    row: u32,
    words: &[&str],
    formats: &Formats,
) -> Result<(), XlsxError> {
    for (column, word) in (0..).zip(words) {
        sheet.write_string_with_format(row, column, *word, &formats.heading)?;
    }
    Ok(())
}

/// Headings that stay in sight, a line each, and the total.
fn table<'a>(
    sheet: &mut Worksheet,
    rows: impl Iterator<Item = ([&'a str; 2], &'a Figures)>,
    total: &Figures,
    lang: Lang,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let mut words = vec![said(lang, "Mã", "Id"), said(lang, "Tên", "Name")];
    words.extend(COLUMNS.iter().map(|column| column.heading(lang)));
    sheet.set_row_height(0, 48)?.set_freeze_panes(1, 2)?;
    sheet.set_landscape().set_paper_size(9);
    sheet.set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    head(sheet, 0, &words, formats)?;
    let mut row = 1;
    for (names, figures) in rows {
        line(sheet, row, names, figures, &formats.text, formats)?;
        row += 1;
    }
    let names = ["", said(lang, "Tổng cộng", "Total")];
    line(sheet, row, names, total, &formats.bold, formats)?;
    for column in 0..2 {
        sheet.set_column_width(column, NAMES)?;
    }
    for (column, _) in (2..).zip(COLUMNS) {
        sheet.set_column_width(column, FIGURES)?;
    }
    Ok(())
}

fn line(
    sheet: &mut Worksheet,
    row: u32,
    names: [&str; 2],
    figures: &Figures,
    format: &Format,
    formats: &Formats,
) -> Result<(), XlsxError> {
    // A text is written as a text: no name is a formula.
    sheet.write_string_with_format(row, 0, names[0], format)?;
    sheet.write_string_with_format(row, 1, names[1], format)?;
    for (at, column) in (2..).zip(COLUMNS) {
        write_cell(sheet, row, at, (column.value)(figures), formats)?;
    }
    Ok(())
}

fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Count(n) => sheet.write_number_with_format(row, column, n as f64, &formats.whole)?,
        Cell::Share(_, 0) | Cell::Ms(None) => sheet.write_blank(row, column, &formats.text)?,
        Cell::Share(good, of) => {
            let share = good as f64 / of as f64;
            sheet.write_number_with_format(row, column, share, &formats.percent)?
        }
        Cell::Hours(n) | Cell::Minutes(n) => {
            sheet.write_number_with_format(row, column, n, &formats.tenths)?
        }
        Cell::Ms(Some(ms)) => {
            sheet.write_number_with_format(row, column, f64::from(ms), &formats.whole)?
        }
    };
    Ok(())
}
