//! Compressed log files.
//!
//! In: bytes that begin as a gzip or zstd file does, or the text of one. Promises: no file stops a replay, a compressed
//! file gives what its text gives, and one that was cut off says so.

use std::io::Write;

use catena::replay::output;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::logs::report;

/// Any bytes are a compressed file, or are compressed.
pub(crate) fn packed(bytes: &[u8]) {
    if matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..]) {
        report(bytes);
        return;
    }
    let plain = report(bytes);
    let whole = gzip(bytes);
    let unpacked = report(&whole);
    assert_eq!(output::ndjson(&plain), output::ndjson(&unpacked));
    let cut = report(&whole[..whole.len() - 5]);
    assert!(!cut.stats.broken_files.is_empty(), "a file that was cut off counts as whole");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
