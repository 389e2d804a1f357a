//! A reader that can be looked into ahead of reading: containers are told apart, and found to end, by what comes next.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes that can be looked at ahead.
const ROOM: usize = 32 << 10;

/// What `inner` gives, and a look at the bytes to come.
pub(super) struct Ahead<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    /// What comes after the buffer's bytes.
    error: Option<io::Error>,
    /// Bytes that were read out of this so far.
    pub passed: u64,
}

impl<R: Read> Ahead<R> {
    pub fn new(inner: R) -> Ahead<R> {
        Ahead { inner, buffer: Vec::new(), start: 0, error: None, passed: 0 }
    }

    /// The next bytes, `wanted` of them (at most 32 KiB) unless there are no more. An error waits for who reads up to it.
    pub fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        let wanted = wanted.min(ROOM);
        while self.buffer.len() - self.start < wanted {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if self.start == self.buffer.len() => return Err(error),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        let ready = self.buffer.get(self.start..).unwrap_or_default();
        Ok(ready.get(..wanted).unwrap_or(ready))
    }

    /// Takes exactly `N` bytes.
    pub fn take_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.read_exact(&mut array)?;
        Ok(array)
    }

    /// Passes over `count` bytes; an error when there are fewer.
    pub fn pass(&mut self, count: u64) -> io::Result<()> {
        match io::copy(&mut self.by_ref().take(count), &mut io::sink())? {
            passed if passed < count => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads more into the buffer; `false` when there is no more.
    fn more(&mut self) -> io::Result<bool> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let len = self.buffer.len();
        self.buffer.resize(ROOM.max(len + 1), 0);
        let read = loop {
            match self.inner.read(self.buffer.get_mut(len..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(len + read.as_ref().copied().unwrap_or(0));
        Ok(read? > 0)
    }
}

impl<R: Read> Read for Ahead<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.start == self.buffer.len() && self.error.is_none() && room.len() >= ROOM {
            let read = self.inner.read(room)?;
            self.passed += read as u64;
            return Ok(read);
        }
        let read = self.fill_buf()?.read(room)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Ahead<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.buffer.len() {
            self.more()?;
        }
        Ok(self.buffer.get(self.start..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
        self.passed += count as u64;
    }
}

/// The next `left` bytes of a container, all of which must be there.
pub(super) struct Exactly<'a, R> {
    pub inner: &'a mut R,
    pub left: u64,
}

impl<R: Read> Read for Exactly<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(room.len());
        let read = self.inner.read(room.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "it ends within a member"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// The next bytes of a container up to where what comes next says that they end.
pub(super) struct Until<'a, R, E> {
    pub inner: &'a mut Ahead<R>,
    /// What a place where they may end starts with.
    pub mark: &'a [u8],
    /// Whether they do, by the [`Until::SEEN`] bytes from there and how many bytes came before.
    pub ends: E,
    pub count: u64,
    /// There was such a place.
    pub ended: bool,
}

impl<R: Read, E: FnMut(&[u8], u64) -> bool> Until<'_, R, E> {
    /// Bytes that it is decided by: a data descriptor of a zip file and the mark of what follows.
    const SEEN: usize = 32;
}

impl<R: Read, E: FnMut(&[u8], u64) -> bool> Read for Until<'_, R, E> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.ended || room.is_empty() {
            return Ok(0);
        }
        let ready = self.inner.peek(ROOM)?;
        let ends = memchr::memmem::find(ready, self.mark);
        let most = match ends {
            Some(0) => {
                let seen = ready.get(..Self::SEEN).unwrap_or(ready);
                self.ended = (self.ends)(seen, self.count);
                usize::from(!self.ended)
            }
            Some(at) => at,
            // A mark may start in the last bytes.
            None if ready.len() > self.mark.len() => ready.len() - self.mark.len(),
            None => ready.len(),
        };
        let read = ready.get(..most.min(room.len())).unwrap_or_default().read(room)?;
        self.inner.consume(read);
        self.count += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has in pieces of three bytes.
    struct Slow<'t>(&'t [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let most = room.len().min(3);
            self.0.read(&mut room[..most])
        }
    }

    #[test]
    fn looking_ahead_takes_nothing() {
        let text: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
        let mut ahead = Ahead::new(Slow(&text));
        assert_eq!(ahead.peek(10).unwrap(), &text[..10]);
        assert_eq!(ahead.take_array::<4>().unwrap(), text[..4]);
        ahead.pass(996).unwrap();
        assert_eq!(ahead.peek(500).unwrap(), &text[1000..1500]);
        assert_eq!(ahead.passed, 1000);
        let mut rest = Vec::new();
        ahead.read_to_end(&mut rest).unwrap();
        assert_eq!((&rest[..], ahead.passed), (&text[1000..], 100_000));
        assert!(ahead.peek(1).unwrap().is_empty());
        assert!(ahead.pass(1).is_err());
    }

    #[test]
    fn bytes_end_where_what_follows_says_so() {
        let text = [&vec![b'a'; 40_000][..], b"PPK and PK?, PK!rest"].concat();
        let mut ahead = Ahead::new(&text[..]);
        let ends = |seen: &[u8], _| seen.get(2) == Some(&b'!');
        let mut until = Until { inner: &mut ahead, mark: b"PK", ends, count: 0, ended: false };
        let mut found = Vec::new();
        until.read_to_end(&mut found).unwrap();
        assert!(until.ended && found.ends_with(b"PK?, "));
        assert_eq!(ahead.peek(9).unwrap(), b"PK!rest");
        assert_eq!(ahead.passed, found.len() as u64);
        let mut until = Until { inner: &mut ahead, mark: b"none", ends: |_: &[u8], _| true, count: 0, ended: false };
        let mut found = Vec::new();
        until.read_to_end(&mut found).unwrap();
        assert_eq!((found, until.ended), (b"PK!rest".to_vec(), false));
    }
}
