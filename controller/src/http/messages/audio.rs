//! Recordings, and what is spoken from text.

macro_rules! audio {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
