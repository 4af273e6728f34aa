//! Logs with a known number of chains, the same on every machine.
//!
//! In: a directory, how many lines, which forms. Out: `trail.ndjson` (CloudTrail) and `flows.ndjson` (flow records as
//! JSON), both in order of time, on request the same as flow text and as `Records` files. Prints how many alerts
//! `rules/an1318/aws.chain` gives. Must not know: catena.
//!
//! Three of ten lines are CloudTrail. One in a thousand lines is the egress of a chain; as many launches again are
//! harmless in one way each: an approved image, an automated role, no console session, a window missed. Every chain has
//! a network interface of its own, so alerts before and after de-duplication are the same.

use std::collections::BinaryHeap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const USAGE: &str = "usage: generate DIRECTORY LINES [--hot] [--text] [--records]";
/// 2026-01-01T00:00:00Z
const BEGIN: u64 = 1_767_225_600;
const LINES_A_SECOND: u64 = 100;
const EVENTS_A_FILE: usize = 5000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// What is still to come of a chain, in order of time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due(std::cmp::Reverse<(u64, u64)>, Part);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Launch { who: u64, chain: u64, harmless: Option<u64> },
    Egress { who: u64, chain: u64, harmless: Option<u64> },
}

/// Ways in which a launch is harmless.
const APPROVED: u64 = 0;
const AUTOMATED: u64 = 1;
const NO_CONSOLE: u64 = 2;
const LATE: u64 = 3;

struct Logs {
    random: Random,
    hot: bool,
    trail: BufWriter<File>,
    flows: BufWriter<File>,
    text: Option<BufWriter<File>>,
    records: Option<Records>,
    buffer: String,
}

struct Records {
    folder: PathBuf,
    events: Vec<String>,
    files: usize,
}

fn account(who: u64) -> u64 {
    111_111_111_111 + who % 20 * 1_000_000_007
}

fn interface(number: u64) -> String {
    format!("eni-{:017x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4)
}

fn instant(second: u64) -> String {
    let at = jiff::Timestamp::from_second(second as i64).expect("a second of this century");
    at.to_string()
}

struct Call<'c> {
    second: u64,
    who: u64,
    provider: &'c str,
    action: &'c str,
    read_only: bool,
    console: bool,
    automated: bool,
    answer: &'c str,
}

