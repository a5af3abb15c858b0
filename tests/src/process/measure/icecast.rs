//! The same call through what is there for it otherwise: ffmpeg makes the stream, Icecast gives it to everybody over HTTP.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    sync::Semaphore,
    task::JoinSet,
};

use super::cost::cpu_s;
use crate::process::{
    clock::{mono_us, now_us, wait_for, wait_for_time},
    mqtt::dial,
    program::{Program, free_port, is_listening},
};

/// Listeners that come at one time.
const AT_ONCE: usize = 100;

/// What the two programs used.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// CPU seconds for each minute of the stream.
    pub icecast_s: f64,
    pub ffmpeg_s: f64,
    /// Of what was sent, what each listener got on average.
    pub heard: f64,
}

/// Is Icecast installed? Only this measurement needs it.
pub fn is_here() -> bool {
    Path::new("/usr/bin/icecast2").exists()
}

/// Streams `sound` for `seconds` to so many listeners, as Opus at 32 kbit/s in Ogg pages of `page_ms`: with long pages fewer
/// things are sent, and all that is heard is older.
///
/// # Panics
/// When one of the two does not work.
#[track_caller]
pub fn stream(folder: &Path, sound: &Path, listeners: usize, seconds: u32, page_ms: u32) -> Used {
    let folder = folder.join(format!("icecast-{page_ms}"));
    let port = free_port();
    let icecast = start(&folder, port, listeners);
    wait_for("Icecast listens", Duration::from_secs(10), || {
        is_listening(port)
    });
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i"])
        .arg(sound)
        .args(["-c:a", "libopus", "-b:a", "32k", "-application", "voip"])
        .args(["-page_duration", &(page_ms * 1_000).to_string()])
        .args(["-f", "ogg", "-content_type", "application/ogg"])
        .arg(format!("icecast://source:loa@127.0.0.1:{port}/live"));
    let ffmpeg = Program::start("ffmpeg", &mut command, &folder.join("ffmpeg.log"));
    let runtime = Runtime::new().expect("a runtime");
    wait_for("the stream is on", Duration::from_secs(10), || {
        runtime.block_on(listen(port)).is_ok()
    });
    let bytes = runtime.block_on(all_listen(port, listeners));
    let all = || -> u64 { bytes.iter().map(|one| one.load(Ordering::Relaxed)).sum() };
    let before = (cpu_s(icecast.pid()), cpu_s(ffmpeg.pid()), all());
    let began_us = mono_us();
    wait_for_time(now_us() + i64::from(seconds) * 1_000_000);
    let minutes = (mono_us() - began_us) as f64 / 60e6;
    let sent = minutes * 60.0 * 32_000.0 / 8.0 * listeners as f64;
    Used {
        icecast_s: (cpu_s(icecast.pid()) - before.0) / minutes,
        ffmpeg_s: (cpu_s(ffmpeg.pid()) - before.1) / minutes,
        heard: (all() - before.2) as f64 / sent,
    }
}

fn start(folder: &Path, port: u16, listeners: usize) -> Program {
    std::fs::create_dir_all(folder).expect("a folder for Icecast");
    // It goes on as another user when it is started as root, and that one writes its logs.
    let anybody = std::fs::Permissions::from_mode(0o777);
    for path in [folder, folder.parent().unwrap_or(folder)] {
        std::fs::set_permissions(path, anybody.clone()).expect("a folder of our own");
    }
    let config = format!(
        "<icecast>\n\
         <limits><clients>{}</clients><sources>2</sources><burst-size>0</burst-size></limits>\n\
         <authentication><source-password>loa</source-password><admin-user>loa</admin-user><admin-password>loa</admin-password></authentication>\n\
         <hostname>localhost</hostname>\n\
         <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>\n\
         <fileserve>0</fileserve>\n\
         <paths><logdir>{}</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>\n\
         <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>2</loglevel></logging>\n\
         <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>\n\
         </icecast>\n",
        listeners + 100,
        folder.display()
    );
    let file = folder.join("icecast.xml");
    std::fs::write(&file, config).expect("its configuration can be written");
    let mut command = Command::new("icecast2");
    command.arg("-c").arg(file);
    Program::start("icecast2", &mut command, &folder.join("icecast.log"))
}

/// What each listener was given, from now on. Icecast answers one with the next page: they do not wait for each other.
async fn all_listen(port: u16, listeners: usize) -> Vec<Arc<AtomicU64>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for _ in 0..listeners {
        let places = Arc::clone(&places);
        tasks.spawn(async move {
            let _place = places.acquire().await.expect("it is never closed");
            let mut line = listen(port).await.expect("Icecast takes another listener");
            let bytes = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&bytes);
            tokio::spawn(async move {
                let mut piece = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = line.read(&mut piece).await {
                    counted.fetch_add(read as u64, Ordering::Relaxed);
                }
            });
            bytes
        });
    }
    tasks.join_all().await
}

/// A listener, once the first byte of the stream is there.
async fn listen(port: u16) -> io::Result<tokio::net::TcpStream> {
    let mut line = dial(port).await?;
    line.write_all(b"GET /live HTTP/1.0\r\n\r\n").await?;
    let mut head = [0; 12];
    line.read_exact(&mut head).await?;
    match &head[9..] {
        b"200" => Ok(line),
        _ => Err(io::Error::other(
            String::from_utf8_lossy(&head).into_owned(),
        )),
    }
}
