//! Steps in any order: every record with which all of them have come.
//!
//! In: printed steps, what they share. Out: common tables. Must not know: conditions of steps, links.
//!
//! Of every other step the newest record before a record is the best there is, and whether it lies within the window is
//! asked of it afterwards: so each is a running maximum, and no window has to slide.

use super::Sql;
use super::array::Held;
use super::dialect;
use super::link::Chain;
use super::literal::{self, Frag, test, whole};
use super::step::{StepTable, Writer, field, in_one_case, union};
use crate::backend::bind::BoundStep;
use crate::backend::print::Bind;
use crate::ir::{self, Together, Window};

impl<'t> Writer<'_, 't> {
    /// The chain of steps that come in any order.
    pub(super) fn together(
        &mut self,
        steps: &[(&BoundStep<'t, Sql>, StepTable)],
        together: &Together,
        window: Window,
    ) -> Chain {
        let both = literal::own("all_steps");
        let rows = steps.iter().enumerate().map(|(at, _)| self.rows(steps, at, together)).collect();
        let names: Vec<_> = steps.iter().map(|(step, _)| format!("`{}`", step.name.node)).collect();
        let comment = format!("{} in any order within {}", names.join(", "), ir::duration(window.seconds));
        self.statement.table(&comment, &both, &union(rows));
        let keys: Vec<_> =
            (1..=together.keys.len()).map(|number| literal::own(&format!("_key_{number}"))).collect();
        let keys = literal::list(&keys);
        let mut columns: Vec<_> = ["_at", "_event", "_record"].map(literal::own).to_vec();
        for number in 1..=steps.len() {
            let number = literal::number(i64::try_from(number).unwrap_or(0));
            // Its own record is the one of its own step.
            columns.push(whole(
                "CASE WHEN _step = {} THEN _path_{} ELSE max_by(_path_{}, CASE WHEN _step = {} THEN _at END) OVER (PARTITION \
                 BY {} ORDER BY _at RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) END AS _newest_{}",
                &[&number, &number, &number, &number, &keys, &number],
            ));
        }
        let newest = literal::own("newest");
        let text = whole("SELECT {}\n  FROM {}", &[&literal::lines(&columns, ",", 4), &both]);
        self.statement.table("", &newest, &text);
        self.complete(steps, window, &newest)
    }

    /// The records of one of the steps, beside nothing of the others.
    fn rows(&self, steps: &[(&BoundStep<'t, Sql>, StepTable)], at: usize, together: &Together) -> Frag {
        let Some((step, table)) = steps.get(at) else { return literal::truth(false) };
        let mut columns: Vec<_> = together
            .keys
            .iter()
            .enumerate()
            .map(|(number, key)| {
                let value = in_one_case(field(step, &key.field.name), key.folds());
                whole("{} AS {}", &[&value, &literal::own(&format!("_key_{}", number + 1))])
            })
            .collect();
        columns.push(whole("{} AS _step", &[&literal::number(i64::try_from(at + 1).unwrap_or(0))]));
        columns.extend(["_at", "_event", "_record"].map(literal::own));
        for (number, (_, other)) in steps.iter().enumerate() {
            let path = if number == at {
                dialect::pack(self.dialect, &table.contract)
            } else {
                whole("CAST(NULL AS {})", &[&dialect::struct_type(self.dialect, &other.contract)])
            };
            columns.push(whole("{} AS {}", &[&path, &literal::own(&format!("_path_{}", number + 1))]));
        }
        whole("SELECT {}\n  FROM {}", &[&literal::lines(&columns, ",", 4), &table.name])
    }

    fn complete(&mut self, steps: &[(&BoundStep<'t, Sql>, StepTable)], window: Window, from: &Frag) -> Chain {
        let (mut columns, mut path): (Vec<Frag>, Vec<(Frag, Held)>) = (Vec::new(), Vec::new());
        columns.extend(["_at", "_event", "_record"].map(literal::own));
        let (mut starts, mut tests) = (Vec::new(), Vec::new());
        for (number, (step, table)) in steps.iter().enumerate() {
            let newest = literal::own(&format!("_newest_{}", number + 1));
            for (name, held) in &table.contract {
                columns.push(whole("{}.{} AS {}", &[&newest, name, name]));
                path.push((name.clone(), *held));
            }
            let time = whole("{}.{}", &[&newest, &field(step, "time")]);
            // A story of a step that repeats began with its burst.
            let start = if step.repetition.is_some() { ir::FIRST_TIME } else { "time" };
            starts.push(whole("{}.{}", &[&newest, &field(step, start)]));
            tests.push(test("{} >= _at - {}", &[&time, &literal::micros(window.seconds)]));
        }
        columns.push(whole("LEAST({}) AS _start", &[&literal::list(&starts)]));
        let name = literal::own("chain_all");
        let text = whole(
            "SELECT {}\n  FROM {}\n  WHERE {}",
            &[&literal::lines(&columns, ",", 4), from, &Frag::join(tests, " AND ", Bind::And)],
        );
        self.statement.table("", &name, &text);
        Chain { name, start: literal::own("_start"), path }
    }
}
