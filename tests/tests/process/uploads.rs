//! What is not audio is refused over a real connection, and leaves nothing behind.

use std::path::Path;

use loa_tests::process::{
    Broker, Output, Village,
    sound::{self, Format},
};

#[test]
fn what_is_not_whole_audio_is_refused_with_its_reason_and_nothing_stays() {
    let village = Village::start(0, Output::Wav, Broker::Embedded);
    let source = sound::wav_file(village.folder(), 4.0, 1);
    let m4a = std::fs::read(sound::convert(&source, Format::M4aAac)).unwrap();
    village.upload(&source);
    let before = files_below(&village.office.data_dir());
    for (name, bytes, why) in [
        ("trong.mp3", Vec::new(), "empty"),
        (
            "thu.mp3",
            "Kính gửi: Uỷ ban nhân dân xã\n".repeat(400).into_bytes(),
            "text",
        ),
        ("cut.m4a", m4a[..m4a.len() / 2].to_vec(), "truncated"),
        ("anh.mp3", vec![0_u8; 100_000], "zeroes"),
    ] {
        let answer = village.office.api.upload("/audio", name, &bytes);
        assert!(
            (400..500).contains(&answer.status),
            "{why}: {}",
            answer.status
        );
        assert!(
            !answer.error_code().is_empty(),
            "{why}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        println!(
            "{why}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    assert_eq!(files_below(&village.office.data_dir()), before);
}

/// All files but the database's own, in order.
fn files_below(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("the office's folder")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().contains("loa.db") {
                all.push(path.to_string_lossy().into_owned());
            }
        }
    }
    all.sort();
    all
}
