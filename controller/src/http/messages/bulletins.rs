//! Bulletins: what, where and when; their approval; and the library from which they are made.

macro_rules! bulletins {
    ($($before:tt)*) => { codes! { $($before)*
        // Bulletins.
        TitleInvalid 422 "title_invalid"
            "Tiêu đề phải có từ 1 đến {max} ký tự."
            "A title has 1 to {max} characters.";
        TargetsInvalid 422 "targets_invalid"
            "Hãy chọn từ 1 đến {max} nơi phát."
            "Choose 1 to {max} targets.";
        TargetInvalid 422 "target_invalid"
            "“{target}” không phải là nơi phát: hãy viết area.MÃ, group.MÃ hoặc speaker.MÃ."
            "“{target}” is no target: write area.ID, group.ID or speaker.ID.";
        TargetUnknown 422 "target_unknown"
            "Không có nơi phát “{target}”: hãy chọn lại."
            "There is no “{target}”: choose again.";
        AudioUnknown 422 "audio_unknown"
            "Không có âm thanh “{audio}”: hãy gửi tệp hoặc tạo giọng đọc trước."
            "There is no audio “{audio}”: upload or speak it first.";
        AudioGone 422 "audio_gone"
            "Tệp âm thanh “{audio}” không còn trên máy chủ: hãy gửi lại."
            "The sound of “{audio}” is no longer on the server: upload it again.";
        WhenInvalid 422 "when_invalid"
            "Hãy cho biết khi nào phát, bằng đúng một cách: \"now\": true, hoặc \"at\", hoặc \"rrule\" cùng \"start\"."
            "Say when in exactly one way: \"now\": true, or \"at\", or \"rrule\" with \"start\".";
        ScheduleStart 422 "schedule_start_invalid"
            "Giờ phát “{given}” không đúng: hãy viết như 2026-11-24T05:30, không kèm múi giờ."
            "“{given}” is no civil time: write it like 2026-11-24T05:30, without an offset.";
        ScheduleException 422 "schedule_exception_invalid"
            "Ngày nghỉ “{given}” không đúng: hãy viết ngày như 2026-12-01 hoặc giờ như 2026-12-01T05:30."
            "The exception “{given}” is neither a date (2026-12-01) nor a civil time (2026-12-01T05:30).";
        ScheduleExceptions 422 "schedule_too_many_exceptions"
            "Quá nhiều ngày nghỉ: nhiều nhất {most}."
            "Too many exceptions: at most {most}.";
        ScheduleRuleTooLong 422 "schedule_rule_too_long"
            "Quy tắc lặp quá dài: nhiều nhất {most} byte."
            "The rule is too long: at most {most} bytes.";
        ScheduleNoFrequency 422 "schedule_no_frequency"
            "Quy tắc lặp thiếu FREQ: hãy bắt đầu bằng FREQ=DAILY, WEEKLY, MONTHLY, YEARLY, HOURLY hoặc MINUTELY."
            "The rule lacks FREQ: begin with FREQ=DAILY, WEEKLY, MONTHLY, YEARLY, HOURLY or MINUTELY.";
        ScheduleTooOften 422 "schedule_too_often"
            "Không thể lặp theo giây: ngắn nhất là mỗi phút một lần."
            "No rule by the second: once a minute is the most.";
        ScheduleUnknownPart 422 "schedule_unknown_part"
            "Quy tắc lặp có phần không hiểu được: “{given}”. Hãy viết dạng TÊN=GIÁ TRỊ theo RFC 5545, cách nhau bằng dấu “;”."
            "The rule has a part that is none: “{given}”. Write NAME=VALUE by RFC 5545, divided by “;”.";
        ScheduleRepeatedPart 422 "schedule_repeated_part"
            "Quy tắc lặp có hai lần {part}: hãy gộp các giá trị bằng dấu “,”."
            "The rule has {part} twice: join its values with “,”.";
        ScheduleValue 422 "schedule_value_invalid"
            "Trong quy tắc lặp, {part} không nhận “{given}” (cho phép: {allowed})."
            "In the rule, {part} does not allow “{given}” (allowed: {allowed}).";
        ScheduleConflict 422 "schedule_conflict"
            "Trong quy tắc lặp, {part} không được đứng ở đây ({allowed})."
            "In the rule, {part} cannot stand here ({allowed}).";
        TimePast 422 "time_past"
            "Giờ phát {at} đã qua: hãy chọn giờ khác hoặc phát ngay."
            "{at} has passed: choose another time, or say it now.";
        NoOccurrence 422 "no_occurrence"
            "Lịch này không có lượt phát nào từ bây giờ trở đi: hãy xem lại quy tắc, ngày nghỉ và hạn phát."
            "This schedule has no occurrence from now on: look at its rule, exceptions and valid_until.";
        ValidUntilPast 422 "valid_until_past"
            "Hạn phát {at} đã qua."
            "valid_until {at} has passed.";
        RepeatInvalid 422 "repeat_invalid"
            "Số lần lặp phải từ 1 đến 100, cách nhau từ 0 đến 86400 giây."
            "Repeat 1 to 100 times, every 0 to 86400 seconds.";
        LatenessInvalid 422 "lateness_invalid"
            "Độ trễ cho phép phải từ 0 đến 86400 giây."
            "lateness_s goes from 0 to 86400.";
        MaxDurationInvalid 422 "max_duration_invalid"
            "Thời lượng tối đa phải từ 1 đến 14400 giây."
            "max_duration_s goes from 1 to 14400.";
        OrderInvalid 422 "order_invalid"
            "Thứ tự phải từ 0 đến 1000000."
            "order goes from 0 to 1000000.";
        ProgrammeFull 409 "programme_full"
            "Chương trình của {channel} đã đầy: hãy hủy bớt bản tin không còn cần."
            "The programme of {channel} is full: cancel bulletins that are no longer needed.";
        BulletinCancelled 409 "bulletin_cancelled"
            "Bản tin này đã bị hủy: hãy tạo bản tin mới."
            "This bulletin is cancelled: make a new one.";
        BulletinOver 409 "bulletin_over"
            "Bản tin này đã phát xong: hãy tạo bản tin mới."
            "This bulletin is over: make a new one.";
        BulletinChanged 409 "bulletin_changed"
            "Có người vừa sửa bản tin này: hãy tải lại rồi sửa tiếp."
            "Somebody else just changed this bulletin: read it again.";
        NowIsFixed 409 "now_is_fixed"
            "Bản tin phát ngay đã bắt đầu, không đổi giờ được: hãy tạo bản tin mới."
            "What was said now has begun; its time cannot be changed: make a new bulletin.";
        AlreadyDue 409 "already_due"
            "Lượt phát của ngày này đã đến giờ rồi và sẽ không phát lại khi đổi giờ: hãy tạo bản tin mới."
            "That day's occurrence was due already and is not said again at another time: make a new bulletin.";
        ApprovalStale 409 "approval_stale"
            "Bản tin đã được sửa sau khi bạn xem: hãy mở lại, nghe và đọc lại rồi mới duyệt."
            "The bulletin was edited after you looked at it: open it again, listen, and then decide.";
        ApprovalTooLate 409 "approval_too_late"
            "Đã quá hạn duyệt ({by}) nên bản tin này sẽ không phát: hãy tạo bản tin mới nếu vẫn cần."
            "It had to be approved by {by}, so it will not be said: make a new bulletin if it is still needed.";
        ApprovalOwn 403 "approval_own"
            "Không ai tự duyệt bản tin của chính mình: hãy nhờ người khác có quyền duyệt."
            "Nobody approves what he made himself: ask somebody else who may approve.";
        NotAwaiting 409 "not_awaiting"
            "Bản tin này không chờ duyệt: hãy tải lại danh sách."
            "This bulletin does not wait for approval: read the list again.";
        ReasonInvalid 422 "reason_invalid"
            "Hãy cho biết lý do trả lại, từ 1 đến {max} ký tự."
            "Say why it is sent back, in 1 to {max} characters.";
        OnAir 409 "on_air"
            "Bản tin đang phát, và sửa nó thì phải duyệt lại: hãy hủy rồi tạo bản tin mới."
            "It is on air, and a change of it would have to be approved anew: cancel it and make a new bulletin.";
        NotPausable 409 "not_pausable"
            "Chỉ tạm dừng được bản tin có lịch và đang chờ phát: bản tin phát ngay thì hãy hủy."
            "Only what is planned for later can be paused: cancel what is said now.";
        NotPaused 409 "not_paused"
            "Bản tin này không tạm dừng: hãy tải lại."
            "This bulletin is not paused: read it again.";
        NotAired 409 "not_aired"
            "Bản tin này chưa từng lên loa nên không cần đính chính: hãy hủy hoặc sửa nó."
            "This bulletin was never on air, so there is nothing to correct: cancel or change it.";
        DurationInvalid 422 "duration_invalid"
            "Thời lượng phải từ 0 đến {max} giây."
            "A duration goes from 0 to {max} seconds.";
        SkipHolidaysInvalid 422 "skip_holidays_invalid"
            "Chỉ lịch lặp lại mới bỏ qua ngày nghỉ được: hãy bỏ chọn “nghỉ ngày lễ” hoặc đặt lịch lặp."
            "Only what repeats by a rule can skip holidays: leave skip_holidays out, or give an rrule.";
        SupersededUnknown 422 "superseded_unknown"
            "Không có bản tin “{id}” để thay thế."
            "There is no bulletin “{id}” to supersede.";

        // The library.
        HolidayInvalid 422 "holiday_invalid"
            "Ngày nghỉ phải từ {from} đến {to}, ngày đầu không sau ngày cuối, mỗi lần nhiều nhất {most} ngày."
            "Holidays go from {from} to {to}, the first not after the last, at most {most} days at a time.";
        TemplateTextTooLong 422 "template_text_too_long"
            "Nội dung mẫu quá dài: nhiều nhất {max} ký tự."
            "The template's text is too long: at most {max} characters.";
        TooManyTemplates 409 "too_many_templates"
            "Đã có {most} bản mẫu: hãy xóa bớt những mẫu không còn dùng."
            "There are {most} templates already: delete those that are no longer used.";
    } };
}
