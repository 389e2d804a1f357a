//! The ledger on a real disk: modes, what lies in its files, kept samples, and a process killed between two statements.

use super::super::conformance::{self, at, body, new_incident, opened};
use super::super::holder::Holder;
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A ledger that is open, and its folder.
struct World {
    ledger: SqliteLedger,
    path: PathBuf,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ledger.db");
        World { ledger: SqliteLedger::open(&path, &KeySource::Beside).unwrap(), path, _folder: folder }
    }

    fn reopened(&self) -> Result<SqliteLedger, Error> {
        SqliteLedger::open(&self.path, &KeySource::Beside)
    }

    fn execute(&self, sql: &str) {
        self.ledger.connection().execute_batch(sql).unwrap();
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }
}

#[test]
fn keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.db", count.get()));
        Box::new(SqliteLedger::open(&path, &KeySource::Beside).unwrap())
    });
}

#[test]
fn nobody_else_may_read_it() {
    let world = World::new();
    opened(&world.ledger, "inc-1");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm", ".key"] {
        assert_eq!(mode(world.beside(suffix)), 0o600, "{suffix}");
    }
    assert_eq!(mode(world.path.parent().unwrap().to_owned()), 0o700);

    fs::set_permissions(&world.path, fs::Permissions::from_mode(0o644)).unwrap();
    world.reopened().unwrap();
    assert_eq!(mode(world.path.clone()), 0o600);
}

#[test]
fn nothing_sealed_is_plain_in_any_file_and_what_is_wiped_is_gone() {
    let world = World::new();
    let id = opened(&world.ledger, "inc-1");
    let plain = "a-marked-value";
    world.ledger.seal(&id, "new", &Secret::new(plain)).unwrap();
    let body = Secret::new(plain);
    let (source, event) = ("github".into(), "push".into());
    world.ledger.deliver(&NewDelivery { id: "d".into(), source, event, body, at: at(0) }).unwrap();
    let box_ = |sql| world.ledger.connection().query_row(sql, [], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let boxes = [box_("SELECT box FROM sealed"), box_("SELECT body FROM inbox")];
    let holds = |bytes: &[u8]| {
        let files =
            fs::read_dir(world.path.parent().unwrap()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        files.into_iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    };
    assert!(!holds(plain.as_bytes()));
    assert!(boxes.iter().all(|sealed| holds(sealed)), "the search finds what is there");

    world.ledger.wipe(&id, "").unwrap();
    world.ledger.mark("d", Mark::Done, "").unwrap();
    assert!(!boxes.iter().any(|sealed| holds(sealed)));
}

#[test]
fn events_cannot_be_changed_by_the_way_and_a_change_is_found() {
    let world = World::new();
    let id = opened(&world.ledger, "inc-1");
    for sql in ["UPDATE events SET kind = 'x'", "DELETE FROM events"] {
        assert!(world.ledger.connection().execute(sql, []).is_err());
    }
    world.execute("DROP TRIGGER events_stay; UPDATE events SET kind = 'x'");
    let events = world.ledger.events(&id).unwrap();
    assert_eq!(super::super::chain::verify(&id, &events).unwrap_err().seq, 1);
}

#[test]
fn a_lease_outlives_its_holder_only_where_nobody_can_look() {
    let world = World::new();
    let id = opened(&world.ledger, "inc-1");
    let held_by = |holder: &Holder| {
        let holder = leases::text(holder).unwrap();
        world.ledger.connection().execute("UPDATE leases SET holder = ?1", [holder]).unwrap();
    };
    let first = world.ledger.lease(&id, at(0)).unwrap();
    held_by(&Holder::elsewhere());
    assert!(matches!(world.ledger.lease(&id, at(59)), Err(Error::Leased { .. })));
    world.ledger.append(&first, at(30), &body("sign of life"), Status::Open).unwrap();
    assert!(matches!(world.ledger.lease(&id, at(89)), Err(Error::Leased { .. })));
    let second = world.ledger.lease(&id, at(90)).unwrap();
    held_by(&Holder::gone());
    let third = world.ledger.lease(&id, at(90)).unwrap();
    assert_eq!([first.fence, second.fence, third.fence], [1, 2, 3]);
    assert!(matches!(world.ledger.append(&second, at(91), &body("late"), Status::Open), Err(Error::LeaseLost(_))));
}

#[test]
fn a_delivery_whose_taker_is_gone_comes_at_once() {
    let world = World::new();
    let (source, event) = ("github".into(), "push".into());
    world.ledger.deliver(&NewDelivery { id: "d".into(), source, event, body: Secret::new("{}"), at: at(0) }).unwrap();
    world.ledger.take(at(1), 600).unwrap().unwrap();
    assert!(world.ledger.take(at(2), 600).unwrap().is_none());
    let gone = leases::text(&Holder::gone()).unwrap();
    world.ledger.connection().execute("UPDATE inbox SET holder = ?1", [gone]).unwrap();
    assert_eq!(world.ledger.take(at(2), 600).unwrap().unwrap().attempts, 1);
}

#[test]
fn a_delivery_that_was_changed_does_not_stop_the_next() {
    let world = World::new();
    for id in ["a", "b"] {
        let (source, event, body) = ("github".into(), "push".into(), Secret::new(id));
        world.ledger.deliver(&NewDelivery { id: id.into(), source, event, body, at: at(0) }).unwrap();
    }
    world.execute("UPDATE inbox SET body = (SELECT body FROM inbox WHERE id = 'b') WHERE id = 'a'");
    assert_eq!(world.ledger.take(at(1), 60).unwrap().unwrap().id, "b");
    assert_eq!(world.ledger.deliveries().unwrap()[1].state, "given-up");
}

#[test]
fn a_ledger_without_its_key_is_not_given_another() {
    let world = World::new();
    let other = KeySource::Given { origin: "STANCH_SEAL_KEY".into(), key: Secret::new("0a".repeat(32)) };
    let open = |source| SqliteLedger::open(&world.path, source).map(drop);
    let Err(Error::SealKey { path, .. }) = open(&other) else { panic!("a wrong key is found when it is opened") };
    assert_eq!(path, PathBuf::from("STANCH_SEAL_KEY"));
    fs::remove_file(world.beside(".key")).unwrap();
    let Err(Error::SealKey { path, .. }) = open(&KeySource::Beside) else { panic!("a lost key is an error") };
    assert_eq!(path, world.beside(".key"));
    assert!(!path.exists());
}

#[test]
fn what_is_newer_or_not_a_ledger_is_left_as_it_is() {
    let world = World::new();
    world.execute("PRAGMA user_version = 99");
    assert!(matches!(world.reopened(), Err(Error::Newer { found: 99, known: 1, .. })));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a database, but long enough to be taken for one".repeat(100)).unwrap();
    for path in [path, text, folder.path().to_owned()] {
        let before = fs::read(&path).ok();
        assert!(matches!(SqliteLedger::open(&path, &KeySource::Beside), Err(Error::Open { .. })), "{path:?}");
        assert_eq!(fs::read(&path).ok(), before);
        assert!(!PathBuf::from(format!("{}.key", path.display())).exists());
    }
}

/// The sample was written by the first stanch with the key 07 07 07 ...
#[test]
fn a_kept_ledger_of_version_1_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Connection::open(&path).unwrap().execute_batch(include_str!("sample-v1.sql")).unwrap();
    let key = KeySource::Given { origin: "key".into(), key: Secret::new("07".repeat(32)) };
    let ledger = SqliteLedger::open(&path, &key).unwrap();
    let incident = ledger.incident("inc-sample").unwrap();
    assert_eq!((incident.status, incident.updated), (Status::Stuck, at(2)));
    let events = ledger.events(&incident.id).unwrap();
    assert_eq!(events.len(), 2);
    super::super::chain::verify(&incident.id, &events).unwrap();
    assert_eq!(ledger.unseal(&incident.id, "new").unwrap(), Some(Secret::new("sealed by version 1")));
    assert_eq!(ledger.debts(None).unwrap()[0].due, at(3));
    assert_eq!(ledger.take(at(9), 60).unwrap().unwrap().body, Secret::new("{}"));
    assert_eq!(ledger.lease(&incident.id, at(9)).unwrap().fence, 2);
}

#[test]
fn many_that_open_at_once_make_one_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let ledger = SqliteLedger::open(path, &KeySource::Beside).unwrap();
                ledger.open(&new_incident(&format!("inc-{number}"), "the same"), &body("opened")).unwrap();
            });
        }
    });
    let ledger = SqliteLedger::open(&path, &KeySource::Beside).unwrap();
    assert_eq!(ledger.incidents().unwrap().len(), 1);
}

