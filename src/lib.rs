//! Catena compiles chains of events to the queries of four SIEMs.
//!
//! ```text
//! text ─ syntax ─▶ AST ─ check ─▶ IR ─┬─ engine ─▶ alerts            (reference meaning; test, replay)
//!                       ▲             └─ backend: gate ─▶ plan ─▶ print ─▶ emission
//!                   sources/*.yaml
//! ```
//!
//! Every stage takes a reference and returns a new value; findings go sideways into [`diag::Diagnostics`]. [`Project`]
//! puts the stages together over files in memory; [`project::session`] does the same over any [`project::Files`], with
//! threads if the caller has some. Neither needs a disk.
//!
//! ```
//! use catena::{Project, backend, project::CompileOptions};
//!
//! let mut project = Project::of("rules/login.chain", r#"
//! import "shared.chain"
//! rule console_then_key {
//!   title       "An access key is made right after a console sign-in"
//!   id          "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0001"
//!   description "Somebody signs in to the console and makes an access key."
//!   severity    medium
//!   chain {
//!     step login from aws.cloudtrail where event.action == "ConsoleLogin" and event.outcome == "success"
//!     then within 10m on actor.id
//!     step key from aws.cloudtrail where event.action == "CreateAccessKey"
//!       except actor.id in automation
//!   }
//!   alert { entity account key.actor.id  dedupe 1h by key.actor.id }
//!   test "sign-in, then a key" {
//!     login at 0s { actor.id: "arn:aws:iam::1:user/alice" }
//!     key   at 2m { actor.id: "arn:aws:iam::1:user/alice" }
//!     expect alert at 2m
//!   }
//! }
//! "#);
//! project.insert("rules/shared.chain", r#"allowlist automation: actor.id { "arn:aws:iam::*:role/ci-*" }"#);
//!
//! let checked = project.check()?;
//! assert!(checked.findings.is_empty() && checked.rules.len() == 1);
//!
//! let kql = backend::by_name("kql").into_iter().collect::<Vec<_>>();
//! let compiled = project.compile(&kql, CompileOptions::default())?;
//! assert!(compiled.emissions[0].parts[0].text.contains("CreateAccessKey"));
//!
//! assert!(project.test()?.outcomes.iter().all(|outcome| outcome.passed()));
//!
//! // An edit replaces the text; findings say where, also as editors count.
//! project.insert("rules/shared.chain", "allowlist automation: actor.idd { }");
//! let findings = project.check()?.findings;
//! let found = &findings.findings()[0];
//! assert_eq!((found.primary.file.name.as_str(), found.primary.utf16().start.line), ("rules/shared.chain", 0));
//! print!("{}", catena::diag::render::one(found, false));
//! # Ok::<(), catena::project::Unusable>(())
//! ```
//!
//! # Features
//!
//! They are on by default. Without them the crate compiles, checks and tests rules, and needs neither threads nor
//! files.
//!
//! | feature | what it adds |
//! |---|---|
//! | `replay` | [`replay`]: rules over log files; `Project::replay`: over logs in memory |
//! | `pack` | [`pack`]: content that a SIEM takes as it is: rules with schedule, lists and playbook |
//! | `cli` | the command line and the program `catena`; without `replay` it lacks the commands that read logs |

pub mod attack;
pub mod backend;
pub mod catalog;
mod cells;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
mod csv;
pub mod diag;
pub mod diff;
pub mod draft;
pub mod engine;
pub mod explain;
pub mod form;
pub mod import;
pub mod ir;
#[cfg(feature = "lsp")]
pub mod lsp;
#[cfg(feature = "pack")]
pub mod pack;
pub mod picture;
pub mod project;
#[cfg(feature = "replay")]
pub mod replay;
pub mod settings;
pub mod source;
pub mod syntax;
pub mod table;
pub mod unit;
pub mod yaml;

pub use project::Project;
