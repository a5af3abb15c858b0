//! Alerts, repairs and the watch over the poles, and how much of it one may read at once.

macro_rules! watch {
    ($($before:tt)*) => { codes! { $($before)*
        // Alerts and repairs.
        RuleTaken 409 "rule_taken"
            "Địa bàn này đã có quy tắc loại đó: hãy sửa quy tắc đang có."
            "This area has a rule of that kind already: change that one.";
        RuleKindInvalid 422 "rule_kind_invalid"
            "Cảnh báo theo trạm phát sóng đi theo quy tắc “offline”: hãy sửa quy tắc đó."
            "An alert of a mast follows the rule for “offline”: change that one.";
        RuleSecondsInvalid 422 "rule_seconds_invalid"
            "“{name}” phải từ {from} đến {to} giây."
            "“{name}” goes from {from} to {to} seconds.";
        RuleLimitInvalid 422 "rule_limit_invalid"
            "Ngưỡng của loại cảnh báo này phải từ {from} đến {to}."
            "The limit of this kind goes from {from} to {to}.";
        RuleNoLimit 422 "rule_no_limit"
            "Loại cảnh báo này không có ngưỡng: hãy bỏ trống."
            "This kind has no limit: leave it out.";
        AddressInvalid 422 "address_invalid"
            "“{given}” không nhận tin được: hãy ghi địa chỉ e-mail, địa chỉ web bắt đầu bằng https://, hoặc số nhóm Telegram."
            "“{given}” can reach nobody: give a mail address, a URL that begins with https://, or the number of a Telegram chat.";
        TooManyAddresses 422 "too_many_addresses"
            "Nhiều nhất {max} địa chỉ cho mỗi quy tắc."
            "A rule has at most {max} addresses.";
        TooMany 409 "too_many"
            "Đã có {most} mục: hãy đóng hoặc xóa bớt những mục không còn cần."
            "There are {most} of them already: close or delete some that are no longer needed.";
        NoteInvalid 422 "note_invalid"
            "“{name}” phải từ {min} đến {max} ký tự."
            "“{name}” has {min} to {max} characters.";
        StateInvalid 422 "state_invalid"
            "“state” chỉ nhận: {allowed}."
            "“state” is one of: {allowed}.";
        AlertUnknown 422 "alert_unknown"
            "Không có cảnh báo “{id}” của loa này."
            "There is no alert “{id}” of this speaker.";

        // The watch.
        SelfTestTimeQuiet 422 "self_test_in_quiet_hours"
            "Giờ tự kiểm tra {given} nằm trong giờ yên lặng của loa: hãy chọn giờ khác, ví dụ 11:45."
            "The self-test at {given} falls into the speaker's quiet hours: choose another time, such as 11:45.";
        LimitsInvalid 422 "limits_invalid"
            "Giới hạn “{name}” của loa phải từ {from} đến {to}; để trống nếu không giới hạn."
            "The speaker's limit “{name}” goes from {from} to {to}; leave it out for no limit.";
        DataPlanInvalid 422 "data_plan_invalid"
            "Gói dữ liệu phải từ 1 đến {most} MB mỗi tháng."
            "A data plan has 1 to {most} MB a month.";
        CellInvalid 422 "cell_invalid"
            "Tên trạm phát sóng phải có từ 1 đến {max} ký tự."
            "A mast's name has 1 to {max} characters.";
        SpanInvalid 422 "span_invalid"
            "Khoảng thời gian không đúng: “from” phải trước “to” và dài nhất {days} ngày."
            "The span of time is wrong: “from” comes before “to”, at most {days} days.";
        CalendarTarget 422 "calendar_target_invalid"
            "Hãy chọn đúng một loa hoặc một địa bàn cho lịch."
            "Choose exactly one speaker or one area for the calendar.";
        TooManyCalendars 409 "too_many_calendars"
            "Bạn đã có {most} đường dẫn lịch: hãy xóa bớt những đường dẫn không còn dùng."
            "You have {most} calendar addresses already: delete those that are no longer used.";
        CalendarGone 404 "calendar_gone"
            "Đường dẫn lịch này không còn dùng được: hãy tạo đường dẫn mới trong ứng dụng Loa."
            "This calendar address is not valid any more: make a new one in Loa's app.";
        TooManyReads 429 "too_many_reads"
            "Quá nhiều lần thử: hãy đợi {wait_s} giây."
            "Too many tries: wait {wait_s} seconds.";
        TooManyWatching 429 "too_many_watching"
            "Tài khoản này đang mở Loa ở {most} nơi: hãy đóng bớt trang hoặc đăng xuất ở máy khác."
            "This account watches from {most} places already: close some pages, or sign out elsewhere.";
        MetricsClosed 403 "metrics_closed"
            "Trang số liệu chỉ mở cho máy chủ này: hãy đặt [metrics] token_file trong cấu hình và gửi kèm mã đó."
            "The metrics are open to this machine only: set [metrics] token_file in the configuration and send that token.";
    } };
}
