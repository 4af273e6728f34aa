//! Damaged compressed files: what was unpacked of them is not taken on trust.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::files::{Scenario, TWO_CALLS, alerts, call};

#[test]
fn a_damaged_zstd_file_is_broken() {
    let text = call("1", "00:00:00", "CreateUser") + "\n" + &call("2", "00:05:00", "RunInstances") + "\n";
    let good = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
    let other = compress_to_vec(&b"\n"[..], CompressionLevel::Fastest);
    let read = |bytes: &[u8]| Scenario::new().file("aws.cloudtrail", "log.zst", bytes).run(TWO_CALLS);
    for whole in [good.clone(), [good.clone(), other.clone()].concat(), [other, good.clone()].concat()] {
        let report = read(&whole);
        assert!(alerts(&report) == 1 && !report.stats.is_flawed(), "{:?}", report.stats);
    }
    // The last four bytes of a frame are its checksum (RFC 8878, 3.1.1).
    // One bit of each byte, another one in the next.
    for (at, bit) in (8..good.len()).map(|at| (at, at * 3 % 8)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << bit;
        let report = read(&bytes);
        // Some bits may be written either way: the data are the same then.
        let is_same = (alerts(&report), report.stats.recognised) == (1, 2);
        assert!(is_same || report.stats.is_incomplete(), "bit {bit} of byte {at} of {}", good.len());
    }
    let mut bytes = [good.clone(), good.clone()].concat();
    bytes[good.len() - 1] ^= 1;
    let report = read(&bytes);
    assert_eq!(alerts(&report), 1);
    assert!(report.stats.broken_files.iter().any(|(_, problem)| problem.contains("checksum")));
}
