//! Against real sockets: a small HTTP server and a small mail server, on ports of their own.

use std::{os::unix::fs::PermissionsExt, path::Path};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{mail::Attachment, *};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

/// Takes one request, answers so, and gives back what came.
async fn web(answer: &'static str) -> (String, JoinHandle<String>) {
    let (listener, address) = listen().await;
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let from = request.len();
            stream.read_line(&mut request).await.expect("a line");
            let line = request[from..].trim().to_lowercase();
            if let Some(n) = line.strip_prefix("content-length: ") {
                length = n.parse().expect("a length");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        stream.write_all(answer.as_bytes()).await.expect("written");
        request + &String::from_utf8(body).expect("text")
    });
    (address, served)
}

/// A mail server that knows `user` with the password `đúng`; gives back the whole talk.
async fn post_office() -> (String, JoinHandle<String>) {
    let (listener, address) = listen().await;
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let mut talk = String::new();
        say(&mut stream, "220 post").await;
        loop {
            let from = talk.len();
            if stream.read_line(&mut talk).await.expect("a line") == 0 {
                return talk;
            }
            let line = talk[from..].trim_end().to_owned();
            let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => "250-post\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                // \0user\0đúng
                "AUTH" if line.ends_with(" AHVzZXIAxJHDum5n") => "235 welcome",
                "AUTH" => "535 who are you",
                "RCPT" if line.contains("nobody@") => "550 no such person",
                "DATA" => {
                    say(&mut stream, "354 go on").await;
                    while !talk.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut talk).await.expect("a line");
                    }
                    "250 taken"
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await;
                    return talk;
                }
                _ => "250 fine",
            };
            say(&mut stream, answer).await;
        }
    });
    (address, served)
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) {
    let line = format!("{line}\r\n");
    stream.write_all(line.as_bytes()).await.expect("written");
}

fn secret_file(dir: &Path, text: &str) -> std::path::PathBuf {
    let path = dir.join("secret");
    std::fs::write(&path, text).expect("written");
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, mode).expect("changed");
    path
}

fn mail_config(server: String) -> MailConfig {
    MailConfig {
        server,
        security: MailSecurity::None,
        from: "Loa Sảng Mộc <loa@xa.vn>".into(),
        username: None,
        password_file: None,
        ca_file: None,
    }
}

fn message() -> Message {
    Message {
        subject: "Loa mất kết nối".into(),
        text: "Bản Chương 1 mất kết nối từ 05:12.".into(),
        json: json!({ "event": "opened" }),
    }
}

fn to(by: By, to: &str) -> Address {
    Address { by, to: to.into() }
}

#[tokio::test]
async fn a_mail_arrives_with_its_words_and_its_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, talk) = post_office().await;
    let config = MailConfig {
        username: Some("user".into()),
        password_file: Some(secret_file(dir.path(), "đúng\n")),
        ..mail_config(server)
    };
    let file = Attachment {
        name: "thang-11.csv".into(),
        media_type: "text/csv; charset=utf-8".into(),
        bytes: "loa,đã nghe".into(),
    };
    mail::send(
        &config,
        "truc@xa.vn",
        "Báo cáo\r\nBcc: x@y.vn",
        "Kính gửi",
        vec![file],
    )
    .await
    .expect("taken");
    let talk = talk.await.expect("served");
    assert!(talk.contains("RCPT TO:<truc@xa.vn>"), "{talk}");
    assert!(talk.contains("thang-11.csv") && talk.contains("multipart/mixed"));
    assert!(!talk.contains("\nBcc:"), "{talk}");
}

