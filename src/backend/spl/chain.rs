//! The chain: one stream of rows in time order, a running aggregate for each link.
//!
//! In: a bound rule. Out: the commands after the branches. Must not know: where columns come from.
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

use super::literal::{self, Frag, spl};
use super::{Spl, eval, shown};
use crate::backend::bind::{Bound, BoundLink, BoundStep};
use crate::backend::print::Bind;
use crate::backend::{Effect, Report, shape};
use crate::ir::{Chain, Type};

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

/// The commands after the branches. `chain` is the rule's own.
pub(super) fn commands(bound: &Bound<'_, Spl>, chain: &Chain, report: &mut Report) -> Vec<Frag> {
    let mut tail = Tail { bound, binds: shape::total_binds(chain), out: Vec::new(), order: None };
    if !bound.links.is_empty() {
        tail.out.push(spl!("eval chain_s1=if(chain_step=1, _time, null())"));
        let hops = hops(bound, tail.binds);
        for hop in &hops {
            if hop.kind == Kind::Carried {
                report.note(Effect::Engine, hop.link.span, CARRIED);
            }
            tail.link(hop);
        }
        let shared = bound.links.iter().any(|link| link.shared);
        report.require(if shared { MEMORY_OF_SHARED } else { MEMORY });
        hops.last().into_iter().for_each(|last| tail.unpack(last));
    }
    tail.out.extend(answer(bound));
    tail.out
}

const CARRIED: &str = "the key changes here inside a total that binds, so the query carries every earlier record of a key along; \
                       its memory grows with them";
// Without a window, `streamstats` keeps a state for each combination of its BY fields, and no rows. Past the limit (200
// MB by default) the search goes on without an error, and the fields are absent.
const MEMORY: &str = "limits.conf [stats] max_mem_usage_mb large enough for one row per key of every link: past it, streamstats \
                      stops adding its fields and alerts are lost";
const MEMORY_OF_SHARED: &str = "limits.conf [stats] max_mem_usage_mb large enough for one row per key of every link, and one per key and \
                                instant where one event could match both steps: past it, streamstats stops adding its \
                                fields and alerts are lost";

/// One link, from step `n` to step `m`.
struct Hop<'b> {
    link: &'b BoundLink<'b>,
    earlier: &'b BoundStep<'b, Spl>,
    kind: Kind,
    number: u64,
    /// What its commands are filled with: `n`, `m`, the gap, and the columns of its key.
    gaps: [(&'static str, Frag); 4],
}

/// Every link, with the cheapest way that is exact for it.
fn hops<'b>(bound: &'b Bound<'b, Spl>, total_binds: bool) -> Vec<Hop<'b>> {
    let mut hops: Vec<Hop<'_>> = Vec::with_capacity(bound.links.len());
    // Whether S never falls along the predecessors that share a key. Before the first link it cannot, for there S is
    // their own time. A link that drops a field of the key before it ends that for good: maxima over starts that fall
    // can fall.
    let mut rising = true;
    for ((number, link), earlier) in (1..).zip(&bound.links).zip(&bound.steps) {
        if let Some(before) = hops.last() {
            let holds = |name: &str| link.keys.iter().any(|(left, _)| left.name == name);
            rising &= before.link.keys.iter().all(|(_, right)| holds(&right.name));
        }
        // Where the total cannot bind, no start is too early, and the newest predecessor is inside the gap if any is.
        // Where it binds and S may fall, the running maxima of time and of start can come from two predecessors and add
        // alerts: four steps, keys a, b and b, gaps of 12, 8 and 5 s, a total of 15 s.
        let kind = if hops.len() + 1 == bound.links.len() {
            Kind::Last
        } else if rising || !total_binds {
            Kind::Newest
        } else {
            Kind::Carried
        };
        let key: Vec<_> = (1..).zip(&link.keys).map(|(key, _)| literal::key(number, key)).collect();
        let [n, m, gap] = [number, number + 1, link.gap.seconds].map(literal::number);
        let gaps = [("n", n), ("m", m), ("gap", gap), ("by", literal::list(&key))];
        hops.push(Hop { link, earlier, kind, number, gaps });
    }
    hops
}

impl Hop<'_> {
    fn fill(&self, text: &'static str, more: &[(&'static str, &Frag)]) -> Frag {
        let gaps: Vec<_> =
            self.gaps.iter().map(|(name, gap)| (*name, gap)).chain(more.iter().copied()).collect();
        literal::fill(text, &gaps)
    }
}

