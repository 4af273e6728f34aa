//! The chain: one stream of rows in time order, a running aggregate for each link.
//!
//! In: a rule and the roles of its steps. Out: the commands after the branches. Must not know: where columns come from.
//!
//! This is the recurrence of the design, S(e) = greatest S(e') over linked predecessors inside the gap. A row that
//! satisfies its step and is reached has `chain_s<i>`, the best start of a chain that ends in it. How a link finds the
//! best predecessor:
//!
//! * last link: a chain that ends in e' stays alive until D = min(t(e') + gap, S(e') + total); the row alerts if its
//!   time is not past the running maximum of D. Always exact.
//! * other links, newest: the newest predecessor has the best start, if predecessors that share this link's key also
//!   share the key of the link before (S never falls then), or if the total cannot bind. Running maxima are exact.
//! * other links, carried: else every predecessor of the key is carried along (`values`), and the row takes the best
//!   one inside the gap.
//!
//! If one event could match both steps, "newest" and "last" look at strictly earlier rows (running maximum in the order
//! `+_time, -chain_step`, in which a later step comes first) and, separately, at the rows of the same instant that come
//! from another event. The path of an alert travels as text; `max` over it compares the fixed-width numbers at its
//! start.

use crate::backend::print::{Frag, phrase};
use crate::backend::{Effect, Job, Report, shape};
use crate::ir::{Chain, Rule};

use super::role::{self, ID, Role, packed, unpacked};

/// How a link finds the best predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Newest,
    Carried,
    Last,
}

/// The order in which the rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    EarlierStepFirst,
    LaterStepFirst,
}

/// The commands after the branches of a chain of several steps.
pub(super) fn commands(job: &Job<'_>, roles: &[Role<'_>], report: &mut Report) -> Vec<Frag> {
    let mut tail = Tail { rule: job.rule, roles, out: Vec::new(), order: None };
    tail.push("eval chain_s1=if(chain_step=1, _time, null())");
    let kinds = kinds(&job.rule.chain);
    for (index, (kind, shared)) in
        kinds.into_iter().zip(shape::shared_links(&job.rule.chain, job.catalog)).enumerate()
    {
        if kind == Kind::Carried {
            report.note(
                Effect::Engine,
                job.rule.chain.links.get(index).map(|link| link.span).unwrap_or_default(),
                CARRIED,
            );
        }
        tail.link(Hop { index, kind, shared });
    }
    report.require(MEMORY);
    tail.answer();
    tail.out
}

const CARRIED: &str = "the key changes here inside a total that binds, so the query carries every earlier record of a key along; \
                       its memory grows with them";
const MEMORY: &str = "limits.conf [stats] max_mem_usage_mb large enough for one row per key of every link: past it, streamstats \
                      stops adding its fields and alerts are lost";

/// The kind of every link.
fn kinds(chain: &Chain) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(chain.links.len());
    let mut rising = true;
    for (index, link) in chain.links.iter().enumerate() {
        if let Some(before) = index.checked_sub(1).and_then(|before| chain.links.get(before)) {
            let holds = |name: &str| link.keys.iter().any(|key| key.left.name == name);
            rising &= before.keys.iter().all(|key| holds(&key.right.name));
        }
        kinds.push(if index + 1 == chain.links.len() {
            Kind::Last
        } else if rising || !shape::total_binds(chain) {
            Kind::Newest
        } else {
            Kind::Carried
        });
    }
    kinds
}

/// One link, from step `index + 1` to step `index + 2` (steps count from 1 in the query).
#[derive(Debug, Clone, Copy)]
struct Hop {
    index: usize,
    kind: Kind,
    shared: bool,
}

struct Tail<'a> {
    rule: &'a Rule,
    roles: &'a [Role<'a>],
    out: Vec<Frag>,
    order: Option<Order>,
}

