//! The listener: connections of this machine, few at a time and none for long.
//!
//! In: a port and who does the work. Out: answers, until the user ends it. A client that sends or reads slowly loses
//! its connection. Must not know: what is asked for; `guard` says who may.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

use super::guard::{self, Refusal, TOO_LARGE, TOO_SLOW, Wanted};
use super::page::{self, Answer};
use super::work::BODY;
use super::worker::Worker;
use crate::cli::output;

/// The most connections at a time.
const CONNECTIONS: usize = 64;
/// The longest time that the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);
/// The longest time that its body may take, and that reading the answer may take.
const TRANSFER: Duration = Duration::from_secs(10);
/// The most bytes of a head.
const HEAD_BYTES: usize = 16 << 10;

/// Listens on a port of the loopback interface until the user ends it; `ready` is told the address.
pub(super) fn listen(
    port: u16,
    worker: Worker,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; choose another port with `--port`, 0 is any free one")
        })?;
        let stopped = Arc::new(Notify::new());
        let stop = Arc::clone(&stopped);
        output::on_stop(move || stop.notify_one())?;
        let address = listener.local_addr().context("cannot tell the port")?;
        let shared = Arc::new(Shared { port: address.port(), worker });
        tokio::spawn(accept(listener, shared));
        ready(address)?;
        stopped.notified().await;
        Ok(())
    })
}

/// What every connection needs.
struct Shared {
    port: u16,
    worker: Worker,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Such as too many open files, which passes.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Who comes when all seats are taken is turned away: waiting ones would take memory, too.
        if let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                serve(stream, shared).await;
                drop(seat);
            });
        }
    }
}

/// One connection, which serves one request.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let longest = HEAD + TRANSFER + shared.worker.longest() + TRANSFER;
    let service = service_fn(|request| answer(&shared, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // However it ended, there is nobody to tell.
    let _ = timeout(longest, connection).await;
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let answered = match guard::admit(&head, shared.port) {
        Ok(Wanted::Page) => Ok(page::page()),
        Ok(Wanted::Work(task)) => match read(body).await {
            Ok(body) => Ok(shared.worker.run(task, &body).await),
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    Ok(answered.unwrap_or_else(|Refusal { status, why }| page::problem(status, why)))
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match timeout(TRANSFER, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(TOO_LARGE),
        Ok(Err(_)) | Err(_) => Err(TOO_SLOW),
    }
}
