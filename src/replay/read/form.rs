//! What a file is that is no text of events, by its first bytes.
//!
//! In: the head of a file. Out: its form in words, with what to do.
//! Must not know: sources, rules.

/// A form that begins with these bytes: its name and what to do.
const MAGIC: &[(usize, &[u8], &str, &str)] = &[
    // With their features on, zip archives and Parquet files come this far only through a pipe or out of another file:
    // they need the directory at their end.
    (0, b"PK\x03\x04", "a zip archive", "unpack it first: `unzip -p FILE | catena replay … -`"),
    (0, b"PK\x05\x06", "an empty zip archive", "there is nothing in it"),
    (257, b"ustar", "a tar archive", "unpack it first: `tar -xf FILE`"),
    (0, b"BZh", "compressed by bzip2", "unpack it first: `bzip2 -dc FILE | catena replay … -`"),
    (0, b"\xfd7zXZ\0", "compressed by xz", "unpack it first: `xz -dc FILE | catena replay … -`"),
    (0, b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it first: `lz4 -dc FILE | catena replay … -`"),
    (0, b"\xff\x06\0\0sNaPpY", "compressed by snappy", "unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (0, b"Rar!", "a rar archive", "unpack it first"),
    // One packing has been taken off before this is asked.
    (0, b"\x1f\x8b", "compressed by gzip twice", "unpack it once: `gzip -dc FILE`"),
    (
        0,
        b"PAR1",
        "a Parquet file",
        "give the file itself: it cannot be read from a pipe or within another file",
    ),
    (0, b"ORC", "an ORC file", "convert it to JSON lines"),
    (0, b"Obj\x01", "an Avro file", "convert it to JSON lines"),
    (0, b"SQLite format 3\0", "an SQLite database", "export the events as JSON lines"),
    (0, b"%PDF", "a PDF document", "give the log itself"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document", "export the events as JSON lines"),
    (0, b"ElfFile\0", "a Windows event log (EVTX)", "convert it to JSON lines"),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture", "give the flow log"),
];

/// What a file is that cannot be read as text, and what to do.
pub(crate) fn refused(head: &[u8]) -> Option<String> {
    let begins = |(at, magic, ..): &&(usize, &[u8], &str, &str)| {
        head.get(*at..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    MAGIC.iter().find(begins).map(|(_, _, name, advice)| format!("this is {name}; {advice}"))
}

/// What a line is that is no event, if that can be guessed.
pub(crate) fn guess_line(line: &[u8]) -> Option<&'static str> {
    let line = line.trim_ascii_start();
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = words().next().unwrap_or_default();
    let commas = memchr::memchr_iter(b',', line).count();
    if is_syslog(line) {
        Some("this looks like syslog")
    } else if line.starts_with(b"<") {
        Some("this looks like XML or HTML")
    } else if line.starts_with(b"---") || line.starts_with(b"- ") {
        Some("this looks like YAML")
    } else if [&b"http"[..], b"https", b"h2", b"ws", b"wss", b"grpcs", b"tls"].contains(&first)
        && words().count() > 10
    {
        Some("this looks like a log of a load balancer")
    } else if line.iter().take(512).any(|byte| *byte < 0x09 || (0x0e..0x20).contains(byte) && *byte != 0x1b) {
        // Not for an escape (0x1b): coloured output of a terminal has it.
        Some("this is binary data, or encrypted")
    } else if commas >= 2 && line.starts_with(b"\"") || commas >= 4 {
        Some("this looks like CSV")
    } else {
        None
    }
}

/// Whether a line begins as syslog does: with its priority (RFC 5424), or with a time as `Jan  1 00:00:00` (RFC 3164).
fn is_syslog(line: &[u8]) -> bool {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let has_priority = line.strip_prefix(b"<").is_some_and(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>')
    });
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (month, day) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_time = words.next().is_some_and(|time| memchr::memchr_iter(b':', time).count() == 2);
    let is_month = MONTHS.chunks(3).any(|one| one == month);
    has_priority || is_month && day.iter().all(u8::is_ascii_digit) && is_time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_named_with_what_to_do() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        for (head, expected) in [
            (&b"PK\x03\x04..."[..], Some("zip")),
            (&tar, Some("tar -xf")),
            (b"BZh91AY", Some("bzip2")),
            (b"PAR1\x15", Some("Parquet")),
            (b"{\"a\":1}", None),
            (b"", None),
        ] {
            let found = refused(head);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(expected.is_none_or(|part| found.unwrap().contains(part)));
        }
        for syslog in [&b"<34>1 2026-01-01T00:00:00Z host a,b,c,d,e"[..], b"Jan  1 00:00:00 host a,b,c,d,e"] {
            assert_eq!(guess_line(syslog), Some("this looks like syslog"));
        }
        assert_eq!(guess_line(b"<html>"), Some("this looks like XML or HTML"));
        assert_eq!(guess_line(b"This is no log."), None);
    }
}
