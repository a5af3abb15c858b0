//! Live calls: who may speak, and what cannot be changed of them.

macro_rules! calls {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