struct Tail<'b> {
    bound: &'b Bound<'b, Spl>,
    /// Whether the total is shorter than the sum of the gaps.
    binds: bool,
    out: Vec<Frag>,
    order: Option<Order>,
}

impl Tail<'_> {
    fn run(&mut self, hop: &Hop<'_>, text: &'static str) {
        self.out.push(hop.fill(text, &[]));
    }

    fn sort(&mut self, order: Order) {
        if self.order != Some(order) {
            // Without the `0`, `sort` returns 10,000 rows.
            self.out.push(match order {
                Order::EarlierStepFirst => spl!("sort 0 +_time, +chain_step"),
                Order::LaterStepFirst => spl!("sort 0 +_time, -chain_step"),
            });
            self.order = Some(order);
        }
    }

    fn link(&mut self, hop: &Hop<'_>) {
        // First, for the path of the last link begins with it.
        if hop.kind == Kind::Last {
            self.deadline(hop);
        }
        let path = [("path", &path(hop))];
        self.out.push(hop.fill("eval chain_p{n}=if(isnum(chain_s{n}), {path}, null())", &path));
        match hop.kind {
            Kind::Newest => self.newest(hop),
            Kind::Carried => self.carried(hop),
            Kind::Last => self.last(hop),
        }
    }

    /// Until when a chain that ends in step `n` can still become an alert.
    fn deadline(&mut self, hop: &Hop<'_>) {
        // In a chain of two steps S is the predecessor's own time, so gap and total are one window.
        let (total, single) = (self.bound.total.seconds, self.bound.links.len() == 1);
        let window = if single { total.min(hop.link.gap.seconds) } else { hop.link.gap.seconds };
        let gaps = [("window", &literal::number(window)), ("total", &literal::number(total))];
        // `if` and not `min()`, which some readers of SPL evaluate over texts. A double holds epoch seconds to a
        // quarter of a microsecond, so sums and differences are rounded: limits are inclusive.
        let text = if !single && self.binds {
            "eval chain_g{n}=if(isnum(chain_s{n}), round(_time + {window}, 6), null()), \
             chain_w{n}=if(isnum(chain_s{n}), round(chain_s{n} + {total}, 6), null()), \
             chain_d{n}=if(chain_g{n} < chain_w{n}, chain_g{n}, chain_w{n})"
        } else {
            "eval chain_d{n}=if(isnum(chain_s{n}), round(_time + {window}, 6), null())"
        };
        self.out.push(hop.fill(text, &gaps));
    }

    fn newest(&mut self, hop: &Hop<'_>) {
        self.run(hop, "eval chain_t{n}=if(isnum(chain_s{n}), _time, null())");
        self.maxima(
            hop,
            "streamstats max(chain_t{n}) AS chain_n{n}, max(chain_s{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}",
            1,
        );
        // A linked row of the same instant (`chain_y`) is the newest predecessor and inside any gap; the running maxima
        // are those of strictly earlier rows.
        self.run(
            hop,
            if hop.link.shared {
                "eval chain_s{m}=if(chain_step={m}, if(isnum(chain_y{n}), chain_y{n}, \
                 if(isnum(chain_n{n}) AND round(_time - chain_n{n}, 6) <= {gap}, chain_m{n}, null())), null()), \
                 chain_b{n}=if(isnum(chain_y{n}), chain_x{n}, chain_b{n})"
            } else {
                "eval chain_s{m}=if(chain_step={m} AND isnum(chain_n{n}) AND round(_time - chain_n{n}, 6) <= {gap}, \
                 chain_m{n}, null())"
            },
        );
    }

    fn last(&mut self, hop: &Hop<'_>) {
        self.maxima(
            hop,
            "streamstats max(chain_d{n}) AS chain_m{n}, max(chain_p{n}) AS chain_b{n} BY {by}",
            0,
        );
        // `isnum` and not `isnotnull`: an aggregate over nothing is null in Splunk, but an empty text in SigLens.
        if hop.link.shared {
            self.run(
                hop,
                "where chain_step={m} AND ((isnum(chain_m{n}) AND _time <= chain_m{n}) OR \
                 (isnum(chain_y{n}) AND _time <= chain_y{n}))",
            );
            self.run(
                hop,
                "eval chain_b{n}=if(isnum(chain_y{n}) AND _time <= chain_y{n}, chain_x{n}, chain_b{n})",
            );
        } else {
            self.run(hop, "where chain_step={m} AND isnum(chain_m{n}) AND _time <= chain_m{n}");
        }
    }

    /// Running maxima for each key. If one event could match both steps, over strictly earlier rows; then also the best
    /// row of the same instant from another event: its path, and the number in slot `rank` of it.
    fn maxima(&mut self, hop: &Hop<'_>, text: &'static str, rank: u64) {
        // No row is its own predecessor: an event that satisfies both steps has a row in the branch of each. That its
        // event is not, either, is what sharing is about.
        self.sort(if hop.link.shared { Order::LaterStepFirst } else { Order::EarlierStepFirst });
        self.run(hop, text);
        if hop.link.shared {
            self.sort(Order::EarlierStepFirst);
            // `values` and not `list`, which keeps 100 of them (limits.conf, `list_maxsize`) and drops the rest in
            // silence.
            self.run(hop, "streamstats values(chain_p{n}) AS chain_c{n} BY {by}, _time");
            self.best(hop, "mvindex(split(chain_c{n}, \"|\"), 2)!=chain_id", rank);
        }
    }

    fn carried(&mut self, hop: &Hop<'_>) {
        self.sort(Order::EarlierStepFirst);
        // All of them, not just those inside the gap: a window of `streamstats` drops rows past 10,000 (limits.conf,
        // `max_stream_window`), and its far edge does not include a record exactly a gap away.
        self.run(hop, "streamstats values(chain_p{n}) AS chain_c{n} BY {by}");
        let fits = if hop.link.shared {
            "round(_time - tonumber(mvindex(split(chain_c{n}, \"|\"), 1)), 6) <= {gap} AND \
             mvindex(split(chain_c{n}, \"|\"), 2)!=chain_id"
        } else {
            "round(_time - tonumber(mvindex(split(chain_c{n}, \"|\"), 1)), 6) <= {gap}"
        };
        self.best(hop, fits, 0);
        self.run(hop, "eval chain_s{m}=if(chain_y{n} > 0, chain_y{n}, null()), chain_b{n}=chain_x{n}");
    }

    /// The greatest of the carried paths that fit; `0` stands for those that do not.
    fn best(&mut self, hop: &Hop<'_>, fits: &'static str, rank: u64) {
        // `mvsort` compares texts, as `max` does elsewhere. For epoch seconds that is the order of numbers while they
        // have ten digits, from 2001 to 2286.
        let gaps = [("fits", &hop.fill(fits, &[])), ("rank", &literal::number(rank))];
        self.out.push(hop.fill(
            "eval chain_x{n}=if(chain_step={m}, mvindex(mvsort(mvmap(chain_c{n}, if({fits}, chain_c{n}, \"0\"))), -1), null()), \
             chain_y{n}=tonumber(mvindex(split(chain_x{n}, \"|\"), {rank}))",
            &gaps,
        ));
    }

    /// Takes the path of each alert apart again: the columns of all steps but the last.
    fn unpack(&mut self, last: &Hop<'_>) {
        self.run(last, "eval chain_v=split(chain_b{n}, \"|\")");
        let mut slots = 0..;
        let mut slot = |skipped| literal::number(slots.nth(skipped).unwrap_or_default());
        let mut made = Vec::new();
        for step in self.bound.steps.iter().rev().skip(1) {
            // Behind two numbers by which `max` chose, and the event.
            let (name, at) = (time(step), slot(3));
            made.push(spl!("{name}=tonumber(mvindex(chain_v, {at}))", name, at));
            made.extend(shown(step).map(|output| {
                literal::assign(&literal::flat(&output.column), &unpacked(&slot(0), output.field.ty))
            }));
        }
        self.out.extend(eval(made));
    }
}

