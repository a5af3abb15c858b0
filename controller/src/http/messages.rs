//! Every refusal and warning of the API: its code (for programs, never translated), its HTTP status, and its text in
//! Vietnamese and English, which says what is wrong and what to do. `{name}` is filled in.

/// The languages of the API's texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Vietnamese, unless English is asked for.
    #[default]
    Vi,
    En,
}

impl Lang {
    /// The first language of an `Accept-Language` header (RFC 9110, 12.5.4) that we have, by its order or weights.
    pub fn of(header: &str) -> Lang {
        let mut best = (Lang::Vi, 0.0);
        for part in header.split(',').take(20) {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = match weight.trim().strip_prefix("q=") {
                Some(q) => q.trim().parse::<f32>().unwrap_or(0.0),
                None => 1.0,
            };
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let lang = match primary.to_ascii_lowercase().as_str() {
                "vi" => Lang::Vi,
                "en" => Lang::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }
}

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $vi:literal $en:literal;)*) => {
        /// What the API can refuse, or warn of (those have status 200).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($name,)* }

        impl Code {
            #[cfg(test)]
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// Stable: programs may compare it.
            pub fn word(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }
            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
            /// With its places still open.
            pub fn template(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Code::$name, Lang::Vi) => $vi, (Code::$name, Lang::En) => $en,)*
                }
            }
        }
    };
}

impl Code {
    /// The text with `values` in its places.
    pub fn text(self, lang: Lang, values: &[(&'static str, String)]) -> String {
        let mut text = String::new();
        let mut rest = self.template(lang);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                // What somebody sent is shown, but not all of it.
                text.extend(value.chars().take(400));
            }
            rest = after;
        }
        text + rest
    }
}

