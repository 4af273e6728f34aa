//! Rules to begin with, where the user names none: part of the program, with the lists that they name.

/// Path and text of each file.
pub(super) const FILES: [(&str, &str); 4] = [
    ("sign_in_then_key.chain", include_str!("../../../docs/examples/sign_in_then_key.chain")),
    ("an1318/aws.chain", include_str!("../../../rules/an1318/aws.chain")),
    ("an1318/lists/known_good.chain", include_str!("../../../rules/an1318/lists/known_good.chain")),
    ("an1318/lists/approved_images.csv", include_str!("../../../rules/an1318/lists/approved_images.csv")),
];

/// Those that are opened; the others are named by them.
pub(super) const RULES: [&str; 2] = ["sign_in_then_key.chain", "an1318/aws.chain"];
