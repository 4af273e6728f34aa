//! Messages on a stream, as the protocol frames them.
//!
//! In: bytes. Out: messages, or why one could not be read; the stream goes on behind it. Must not know: what messages
//! mean. (`lsp-server` would end the connection at the first malformed message, and take memory for any length that
//! one claims.)

use std::io::{self, BufRead, Read};

use lsp_server::Message;

/// The longest message that is read, in bytes; one that claims to be longer ends the stream.
const LIMIT: u64 = 64 << 20;
/// The longest line of a head.
const LINE: u64 = 8 << 10;
/// The header that counts.
const CONTENT_LENGTH: &str = "content-length:";

/// What came over the wire.
#[derive(Debug)]
pub(super) enum Received {
    /// A message.
    Message(Box<Message>),
    /// Something that is none.
    Malformed(String),
    /// Something behind which nobody knows where the next message begins.
    Lost(String),
}

/// Reads the next message; `None` at the end of the stream.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Received>> {
    let malformed = |why: &str| Ok(Some(Received::Malformed(why.to_owned())));
    let (mut length, mut has_head) = (None, false);
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
                None if has_head => return malformed("its head has no `Content-Length` that is a number"),
                // Blank lines between messages do no harm.
                None => continue,
            }
        }
        has_head = true;
        // What is left of a body that was longer than it claimed stands before the next head, without a line end.
        match line.to_ascii_lowercase().rfind(CONTENT_LENGTH) {
            Some(at) => {
                length = line.get(at + CONTENT_LENGTH.len()..).and_then(|value| value.trim().parse().ok());
            }
            None if line.contains(':') => {}
            None => return malformed("a line of the head is no header"),
        }
    }
}

fn body(input: &mut impl BufRead, length: u64) -> io::Result<Received> {
    if length > LIMIT {
        // To skip it could take forever, if it is not there.
        return Ok(Received::Lost(format!("a message of {length} bytes is longer than {LIMIT}")));
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
                Received::Lost(_) => return [found, vec!["lost".to_owned()]].concat(),
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
        // A length that nobody can hold.
        assert_eq!(all("Content-Length: 99999999999999\r\n\r\n{}"), ["lost"]);
        for head in ["Content-Length: -5", "Content-Type: x", "Content-Length: 99999999999999999999"] {
            let found = all(&format!("{head}\r\n\r\n{}", framed(good)));
            assert!(
                found.len() == 2 && found[0] == "malformed" && found[1].contains("\"a\""),
                "{head}: {found:?}"
            );
        }
        // A length that is too short: the next message is found again.
        let found = all(&format!("Content-Length: 5\r\n\r\n{good}{}", framed(good)));
        assert!(found.len() == 2 && found[0] == "malformed" && found[1].contains("\"a\""), "{found:?}");
    }
}