impl Logs {
    fn call(&mut self, call: &Call) -> std::io::Result<()> {
        let Call { second, who, provider, action, read_only, .. } = *call;
        let account = account(who);
        let id = (self.random.next(), self.random.next());
        let mut line = std::mem::take(&mut self.buffer);
        line.clear();
        line.push_str(r#"{"eventVersion":"1.11","userIdentity":{"#);
        let _ = if call.automated || who % 3 == 0 {
            let role = if call.automated { "terraform-prod" } else { "app-server" };
            write!(
                line,
                r#""type":"AssumedRole","principalId":"AROATFQR7NSC3K2{who:06}:s-{who}","arn":"arn:aws:sts::{account}:assumed-role/{role}/s-{who}","accountId":"{account}","accessKeyId":"ASIATFQR7NSC{who:08}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROATFQR7NSC3K2{who:06}","arn":"arn:aws:iam::{account}:role/{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"{}","mfaAuthenticated":"false"}}}}}}"#,
                instant(second - 300)
            )
        } else {
            write!(
                line,
                r#""type":"IAMUser","principalId":"AIDATFQR7NSC5{who:08}","arn":"arn:aws:iam::{account}:user/person-{who}","accountId":"{account}","accessKeyId":"AKIATFQR7NSC{who:08}","userName":"person-{who}"}}"#
            )
        };
        let agent = if call.console {
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
        } else {
            "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/service"
        };
        let _ = write!(
            line,
            r#","eventTime":"{}","eventSource":"{provider}","eventName":"{action}","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{}","userAgent":"{agent}",{},"requestID":"{:08x}-{:04x}-4b6e-9f0e-{:012x}","eventID":"{:08x}-{:04x}-4d43-9f0e-{:012x}","readOnly":{read_only},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{provider}"}}"#,
            instant(second),
            who % 250,
            call.answer,
            id.1 >> 32,
            id.0 & 0xffff,
            id.1 & 0xffff_ffff_ffff,
            id.0 >> 32,
            id.1 & 0xffff,
            id.0 & 0xffff_ffff_ffff,
        );
        line.push_str(if call.console { r#","sessionCredentialFromConsole":"true"}"# } else { "}" });
        if let Some(records) = &mut self.records {
            records.add(&line)?;
        }
        line.push('\n');
        self.trail.write_all(line.as_bytes())?;
        self.buffer = line;
        Ok(())
    }

    fn console(&mut self, second: u64, who: u64, automated: bool) -> std::io::Result<()> {
        if who % 4 == 0 {
            let answer = r#""requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"Yes"}"#;
            let (provider, action) = ("signin.amazonaws.com", "ConsoleLogin");
            return self.call(&Call { second, who, provider, action, read_only: false, console: false, automated, answer });
        }
        let provider = "ec2.amazonaws.com";
        let action = self.random.of(&["CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "CreateKeyPair"]);
        let answer = r#""requestParameters":{"groupName":"launch-wizard-1","groupDescription":"launch-wizard created","vpcId":"vpc-0123456789abcdef0"},"responseElements":{"_return":true}"#;
        self.call(&Call { second, who, provider, action, read_only: false, console: true, automated, answer })
    }

    fn launch(&mut self, second: u64, who: u64, chain: u64, harmless: Option<u64>) -> std::io::Result<()> {
        let image = if harmless == Some(APPROVED) { "ami-0abcdef1234567890" } else { "ami-0eeeeeeeeeeeeeeee" };
        let eni = interface(chain);
        let answer = format!(
            r#""requestParameters":{{"instancesSet":{{"items":[{{"imageId":"{image}","minCount":1,"maxCount":1}}]}},"instanceType":"t3.micro"}},"responseElements":{{"requestId":"0000","reservationId":"r-{chain:017x}","instancesSet":{{"items":[{{"instanceId":"i-{chain:017x}","imageId":"{image}","instanceState":{{"code":0,"name":"pending"}},"privateIpAddress":"10.0.1.10","networkInterfaceSet":{{"items":[{{"networkInterfaceId":"{eni}","subnetId":"subnet-1","vpcId":"vpc-1","status":"in-use"}}]}}}}]}}}}"#
        );
        let automated = harmless == Some(AUTOMATED);
        let (provider, action) = ("ec2.amazonaws.com", "RunInstances");
        self.call(&Call { second, who, provider, action, read_only: false, console: false, automated, answer: &answer })
    }

    fn other_call(&mut self, second: u64, who: u64) -> std::io::Result<()> {
        let console = self.random.below(20) == 0;
        let (provider, action) = match self.random.below(8) {
            0 => ("s3.amazonaws.com", "ListBuckets"),
            1 => ("sts.amazonaws.com", "AssumeRole"),
            2 => ("kms.amazonaws.com", "Decrypt"),
            3 => ("ec2.amazonaws.com", "DescribeInstances"),
            4 => ("ec2.amazonaws.com", "DescribeVolumes"),
            5 => ("logs.amazonaws.com", "CreateLogStream"),
            6 => ("ssm.amazonaws.com", "UpdateInstanceInformation"),
            _ => ("iam.amazonaws.com", "GetRole"),
        };
        let answer = r#""requestParameters":{"keyId":"arn:aws:kms:us-east-1:111111111111:key/dad21b23-9915-42bd-981b-2a9f3c8f20c8","filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}},"responseElements":null"#;
        let read_only = !action.starts_with("Create") && !action.starts_with("Update");
        self.call(&Call { second, who, provider, action, read_only, console, automated: false, answer })
    }

    /// A flow record; those of a chain go out to the internet.
    fn flow(&mut self, second: u64, who: u64, eni: &str, outward: bool) -> std::io::Result<()> {
        let (random, start) = (&mut self.random, second);
        let host = |random: &mut Random| format!("10.0.{}.{}", random.below(32), random.below(250) + 1);
        let (inside, high) = (host(random), 32_768 + random.below(28_000));
        let world = format!("198.51.100.{}", random.below(250) + 1);
        // Of the other records a fifth is egress too, of interfaces nobody launched lately.
        let (src, dst, sport, dport) = match if outward { 0 } else { random.below(10) } {
            0 | 1 => (inside, world, high, 443),
            2 | 3 => (world, inside, 443, high),
            4 | 5 => (world, inside, high, 22),
            6 | 7 => (inside, host(random), high, 5432),
            _ => (host(random), inside, 5432, high),
        };
        let action = if !outward && random.below(10) == 0 { "REJECT" } else { "ACCEPT" };
        let (packets, bytes, account) = (random.below(90) + 1, random.below(90_000) + 40, account(who));
        let end = start + 59;
        writeln!(
            self.flows,
            r#"{{"version":2,"account-id":"{account}","interface-id":"{eni}","srcaddr":"{src}","dstaddr":"{dst}","srcport":{sport},"dstport":{dport},"protocol":6,"packets":{packets},"bytes":{bytes},"start":{start},"end":{end},"action":"{action}","log-status":"OK"}}"#
        )?;
        if let Some(text) = &mut self.text {
            writeln!(
                text,
                "2 {account} {eni} {src} {dst} {sport} {dport} 6 {packets} {bytes} {start} {end} {action} OK"
            )?;
        }
        Ok(())
    }

    fn part(&mut self, second: u64, part: Part, due: &mut BinaryHeap<Due>, order: u64) -> std::io::Result<()> {
        match part {
            Part::Launch { who, chain, harmless } => {
                let gap = if harmless == Some(LATE) { 700 } else { self.random.below(590) + 1 };
                due.push(Due(std::cmp::Reverse((second + gap, order)), Part::Egress { who, chain, harmless }));
                self.launch(second, who, chain, harmless)
            }
            Part::Egress { who, chain, .. } => self.flow(second, who, &interface(chain), true),
        }
    }
}

impl Records {
    fn add(&mut self, event: &str) -> std::io::Result<()> {
        self.events.push(event.to_owned());
        if self.events.len() >= EVENTS_A_FILE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(format!("trail_{:06}.json.gz", self.files));
        let mut file = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::new(6));
        write!(file, "{{\"Records\":[{}]}}", self.events.join(","))?;
        file.finish()?.flush()?;
        self.events.clear();
        self.files += 1;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, lines, ..] = arguments.as_slice() else { return Err(USAGE.into()) };
    let wants = |option: &str| arguments.iter().any(|argument| argument == option);
    let (folder, lines): (&Path, u64) = (folder.as_ref(), lines.parse()?);
    let create = |name: &str| -> std::io::Result<_> {
        Ok(BufWriter::with_capacity(1 << 20, File::create(folder.join(name))?))
    };
    std::fs::create_dir_all(folder.join("records"))?;
    let records = Records { folder: folder.join("records"), events: Vec::new(), files: 0 };
    let mut logs = Logs {
        random: Random(1318),
        hot: wants("--hot"),
        trail: create("trail.ndjson")?,
        flows: create("flows.ndjson")?,
        text: if wants("--text") { Some(create("flows.txt")?) } else { None },
        records: wants("--records").then_some(records),
        buffer: String::new(),
    };
    let chains = write_all(&mut logs, lines)?;
    logs.trail.flush()?;
    logs.flows.flush()?;
    logs.text.as_mut().map_or(Ok(()), Write::flush)?;
    logs.records.as_mut().map_or(Ok(()), Records::flush)?;
    println!("{chains}");
    Ok(())
}

/// Writes `lines` lines; returns how many chains are complete.
fn write_all(logs: &mut Logs, lines: u64) -> std::io::Result<u64> {
    let mut due: BinaryHeap<Due> = BinaryHeap::new();
    let (mut chain, mut complete, mut harmless_number) = (0, 0, 0);
    // With `--hot` everything is of one caller and, but for the chains, of one interface.
    let people = if logs.hot { 1 } else { 5000 };
    let interfaces = if logs.hot { 1 } else { 20_000 };
    let last = BEGIN + lines / LINES_A_SECOND;
    for line in 0..lines {
        let second = BEGIN + line / LINES_A_SECOND;
        if due.peek().is_some_and(|Due(std::cmp::Reverse((at, _)), _)| *at <= second) {
            let Some(Due(_, part)) = due.pop() else { continue };
            logs.part(second, part, &mut due, line)?;
            complete += u64::from(matches!(part, Part::Egress { harmless: None, .. }));
        } else if line % 500 == 0 && second + 1600 < last {
            let harmful = line % 1000 == 0;
            chain += 1;
            harmless_number += u64::from(!harmful);
            // Where all is of one caller, there always is a console session.
            let kind = harmless_number % 4;
            let kind = if logs.hot && kind == NO_CONSOLE { APPROVED } else { kind };
            let harmless = (!harmful).then_some(kind);
            let who = if logs.hot { 1 } else { 2 * people + chain };
            let gap = logs.random.below(890) + 1;
            due.push(Due(std::cmp::Reverse((second + gap, line)), Part::Launch { who, chain, harmless }));
            match harmless {
                Some(NO_CONSOLE) => logs.other_call(second, 0)?,
                Some(_) | None => logs.console(second, who, harmless == Some(AUTOMATED))?,
            }
        } else if logs.random.below(10) < 3 {
            let who = 1 + logs.random.below(people);
            if logs.random.below(50) == 0 { logs.console(second, who, false)? } else { logs.other_call(second, who)? }
        } else {
            let number = 1 << 40 | logs.random.below(interfaces);
            logs.flow(second, number, &interface(number), false)?;
        }
    }
    Ok(complete)
}
