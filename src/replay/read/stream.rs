//! Standard input and pipes, which can be read only once.
//!
//! In: a path. Out: a reader of its bytes, which ends when the user wants no more.
//! Must not know: what the bytes mean.
//!
//! A pipe may stay open with nothing in it, and a read that waits for it cannot be called off. So another thread reads,
//! and who waits for that one looks up now and then.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

const BLOCK: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_millis(50);

/// Whether `path` is standard input (`-`) or a pipe.
pub(crate) fn is_stream(path: &str) -> bool {
    path == "-" || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The bytes of a stream.
#[derive(Debug)]
pub(crate) struct Stream<'s> {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Cursor<Vec<u8>>,
    stop: &'s AtomicBool,
}

impl<'s> Stream<'s> {
    /// Begins to read `path`, until its end or until `stop` is set.
    pub(crate) fn new(path: &str, stop: &'s AtomicBool) -> io::Result<Self> {
        // One block ahead: a writer that is faster than the reader has to wait and must not fill the memory.
        let (sender, blocks) = sync_channel(1);
        let path = path.to_owned();
        // Even opening a pipe waits, for its writer. The thread is never joined: it may wait for ever, and ends with
        // the program.
        thread::Builder::new().spawn(move || match open(&path) {
            Ok(reader) => forward(reader, &sender),
            Err(problem) => _ = sender.send(Err(problem)),
        })?;
        Ok(Self { blocks, block: Cursor::default(), stop })
    }
}

fn open(path: &str) -> io::Result<Box<dyn Read>> {
    Ok(if path == "-" { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) })
}

/// Sends what can be read, until nobody wants it any more.
fn forward(mut reader: impl Read, blocks: &SyncSender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; BLOCK];
    loop {
        let block = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(buffer.get(..length).unwrap_or_default().to_vec()),
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => continue,
            Err(problem) => Err(problem),
        };
        let failed = block.is_err();
        if blocks.send(block).is_err() || failed {
            return;
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.block.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.blocks.recv_timeout(PATIENCE) {
                Ok(block) => self.block = Cursor::new(block?),
                Err(RecvTimeoutError::Timeout) if !self.stop.load(Ordering::Relaxed) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}