#[tokio::test]
async fn a_mail_that_is_not_wanted_is_told_from_one_that_found_nobody() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _talk) = post_office().await;
    let config = mail_config(server);
    let sent = mail::send(&config, "nobody@xa.vn", "x", "x", vec![]).await;
    assert_eq!(sent.expect_err("no such person").kind, Failure::Refused);
    let (server, _talk) = post_office().await;
    let config = MailConfig {
        username: Some("user".into()),
        password_file: Some(secret_file(dir.path(), "sai mật khẩu")),
        ..mail_config(server)
    };
    let error = mail::send(&config, "truc@xa.vn", "x", "x", vec![]).await;
    let error = error.expect_err("a wrong password");
    assert!(!error.text.contains("sai"), "{error}");
    let (listener, server) = listen().await;
    drop(listener);
    let sent = mail::send(&mail_config(server), "truc@xa.vn", "x", "x", vec![]).await;
    assert_eq!(sent.expect_err("nobody there").kind, Failure::Unreached);
}

#[tokio::test]
async fn a_webhook_gets_json_and_is_believed_only_when_it_says_yes() {
    let config = Config {
        alerts: AlertsConfig {
            webhook_to_private: true,
            ..AlertsConfig::default()
        },
        ..Config::default()
    };
    let notifier = Notifier::new(&config);
    for (answer, kind, wait) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", None, None),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            Some(Failure::Refused),
            None,
        ),
        (
            "HTTP/1.1 503 Busy\r\nretry-after: 90\r\ncontent-length: 2\r\n\r\nno",
            Some(Failure::Unreached),
            Some(90),
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            Some(Failure::Refused),
            None,
        ),
    ] {
        let (server, request) = web(answer).await;
        let url = format!("http://{server}/hook?key=bi-mat");
        let told = notifier.tell(&to(By::Webhook, &url), &message()).await;
        let request = request.await.expect("served");
        assert!(request.starts_with("POST /hook?key=bi-mat HTTP/1.1\r\n"));
        assert!(request.ends_with("{\"event\":\"opened\"}"), "{request}");
        let error = told.err();
        assert_eq!(error.as_ref().map(|e| e.kind), kind);
        assert_eq!(error.as_ref().and_then(|e| e.retry_after_s), wait);
        assert!(error.is_none_or(|e| !e.text.contains("bi-mat")));
    }
}

#[tokio::test]
async fn a_webhook_into_the_office_s_own_network_is_not_called_unless_that_is_allowed() {
    let notifier = Notifier::new(&Config::default());
    let (_listener, server) = listen().await;
    let address = to(By::Webhook, &format!("http://{server}/"));
    let told = notifier.tell(&address, &message()).await;
    let error = told.expect_err("not called");
    assert!(error.text.contains("private network"), "{error}");
}

#[tokio::test]
async fn telegram_is_told_by_the_bot_and_its_wish_to_wait_is_heard() {
    let dir = tempfile::tempdir().expect("a folder");
    let answer = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 68\r\n\r\n\
        {\"ok\":false,\"description\":\"flood\",\"parameters\":{\"retry_after\":  33}}";
    let (server, request) = web(answer).await;
    let config = Config {
        telegram: Some(TelegramConfig {
            token_file: secret_file(dir.path(), "12:bi-mat"),
            api: format!("http://{server}/"),
        }),
        ..Config::default()
    };
    let notifier = Notifier::new(&config);
    let told = notifier.tell(&to(By::Telegram, "-100"), &message()).await;
    let request = request.await.expect("served");
    assert!(request.starts_with("POST /bot12:bi-mat/sendMessage HTTP/1.1\r\n"));
    assert!(request.contains("\"chat_id\":\"-100\"") && request.contains("Bản Chương 1"));
    let error = told.expect_err("flood");
    assert_eq!(
        (error.kind, error.retry_after_s),
        (Failure::Unreached, Some(33))
    );
    assert!(error.text.contains("flood") && !error.text.contains("bi-mat"));
}

#[tokio::test]
async fn what_the_office_is_not_set_up_for_says_so() {
    let notifier = Notifier::new(&Config::default());
    for (by, name) in [(By::Mail, "[mail]"), (By::Telegram, "[telegram]")] {
        let told = notifier.tell(&to(by, "1"), &message()).await;
        let error = told.expect_err("not set up");
        assert_eq!(error.kind, Failure::Settings);
        assert!(error.text.contains(name), "{error}");
    }
}
