//! What has a name: areas, groups, and speakers with their certificates.

macro_rules! things {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
