//! What a programmer would write for one rule only: `rules/an1318/aws.chain`, its lists and windows included.
//!
//! In: `trail.ndjson` and `flows.ndjson`. Out: the number of alerts. Files are read in blocks by all cores; a line is
//! looked at for a few texts, parsed into a struct that holds only what the rule reads, and joined by hash.
//! `scan lines FILE…` counts line ends and `scan inflate FILE…` decompresses, read and spread over the cores in the
//! same way: the floor that no reader can go below. Must not know: catena. It takes the input in any order, but one
//! thing for granted: no event is delivered twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{Read, sink};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;

use flate2::read::MultiGzDecoder;
use foldhash::fast::RandomState;
use memchr::{memchr, memchr_iter, memrchr, memmem::Finder};
use rayon::prelude::*;
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

const BLOCK: u64 = 1 << 20;
const CONSOLE_TO_LAUNCH: i64 = 15 * 60;
const LAUNCH_TO_EGRESS: i64 = 10 * 60;
const TOTAL: i64 = 30 * 60;
const APPROVED: [&str; 3] = ["ami-0abcdef1234567890", "ami-1234567890abcdef0", "ami-0123456789abcdef0"];

#[derive(Deserialize)]
struct Call<'l> {
    #[serde(rename = "userIdentity", borrow)]
    identity: Identity<'l>,
    #[serde(rename = "eventTime")]
    time: &'l str,
    #[serde(rename = "eventSource")]
    provider: &'l str,
    #[serde(rename = "eventName")]
    action: &'l str,
    #[serde(rename = "errorCode", borrow)]
    error: Option<Cow<'l, str>>,
    #[serde(rename = "readOnly")]
    read_only: bool,
    #[serde(rename = "recipientAccountId")]
    account: &'l str,
    #[serde(rename = "sessionCredentialFromConsole")]
    from_console: Option<&'l str>,
    #[serde(rename = "responseElements", borrow)]
    response: Option<Response<'l>>,
}

#[derive(Deserialize)]
struct Identity<'l> {
    #[serde(borrow)]
    arn: Cow<'l, str>,
    #[serde(rename = "sessionContext", borrow)]
    context: Option<Context<'l>>,
}

#[derive(Deserialize)]
struct Context<'l> {
    #[serde(rename = "sessionIssuer", borrow)]
    issuer: Option<Issuer<'l>>,
}

#[derive(Deserialize)]
struct Issuer<'l> {
    #[serde(borrow)]
    arn: Option<Cow<'l, str>>,
}

#[derive(Deserialize)]
struct Response<'l> {
    #[serde(rename = "ConsoleLogin")]
    login: Option<&'l str>,
    #[serde(rename = "instancesSet", borrow)]
    instances: Option<Items<Instance<'l>>>,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Instance<'l> {
    #[serde(rename = "imageId")]
    image: &'l str,
    #[serde(rename = "networkInterfaceSet", borrow)]
    interfaces: Items<Interface<'l>>,
}

#[derive(Deserialize)]
struct Interface<'l> {
    #[serde(rename = "networkInterfaceId")]
    id: &'l str,
}

#[derive(Deserialize)]
struct Flow<'l> {
    #[serde(rename = "account-id")]
    account: &'l str,
    #[serde(rename = "interface-id")]
    interface: &'l str,
    srcaddr: &'l str,
    dstaddr: &'l str,
    srcport: u16,
    dstport: u16,
    start: i64,
    action: &'l str,
}

type Key = (u64, Box<str>);

#[derive(Default)]
struct Found {
    consoles: Vec<(Key, i64)>,
    /// Caller, interface, time.
    launches: Vec<(Key, Key, i64)>,
    egress: Vec<(Key, i64)>,
}

impl Found {
    fn join(mut self, mut other: Self) -> Self {
        if self.egress.len() < other.egress.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.consoles.append(&mut other.consoles);
        self.launches.append(&mut other.launches);
        self.egress.append(&mut other.egress);
        self
    }
}

