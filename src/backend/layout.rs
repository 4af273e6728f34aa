//! Query layout: templates that only arrange fragments. Targets fill them in; nobody else uses them.
//!
//! In: a template text and a context of [`super::print::Frag`]s. Out: the laid-out query.
//! Must not know: any language. A plain string in a context is refused: print it first.

use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::Report;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// A template under `targets/`, compiled at its first use.
#[derive(Debug)]
pub(in crate::backend) struct Layout {
    text: &'static str,
    compiled: OnceLock<Result<Environment<'static>, Error>>,
}

impl Layout {
    /// The layout with this text.
    pub(in crate::backend) const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Lays out a query for a target. A template that names something the context lacks, or places text that no printer
    /// has built, is an error at the rule, though nobody but us can make it.
    pub(in crate::backend) fn print(
        &self,
        target: &str,
        rule: Span,
        context: Value,
        report: &mut Report,
    ) -> Option<String> {
        match self.render(context) {
            Ok(text) => Some(text),
            Err(error) => {
                let title = format!("the layout of {target} queries is broken");
                report.error(Diagnostic::new(Code::NotExpressible, rule, title).label(error.to_string()));
                None
            }
        }
    }

    fn render(&self, context: Value) -> Result<String, Error> {
        // The cell keeps the first error, and minijinja's cannot be cloned.
        let environment = self.compiled.get_or_init(|| compile(self.text)).as_ref().map_err(copy)?;
        environment.get_template(NAME)?.render(context)
    }
}

const NAME: &str = "layout";

fn compile(text: &'static str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // In place of escaping: whatever may stand in a query is escaped for its language before it gets here.
    environment.set_formatter(place);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template(NAME, text)?;
    Ok(environment)
}

fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string())
}

fn place(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.is_safe() => Ok(out.write_str(text)?),
        _ if value.kind() == ValueKind::Number => Ok(write!(out, "{value}")?),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            "only printed fragments and numbers may stand in a query",
        )),
    }
}
