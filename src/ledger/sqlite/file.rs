//! Opening the ledger's file: who may read it, how it is written, and which version it is of.

use super::super::Error;
use super::super::seal::{KeySource, Place, SealKey, key_path};
use crate::secret::Secret;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// What brings a ledger from each version to the next, from an empty file on. Only ever added to.
const MIGRATIONS: &[&str] = &[include_str!("v1.sql")];

/// Marks the file as a ledger, in SQLite's header: `stnc`.
const APPLICATION: u32 = 0x7374_6e63;

/// How long a statement waits for another process that writes.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Sealed with the ledger's key when it is made, to know the key again.
const CHECK: Place<'_> = Place { table: "meta", owner: "ledger", name: "key-check" };
const CHECK_TEXT: &str = "stanch ledger";

/// Opens or makes the ledger at `path`.
pub(super) fn open(path: &Path, source: &KeySource) -> Result<(Connection, SealKey), Error> {
    let failed = |why: String| Error::Open { path: path.to_owned(), why };
    private_file(path).map_err(|error| failed(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    connection.busy_timeout(BUSY).map_err(|error| failed(error.to_string()))?;
    admit(path, &mut connection)?;
    withhold(path).map_err(|error| failed(error.to_string()))?;
    settings(&connection).map_err(|error| failed(error.to_string()))?;
    let key = migrate(path, &mut connection, source, MIGRATIONS)?;
    Ok((connection, key))
}

/// A new file with mode 0600 before SQLite sees it: its `-wal` and `-shm` take their mode from it. New folders are 0700.
fn private_file(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = !path.exists();
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if new {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// What others could read of a ledger is ours alone from now on. Asked only of what is a ledger: what the configuration
/// names by mistake keeps its mode.
fn withhold(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::metadata(&name) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                fs::set_permissions(&name, fs::Permissions::from_mode(0o600))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses, without touching it, what is not a ledger or is of a newer version.
fn admit(path: &Path, connection: &mut Connection) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::Open { path: path.to_owned(), why: error.to_string() };
    // One look: another process may be making the ledger between two.
    let look = connection.transaction().map_err(failed)?;
    let found = version(&look).map_err(failed)?;
    let application: u32 = look.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    let tables: u64 = look.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(failed)?;
    let empty = found == 0 && tables == 0;
    if !empty && application != APPLICATION {
        return Err(Error::Open {
            path: path.to_owned(),
            why: "it is an SQLite file, but not a ledger of stanch".into(),
        });
    }
    match u32::try_from(MIGRATIONS.len()) {
        Ok(known) if found > known => Err(Error::Newer { path: path.to_owned(), found, known }),
        _ => Ok(()),
    }
}

/// How this connection reads and writes.
fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A commit is on the disk when it returns, also in WAL.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is wiped is overwritten with zeroes.
    connection.pragma_update(None, "secure_delete", true)?;
    let until = Instant::now() + BUSY;
    loop {
        // The change to WAL needs the file alone, and SQLite does not always wait for that by itself.
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Brings the ledger to the last version, all of it or nothing, and finds its key.
fn migrate(path: &Path, connection: &mut Connection, source: &KeySource, all: &[&str]) -> Result<SealKey, Error> {
    // One process migrates; those that come at the same time wait here and find it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = version(&transaction)?;
    let new = from == 0;
    let key = SealKey::find(source, path, new)?;
    for migration in all.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    if new {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        let check = key.seal(CHECK, &Secret::new(CHECK_TEXT))?;
        transaction.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", (CHECK.name, check))?;
    }
    let known = u32::try_from(all.len()).unwrap_or(u32::MAX);
    if from < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    know_again(path, &transaction, source, &key)?;
    transaction.commit()?;
    Ok(key)
}

/// A wrong key is found here, not when a secret is needed.
fn know_again(path: &Path, transaction: &Transaction<'_>, source: &KeySource, key: &SealKey) -> Result<(), Error> {
    let check: Vec<u8> =
        transaction.query_row("SELECT value FROM meta WHERE name = ?1", [CHECK.name], |row| row.get(0))?;
    key.open(CHECK, &check).map(drop).map_err(|_| Error::SealKey {
        path: match source {
            KeySource::Given { origin, .. } => origin.clone(),
            KeySource::Beside => key_path(path),
        },
        why: format!("it is not the key of the ledger {}", path.display()),
    })
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
