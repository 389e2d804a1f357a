//! Calls the provider's data plane over one kept connection and says what came back. Plain HTTP/1.1 on loopback, written
//! out: a service's own client, so that what a drill measures does not depend on the responder's.

use super::Error;
use stanch::secret::Secret;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest wait for the provider.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const MAX_BODY: u64 = 64 << 10;

/// A connection to the provider, opened when needed.
pub struct Meter {
    authority: String,
    connection: Option<BufReader<TcpStream>>,
}

/// An answer's status and body.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, as it came.
    pub body: Vec<u8>,
}

impl Meter {
    /// For a provider at `http://HOST:PORT`.
    pub fn new(provider: &str) -> Result<Meter, Error> {
        let authority = provider.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        match authority {
            Some(authority) if authority.contains(':') && !authority.contains('/') => {
                Ok(Meter { authority: authority.to_owned(), connection: None })
            }
            _ => Err(Error::BadProvider(provider.to_owned())),
        }
    }

    /// `GET path` with a key. A failed exchange closes the connection; the next one opens another.
    pub fn get(&mut self, path: &str, key: &Secret) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let answer = exchange(&mut connection, &self.authority, path, key)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(&self.authority)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

#[expect(clippy::disallowed_methods, reason = "the key goes into the authorization header of this request")]
fn exchange(connection: &mut BufReader<TcpStream>, host: &str, path: &str, key: &Secret) -> io::Result<Answer> {
    let mut request =
        Zeroizing::new(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer ").into_bytes());
    request.extend_from_slice(key.expose());
    request.extend_from_slice(b"\r\n\r\n");
    connection.get_mut().write_all(&request)?;
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let status_line = line(connection)?;
    let status = status_line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| bad("no status"))?;
    let mut length = 0;
    loop {
        let header = line(connection)?;
        match header.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<u64>().map_err(|_| bad("bad length"))?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    connection.take(length.min(MAX_BODY)).read_to_end(&mut body)?;
    Ok(Answer { status, body })
}

fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    match connection.take(MAX_BODY).read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}
