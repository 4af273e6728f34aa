//! Renders diagnostics as text with the source beside them. The only user of the rendering crate.