fn key(account: &str, other: &str) -> Option<Key> {
    Some((account.parse().ok()?, other.into()))
}

fn seconds(time: &str) -> Option<i64> {
    Some(time.parse::<jiff::Timestamp>().ok()?.as_second())
}

fn is_automated(arn: &str) -> bool {
    let Some(role) = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/")) else { return false };
    role.1.starts_with("terraform-")
        || role.1.starts_with("aws-service-role/autoscaling.amazonaws.com/")
        || role.1.starts_with("aws-service-role/eks-nodegroup.amazonaws.com/")
}

fn call(line: &[u8], found: &mut Found) -> Option<()> {
    let text = std::str::from_utf8(line).ok()?;
    let call: Call = sonic_rs::from_str(text).ok()?;
    let signed_in = call.provider == "signin.amazonaws.com"
        && call.action == "ConsoleLogin"
        && call.response.as_ref().and_then(|response| response.login) == Some("Success");
    if signed_in || call.from_console == Some("true") && !call.read_only {
        found.consoles.push((key(call.account, &call.identity.arn)?, seconds(call.time)?));
    }
    let launched = call.provider == "ec2.amazonaws.com" && call.action == "RunInstances" && call.error.is_none();
    let issuer = call.identity.context.as_ref().and_then(|context| context.issuer.as_ref()?.arn.as_deref());
    if !launched || issuer.is_some_and(is_automated) {
        return None;
    }
    for instance in call.response?.instances?.items {
        for interface in instance.interfaces.items {
            if !APPROVED.contains(&instance.image) {
                let keys = (key(call.account, &call.identity.arn)?, key(call.account, interface.id)?);
                found.launches.push((keys.0, keys.1, seconds(call.time)?));
            }
        }
    }
    None
}

fn is_internal(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || address.is_link_local() || a == 100 && b & 0xc0 == 64
}

fn flow(line: &[u8], found: &mut Found) -> Option<()> {
    let flow: Flow = sonic_rs::from_str(std::str::from_utf8(line).ok()?).ok()?;
    let outward = flow.action == "ACCEPT" && flow.srcport >= 32_768 && flow.dstport < 32_768;
    if outward && flow.srcaddr.parse::<Ipv4Addr>().ok()?.is_private() && !is_internal(flow.dstaddr.parse().ok()?) {
        found.egress.push((key(flow.account, flow.interface)?, flow.start));
    }
    None
}

/// Calls `line` for the lines that begin in each block, on all cores.
fn each_line<S: Send>(
    path: &str,
    empty: impl Fn() -> S + Sync + Send,
    line: impl Fn(&[u8], &mut S) + Sync + Send,
    join: impl Fn(S, S) -> S + Sync + Send,
) -> Result<S, Failure> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let lines = |mut buffer: Vec<u8>, mut state: S, block: u64| -> Result<_, Failure> {
        // A block begins after the last line end before it and ends with the first one at or after its end.
        let begin = (block * BLOCK).saturating_sub(1);
        let mut filled = 0;
        let mut wanted = (BLOCK + 64 * 1024).min(length - begin) as usize;
        loop {
            buffer.resize(wanted, 0);
            file.read_exact_at(&mut buffer[filled..], begin + filled as u64)?;
            filled = wanted;
            if begin + filled as u64 == length || memrchr(b'\n', &buffer[(BLOCK as usize).min(filled)..]).is_some() {
                break;
            }
            wanted = (filled * 2).min((length - begin) as usize);
        }
        let mut at = if block == 0 { 0 } else { memchr(b'\n', &buffer[..filled]).map_or(filled, |at| at + 1) };
        let end = ((block + 1) * BLOCK - begin) as usize;
        while at < filled && at < end {
            let after = memchr(b'\n', &buffer[at..filled]).map_or(filled, |length| at + length);
            line(&buffer[at..after], &mut state);
            at = after + 1;
        }
        Ok((buffer, state))
    };
    let fold = (0..length.div_ceil(BLOCK)).into_par_iter().try_fold(
        || (Vec::new(), empty()),
        |(buffer, state), block| lines(buffer, state, block),
    );
    fold.map(|done| done.map(|(_, state)| state)).try_reduce(&empty, |left, right| Ok(join(left, right)))
}

