//! Who asks: signing in, passwords and passkeys, and what one may do.

macro_rules! people {
    ($($before:tt)*) => { codes! { $($before)*
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
    } };
}
