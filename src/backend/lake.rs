//! What a program that runs a text over the tables of a lake has to know of it, which the SIEMs know by themselves.
//!
//! In: filled in by the target. Out: read by the pack. Must not know: how a text was made.

/// Tables, parameters and columns of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    /// The tables that it reads, each once.
    pub tables: Vec<String>,
    /// The names of the parameters that it has markers for, in the order in which the markers stand.
    pub parameters: Vec<&'static str>,
    /// Its steps, with what it shows of each.
    pub steps: Vec<Shown>,
    /// The table of chains that lack their last step: a stage fills it, and the query reads it.
    pub open: Option<String>,
}

/// What a text shows of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The step.
    pub name: String,
    /// Fields by their canonical names, each with its column.
    pub fields: Vec<(String, String)>,
}
