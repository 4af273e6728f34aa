//! The work on a request, in a process of its own that lives no longer than it may.
//!
//! In: a task and the body of a request. Out: an answer. Must not know: what the work is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::page::{self, Answer};
use super::work::Task;

/// The most processes at a time.
const AT_WORK: usize = 2;
/// The most requests that wait for one.
const WAITING: usize = 16;
/// The most bytes of an answer.
const ANSWER: u64 = 16 << 20;

/// Starts processes.
#[derive(Debug)]
pub(super) struct Worker {
    program: PathBuf,
    /// The arguments of this process; the other one needs the same, and the task.
    arguments: Vec<OsString>,
    limit: Duration,
    turns: Semaphore,
    queue: Semaphore,
}

/// Why there is no answer.
enum Failed {
    Busy,
    TooLong,
    TooLarge,
    Crashed,
}

impl Worker {
    pub(super) fn new(program: PathBuf, arguments: Vec<OsString>, limit: Duration) -> Self {
        let (turns, queue) = (Semaphore::new(AT_WORK), Semaphore::new(AT_WORK + WAITING));
        Self { program, arguments, limit, turns, queue }
    }

    /// The longest time until an answer.
    pub(super) fn longest(&self) -> Duration {
        2 * self.limit
    }

    /// Does a task. When nobody waits for the answer any more, this future is dropped and the process killed.
    pub(super) async fn run(&self, task: Task, body: &[u8]) -> Answer {
        match self.start(task, body).await {
            Ok((status, text)) => page::json(status, text),
            Err(failed) => {
                let seconds = self.limit.as_secs();
                let (status, why) = match failed {
                    Failed::Busy => {
                        (StatusCode::SERVICE_UNAVAILABLE, "the playground is busy; try again".to_owned())
                    }
                    Failed::TooLong => (
                        StatusCode::UNPROCESSABLE_ENTITY,
                        format!(
                            "this takes longer than {seconds} s; shorten the rule or the events, or raise `--timeout`"
                        ),
                    ),
                    Failed::TooLarge => (
                        StatusCode::UNPROCESSABLE_ENTITY,
                        "the result is larger than 16 MiB; shorten the rule or the events".to_owned(),
                    ),
                    Failed::Crashed => (
                        StatusCode::UNPROCESSABLE_ENTITY,
                        "the work on this ended early; shorten the rule or the events".to_owned(),
                    ),
                };
                page::problem(status, &why)
            }
        }
    }

    async fn start(&self, task: Task, body: &[u8]) -> Result<(StatusCode, Vec<u8>), Failed> {
        let _place = self.queue.try_acquire().map_err(|_| Failed::Busy)?;
        let turn = timeout(self.limit, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Failed::Busy) };
        let began = Instant::now();
        let done = timeout(self.limit, self.process(task, body)).await;
        // On a busy machine, work that took too long may be seen to end before the timer is.
        done.ok().filter(|_| began.elapsed() <= self.limit).unwrap_or(Err(Failed::TooLong))
    }

    async fn process(&self, task: Task, body: &[u8]) -> Result<(StatusCode, Vec<u8>), Failed> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--work").arg(task.name());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|_| Failed::Crashed)?;
        let (input, out) = (child.stdin.take(), child.stdout.take());
        let (mut input, out) = input.zip(out).ok_or(Failed::Crashed)?;
        // It reads everything before it writes anything. One that ended before has its reason.
        let _ = input.write_all(body).await;
        drop(input);
        let mut text = Vec::new();
        out.take(ANSWER + 1).read_to_end(&mut text).await.map_err(|_| Failed::Crashed)?;
        if text.len() as u64 > ANSWER {
            return Err(Failed::TooLarge);
        }
        match child.wait().await.ok().and_then(|status| status.code()) {
            Some(0) => Ok((StatusCode::OK, text)),
            Some(1) => Ok((StatusCode::BAD_REQUEST, text)),
            Some(_) | None => Err(Failed::Crashed),
        }
    }
}
