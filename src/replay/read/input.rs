//! From the paths that the user names to chunks of files.
//!
//! In: paths of files and directories with the source of their events. Out: chunks that can be read in parallel: a
//! whole file, or a range of a large plain one. Must not know: rules.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::chunk::{Chunk, Format};
use super::flow;
use super::open::{Packing, open};
use super::stream::is_stream;

/// Files of events.
#[derive(Debug, Clone)]
pub struct Input {
    /// Canonical name of the source; `None` for canonical NDJSON, whose lines name theirs.
    pub source: Option<String>,
    /// A file, a pipe, a directory with all below it, or `-` for standard input.
    pub path: String,
}

/// Bytes of a chunk of a large file.
const CHUNK: u64 = 16 * 1024 * 1024;
/// Bytes of a file that decide its format.
const HEAD: u64 = 64 * 1024;

/// Files that cannot be read, and why.
pub(crate) type Broken = Vec<(String, String)>;

/// The chunks of all inputs, in order of file and place; and the paths that cannot be read and files of another source.
pub(crate) fn chunks(inputs: &[Input]) -> (Vec<Chunk>, Broken) {
    let (mut chunks, mut broken) = (Vec::new(), Broken::new());
    let mut seen = HashSet::new();
    for input in inputs {
        let files = match files(&input.path) {
            Ok(files) => files,
            Err(problem) => {
                broken.push((input.path.clone(), problem.to_string()));
                continue;
            }
        };
        for file in files {
            let name = file.to_string_lossy().into_owned();
            if !seen.insert((input.source.clone(), name.clone())) {
                continue;
            }
            match split(&name, input) {
                Ok(of_file) => chunks.extend(of_file),
                Err(problem) => broken.push((name, problem.to_string())),
            }
        }
    }
    (chunks, broken)
}

/// The files below a path, sorted. Of what AWS writes to a bucket, digests and validation files hold no events.
fn files(path: &str) -> io::Result<Vec<PathBuf>> {
    if path == "-" || !fs::metadata(path)?.is_dir() {
        return Ok(vec![PathBuf::from(path)]);
    }
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(io::Error::other)?;
        if entry.file_type().is_file() && holds_events(entry.path()) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

fn holds_events(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let digest =
        path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("CloudTrail-Digest"));
    !hidden && !digest
}

/// Looks at the head of a file and cuts it into chunks.
fn split(name: &str, input: &Input) -> io::Result<Vec<Chunk>> {
    if is_stream(name) {
        // What was read from a stream cannot be read again, so its form is taken to be lines.
        let format =
            if input.source.as_deref() == Some(flow::SOURCE) { Format::Flow(None) } else { Format::Lines };
        return Ok(vec![chunk(name, input, format, 0, u64::MAX)]);
    }
    let (packing, reader) = open(name)?;
    let mut head = Vec::new();
    // A file that breaks within its head is reported when it is read as a whole.
    let _ = reader.take(HEAD).read_to_end(&mut head);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    if head.iter().all(u8::is_ascii_whitespace) && packing == Packing::Plain {
        return Ok(Vec::new());
    }
    let format = match sniff(head) {
        Format::Flow(None)
            if input.source.as_deref() != Some(flow::SOURCE)
                && !flow::looks_like_record(first_line(head)) =>
        {
            Format::Lines
        }
        format @ (Format::Lines | Format::Document | Format::Flow(_)) => format,
    };
    if let (Some(source), Some(other)) = (&input.source, looks_like(head, &format))
        && source != other
    {
        return Err(io::Error::other(format!("this looks like {other}, but it was given as {source}")));
    }
    let length = if packing == Packing::Plain { fs::metadata(name)?.len() } else { 0 };
    if format == Format::Document || length <= CHUNK {
        return Ok(vec![chunk(name, input, format, 0, u64::MAX)]);
    }
    let starts = (0..length.div_ceil(CHUNK)).map(|part| part * CHUNK);
    Ok(starts.map(|start| chunk(name, input, format.clone(), start, (start + CHUNK).min(length))).collect())
}

fn chunk(name: &str, input: &Input, format: Format, start: u64, end: u64) -> Chunk {
    Chunk { name: name.to_owned(), source: input.source.clone(), format, start, end }
}

/// The format that the head of a file shows.
fn sniff(head: &[u8]) -> Format {
    let head = head.trim_ascii_start();
    if !head.starts_with(b"{") && !head.starts_with(b"[") {
        return Format::Flow(flow::header(first_line(head)));
    }
    let mut lines =
        head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    // A line of NDJSON ends its object, and if the first one is broken the next one begins another.
    let closed = first.starts_with(b"{") && first.ends_with(b"}");
    match second {
        Some(second) if closed || second.starts_with(b"{\"") && first.starts_with(b"{\"") => Format::Lines,
        Some(_) => Format::Document,
        None if head.starts_with(b"[") => Format::Document,
        None => Format::Lines,
    }
}

fn first_line(head: &[u8]) -> &[u8] {
    head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// The source that the head of a file shows, if it is plain.
fn looks_like(head: &[u8], format: &Format) -> Option<&'static str> {
    let has = |needle: &str| memchr::memmem::find(head, needle.as_bytes()).is_some();
    match format {
        Format::Flow(_) => Some(flow::SOURCE),
        Format::Lines | Format::Document if has("\"interface-id\"") && has("\"log-status\"") => {
            Some(flow::SOURCE)
        }
        Format::Lines | Format::Document if has("\"eventSource\"") && has("\"eventName\"") => {
            Some("aws.cloudtrail")
        }
        Format::Lines | Format::Document => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_formats() {
        for (head, expected) in [
            ("{\"Records\":[{\"a\":1}]}", Format::Lines),
            ("{\"Records\":[{\"a\":1},{\"b\":", Format::Lines),
            ("{\"a\":1}\n{\"b\":2}\n", Format::Lines),
            ("{\"a\":1\n{\"b\":2}\n", Format::Lines),
            ("{\n  \"Records\": [\n", Format::Document),
            ("{ \"Records\": [\n  {", Format::Document),
            ("[\n{\"a\":1}\n]", Format::Document),
            ("[{\"a\":1},{\"a\":2}]", Format::Document),
            ("2 123 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 1 1 2 ACCEPT OK\n", Format::Flow(None)),
            (
                "version account-id\n2 1\n",
                Format::Flow(Some(vec!["version".to_owned(), "account-id".to_owned()])),
            ),
        ] {
            assert_eq!(sniff(head.as_bytes()), expected, "{head}");
        }
    }
}
