//! What people send sounds as they sent it.

use loa_tests::process::{
    Broker, Output, Village,
    figures::{Figure, Goal, smallest},
    measure::likeness::said_in,
    sound::Format,
};

#[test]
fn every_format_that_people_send_is_heard_as_it_was_sent() {
    // One sounds into files, the other into a null sink whose monitor is recorded.
    let village = Village::start(2, Output::Both, Broker::Embedded);
    let mut through_sink = Vec::new();
    for (format, seed) in Format::ALL.into_iter().zip(10..) {
        let [file, sink] = said_in(&village, format, 3.0, seed)[..] else {
            panic!("two poles");
        };
        assert!(file >= 0.98, "{format:?} in the file: {file:.4}");
        assert!(sink >= 0.98, "{format:?} in the sink's monitor: {sink:.4}");
        through_sink.push(sink);
    }
    let figure = Figure {
        name: "correlation_min",
        value: smallest(&through_sink),
        unit: "",
        goal: Goal::AtLeast(0.98),
        n: through_sink.len(),
        how: "smallest normalised correlation between a null sink's monitor recording and the canonical content; \
              MP3, AAC, Vorbis, FLAC, WAV and WebM/Opus uploads of 3 s"
            .into(),
    };
    assert!(figure.tell());
}
