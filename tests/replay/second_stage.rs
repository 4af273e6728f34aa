//! Ways to read the same events must give the same answer where records matter without a predecessor: what must not be
//! there, what is counted, other sources of a step, steps in any order.

use crate::replay::same::assert_ways_agree;

/// Absences before, between and after, and a step of two alternatives of which the second is asked for less.
const ABSENCES: &str = r#"
rule absences {
  title "Absences" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1320" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action in ("CreateUser", "CreateRole")
      or from aws.cloudtrail where event.action starts_with "Run"
      unless deleted from aws.cloudtrail where event.action == "DeleteUser" within 10m before on actor.id
    then within 40m on instance.eni
      unless refused from aws.vpcflow where flow.action == "REJECT" on instance.eni
    step c from aws.vpcflow where flow.action == "ACCEPT"
      unless later from aws.vpcflow where destination.port == 8080 within 5m after on instance.eni
  }
  alert { entity account a.actor.id }
}
rule first_seen {
  title "First" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1321" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action starts_with "Run"
    then within 50m on instance.eni
    step c from aws.vpcflow where exists(flow.action)
      first within 30m by instance.eni, destination.port
  }
  alert { entity account a.actor.id }
}
"#;

/// A count whose records need not share the key of the link, and one whose records do.
const COUNTS: &str = r#"
rule loose {
  title "Loose" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1322" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action starts_with "Run"
    then within 40m on instance.eni
    step c from aws.vpcflow where exists(flow.action)
      at least 2 within 30m by source.ip
  }
  alert { entity account a.actor.id show c.count, c.first_time dedupe 1m by a.actor.id }
}
rule strict {
  title "Strict" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1323" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action starts_with "Run"
    then within 40m on instance.eni
    step c from aws.vpcflow where exists(flow.action)
      at least 2 distinct destination.port within 30m
  }
  alert { entity account a.actor.id dedupe 1m by a.actor.id }
}
"#;

/// A step that either source can satisfy, and steps in any order.
const ANY_ORDER: &str = r#"
rule either {
  title "Either" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1324" description "x" date 2026-11-24 status test severity low
  chain within 1h {
    step a from aws.cloudtrail where event.action starts_with "Run"
    then within 40m on instance.eni
    step c from aws.vpcflow where flow.action == "ACCEPT"
      or from aws.cloudtrail where event.action starts_with "Create"
  }
  alert { entity account a.actor.id }
}
rule together {
  title "Together" id "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1325" description "x" date 2026-11-24 status test severity low
  chain {
    together within 40m on instance.eni {
      step a from aws.cloudtrail where event.action starts_with "Run"
      step c from aws.vpcflow where exists(flow.action)
    }
  }
  alert { entity account a.actor.id }
}
"#;

#[test]
fn ways_to_read_agree_about_absences() {
    assert_ways_agree(ABSENCES, 10);
}

#[test]
fn ways_to_read_agree_about_counts() {
    assert_ways_agree(COUNTS, 5);
}

#[test]
fn ways_to_read_agree_about_any_order() {
    assert_ways_agree(ANY_ORDER, 10);
}
