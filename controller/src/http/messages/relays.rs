//! Relays of other stations, and what came of trying one.

macro_rules! relays {
    ($($before:tt)*) => { codes! { $($before)*
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
            "Các lần phát của một tiếp âm không được chồng lên nhau: hãy đặt cách nhau ít nhất {least} giây."
            "The windows of a relay cannot overlap: set them at least {least} seconds apart.";
        StationAddress 422 "station_address"
            "Địa chỉ đài không đúng: hãy chép nguyên địa chỉ bắt đầu bằng http:// hoặc https://."
            "This is no address of a station: copy it whole; it begins with http:// or https://.";
        StationPrivate 422 "station_private"
            "Địa chỉ này nằm trong mạng nội bộ nên máy chủ không mở. Nếu đó là đài của xã, hãy báo người quản trị đặt [relay] private = true."
            "This address lies in a private network, which the office does not open. If it is the commune's own station, ask the administrator to set [relay] private = true.";

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
    } };
}