/// The path so far, as text: two numbers by which `max` chooses, the event where it matters, then the step's values
/// and the path before it.
fn path(hop: &Hop<'_>) -> Frag {
    // What is maximised comes first. For the last link that is the deadline, so the path that an alert shows need not
    // be the one with the best start; it is a chain of the rule all the same.
    let ranks = match hop.kind {
        Kind::Newest => ["_time", "chain_s{n}"],
        Kind::Carried => ["chain_s{n}", "_time"],
        Kind::Last => ["chain_d{n}", "_time"],
    };
    let mut values = ranks.map(|rank| hop.fill(rank, &[])).to_vec();
    // A bare `=` keeps the slot of an event that does not matter, so that `unpack` counts alike.
    let event = if hop.link.shared { spl!("%.6f|%.6f|%s|%.6f") } else { spl!("%.6f|%.6f|=|%.6f") };
    values.extend(hop.link.shared.then(|| spl!("chain_id")));
    values.push(spl!("_time"));
    values.extend(shown(hop.earlier).map(|output| packed(output.field.name, output.field.ty)));
    let mut formats = vec![event];
    formats.extend(shown(hop.earlier).map(|_| spl!("=%s")));
    if hop.number > 1 {
        let before = literal::number(hop.number - 1);
        formats.push(spl!("%s"));
        values.push(spl!("chain_b{before}", before));
    }
    let (format, values) = (Frag::join(formats, "|", Bind::And), literal::list(&values));
    spl!("printf(\"{format}\", {values})", format, values)
}

