//! Approvers' passkeys, and the documents of keys.

macro_rules! trust {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