/// Says to a re-run of this test binary that it is the one to be killed, and where its ledger is.
const VICTIM: &str = "STANCH_TEST_LEDGER_VICTIM";

/// Not a test by itself: what the next test kills.
#[test]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    let ledger = SqliteLedger::open(path.as_ref(), &KeySource::Beside).unwrap();
    let id = opened(&ledger, "inc-1");
    let lease = ledger.lease(&id, at(0)).unwrap();
    let connection = ledger.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    incidents_written_halfway(&connection);
    drop(connection);
    drop(lease);
    fs::write(PathBuf::from(path).with_extension("ready"), "").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

fn incidents_written_halfway(connection: &Connection) {
    let sql =
        "UPDATE incidents SET status = 'closed'; INSERT INTO meta (name, value) VALUES ('half', zeroblob(1000000))";
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_process_killed_between_two_statements_leaves_a_sound_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::sqlite::tests::victim"])
        .env(VICTIM, &path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !path.with_extension("ready").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the victim ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();

    let ledger = SqliteLedger::open(&path, &KeySource::Beside).unwrap();
    let incident = ledger.incident("inc-1").unwrap();
    assert_eq!(incident.status, Status::Open, "half a change is no change");
    assert_eq!(ledger.events(&incident.id).unwrap().len(), 1);
    let lease = ledger.lease(&incident.id, at(1)).unwrap();
    assert_eq!(lease.fence, 2, "the dead have lost their lease at once");
    ledger.append(&lease, at(1), &body("resumed"), Status::Open).unwrap();
}