/// A value in which `|` cannot stand, so that values can be put side by side.
pub(super) fn guarded(value: &Frag) -> Frag {
    // `%` first, or the `%7C` of a bar would be escaped once more; `unpacked` goes the other way.
    spl!("replace(replace({value}, \"%\", \"%25\"), \"[|]\", \"%7C\")", value)
}

/// What follows `=` in a slot: the value, or nothing when it is missing.
fn packed(field: &str, ty: Type) -> Frag {
    // `printf` writes a missing value as `Null`, which would come back as a text.
    let name = literal::field(field);
    match ty {
        Type::String | Type::Ip | Type::Bool => {
            let text = guarded(&name);
            spl!("coalesce({text}, \"\")", text)
        }
        Type::Int | Type::Float => spl!("coalesce(tostring({name}), \"\")", name),
        Type::Time => spl!("if(isnull({name}), \"\", printf(\"%.6f\", {name}))", name),
    }
}

/// The value in a slot.
fn unpacked(slot: &Frag, ty: Type) -> Frag {
    let text = spl!("mvindex(chain_v, {slot})", slot);
    match ty {
        Type::String | Type::Ip | Type::Bool => spl!(
            "if({text}=\"=\", null(), replace(replace(substr({text}, 2), \"%7C\", \"|\"), \"%25\", \"%\"))",
            text
        ),
        Type::Int | Type::Float | Type::Time => spl!("tonumber(substr({text}, 2))", text),
    }
}

fn time(step: &BoundStep<'_, Spl>) -> Frag {
    literal::flat(&step.column_name("time"))
}

/// The last step's own columns, and the table: `_time` first, which Splunk needs for its timeline, then each step in
/// order.
fn answer(bound: &Bound<'_, Spl>) -> Vec<Frag> {
    let (mut made, mut names) = (Vec::new(), vec![spl!("_time")]);
    for step in &bound.steps {
        let columns =
            shown(step).map(|output| (literal::flat(&output.column), literal::field(output.field.name)));
        let columns: Vec<_> = std::iter::once((time(step), spl!("_time"))).chain(columns).collect();
        if step.last {
            made = columns.iter().map(|(name, value)| literal::assign(name, value)).collect();
        }
        names.extend(columns.into_iter().map(|(name, _)| name));
    }
    let names = literal::list(&names);
    eval(made).into_iter().chain(once(bound)).chain([spl!("table {names}", names)]).collect()
}

/// Of an event that was delivered twice one row is enough: the same event id, and the same item of its group.
fn once(bound: &Bound<'_, Spl>) -> Option<Frag> {
    let last = bound.steps.last()?;
    let id = literal::flat(&last.event_id.as_ref()?.column);
    let item = has_items(last).then(|| spl!(" chain_item_id"));
    // By default `dedup` drops rows that lack one of its fields, and an event may come without an id.
    Some(match item {
        Some(item) => spl!("dedup {id}{item} keepempty=true", id, item),
        None => spl!("dedup {id} keepempty=true", id),
    })
}

/// Whether an event can give several records of the last step.
pub(super) fn has_items(step: &BoundStep<'_, Spl>) -> bool {
    step.last && step.schema.mapping.group.is_some()
}
