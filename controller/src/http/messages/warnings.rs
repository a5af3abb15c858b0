//! Warnings: the thing was done.

macro_rules! warnings {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