fn chains(trail: &str, flows: &str) -> Result<usize, Failure> {
    let calls = ["RunInstances", "ConsoleLogin", "\"sessionCredentialFromConsole\""].map(Finder::new);
    let by_call = |line: &[u8], found: &mut Found| {
        if calls.iter().any(|text| text.find(line).is_some()) {
            call(line, found);
        }
    };
    let accepted = Finder::new("ACCEPT");
    let by_flow = |line: &[u8], found: &mut Found| {
        if accepted.find(line).is_some() {
            flow(line, found);
        }
    };
    let mut found = each_line(trail, Found::default, by_call, Found::join)?;
    let egress = each_line(flows, Found::default, by_flow, Found::join)?.egress;
    let mut consoles: HashMap<Key, Vec<i64>, RandomState> = HashMap::default();
    for (key, time) in found.consoles.drain(..) {
        consoles.entry(key).or_default().push(time);
    }
    consoles.values_mut().for_each(|times| times.sort_unstable());
    // Interface to launches with the start of their chain.
    let mut launches: HashMap<Key, Vec<(i64, i64)>, RandomState> = HashMap::default();
    for (caller, interface, time) in found.launches {
        let Some(times) = consoles.get(&caller) else { continue };
        let before = times.partition_point(|console| *console <= time);
        let Some(start) = before.checked_sub(1).map(|at| times[at]) else { continue };
        if time - start <= CONSOLE_TO_LAUNCH {
            launches.entry(interface).or_default().push((time, start));
        }
    }
    let reached = |(interface, time): &&(Key, i64)| {
        let of_interface = launches.get(interface);
        of_interface.is_some_and(|launches| {
            let fits = |(launch, start): &(i64, i64)| {
                (0..=LAUNCH_TO_EGRESS).contains(&(time - launch)) && time - start <= TOTAL
            };
            launches.iter().any(fits)
        })
    };
    Ok(egress.iter().filter(reached).count())
}

fn lines(files: &[String]) -> Result<usize, Failure> {
    let mut count = 0;
    for path in files {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let of_block = |buffer: &mut Vec<u8>, block: u64| -> Result<usize, Failure> {
            buffer.resize(BLOCK.min(length - block * BLOCK) as usize, 0);
            file.read_exact_at(buffer, block * BLOCK)?;
            Ok(memchr_iter(b'\n', buffer).count())
        };
        let blocks = (0..length.div_ceil(BLOCK)).into_par_iter();
        count += blocks.map_init(Vec::new, of_block).try_reduce(|| 0, |left, right| Ok(left + right))?;
    }
    Ok(count)
}

fn inflate(files: &[String]) -> Result<usize, Failure> {
    let one = |path: &String| -> Result<usize, Failure> {
        let mut decoder = MultiGzDecoder::new(std::io::BufReader::with_capacity(256 * 1024, File::open(path)?));
        let mut buffer = vec![0; BLOCK as usize];
        let mut bytes = 0;
        loop {
            let read = decoder.read(&mut buffer)?;
            std::io::Write::write_all(&mut sink(), &buffer[..read])?;
            bytes += read;
            if read == 0 {
                return Ok(bytes);
            }
        }
    };
    files.par_iter().map(one).try_reduce(|| 0, |left, right| Ok(left + right))
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let answer = match arguments.split_first() {
        Some((what, files)) if what == "lines" => lines(files)?,
        Some((what, files)) if what == "inflate" => inflate(files)?,
        Some((trail, [flows])) => chains(trail, flows)?,
        _ => return Err("usage: scan TRAIL FLOWS | scan lines FILE… | scan inflate FILE…".into()),
    };
    println!("{answer}");
    Ok(())
}
