//! `stanch incident verify` notices whatever something else did to the events of an incident.

use crate::stage::{Stage, run, said};

#[test]
fn a_changed_removed_or_cut_off_event_is_noticed() {
    for change in [
        "UPDATE events SET data = replace(data, 'overlap', 'contain') WHERE seq = 3",
        "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE seq = 2",
        "DELETE FROM events WHERE seq = 4",
        "DELETE FROM events WHERE seq >= (SELECT max(seq) - 3 FROM events)",
    ] {
        let stage = Stage::new(20, "");
        let verify = || run(stage.stanch(&["incident", "verify"]));
        assert!(run(stage.stanch(&["respond", "sandbox-prod", "--yes"])).status.success());
        let whole = verify();
        assert!(whole.status.success(), "{}", said(&whole));
        let ledger = rusqlite::Connection::open(stage.path("ledger.db")).unwrap();
        assert!(ledger.execute(change, []).is_err(), "the ledger itself refuses: {change}");
        // Whoever can write the file can take its guards away.
        ledger.execute_batch("DROP TRIGGER events_stay; DROP TRIGGER events_remain;").unwrap();
        assert!(ledger.execute(change, []).unwrap() > 0, "{change}");
        drop(ledger);
        let broken = verify();
        assert_eq!(broken.status.code(), Some(2), "{change}: {}", said(&broken));
        assert!(
            said(&broken).contains("something other than stanch changed the ledger"),
            "{change}: {}",
            said(&broken)
        );
    }
}
