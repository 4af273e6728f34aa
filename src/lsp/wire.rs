//! Messages on a stream, as the protocol frames them.
//!
//! In: bytes. Out: messages, or why one could not be read; the stream goes on behind it. Must not know: what messages
//! mean. (`lsp-server` would end the connection at the first malformed message, and take memory for any length that
//! one claims.)

use std::io::{self, BufRead, Read};

use lsp_server::Message;

/// The longest message that is read, in bytes; what is longer is skipped.
const LIMIT: u64 = 64 << 20;
/// The longest line of a head.
const LINE: u64 = 8 << 10;

/// What came over the wire.
#[derive(Debug)]
pub(super) enum Received {
    /// A message.
    Message(Box<Message>),
    /// Something that is none.
    Malformed(String),
}

/// Reads the next message; `None` at the end of the stream.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Received>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            match length {
                Some(length) => return body(input, length).map(Some),
                // Blank lines between messages do no harm.
                None => continue,
            }
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok();
            }
            Some(_) => {}
            None => return Ok(Some(Received::Malformed("a line of the head is no header".to_owned()))),
        }
    }
}

fn body(input: &mut impl BufRead, length: u64) -> io::Result<Received> {
    if length > LIMIT {
        io::copy(&mut input.take(length), &mut io::sink())?;
        return Ok(Received::Malformed(format!("a message of {length} bytes is too long")));
    }
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    Ok(match serde_json::from_slice(&bytes) {
        Ok(message) => Received::Message(Box::new(message)),
        Err(error) => Received::Malformed(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut input = text.as_bytes();
        let mut found = Vec::new();
        while let Some(received) = read(&mut input).unwrap() {
            found.push(match received {
                Received::Message(message) => serde_json::to_string(&message).unwrap(),
                Received::Malformed(_) => "malformed".to_owned(),
            });
        }
        found
    }

    #[test]
    fn a_malformed_message_does_not_end_the_stream() {
        let good = r#"{"method":"a"}"#;
        let framed = |text: &str| format!("Content-Length: {}\r\n\r\n{text}", text.len());
        let stream = [framed("{"), framed("[]"), "nonsense\r\n".to_owned(), framed(good)].concat();
        let found = all(&stream);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[3].contains("\"a\"") && found[..3].iter().all(|one| one == "malformed"), "{found:?}");
        // A length that nobody can hold: what there is is skipped.
        assert_eq!(all("Content-Length: 99999999999999\r\n\r\n{}"), ["malformed"]);
        assert_eq!(all("Content-Length: -1\r\n\r\n"), Vec::<String>::new());
    }
}
