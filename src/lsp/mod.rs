//! `catena lsp`: the language server.
//!
//! In: messages of an editor. Out: answers, and findings as the author types. Synchronous: one message after another;
//! while none waits, files that import what was edited are checked. Must not know: the command line.
//!
//! `wire` frames messages, `server` hands them on, `place` tells where in half-written text a position is; the other
//! files answer, one kind of question each.

mod actions;
mod complete;
mod convert;
mod findings;
mod hints;
mod hover;
mod navigate;
mod outline;
mod place;
mod server;
mod tokens;
mod wire;

use std::io::{BufReader, Read, Write};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use serde_json::Value;

use crate::project::{Live, LiveFile, Workers};
use crate::source::Utf16Position;

use server::Server;
use wire::Received;

/// Serves one editor until it says goodbye or goes away; whether it said goodbye.
///
/// # Errors
/// The stream to the editor broke.
pub fn serve<W: Workers>(
    input: impl Read + Send + 'static,
    output: impl Write,
    workers: &W,
) -> std::io::Result<bool> {
    let (sender, messages) = channel();
    // Reading waits; the rest of the program must not.
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        while let Ok(Some(received)) = wire::read(&mut input) {
            let is_last = matches!(received, wire::Received::Lost(_));
            if sender.send(received).is_err() || is_last {
                break;
            }
        }
    });
    let mut server = Server::new(output, workers);
    while let Some(received) = next(&messages, &mut server)? {
        match received {
            Received::Message(message) => {
                if let Some(orderly) = server.take(*message)? {
                    return Ok(orderly);
                }
            }
            Received::Malformed(why) => server.refuse(&why)?,
            Received::Lost(why) => {
                server.refuse(&why)?;
                return Ok(false);
            }
        }
    }
    Ok(false)
}

/// What can be written at a position of a file: completion items of the protocol, for an editor that does without the
/// rest of it.
#[must_use]
pub fn completions(live: &Live, file: LiveFile<'_>, position: Utf16Position) -> Vec<Value> {
    complete::complete(live, file, file.source.offset(position))
}

/// The next message; while none waits, what is left to do is done.
fn next<O: Write, W: Workers>(
    messages: &Receiver<Received>,
    server: &mut Server<'_, O, W>,
) -> std::io::Result<Option<Received>> {
    loop {
        match messages.try_recv() {
            Ok(received) => return Ok(Some(received)),
            Err(TryRecvError::Disconnected) => return Ok(None),
            Err(TryRecvError::Empty) => {
                server.publish()?;
                if !server.catch_up() {
                    return Ok(messages.recv().ok());
                }
            }
        }
    }
}
