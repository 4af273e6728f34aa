//! What binding resolves and notes.