impl Tail<'_> {
    fn push(&mut self, command: impl Into<String>) {
        self.out.push(Frag::atom(command));
    }

    fn sort(&mut self, order: Order) {
        if self.order != Some(order) {
            self.push(match order {
                Order::EarlierStepFirst => "sort 0 +_time, +chain_step",
                Order::LaterStepFirst => "sort 0 +_time, -chain_step",
            });
            self.order = Some(order);
        }
    }

    fn link(&mut self, hop: Hop) {
        self.pack(hop);
        match hop.kind {
            Kind::Newest => self.newest(hop),
            Kind::Carried => self.carried(hop),
            Kind::Last => self.last(hop),
        }
    }

    fn gap(&self, hop: Hop) -> u64 {
        self.rule.chain.links.get(hop.index).map_or(0, |link| link.gap.seconds)
    }

    fn by(&self, hop: Hop) -> String {
        let keys = self.rule.chain.links.get(hop.index).map_or(0, |link| link.keys.len());
        (0..keys).map(|key| role::key_column(hop.index, key)).collect::<Vec<_>>().join(", ")
    }

    /// The path so far, as text: two numbers by which `max` chooses, the event where it matters, then the step's values
    /// and the path before it.
    fn pack(&mut self, hop: Hop) {
        let n = hop.index + 1;
        let ranks = match hop.kind {
            Kind::Newest => ["_time".to_owned(), phrase!("chain_s{n}")],
            Kind::Carried => [phrase!("chain_s{n}"), "_time".to_owned()],
            Kind::Last => {
                self.deadline(n, self.gap(hop));
                [phrase!("chain_d{n}"), "_time".to_owned()]
            }
        };
        let (mut format, mut values) = ("%.6f|%.6f".to_owned(), ranks.to_vec());
        let mut add = |slot: &str, value: Option<String>| {
            format.push('|');
            format.push_str(slot);
            values.extend(value);
        };
        if hop.shared {
            add("%s", Some(ID.to_owned()));
        } else {
            add("=", None);
        }
        add("%.6f", Some("_time".to_owned()));
        for output in self.roles.get(hop.index).iter().flat_map(|role| &role.outputs) {
            add("=%s", Some(packed(&output.field)));
        }
        if hop.index > 0 {
            add("%s", Some(phrase!("chain_b{}", hop.index)));
        }
        let text = phrase!("printf(\"{format}\", {})", values.join(", "));
        self.push(phrase!("eval chain_p{n}=if(isnum(chain_s{n}), {text}, null())"));
    }

    /// Until when a chain that ends in step `n` can still become an alert.
    fn deadline(&mut self, n: usize, gap: u64) {
        let chain = &self.rule.chain;
        let total = chain.total.seconds;
        if chain.links.len() == 1 || !shape::total_binds(chain) {
            let window = if chain.links.len() == 1 { gap.min(total) } else { gap };
            self.push(phrase!("eval chain_d{n}=if(isnum(chain_s{n}), round(_time + {window}, 6), null())"));
            return;
        }
        self.push(phrase!(
            "eval chain_g{n}=if(isnum(chain_s{n}), round(_time + {gap}, 6), null()), \
             chain_w{n}=if(isnum(chain_s{n}), round(chain_s{n} + {total}, 6), null()), \
             chain_d{n}=if(chain_g{n} < chain_w{n}, chain_g{n}, chain_w{n})"
        ));
    }

    fn newest(&mut self, hop: Hop) {
        let (n, m, gap, by) = (hop.index + 1, hop.index + 2, self.gap(hop), self.by(hop));
        self.push(phrase!("eval chain_t{n}=if(isnum(chain_s{n}), _time, null())"));
        self.sort(if hop.shared { Order::LaterStepFirst } else { Order::EarlierStepFirst });
        self.push(phrase!(
            "streamstats max(chain_t{n}) AS chain_n{n}, max(chain_s{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}"
        ));
        let reached = phrase!("isnum(chain_n{n}) AND round(_time - chain_n{n}, 6) <= {gap}");
        if !hop.shared {
            self.push(phrase!("eval chain_s{m}=if(chain_step={m} AND {reached}, chain_m{n}, null())"));
            return;
        }
        self.ties(hop, 1);
        self.push(phrase!(
            "eval chain_s{m}=if(chain_step={m}, if(isnum(chain_y{n}), chain_y{n}, if({reached}, chain_m{n}, null())), null()), \
             chain_b{n}=if(isnum(chain_y{n}), chain_x{n}, chain_b{n})"
        ));
    }

    fn last(&mut self, hop: Hop) {
        let (n, m, by) = (hop.index + 1, hop.index + 2, self.by(hop));
        self.sort(if hop.shared { Order::LaterStepFirst } else { Order::EarlierStepFirst });
        self.push(phrase!(
            "streamstats max(chain_d{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}"
        ));
        let alive = phrase!("isnum(chain_m{n}) AND _time <= chain_m{n}");
        if !hop.shared {
            self.push(phrase!("where chain_step={m} AND {alive}"));
            return;
        }
        self.ties(hop, 0);
        let tied = phrase!("isnum(chain_y{n}) AND _time <= chain_y{n}");
        self.push(phrase!("where chain_step={m} AND (({alive}) OR ({tied}))"));
        self.push(phrase!("eval chain_b{n}=if({tied}, chain_x{n}, chain_b{n})"));
    }

    /// The best row of the same instant and key from another event: its path, and the number in slot `rank` of it.
    fn ties(&mut self, hop: Hop, rank: usize) {
        let (n, by) = (hop.index + 1, self.by(hop));
        self.sort(Order::EarlierStepFirst);
        self.push(phrase!("streamstats values(chain_p{n}) AS chain_c{n} BY {by}, _time"));
        self.best(hop, &other_event(n), rank);
    }

    fn carried(&mut self, hop: Hop) {
        let (n, m, gap, by) = (hop.index + 1, hop.index + 2, self.gap(hop), self.by(hop));
        self.sort(Order::EarlierStepFirst);
        self.push(phrase!("streamstats values(chain_p{n}) AS chain_c{n} BY {by}"));
        let near = phrase!("round(_time - tonumber(mvindex(split(chain_c{n}, \"|\"), 1)), 6) <= {gap}");
        let fits = if hop.shared { phrase!("{near} AND {}", other_event(n)) } else { near };
        self.best(hop, &fits, 0);
        self.push(phrase!("eval chain_s{m}=if(chain_y{n} > 0, chain_y{n}, null()), chain_b{n}=chain_x{n}"));
    }

    /// The greatest of the carried paths that fit; `0` stands for those that do not.
    fn best(&mut self, hop: Hop, fits: &str, rank: usize) {
        let (n, m) = (hop.index + 1, hop.index + 2);
        self.push(phrase!(
            "eval chain_x{n}=if(chain_step={m}, mvindex(mvsort(mvmap(chain_c{n}, if({fits}, chain_c{n}, \"0\"))), -1), null()), \
             chain_y{n}=tonumber(mvindex(split(chain_x{n}, \"|\"), {rank}))"
        ));
    }

    /// The columns of the answer: the path of each alert, taken apart again.
    fn answer(&mut self) {
        let links = self.rule.chain.links.len();
        self.push(phrase!("eval chain_v=split(chain_b{links}, \"|\")"));
        let mut made = Vec::new();
        let mut at = 0;
        for role in self.roles.iter().rev().skip(1) {
            made.push(Frag::atom(phrase!(
                "{}=tonumber(mvindex(chain_v, {}))",
                role::output_column(self.rule, role.number - 1, "time"),
                at + 3
            )));
            at += 4;
            for output in &role.outputs {
                made.push(Frag::atom(phrase!(
                    "{}={}",
                    output.column,
                    unpacked(&output.field, "chain_v", at)
                )));
                at += 1;
            }
        }
        self.push(phrase!("eval {}", super::lines(&made, ",")));
        self.out.extend(answer(self.rule, self.roles));
    }
}

/// The carried path does not end in the row's own event.
fn other_event(n: usize) -> String {
    phrase!("mvindex(split(chain_c{n}, \"|\"), 2)!={ID}")
}

/// The last step's own columns, and the table: `_time` first, which Splunk needs for its timeline, then each step in
/// order.
pub(super) fn answer(rule: &Rule, roles: &[Role<'_>]) -> Vec<Frag> {
    let time = |role: &Role<'_>| role::output_column(rule, role.number - 1, "time");
    let mut made = Vec::new();
    if let Some(role) = roles.last() {
        made.push(Frag::atom(phrase!("{}=_time", time(role))));
        made.extend(role.outputs.iter().map(|output| {
            Frag::atom(phrase!("{}={}", output.column, super::literal::column("f", &output.field.name)))
        }));
    }
    let mut names = vec!["_time".to_owned()];
    for role in roles {
        names.push(time(role));
        names.extend(role.outputs.iter().map(|output| output.column.clone()));
    }
    vec![
        Frag::atom(phrase!("eval {}", super::lines(&made, ","))),
        Frag::atom(phrase!("table {}", names.join(", "))),
    ]
}