codes! {
    // Asking.
    BadRequest 400 "bad_request"
        "Yêu cầu không đúng dạng: {reason}."
        "The request cannot be read: {reason}.";
    BadJson 400 "bad_json"
        "Dữ liệu JSON gửi lên không đúng: {reason}. Hãy xem mô tả tại /api/v1/openapi.json."
        "The JSON that was sent is not as it should be: {reason}. See /api/v1/openapi.json.";
    MediaType 415 "unsupported_media_type"
        "Kiểu dữ liệu không đúng: hãy gửi {wanted}."
        "This kind of body is not taken: send {wanted}.";
    BodyTooLarge 413 "body_too_large"
        "Dữ liệu gửi lên quá lớn."
        "The body is too large.";
    BodyInterrupted 408 "body_interrupted"
        "Đường truyền bị ngắt khi đang gửi nên chưa làm gì cả: hãy đến chỗ sóng khỏe hơn rồi gửi lại."
        "The line broke while this was being sent, and nothing was done: go where the signal is better and send it again.";
    NoSuchRoute 404 "no_such_route"
        "Không có địa chỉ này. Hãy xem danh sách tại /api/v1/openapi.json."
        "There is nothing at this address. See /api/v1/openapi.json.";
    MethodNotAllowed 405 "method_not_allowed"
        "Địa chỉ này không nhận phương thức đó. Hãy xem /api/v1/openapi.json."
        "This address does not take that method. See /api/v1/openapi.json.";
    NotFound 404 "not_found"
        "Không tìm thấy “{id}”."
        "There is no {what} “{id}”.";
    TimeInvalid 422 "time_invalid"
        "“{given}” không phải là thời điểm: hãy viết như 2026-11-24T05:30:00+07:00."
        "“{given}” is no instant: write it like 2026-11-24T05:30:00+07:00.";
    DateInvalid 422 "date_invalid"
        "“{given}” không phải là ngày: hãy viết như 2026-11-24."
        "“{given}” is no date: write it like 2026-11-24.";
    CursorInvalid 422 "cursor_invalid"
        "Vị trí trang không đúng: hãy dùng đúng giá trị “next” của trang trước."
        "The cursor is none: use “next” of the page before as it is.";
    LimitInvalid 422 "limit_invalid"
        "“{name}” phải từ {from} đến {to}."
        "“{name}” goes from {from} to {to}.";
    IdempotencyKeyInvalid 400 "idempotency_key_invalid"
        "Idempotency-Key phải có từ 1 đến 200 ký tự ASCII nhìn thấy được."
        "An Idempotency-Key has 1 to 200 visible ASCII characters.";
    IdempotencyMismatch 409 "idempotency_mismatch"
        "Khóa Idempotency-Key này đã dùng cho một yêu cầu khác: hãy dùng khóa mới."
        "This Idempotency-Key was used for another request: use a new one.";
    IdempotencyInProgress 409 "idempotency_in_progress"
        "Yêu cầu này đang được xử lý: hãy thử lại sau vài giây."
        "This request is being carried out already: try again in some seconds.";

    // Who asks.
    Unauthenticated 401 "unauthenticated"
        "Hãy đăng nhập."
        "Sign in first.";
    WrongCredentials 401 "wrong_credentials"
        "Tên đăng nhập hoặc mật khẩu không đúng."
        "The user name or the password is wrong.";
    TooManyGuesses 429 "too_many_guesses"
        "Sai nhiều lần: hãy đợi {wait_s} giây rồi thử lại."
        "Too many wrong tries: wait {wait_s} seconds and try again.";
    SecondFactorNeeded 401 "second_factor_needed"
        "Mật khẩu đúng. Hãy nhập thêm mã 6 số trên điện thoại, mã dự phòng trên giấy, hoặc dùng khóa đăng nhập."
        "The password is right. Now give the 6 digits from your phone or a recovery code from your paper, or use your passkey.";
    ProofNeeded 403 "proof_needed"
        "Việc này quan trọng nên bạn cần xác nhận lại đúng là mình: hãy nhập mật khẩu (và mã), hoặc dùng khóa đăng nhập."
        "This matters, so show once more that it is you: give your password (and code), or use your passkey.";
    ProofWrong 403 "proof_wrong"
        "Mật khẩu hoặc mã không đúng: hãy thử lại. Mỗi mã chỉ dùng được một lần, nếu vừa dùng hãy đợi mã mới."
        "The password or the code is wrong: try again. Each code works once; if you just used it, wait for the next.";
    DigitsWrong 422 "code_wrong"
        "Mã không đúng: hãy nhập 6 số đang hiện trên điện thoại, và xem điện thoại có đặt giờ tự động không."
        "The code is wrong: type the 6 digits that your phone shows now, and see that its clock sets itself.";
    TotpNotBegun 409 "totp_not_begun"
        "Mã QR này không còn dùng được: hãy lấy mã QR mới và quét lại."
        "This QR code is not valid any more: get a new one and scan that.";
    PasskeyInvalid 422 "passkey_invalid"
        "Không đọc được khóa đăng nhập mà trình duyệt gửi lên: hãy thử lại bằng trình duyệt khác."
        "What the browser sent of the passkey cannot be read: try another browser.";
    PasskeyRefused 403 "passkey_refused"
        "Khóa đăng nhập không được chấp nhận: hãy thử lại, hoặc dùng mật khẩu."
        "The passkey was not accepted: try again, or use your password.";
    PasskeyUnknown 403 "passkey_unknown"
        "Khóa đăng nhập này chưa được đăng ký hoặc đã bị xóa: hãy đăng nhập bằng mật khẩu."
        "This passkey is not known here, or was removed: sign in with your password.";
    PasskeyCopied 403 "passkey_copied"
        "Khóa đăng nhập này có thể đã bị sao chép nên bị từ chối: hãy đăng nhập cách khác, xóa khóa này và báo người quản trị."
        "This passkey may have been copied and was refused: sign in another way, remove it, and tell your administrator.";
    ChallengeGone 409 "challenge_gone"
        "Đã quá 5 phút hoặc đã dùng rồi: hãy bấm lại từ đầu."
        "It took more than 5 minutes, or was used already: begin again.";
    Forbidden 403 "forbidden"
        "Tài khoản của bạn không có quyền làm việc này ở địa bàn này. Hãy hỏi người quản trị."
        "Your account may not do this in this area. Ask your administrator.";
    CrossSite 403 "cross_site"
        "Yêu cầu đến từ một trang web khác nên bị từ chối."
        "The request comes from another site and was refused.";
    SetupLinkInvalid 403 "setup_link_invalid"
        "Đường dẫn đặt mật khẩu không đúng, đã dùng rồi hoặc đã quá 7 ngày. Hãy xin đường dẫn mới."
        "This setup link is wrong, was used already or is older than 7 days. Ask for a new one.";
    PasswordTooShort 422 "password_too_short"
        "Mật khẩu phải có ít nhất {min} ký tự."
        "A password has at least {min} characters.";
    PasswordTooLong 422 "password_too_long"
        "Mật khẩu quá dài: nhiều nhất {max} byte."
        "The password is too long: at most {max} bytes.";
    PasswordIsName 422 "password_is_name"
        "Mật khẩu trùng với tên đăng nhập: hãy chọn mật khẩu khác."
        "The password is the user name: choose another.";
    PasswordCommon 422 "password_common"
        "Mật khẩu này quá nhiều người dùng nên dễ bị đoán ra: hãy chọn mật khẩu khác, ví dụ vài từ chỉ mình bạn nhớ."
        "Too many people use this password, so it is guessed first: choose another, such as some words that only you remember.";
    UsernameInvalid 422 "username_invalid"
        "Tên đăng nhập phải có 2 đến 64 ký tự: chữ thường a-z, chữ số, dấu “.”, “-”, “_” hoặc “@”."
        "A user name has 2 to 64 of the characters a-z, 0-9, “.”, “-”, “_” and “@”.";

    // Things with names.
    NameInvalid 422 "name_invalid"
        "Tên phải có từ 1 đến {max} ký tự."
        "A name has 1 to {max} characters.";
    IdInvalid 422 "id_invalid"
        "Mã “{given}” không đúng: chỉ dùng chữ thường a-z, chữ số và dấu “-”, nhiều nhất 64 ký tự."
        "“{given}” cannot be an id: use a-z, 0-9 and “-”, at most 64.";
    AreaUnknown 422 "area_unknown"
        "Không có địa bàn “{id}”."
        "There is no area “{id}”.";
    SpeakerUnknown 422 "speaker_unknown"
        "Không có loa “{id}”."
        "There is no speaker “{id}”.";
    Taken 409 "taken"
        "Tên “{id}” đã có rồi: hãy chọn tên khác."
        "“{id}” is taken: choose another.";
    InUse 409 "in_use"
        "“{id}” đang được dùng ({by}): hãy chuyển hoặc xóa những thứ đó trước."
        "“{id}” is in use by {by}: move or delete those first.";
    Cycle 422 "area_below_itself"
        "Một địa bàn không thể nằm dưới chính nó."
        "An area cannot lie below itself.";
    TooDeep 422 "tree_too_deep"
        "Cây địa bàn quá sâu: nhiều nhất {most} cấp."
        "The tree of areas would be too deep: at most {most} levels.";
    TooManyChannels 422 "too_many_channels"
        "Loa “{id}” sẽ nghe quá nhiều kênh: nhiều nhất {most}. Hãy bỏ bớt nhóm."
        "The speaker “{id}” would follow too many channels: at most {most}. Take it out of a group.";
    LastAdministrator 409 "last_administrator"
        "Phải luôn còn ít nhất một người quản trị toàn hệ thống."
        "At least one administrator of everything must remain.";
    ZoneInvalid 422 "zone_invalid"
        "Không có múi giờ “{given}”: hãy dùng tên IANA, ví dụ Asia/Ho_Chi_Minh."
        "There is no time zone “{given}”: use an IANA name such as Asia/Ho_Chi_Minh.";
    DayTimeInvalid 422 "time_of_day_invalid"
        "“{given}” không phải là giờ trong ngày: hãy viết HH:MM, ví dụ 22:00."
        "“{given}” is no time of day: write HH:MM, for instance 22:00.";
    TooManyWindows 422 "too_many_windows"
        "Quá nhiều khung giờ: nhiều nhất {most}."
        "Too many windows of time: at most {most}.";
    EnrolCodeWrong 422 "enrol_code_wrong"
        "Mã nhận loa không đúng, đã dùng rồi hoặc đã quá 7 ngày: hãy xin văn phòng mã mới."
        "This code is wrong, used already, or older than 7 days: ask the office for a new one.";
    EnrolRequestWrong 422 "enrol_request_wrong"
        "Bo mạch gửi lên yêu cầu cấp chứng chỉ không đúng ({reason}). Mã nhận loa vẫn còn dùng được: hãy chạy lại “loa-agent enrol”."
        "The board's request for a certificate is not as it should be ({reason}). The code is still good: run “loa-agent enrol” again.";
    RenewalRefused 403 "renewal_refused"
        "Loa này không được cấp chứng chỉ mới: hãy xin văn phòng mã nhận loa và nhận lại."
        "This speaker gets no new certificate this way: ask the office for a code and enrol it again.";
    VolumeInvalid 422 "volume_invalid"
        "Âm lượng phải từ 0 đến 100."
        "A volume goes from 0 to 100.";
    DelayTrimInvalid 422 "delay_trim_invalid"
        "Độ trễ chỉnh thêm phải từ -500 đến 500 mili giây."
        "The delay trim goes from -500 to 500 ms.";
    PlaceInvalid 422 "place_invalid"
        "Vị trí không đúng: vĩ độ từ -90 đến 90, kinh độ từ -180 đến 180, và phải có cả hai."
        "The place is wrong: latitude -90 to 90 and longitude -180 to 180, both or none.";

    // Audio.
    FileMissing 422 "file_missing"
        "Chưa có tệp: hãy gửi tệp âm thanh trong trường “file”."
        "There is no file: send the recording as the field “file”.";
    UploadInterrupted 408 "upload_interrupted"
        "Tệp bị ngắt giữa chừng khi gửi: hãy gửi lại."
        "The upload stopped half way: send it again.";
    UploadsBusy 503 "too_many_uploads"
        "Đang có nhiều tệp được gửi lên cùng lúc: hãy thử lại sau ít phút."
        "Many files are being sent at this moment: try again in a minute.";
    AudioTooLarge 413 "audio_too_large"
        "Tệp lớn hơn mức cho phép ({limit_mb} MB): hãy lưu dạng MP3 hoặc cắt ngắn lại."
        "The file is larger than allowed ({limit_mb} MB): save it as MP3 or shorten it.";
    AudioNotAudio 422 "audio_not_audio"
        "Đây không phải là tệp âm thanh. Hãy chọn bản ghi MP3, M4A, WAV, FLAC, Ogg hoặc WebM."
        "This is not a sound recording. Choose an MP3, M4A, WAV, FLAC, Ogg or WebM recording.";
    AudioEmpty 422 "audio_empty"
        "Tệp không có âm thanh nào: hãy ghi lại và nghe thử trước khi gửi."
        "The file holds no sound: record it again and check that it plays.";
    AudioTruncated 422 "audio_truncated"
        "Tệp bị cụt, chưa hết tiếng: hãy gửi lại cả tệp."
        "The file ends before its sound does: send the whole file again.";
    AudioTooLong 422 "audio_too_long"
        "Bản ghi dài hơn mức cho phép ({limit_min} phút): hãy cắt ngắn hoặc chia làm nhiều bản tin."
        "The recording is longer than the {limit_min} minutes allowed: shorten or split it.";
    AudioUnsupported 422 "audio_unsupported"
        "Loại tệp này không đọc được ({what}): hãy lưu thành MP3, M4A, WAV, FLAC, Ogg hoặc WebM rồi gửi lại."
        "This kind of file cannot be read ({what}): save it as MP3, M4A, WAV, FLAC, Ogg or WebM and send it again.";
    AudioTooSlow 422 "audio_too_slow"
        "Đọc tệp âm thanh này mất quá nhiều thời gian nên đã dừng lại: hãy ghi âm lại hoặc gửi tệp ở dạng khác (MP3, M4A)."
        "Reading this recording took too long and was stopped: record it again, or send it in another form (MP3, M4A).";
    AudioBroken 422 "audio_broken"
        "Tệp bị hỏng, không giải mã được ({what}): hãy xuất lại từ chương trình đã tạo ra nó."
        "The file is damaged ({what}): export it again from the program that made it.";
    TextEmpty 422 "text_empty"
        "Chưa có chữ nào để đọc."
        "There is no text to speak.";
    TextTooLong 422 "text_too_long"
        "Văn bản quá dài: hãy chia làm nhiều bản tin."
        "The text is too long: split it into several bulletins.";
    VoiceUnknown 422 "voice_unknown"
        "Không có giọng đọc “{given}”. Có: {known}."
        "There is no voice “{given}”. There are: {known}.";
    SpeedInvalid 422 "speed_invalid"
        "Tốc độ đọc phải từ 0,5 đến 2."
        "The speed goes from 0.5 to 2.";
    SpeechUnavailable 503 "speech_unavailable"
        "Máy chủ chưa có chương trình đọc văn bản: hãy báo người quản trị."
        "The speech engine is not installed: tell your administrator.";
    SpeechFailed 500 "speech_failed"
        "Chương trình đọc văn bản gặp lỗi: hãy thử lại hoặc rút ngắn văn bản."
        "The speech engine failed: try again or shorten the text.";

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
    StreamStays 409 "stream_stays"
        "Bản tin này phát trực tiếp hoặc tiếp âm, không có tệp âm thanh để thay, và không đổi được thành diễn tập hay thử: hãy tạo bản tin mới."
        "This bulletin is live or a relay: it has no audio to replace, and cannot become an exercise or a test. Make a new bulletin.";
    CallStays 409 "call_stays"
        "Đây là lời nói trực tiếp, không sửa được: hãy kết thúc rồi nói lại, hoặc làm bản tin mới từ bản ghi."
        "This is live speech and cannot be changed: end it and speak again, or make a bulletin of its recording.";
    CallGoesOn 409 "call_goes_on"
        "Đang nói trực tiếp: hãy kết thúc cuộc nói trước, rồi mới đính chính."
        "It is being spoken at this moment: end it first, then correct it.";
    CallOver 409 "call_over"
        "Cuộc nói trực tiếp này đã kết thúc: hãy bấm nói lại."
        "This live call is over: press to speak again.";
    CallNotYours 403 "call_not_yours"
        "Chỉ người đã bấm nói mới được nói trong cuộc này."
        "Only whoever began this call may speak in it.";
    LiveNeedsApproval 403 "live_needs_approval"
        "Nói tới nơi này thì phải có người thứ hai duyệt trước, nên không nói trực tiếp được: hãy ghi âm thành bản tin và gửi duyệt."
        "What is said there needs a second person's yes first, so it cannot be said live: record it as a bulletin and send it for approval.";
    LineBusy 409 "line_busy"
        "{by} đang nói trực tiếp ở nơi này từ {since}: hãy chờ nói xong rồi bấm lại."
        "{by} has been speaking live there since {since}: wait until that is over, then press again.";
    TooManyCalls 503 "too_many_calls"
        "Đang có quá nhiều người nói trực tiếp cùng lúc ({most}): hãy chờ một chút rồi bấm lại."
        "Too many people speak live at this moment ({most}): wait a little, then press again.";
    WebSocketOnly 400 "web_socket_only"
        "Địa chỉ này chỉ dành cho micro của ứng dụng (WebSocket): {reason}."
        "This address is for the app's microphone only (a WebSocket): {reason}.";
    AudioOrRelay 422 "audio_or_relay"
        "Hãy chọn đúng một thứ để phát: một bản ghi, hoặc tiếp âm một đài."
        "Choose exactly one thing to be said: a recording, or another station to relay.";
    RelayDuration 422 "relay_duration_invalid"
        "Thời lượng tiếp âm phải từ {least} đến {most} giây."
        "A relay lasts from {least} to {most} seconds.";
    RelayNow 422 "relay_not_now"
        "Tiếp âm phải đặt giờ trước: hãy chọn một giờ (có thể là sau đây một phút) hoặc một lịch phát."
        "A relay is planned for a time: choose one (a minute from now will do), or a schedule.";
    RelayOrdinary 422 "relay_not_emergency"
        "Không ai biết trước đài khác sẽ nói gì, nên tiếp âm không thể là khẩn cấp, diễn tập hay thử."
        "Nobody knows beforehand what another station says: a relay cannot be an emergency, an exercise or a test.";
    RelayRepeat 422 "relay_repeat_overlaps"
        "Các lần lặp của một tiếp âm không được chồng lên nhau: hãy đặt cách nhau ít nhất {least} giây."
        "The repeats of a relay cannot overlap: set them at least {least} seconds apart.";
    StationAddress 422 "station_address"
        "Địa chỉ đài không đúng: hãy chép nguyên địa chỉ bắt đầu bằng http:// hoặc https://."
        "This is no address of a station: copy it whole; it begins with http:// or https://.";
    StationPrivate 422 "station_private"
        "Địa chỉ này nằm trong mạng nội bộ nên máy chủ không mở. Nếu đó là đài của xã, hãy báo người quản trị đặt [relay] private = true."
        "This address lies in a private network, which the office does not open. If it is the commune's own station, ask the administrator to set [relay] private = true.";
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

    // Approvers' passkeys.
    NotEndorsable 409 "endorsement_not_awaited"
        "Bản tin này không chờ chữ ký của người duyệt khẩn cấp: hãy tải lại."
        "This bulletin waits for no approver's signature: read it again.";
    EndorsementTooLate 409 "endorsement_too_late"
        "Đã quá hạn ký ({by}) nên bản tin khẩn cấp này sẽ không phát: hãy tạo bản tin mới nếu vẫn cần."
        "It had to be signed by {by}, so this emergency will not be said: make a new one if it is still needed.";
    EndorsementStale 409 "endorsement_stale"
        "Chữ ký này là cho một bản khác của bản tin: hãy mở lại, nghe lại rồi ký lại."
        "This signature is for another form of the bulletin: open it again, listen, and sign again.";
    EndorsementGiven 409 "endorsement_given"
        "Khóa này đã ký bản tin rồi: cần người khác ký tiếp."
        "This passkey has signed it already: somebody else must sign next.";
    EndorsementWrong 422 "endorsement_wrong"
        "Chữ ký không đúng ({reason}): hãy thử ký lại trên chính điện thoại của bạn."
        "The signature is not good ({reason}): try to sign again on your own phone.";
    NotAnApprover 403 "not_an_approver"
        "Khóa này không có trong danh sách duyệt khẩn cấp cho những nơi này: hãy nhờ người có tên trong danh sách ký, hoặc báo người quản trị."
        "This passkey is not on the list of those who approve emergencies for these places: ask somebody who is to sign, or tell the administrator.";
    SkipHolidaysAlarm 422 "skip_holidays_alarm"
        "Bản tin khẩn cấp phải có chữ ký của người duyệt nên không thể tự bỏ qua ngày nghỉ: hãy ghi rõ các ngày không phát."
        "An emergency is signed by approvers, so its days cannot follow the calendar by themselves: name the days on which it is not said.";

    // Keys.
    TrustUnreadable 422 "trust_unreadable"
        "Không đọc được văn bản khóa này: hãy gửi đúng tệp do lệnh “keys sign” tạo ra."
        "This document of keys cannot be read: send the file that “keys sign” made.";
    TrustNotSigned 409 "trust_not_signed"
        "Văn bản khóa chưa có đủ chữ ký: hãy ký bằng khóa gốc (khi đổi khóa gốc: cả khóa cũ và khóa mới)."
        "The document of keys is not signed by enough keys: sign it with the root key (when that one changes: with the old and the new).";
    TrustOlder 409 "trust_older"
        "Văn bản khóa này cũ hơn văn bản đang dùng: hãy tạo bản nháp mới."
        "The document of keys is older than the one in force: make a new draft.";
    TrustNotNext 409 "trust_not_next"
        "Phải là bản số {next}, nhưng đây là bản số {given}: hãy tạo bản nháp mới."
        "Number {next} comes next, and this is number {given}: make a new draft.";
    TrustExpired 409 "trust_expired"
        "Văn bản khóa đã hết hạn: hãy tạo bản nháp mới."
        "The document of keys has expired: make a new draft.";
    TrustBreaksRule 409 "trust_breaks_rule"
        "Văn bản khóa trái với quy tắc của loa nên loa sẽ không nhận: hãy tạo bản nháp mới và sửa ít hơn."
        "The document of keys breaks a rule that every speaker keeps: make a new draft and change less of it.";
    TrustNoOfficeKey 409 "trust_no_office_key"
        "Văn bản này không có khóa nào mà máy chủ đang giữ, loa sẽ không nghe máy chủ nữa: hãy tạo bản nháp mới."
        "The document names no key that this office has, and the speakers would not listen to it any more: make a new draft.";
    TrustTooFewApprovers 409 "trust_too_few_approvers"
        "Cần {needed} người duyệt khẩn cấp nhưng chỉ có {named} người trong danh sách, nên sẽ không phát được bản tin khẩn cấp nào: hãy thêm người."
        "It takes {needed} approvers and only {named} are named, so no emergency could ever be said: add people.";

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

    // Warnings: the thing was done.
    WarnQuietHours 200 "quiet_hours"
        "{count} trên {of} loa đang đặt giờ yên lặng vào lúc đó nên sẽ không phát (lần đầu: {first})."
        "{count} of {of} speakers have quiet hours then and will not sound (first: {first}).";
    WarnQuietNow 200 "quiet_now"
        "{count} trên {of} loa đang trong giờ yên lặng nên sẽ không phát."
        "{count} of {of} speakers are in their quiet hours and will not sound.";
    WarnQuietSoon 200 "quiet_soon"
        "{count} trên {of} loa bắt đầu giờ yên lặng lúc {first}: đến lúc đó sẽ ngừng phát."
        "{count} of {of} speakers have quiet hours from {first} on and will fall silent then.";
    WarnOddHours 200 "odd_hours"
        "Có lượt phát trong khoảng 21:00 đến 05:00 (lần đầu: {first}). Hãy kiểm tra lại giờ."
        "Something is due between 21:00 and 05:00 (first: {first}). Check the time.";
    WarnOverlaps 200 "overlaps"
        "Trùng giờ với bản tin “{title}” (lần đầu: {first})."
        "It overlaps with “{title}” (first: {first}).";
    WarnNobody 200 "nobody_listens"
        "Nơi phát đã chọn chưa có loa nào."
        "There is no speaker at the chosen targets yet.";
    WarnMuted 200 "muted"
        "{count} trên {of} loa đang bị tắt tiếng."
        "{count} of {of} speakers are muted.";
    WarnNobodyApproves 200 "nobody_approves"
        "Bản tin phải có người thứ hai duyệt, nhưng chưa có ai được quyền duyệt: hãy báo người quản trị thêm người."
        "A second person must approve this, and nobody else may: ask the administrator to add somebody.";
    WarnCut 200 "cut_by_max_duration"
        "Bản tin dài hơn thời lượng tối đa nên sẽ bị ngắt."
        "The bulletin is longer than max_duration_s and will be cut.";

    // What came of trying a station.
    StationHeard 200 "station_heard"
        "Nghe được đài này."
        "The station is heard.";
    StationQuiet 200 "station_quiet"
        "Đài có trả lời nhưng đang không có tiếng: hãy thử lại vào giờ đài phát."
        "The station answers, but is silent now: try again when it is on air.";
    StationUnknownHost 200 "station_unknown_host"
        "Không tìm thấy máy chủ của đài: hãy kiểm tra lại địa chỉ, từng chữ một."
        "There is no such host: check the address letter by letter.";
    StationUnreachable 200 "station_unreachable"
        "Không kết nối được với đài: có thể đài đang nghỉ, hoặc mạng của máy chủ bị ngắt. Hãy thử lại sau."
        "The station cannot be reached: it may be off air, or the office's line may be down. Try again later.";
    StationNotSafe 200 "station_not_safe"
        "Kết nối an toàn với đài không thành công: chứng chỉ của đài không đúng hoặc đã hết hạn. Hãy hỏi đài xem có địa chỉ khác không."
        "No safe connection to the station: its certificate is wrong or out of date. Ask the station for another address.";
    StationRefused 200 "station_refused"
        "Máy chủ của đài từ chối (mã {status}): địa chỉ có thể đã đổi. Hãy xem lại trên trang của đài."
        "The station's server refuses (status {status}): the address may have changed. Look it up on the station's page.";
    StationRedirects 200 "station_redirects"
        "Địa chỉ này dẫn đi vòng quanh mà không tới đài: hãy tìm địa chỉ khác của đài."
        "This address leads round and round and to no station: look for another one.";
    StationNotHttp 200 "station_not_http"
        "Ở địa chỉ này không có chương trình nào đọc được: hãy lấy đúng địa chỉ luồng phát của đài (MP3, AAC, Ogg hoặc .m3u8)."
        "There is no programme here that can be read: take the address of the stream itself (MP3, AAC, Ogg or .m3u8).";
    StationLocked 200 "station_locked"
        "Chương trình của đài bị khóa (mã hóa) nên không tiếp âm được: hãy hỏi đài địa chỉ dành cho tiếp âm."
        "The station's programme is locked (encrypted) and cannot be relayed: ask the station for an address for relays.";
    StationStalled 200 "station_stalled"
        "Đài nhận kết nối nhưng không gửi gì: hãy thử lại sau."
        "The station takes the connection and sends nothing: try again later.";
    StationEnded 200 "station_ended"
        "Đài ngắt kết nối ngay: hãy thử lại sau, hoặc tìm địa chỉ khác."
        "The station hangs up at once: try again later, or look for another address.";
    StationNotSound 200 "station_not_sound"
        "Ở địa chỉ này không phải là tiếng mà máy đọc được, có thể là một trang web: hãy lấy địa chỉ luồng phát (MP3, AAC, Ogg hoặc .m3u8)."
        "What comes from there is no sound that can be read, perhaps a web page: take the address of the stream itself (MP3, AAC, Ogg or .m3u8).";

    // Our own trouble.
    Busy 503 "busy"
        "Máy chủ đang bận: hãy thử lại sau ít giây."
        "The server is busy: try again in some seconds.";
    DiskFull 507 "disk_full"
        "Đĩa của máy chủ đã đầy: hãy báo người quản trị."
        "The server's disk is full: tell your administrator.";
    Internal 500 "internal"
        "Máy chủ gặp lỗi. Hãy báo người quản trị, kèm giờ xảy ra lỗi."
        "The server failed. Tell your administrator, with the time.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn places(template: &str) -> HashSet<&str> {
        template
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn every_code_has_both_languages_with_the_same_places() {
        let mut words = HashSet::new();
        for code in Code::ALL {
            assert!(words.insert(code.word()), "{} is there twice", code.word());
            let (vi, en) = (code.template(Lang::Vi), code.template(Lang::En));
            assert!(!vi.is_empty() && !en.is_empty() && vi != en, "{code:?}");
            // The Vietnamese text of `not_found` does without the kind of thing.
            let extra: HashSet<_> = places(en).difference(&places(vi)).copied().collect();
            assert!(
                extra.is_empty() || *code == Code::NotFound,
                "{code:?}: {extra:?}"
            );
            assert!(places(vi).is_subset(&places(en)), "{code:?}");
            assert!(matches!(code.status(), 200 | 400..=599), "{code:?}");
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(code.word().chars().all(plain), "{code:?}");
        }
    }

    #[test]
    fn vietnamese_unless_english_is_asked_for() {
        for (header, lang) in [
            ("", Lang::Vi),
            ("vi", Lang::Vi),
            ("fr-FR", Lang::Vi),
            ("en", Lang::En),
            ("en-US,en;q=0.9", Lang::En),
            ("vi-VN,vi;q=0.9,en;q=0.8", Lang::Vi),
            ("fr, en;q=0.4, vi;q=0.3", Lang::En),
            ("en;q=x, vi;q=0.1", Lang::Vi),
        ] {
            assert_eq!(Lang::of(header), lang, "{header}");
        }
    }

    #[test]
    fn values_stand_in_their_places() {
        let text = Code::TooManyGuesses.text(Lang::En, &[("wait_s", "7".into())]);
        assert_eq!(text, "Too many wrong tries: wait 7 seconds and try again.");
    }
}
