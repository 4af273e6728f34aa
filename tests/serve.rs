//! `catena serve` over real sockets: who may ask, for how much, for how long; and what it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{AS_OF, catena, root, scratch};

const EXAMPLE: &str = "sign_in_then_key.chain";

/// A running program, which ends with this value.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
            .args(["serve", "--port", "0", "--as-of", AS_OF])
            .args(arguments)
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.strip_prefix("Playground: http://127.0.0.1:").unwrap().split('/').next().unwrap();
        Self { port: port.parse().unwrap(), child }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends bytes; the status and the whole answer. `HOST` stands for the address of the playground.
    fn send(&self, request: &str) -> (u16, String) {
        let mut stream = self.connect();
        let request = request.replace("HOST", &format!("127.0.0.1:{}", self.port)).replace('\n', "\r\n");
        // A refusal may come before everything is sent.
        let _ = stream.write_all(request.as_bytes());
        answer(stream)
    }

    fn ask(&self, task: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let mut stream = self.connect();
        let head = format!(
            "POST /api/{task} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
             Origin: http://localhost:{}\r\nContent-Length: {length}\r\n\r\n",
            self.port, self.port
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let (status, text) = answer(stream);
        let body = text.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    fn look(&self, file: &str, text: &str) -> Value {
        let (status, found) = self.ask("look", &json!({ "file": file, "text": text }).to_string());
        assert_eq!(status, 200, "{found}");
        found
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the text of an answer; 0 where there is none.
fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // A server that does not read what it refuses resets the connection behind its answer.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    (text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap()), text)
}

fn example() -> String {
    std::fs::read_to_string(root().join("docs/examples").join(EXAMPLE)).unwrap()
}

#[test]
fn every_answer_keeps_the_browser_to_this_page() {
    let served = Served::start(&[]);
    for request in ["GET / HTTP/1.1\nHost: HOST\n\n", "GET /nothing HTTP/1.1\nHost: HOST\n\n"] {
        let (_, text) = served.send(request);
        for header in [
            "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(text.contains(header), "{header}: {text}");
        }
        assert!(!text.to_lowercase().contains("access-control-allow"), "{text}");
    }
}

#[test]
fn the_page_permits_what_is_in_it_and_nothing_else() {
    let served = Served::start(&[]);
    let nonce = || {
        let (_, text) = served.send("GET / HTTP/1.1\nHost: HOST\n\n");
        let (head, page) = text.split_once("\r\n\r\n").unwrap();
        let nonce = head.split_once("script-src 'nonce-").unwrap().1.split_once('\'').unwrap().0.to_owned();
        assert!(nonce.len() >= 32, "{nonce}");
        assert!(
            head.contains(&format!("; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:")),
            "{head}"
        );
        for tag in ["style", "script"] {
            assert_eq!(page.matches(&format!("<{tag} nonce=\"{nonce}\">")).count(), 1, "{tag}");
        }
        assert!(!page.contains("@@"));
        // Nothing comes from elsewhere: a link inside of the page, an icon without a picture, drawings in its style.
        let count = |form: &str| page.matches(form).count();
        assert_eq!(count("src=\""), 0);
        assert_eq!((count("href=\""), count("href=\"#"), count("href=\"data:,\"")), (2, 1, 1));
        assert_eq!(count("url("), count("url('data:image/svg+xml"));
        nonce
    };
    assert_ne!(nonce(), nonce());
}

#[test]
fn the_page_has_the_words_of_the_language() {
    let start = Served::start(&[]).ask("start", "{}").1;
    // The grammar for editors has the same, see `editors`.
    assert_eq!(start["words"], json!(catena::syntax::words().collect::<Vec<_>>()));
    let words = start["words"].as_array().unwrap();
    let metadata = start["metadata"].as_array().unwrap();
    assert!(metadata.len() > 5 && metadata.iter().all(|word| words.contains(word)));
    // What names follow is written in the page.
    let page = std::fs::read_to_string(root().join("editors/playground/src/language.ts")).unwrap();
    let declare = page.split_once("DECLARE = new Set([").unwrap().1.split_once(']').unwrap().0;
    for word in declare.split(',') {
        assert!(words.contains(&json!(word.trim().trim_matches('"'))), "{word}");
    }
}

#[test]
fn strangers_are_refused() {
    let served = Served::start(&[]);
    let post = "Content-Type: application/json\nContent-Length: 2\n";
    let own = format!("POST /api/start HTTP/1.1\nHost: HOST\n{post}");
    for (request, status) in [
        ("GET / HTTP/1.1\nHost: HOST\n\n".to_owned(), 200),
        // A link from elsewhere leads to the page, and to nothing else.
        ("GET / HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\n\n".to_owned(), 200),
        (format!("{own}Sec-Fetch-Site: cross-site\n\n{{}}"), 403),
        (format!("{own}\n{{}}"), 200),
        (format!("{own}Origin: http://HOST\n\n{{}}"), 200),
        (format!("{own}Origin: https://HOST\n\n{{}}"), 403),
        (format!("{own}Origin: http://evil.example\n\n{{}}"), 403),
        (format!("{own}Origin: http://HOST.evil.example\n\n{{}}"), 403),
        (format!("{own}Origin: http://127.0.0.1:1\n\n{{}}"), 403),
        (format!("{own}Origin: null\n\n{{}}"), 403),
        (format!("POST /api/start HTTP/1.1\nHost: evil.example\n{post}\n{{}}"), 403),
        ("GET / HTTP/1.1\nHost: evil.example\n\n".to_owned(), 403),
        ("GET / HTTP/1.1\nHost: localhost\n\n".to_owned(), 403),
        ("GET / HTTP/1.1\nHost: HOST\nHost: HOST\n\n".to_owned(), 400),
        ("GET / HTTP/1.0\n\n".to_owned(), 403),
        ("GET http://evil.example/ HTTP/1.1\nHost: HOST\n\n".to_owned(), 403),
    ] {
        let (found, text) = served.send(&request);
        assert_eq!(found, status, "{request}\n{text}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let served = Served::start(&[]);
    let post = "POST /api/start HTTP/1.1\nHost: HOST\nContent-Type: application/json\n";
    let long = "x".repeat(64 << 10);
    // Sizes are refused as they are announced, or when they are reached.
    let chunks = format!("100000\n{}\n", "x".repeat(1 << 20)).repeat(11);
    for (request, status) in [
        ("GET /api/start HTTP/1.1\nHost: HOST\n\n".to_owned(), 405),
        ("POST / HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n".to_owned(), 405),
        ("OPTIONS /api/start HTTP/1.1\nHost: HOST\n\n".to_owned(), 405),
        ("GET /api/../Cargo.toml HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("GET /..%2fCargo.toml HTTP/1.1\nHost: HOST\n\n".to_owned(), 404),
        ("POST /api/nothing HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n".to_owned(), 404),
        (
            "POST /api/start HTTP/1.1\nHost: HOST\nContent-Type: text/plain\nContent-Length: 0\n\n"
                .to_owned(),
            415,
        ),
        (format!("{post}Content-Length: 10485761\n\n"), 413),
        (format!("{post}Transfer-Encoding: chunked\n\n{chunks}0\n\n"), 413),
        (format!("GET / HTTP/1.1\nHost: HOST\nX: {long}\n\n"), 431),
        (format!("GET /{long} HTTP/1.1\nHost: HOST\n\n"), 431),
        ("nothing like it\n\n".to_owned(), 400),
    ] {
        let (found, text) = served.send(&request);
        let request = request.get(..80).unwrap_or(&request);
        assert_eq!(found, status, "{request}\n{}", text.get(..300).unwrap_or(&text));
    }
    for (task, body, why) in [
        ("look", "", "the request is not understood"),
        ("look", "{", "the request is not understood"),
        ("look", "[]", "the request is not understood"),
        ("look", "{\"file\":\"x\",\"text\":1}", "the request is not understood"),
        ("open", "{\"file\":\"x\",\"other\":1}", "unknown field `other`"),
        ("open", "{\"file\":\"../Cargo.toml\"}", "there is no file `../Cargo.toml` here"),
        ("open", "{\"file\":\"an1318/lists/approved_images.csv\"}", "there is no file"),
    ] {
        let (status, found) = served.ask(task, body);
        assert_eq!(status, 400, "{body}");
        assert!(found["error"].as_str().unwrap().contains(why), "{found}");
    }
}

#[test]
fn slow_clients_lose_their_connection() {
    let served = Served::start(&[]);
    let began = Instant::now();
    let (mut head, mut body, idle) = (served.connect(), served.connect(), served.connect());
    head.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let start = format!(
        "POST /api/start HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{",
        served.port
    );
    body.write_all(start.as_bytes()).unwrap();
    // Meanwhile others are served.
    assert_eq!(served.ask("start", "{}").0, 200);
    let (status, _) = answer(head);
    assert!([0, 408].contains(&status) && began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    answer(idle);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(answer(body).0, 408);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_crowd_is_turned_away_and_forgotten() {
    let served = Served::start(&[]);
    let crowd: Vec<TcpStream> = (0..64).map(|_| served.connect()).collect();
    let began = Instant::now();
    assert_eq!(served.send("GET / HTTP/1.1\nHost: HOST\n\n").0, 0);
    assert!(began.elapsed() < Duration::from_secs(3));
    drop(crowd);
    let is_served = || served.send("GET / HTTP/1.1\nHost: HOST\n\n").0 == 200;
    assert!((0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        is_served()
    }));
}

#[test]
fn work_that_takes_too_long_is_ended() {
    let served = Served::start(&["--timeout", "0"]);
    let (status, found) = served.ask("start", "{}");
    assert_eq!(status, 422);
    assert!(found["error"].as_str().unwrap().starts_with("this takes longer than 0 s"), "{found}");
}

#[test]
fn hostile_rules_and_events_are_answered() {
    let served = Served::start(&[]);
    let code = |found: &Value| found["findings"][0]["code"].as_str().unwrap_or_default().to_owned();
    let deep = format!("rule r {{ chain {{ step s from x where {}", "(".repeat(100_000));
    let wide = format!("rule r {{ {} }}", "chain { ".repeat(50_000));
    for text in [deep, wide, "\u{0}\u{202e}".repeat(1000), "x".repeat(5 << 20), "\"".repeat(100_000)] {
        let found = served.look(EXAMPLE, &text);
        assert_ne!(code(&found), "", "{}", text.get(..40).unwrap_or_default());
        assert_eq!(found["rules"], json!([]));
    }
    for events in ["{".repeat(1 << 20), "[".repeat(1 << 20), "\u{0}".repeat(1000), "x\n".repeat(100_000)] {
        let body = json!({ "file": EXAMPLE, "text": example(), "events": events, "source": null });
        let (status, found) = served.ask("replay", &body.to_string());
        assert_eq!((status, &found["count"]), (200, &json!(0)), "{found}");
        assert!(!found["notes"].as_array().unwrap().is_empty(), "{found}");
    }
    let body = json!({ "file": EXAMPLE, "text": example(), "events": "", "source": "aws.nothing" });
    assert_eq!(served.ask("replay", &body.to_string()).0, 400);
    let body = json!({ "file": EXAMPLE, "text": "rule", "events": "", "source": null });
    assert_eq!(served.ask("replay", &body.to_string()).0, 400);
}

#[test]
fn a_rule_reads_nothing_outside_its_folder() {
    let secret: &[u8] = b"value\nthe-secret-of-another-folder\n";
    let rule = example().replace(
        "allowlist key_rotation: actor.id {",
        "allowlist other: actor.id from \"../secret.csv\"\nallowlist key_rotation: actor.id {",
    );
    let files: [(&str, &[u8]); 2] = [("project/rule.chain", rule.as_bytes()), ("secret.csv", secret)];
    let folder = scratch("serve", &files);
    let project = folder.path().join("project").display().to_string();
    let absolute = folder.path().join("secret.csv").display().to_string();
    let served = Served::start(&[&project]);
    // A link inside leads nowhere else.
    #[cfg(unix)]
    std::os::unix::fs::symlink(&absolute, folder.path().join("project/linked.csv")).unwrap();
    for named in ["../secret.csv", &absolute, "linked.csv"] {
        let text = rule.replace("../secret.csv", named);
        let found = served.look("rule.chain", &text);
        let findings = found["findings"].as_array().unwrap();
        let unreadable = findings.iter().find(|finding| finding["code"] == "E0151");
        let title = unreadable.map(|finding| finding["title"].as_str().unwrap());
        assert!(title.is_some_and(|title| title.contains("outside")), "{findings:?}");
        assert!(!found.to_string().contains("the-secret"), "{found}");
    }
    let kept = served.ask("open", "{\"file\":\"rule.chain\"}").1;
    assert_eq!(kept["text"], rule);
    // An edit is nothing but an answer.
    assert_eq!(std::fs::read(folder.path().join("project/rule.chain")).unwrap(), rule.as_bytes());
    assert_eq!(
        std::fs::read_dir(folder.path().join("project")).unwrap().count(),
        1 + usize::from(cfg!(unix))
    );
}

#[test]
fn a_rule_is_checked_explained_tested_and_tried() {
    let served = Served::start(&[]);
    let start = served.ask("start", "{}").1;
    assert_eq!(start["files"][0], EXAMPLE);
    for file in start["files"].as_array().unwrap() {
        let text = served.ask("open", &json!({ "file": file }).to_string()).1["text"].clone();
        let found = served.look(file.as_str().unwrap(), text.as_str().unwrap());
        assert_eq!(found["findings"], json!([]), "{file}");
    }
    let found = served.look(EXAMPLE, &example());
    let explained = &found["explained"];
    assert!(explained["picture"].as_str().unwrap().starts_with("<svg "));
    for target in explained["targets"].as_array().unwrap() {
        let name = target["name"].as_str().unwrap();
        let printed =
            catena(&["compile", "docs/examples/sign_in_then_key.chain", "--target", name, "--as-of", AS_OF]);
        assert_eq!(
            format!("{}\n", target["parts"][0]["text"].as_str().unwrap().trim_end()),
            printed.out,
            "{name}"
        );
    }
    let body = json!({ "file": EXAMPLE, "text": example() });
    let tested = served.ask("test", &body.to_string()).1;
    assert!(tested["outcomes"].as_array().unwrap().iter().all(|test| test["passed"] == true), "{tested}");
    // What a test says can be tried as events: the first alerts, the third comes a minute too late.
    let events = |test: usize| explained["tests"][test]["events"].as_str().unwrap();
    let events = format!("{}{}", events(0), events(2));
    let body = json!({ "file": EXAMPLE, "text": example(), "events": events, "source": null });
    let tried = served.ask("replay", &body.to_string()).1;
    assert_eq!((&tried["count"], &tried["alerts"][0]["length"]), (&json!(1), &json!("2m")), "{tried}");
    assert_eq!(tried["alerts"][0]["moments"][1]["after"], "+2m");
    assert_eq!(tried["misses"][0]["moments"][1]["breaks"], true, "{tried}");
}

#[test]
fn a_timeline_counts_what_repeats_and_says_what_is_open() {
    let served = Served::start(&[]);
    let clause = "unless revoked from aws.cloudtrail where event.action == \"DeleteAccessKey\" within 1h after on actor.id";
    let except = "      except actor.id in key_rotation\n";
    let text = example()
        .replace("then within", "  at least 2 within 5m by actor.id\n\n    then within")
        .replace(except, &format!("{except}      {clause}\n"));
    let event = |minute: u8, provider: &str, action: &str| {
        json!({
            "source": "aws.cloudtrail", "event.time": format!("2026-01-01T00:{minute:02}:00Z"), "event.action": action,
            "event.provider": provider, "event.outcome": "success", "actor.id": "a", "cloud.account.id": "1",
        })
        .to_string()
    };
    let sign_in = |minute| event(minute, "signin.amazonaws.com", "ConsoleLogin");
    let events = [sign_in(0), sign_in(1), event(2, "iam.amazonaws.com", "CreateAccessKey")].join("\n");
    let body = json!({ "file": EXAMPLE, "text": text, "events": events, "source": null });
    let (status, tried) = served.ask("replay", &body.to_string());
    assert_eq!(
        (status, &tried["count"]),
        (200, &json!(1)),
        "{tried} {}",
        served.look(EXAMPLE, &text)["findings"]
    );
    let alert = &tried["alerts"][0];
    assert_eq!(
        (&alert["open"], &alert["moments"][0]["repeats"]),
        (&json!(true), &json!([2, "2026-01-01T00:00:00Z"])),
        "{alert}"
    );
}

#[test]
fn a_mistake_is_found_at_its_word() {
    let served = Served::start(&[]);
    let text = example()
        .replace("then within sign_in_to_key on actor.id", "then within sign_in_to_key on actor.idd");
    let found = served.look(EXAMPLE, &text);
    let place = &found["findings"][0]["place"];
    let line = text.lines().nth(usize::try_from(place["from"]["line"].as_u64().unwrap()).unwrap()).unwrap();
    let at = |end: &str| usize::try_from(place[end]["character"].as_u64().unwrap()).unwrap();
    assert_eq!(
        (&line[at("from")..at("to")], &found["findings"][0]["fix"]["text"]),
        ("actor.idd", &json!("actor.id"))
    );
    let line = text[..text.find("actor.idd").unwrap()].lines().count() - 1;
    let body = json!({ "file": EXAMPLE, "text": text, "line": line, "character": "    then within sign_in_to_key on ".len() });
    let items = served.ask("complete", &body.to_string()).1;
    let labels: Vec<_> = items["items"].as_array().unwrap().iter().map(|item| &item["label"]).collect();
    assert!(labels.contains(&&json!("actor.id")), "{labels:?}");
}

#[test]
fn it_says_why_it_cannot_start_and_ends_when_told() {
    let served = Served::start(&[]);
    let taken = catena(&["serve", "--port", &served.port.to_string()]);
    assert!(taken.status == 2 && taken.err.contains("choose another port with `--port`"), "{}", taken.err);
    let missing = catena(&["serve", "nothing.chain"]);
    assert!(missing.status == 2 && missing.err.contains("cannot read `nothing.chain`"), "{}", missing.err);
    let empty = catena(&["serve", "grammar"]);
    assert!(empty.status == 2 && empty.err.contains("no `.chain` file under `grammar`"), "{}", empty.err);
    #[cfg(unix)]
    {
        let mut served = served;
        Command::new("kill").args(["-INT", &served.child.id().to_string()]).status().unwrap();
        assert_eq!(served.child.wait().unwrap().code(), Some(130));
    }
}

/// As other commands find it: above the folder as it is named, and under a wrong name with an error.
#[cfg(unix)]
#[test]
fn the_environment_is_the_nearest_above_what_is_served() {
    let settings: &[u8] = b"parameters:\n  no_such_parameter: 1h\n";
    let (rule, broken) = (example(), b"no_such_key: 1\n");
    let files: [(&str, &[u8]); 4] = [
        ("elsewhere/rules/deep/rule.chain", rule.as_bytes()),
        ("project/catena.yaml", broken),
        ("wrong/catena.yml", settings),
        ("wrong/rules/deep/rule.chain", rule.as_bytes()),
    ];
    let folder = scratch("serve", &files);
    let link = folder.path().join("project/rules");
    std::os::unix::fs::symlink(folder.path().join("elsewhere/rules"), &link).unwrap();
    for (served, name) in [
        ("project/rules", "rules/deep/rule.chain"),
        ("project/rules/deep/rule.chain", "rules/deep/rule.chain"),
        ("elsewhere/../project/rules", "rules/deep/rule.chain"),
        ("wrong/rules", "rules/deep/rule.chain"),
    ] {
        let path = folder.path().join(served).display().to_string();
        let served = Served::start(&[&path]);
        let files = served.ask("start", "{}").1["files"].clone();
        assert_eq!(files, json!([name]), "{path}");
        let found = served.look(name, &rule);
        let found = found["findings"].as_array().unwrap();
        let code = found.iter().filter_map(|one| one["code"].as_str()).find(|code| code.starts_with("E09"));
        let checked = catena(&["check", &path, "--as-of", AS_OF]);
        assert!(
            checked.status == 1 && checked.err.contains(code.unwrap()),
            "{path}: {found:?}\n{}",
            checked.err
        );
    }
}
