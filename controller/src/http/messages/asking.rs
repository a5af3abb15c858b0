//! What cannot be read or is not there, whoever asks; and our own trouble.

macro_rules! asking {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
