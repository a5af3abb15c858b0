//! The columns of a report on paper, and its words in Vietnamese and English.

use crate::{
    http::Lang,
    logic::{figures::Figures, outages::Cause},
};

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    Count(u64),
    /// Of good and of all; empty where there is nothing.
    Share(u64, u64),
    Hours(f64),
    Minutes(f64),
    Ms(Option<u32>),
}

pub struct Column {
    vi: &'static str,
    en: &'static str,
    pub value: fn(&Figures) -> Cell,
}

impl Column {
    pub fn heading(&self, lang: Lang) -> &'static str {
        said(lang, self.vi, self.en)
    }
}

pub fn said<'a>(lang: Lang, vi: &'a str, en: &'a str) -> &'a str {
    match lang {
        Lang::Vi => vi,
        Lang::En => en,
    }
}

macro_rules! columns {
    ($($vi:literal $en:literal $value:expr;)*) => {
        /// Every figure, in the order in which they are read.
        pub const COLUMNS: &[Column] = &[$(Column { vi: $vi, en: $en, value: $value },)*];
    };
}

columns! {
    "Số loa" "Speakers" |f| Cell::Count(f.speakers);
    "Kết nối (%)" "Connected (%)" |f| Cell::Share(secs(f.line.connected_us), secs(f.line.measured_us));
    "Số lần mất kết nối" "Outages" |f| Cell::Count(f.line.outages);
    "Mất kết nối (giờ)" "Without connection (h)" |f| hours(f.line.measured_us - f.line.connected_us);
    "Không đo được (giờ)" "Not measured (h)" |f| hours(f.line.unmeasured_us);
    "Lượt phải phát" "Due" |f| Cell::Count(f.counts.due);
    "Nghe được (%)" "Audible (%)" |f| Cell::Share(f.counts.heard + f.counts.unverified, f.counts.due);
    "Phát trọn" "Completed" |f| Cell::Count(f.counts.completed);
    "Đã nghe thấy" "Heard" |f| Cell::Count(f.counts.heard);
    "Không nghe thấy" "Not heard" |f| Cell::Count(f.counts.not_heard);
    "Chưa kiểm chứng" "Unverified" |f| Cell::Count(f.counts.unverified);
    "Trễ" "Late" |f| Cell::Count(f.counts.late);
    "Lỡ lượt" "Missed" |f| Cell::Count(f.counts.missed);
    "Bỏ lượt" "Skipped" |f| Cell::Count(f.counts.skipped);
    "Bị ngắt" "Interrupted" |f| Cell::Count(f.counts.interrupted);
    "Nhường bản tin khác" "Gave way" |f| Cell::Count(f.counts.pre_empted);
    "Gặp lỗi" "Failed" |f| Cell::Count(f.counts.failed);
    "Loa chưa báo" "Not reported" |f| Cell::Count(f.counts.unreported);
    "Khẩn cấp" "Emergencies" |f| Cell::Count(f.counts.emergencies);
    "Phút phải phát" "Minutes due" |f| minutes(f.counts.due_ms);
    "Phút đã phát" "Minutes sounded" |f| minutes(f.counts.sounded_ms);
    "Lệch giờ (ms)" "Start error (ms)" |f| Cell::Ms(f.counts.error_p95_ms());
}

fn secs(us: i64) -> u64 {
    u64::try_from(us / 1_000_000).unwrap_or(0)
}

fn hours(us: i64) -> Cell {
    Cell::Hours(us as f64 / 3_600e6)
}

fn minutes(ms: u64) -> Cell {
    Cell::Minutes(ms as f64 / 60_000.0)
}

pub fn cause(lang: Lang, cause: Cause) -> &'static str {
    let (vi, en) = match cause {
        Cause::Unknown => ("chưa rõ", "not known"),
        Cause::Power => ("mất điện", "no power"),
        Cause::Network => ("mất mạng tại loa", "no network at the speaker"),
        Cause::Route => ("không tới được máy chủ", "office not reached"),
        Cause::Mast => ("trạm phát sóng", "mast"),
        Cause::Agent => ("chương trình trên loa", "the speaker's program"),
        Cause::Stopped => ("có người tắt hoặc khởi động lại", "stopped or restarted"),
        Cause::Office => ("máy chủ ngừng", "the office was away"),
    };
    said(lang, vi, en)
}

/// An outcome and, where there is one, its reason.
pub fn outcome(lang: Lang, outcome: &str, reason: &str) -> String {
    let word = |code: &str| {
        let (vi, en) = match code {
            "missed" => ("lỡ lượt", "missed"),
            "skipped" => ("bỏ lượt", "skipped"),
            "failed" => ("gặp lỗi", "failed"),
            "interrupted" => ("bị ngắt", "interrupted"),
            "pre_empted" => ("nhường bản tin khác", "gave way"),
            "completed" => ("phát trọn", "completed"),
            "unreported" => ("loa chưa báo", "not reported"),
            "not_heard" => ("micro không nghe thấy", "the microphone did not hear it"),
            "quiet_hours" => ("đang giờ yên lặng", "quiet hours"),
            "muted" => ("đang tắt tiếng", "muted"),
            "off" => ("loa mất điện", "no power"),
            "power_cut" => ("mất điện giữa chừng", "power cut"),
            "stopped" => ("bị dừng", "stopped"),
            "cancelled" => ("đã hủy", "cancelled"),
            "no_content" => ("chưa nhận đủ âm thanh", "audio not complete"),
            "limit" => ("quá giới hạn của loa", "over the speaker's limits"),
            "distrusted" => ("không còn được tin cậy", "not trusted any more"),
            "max_duration" => ("quá dài nên bị ngắt", "too long, cut"),
            "clock_untrusted" => ("loa chưa đúng giờ", "clock not set"),
            "arrived_late" => ("nhận được quá muộn", "arrived too late"),
            "decode" => ("tệp âm thanh hỏng", "audio damaged"),
            "output" => ("đường ra loa gặp lỗi", "output failed"),
            "ledger" => ("loa không ghi được sổ", "ledger not written"),
            "busy" => ("loa bận", "busy"),
            "heard_live" => ("đã nghe trực tiếp", "heard live"),
            "starved" => (
                "sóng quá yếu để nghe trực tiếp",
                "the line was too weak for live sound",
            ),
            "no_stream" => (
                "không nhận được tiếng trực tiếp",
                "nothing of the live sound came",
            ),
            other => return other.to_owned(),
        };
        said(lang, vi, en).to_owned()
    };
    match reason {
        "" => word(outcome),
        reason => format!("{}: {}", word(outcome), word(reason)),
    }
}
