//! The header of a 7z file, parsed. What it counts is never more than it has bytes, so that no room is made for more.

use std::io::{self, ErrorKind};

/// What the header says.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub blocks: Vec<Block>,
    /// Members that have bytes, block by block.
    pub streams: Vec<Stream>,
}

/// A header, or the block that one is packed in.
#[derive(Debug)]
pub(super) enum Parsed {
    Plain(Header),
    Packed(Block),
}

/// Members packed together ("Folder").
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Where its bytes start, and how many there are.
    pub place: u64,
    pub packed: u64,
    /// How many members it has.
    pub members: usize,
    coders: Vec<Coder>,
    /// Of each coder, what it gives.
    sizes: Vec<u64>,
    /// Whose input is whose output.
    pairs: Vec<(u64, u64)>,
    /// How many streams of packed bytes go in.
    inputs: u64,
    sum: Option<u32>,
}

/// One step of unpacking.
#[derive(Debug)]
pub(super) struct Coder {
    pub name: Vec<u8>,
    pub properties: Vec<u8>,
    streams: (u64, u64),
}

/// A member.
#[derive(Debug)]
pub(super) struct Stream {
    pub name: Vec<u8>,
    pub size: u64,
    pub sum: Option<u32>,
}

impl Block {
    /// The coders, from the packed bytes on, each with how many bytes it gives; `None` when they are no simple chain.
    pub fn chain(&self) -> Option<Vec<(&Coder, u64)>> {
        if self.inputs != 1 || self.coders.iter().any(|coder| coder.streams != (1, 1)) {
            return None;
        }
        let bound = |at: u64| self.pairs.iter().any(|(input, _)| *input == at);
        let mut next = (0..self.coders.len() as u64).find(|at| !bound(*at));
        let mut chain = Vec::new();
        while let Some(at) = next {
            let index = usize::try_from(at).ok()?;
            chain.push((self.coders.get(index)?, *self.sizes.get(index)?));
            if chain.len() > self.coders.len() {
                return None;
            }
            next = self.pairs.iter().find(|(_, output)| *output == at).map(|(input, _)| *input);
        }
        (chain.len() == self.coders.len()).then_some(chain)
    }

    /// Bytes that come out at the end.
    pub fn size(&self) -> u64 {
        self.chain().and_then(|chain| chain.last().map(|(_, size)| *size)).unwrap_or(0)
    }
}

/// Reads a header.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Parsed> {
    let mut reader = Reader { bytes };
    match reader.byte()? {
        0x17 => {
            let mut streams = reader.streams()?;
            streams.blocks.pop().filter(|_| streams.blocks.is_empty()).map(Parsed::Packed).ok_or_else(wrong)
        }
        1 => Ok(Parsed::Plain(reader.header()?)),
        _ => Err(wrong()),
    }
}

/// Blocks, and the sizes and check sums of what is in them.
#[derive(Debug, Default)]
struct Streams {
    blocks: Vec<Block>,
    members: Vec<(u64, Option<u32>)>,
}

struct Reader<'h> {
    bytes: &'h [u8],
}

impl<'h> Reader<'h> {
    fn header(&mut self) -> io::Result<Header> {
        let (mut streams, mut names) = (Streams::default(), Vec::new());
        loop {
            match self.byte()? {
                0 => break,
                2 => self.properties()?,
                3 => drop(self.streams()?),
                4 => streams = self.streams()?,
                5 => names = self.files()?,
                _ => return Err(wrong()),
            }
        }
        let names = names.into_iter().map(Some).chain(std::iter::repeat(None));
        let named = streams.members.into_iter().zip(names).map(|((size, sum), name)| Stream {
            name: name.unwrap_or_else(|| b"(no name)".to_vec()),
            size,
            sum,
        });
        Ok(Header { blocks: streams.blocks, streams: named.collect() })
    }

    /// Properties of the archive, which mean nothing.
    fn properties(&mut self) -> io::Result<()> {
        while self.byte()? != 0 {
            let size = self.number()?;
            self.take(size)?;
        }
        Ok(())
    }

    fn streams(&mut self) -> io::Result<Streams> {
        let (mut place, mut packed, mut blocks, mut members) = (0, Vec::new(), Vec::new(), None);
        loop {
            match self.byte()? {
                0 => break,
                6 => (place, packed) = self.packed()?,
                7 => blocks = self.blocks()?,
                8 => members = Some(self.members(&mut blocks)?),
                _ => return Err(wrong()),
            }
        }
        let mut packed = packed.into_iter();
        for block in &mut blocks {
            block.place = place;
            for at in 0..block.inputs {
                let size: u64 = packed.next().ok_or_else(wrong)?;
                place = place.checked_add(size).ok_or_else(wrong)?;
                block.packed = if at == 0 { size } else { block.packed };
            }
        }
        let members = match members {
            Some(members) => members,
            None => blocks.iter().map(|block| (block.size(), block.sum)).collect(),
        };
        Ok(Streams { blocks, members })
    }

    /// Where packed bytes start, and how many each stream has.
    fn packed(&mut self) -> io::Result<(u64, Vec<u64>)> {
        let (place, count) = (self.number()?, self.count()?);
        let mut sizes = Vec::new();
        loop {
            match self.byte()? {
                0 => return Ok((place, sizes)),
                9 => sizes = (0..count).map(|_| self.number()).collect::<io::Result<_>>()?,
                10 => drop(self.sums(count)?),
                _ => return Err(wrong()),
            }
        }
    }

    fn blocks(&mut self) -> io::Result<Vec<Block>> {
        if self.byte()? != 11 {
            return Err(wrong());
        }
        let count = self.count()?;
        if self.byte()? != 0 {
            return Err(wrong());
        }
        let mut blocks = (0..count).map(|_| self.block()).collect::<io::Result<Vec<Block>>>()?;
        loop {
            match self.byte()? {
                0 => return Ok(blocks),
                12 => {
                    for block in &mut blocks {
                        let outputs = block.coders.iter().map(|coder| coder.streams.1).sum::<u64>();
                        block.sizes = (0..outputs).map(|_| self.number()).collect::<io::Result<_>>()?;
                    }
                }
                10 => {
                    let sums = self.sums(count)?;
                    blocks.iter_mut().zip(sums).for_each(|(block, sum)| block.sum = sum);
                }
                _ => return Err(wrong()),
            }
        }
    }

    fn block(&mut self) -> io::Result<Block> {
        let count = self.count()?;
        let coders = (0..count).map(|_| self.coder()).collect::<io::Result<Vec<Coder>>>()?;
        let sum = |of: fn(&Coder) -> u64| coders.iter().map(of).fold(0u64, u64::saturating_add);
        let (inputs, outputs) = (sum(|coder| coder.streams.0), sum(|coder| coder.streams.1));
        let pairs = outputs.checked_sub(1).ok_or_else(wrong)?;
        let left = inputs.checked_sub(pairs).filter(|_| inputs <= MOST).ok_or_else(wrong)?;
        let pairs = (0..pairs).map(|_| Ok((self.number()?, self.number()?))).collect::<io::Result<_>>()?;
        if left > 1 {
            for _ in 0..left {
                self.number()?;
            }
        }
        Ok(Block { coders, pairs, inputs: left, members: 1, ..Block::default() })
    }

    fn coder(&mut self) -> io::Result<Coder> {
        let flags = self.byte()?;
        let name = self.take(u64::from(flags & 0xf))?.to_vec();
        let streams = if flags & 0x10 == 0 { (1, 1) } else { (self.number()?, self.number()?) };
        let length = if flags & 0x20 == 0 { 0 } else { self.number()? };
        if flags & 0xc0 != 0 || streams.1 > MOST {
            return Err(wrong());
        }
        Ok(Coder { name, properties: self.take(length)?.to_vec(), streams })
    }

    /// How many members each block has, their sizes and check sums.
    fn members(&mut self, blocks: &mut [Block]) -> io::Result<Vec<(u64, Option<u32>)>> {
        let mut kind = self.byte()?;
        if kind == 13 {
            for block in &mut *blocks {
                block.members = self.count()?;
            }
            let all = blocks.iter().map(|block| block.members).fold(0, usize::saturating_add);
            if all as u64 > MOST.max(self.bytes.len() as u64) {
                return Err(wrong());
            }
            kind = self.byte()?;
        }
        let mut members: Vec<(u64, Option<u32>)> = Vec::new();
        for block in &*blocks {
            let mut left = block.size();
            for _ in 1..block.members {
                let size = if kind == 9 { self.number()? } else { 0 };
                left = left.checked_sub(size).ok_or_else(wrong)?;
                members.push((size, None));
            }
            if block.members > 0 {
                // A block of one member has that one's check sum.
                members.push((left, block.sum.filter(|_| block.members == 1)));
            }
        }
        if kind == 9 {
            kind = self.byte()?;
        }
        while kind != 0 {
            if kind != 10 {
                return Err(wrong());
            }
            let unknown = members.iter().filter(|(_, sum)| sum.is_none()).count();
            let mut sums = self.sums(unknown)?.into_iter();
            members.iter_mut().filter(|(_, sum)| sum.is_none()).for_each(|(_, sum)| *sum = sums.next().flatten());
            kind = self.byte()?;
        }
        Ok(members)
    }

    /// The names of the files that have bytes.
    fn files(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let count = self.count()?;
        let (mut names, mut empty) = (Vec::new(), Vec::new());
        loop {
            let kind = self.byte()?;
            if kind == 0 {
                break;
            }
            let size = self.number()?;
            let mut property = Reader { bytes: self.take(size)? };
            match kind {
                14 => empty = property.bits(count)?,
                17 if property.byte()? == 0 => names = property.names(count),
                _ => {}
            }
        }
        let empty = empty.into_iter().chain(std::iter::repeat(false));
        Ok(names.into_iter().zip(empty).filter(|(_, empty)| !empty).map(|(name, _)| name).collect())
    }

    /// Names in UTF-16, each with a zero behind it.
    fn names(&self, count: usize) -> Vec<Vec<u8>> {
        let units = self.bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>();
        units.split(|unit| *unit == 0).take(count).map(|name| String::from_utf16_lossy(name).into_bytes()).collect()
    }

    /// Check sums of those that have one.
    fn sums(&mut self, count: usize) -> io::Result<Vec<Option<u32>>> {
        let defined = match self.byte()? {
            0 => self.bits(count)?,
            _ => vec![true; count],
        };
        let sum = |defined| match defined {
            true => Ok(Some(u32::from_le_bytes(*self.take(4)?.first_chunk().ok_or_else(wrong)?))),
            false => Ok(None),
        };
        defined.into_iter().map(sum).collect()
    }

    fn bits(&mut self, count: usize) -> io::Result<Vec<bool>> {
        let bytes = self.take(count.div_ceil(8) as u64)?;
        Ok(bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0)).take(count).collect())
    }

    /// How many there are of something that takes a byte or more each, or a bit.
    fn count(&mut self) -> io::Result<usize> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|_| count <= MOST.max(self.bytes.len() as u64)).ok_or_else(wrong)
    }

    /// A number: as many bytes follow as the first has ones ahead; its other bits are the highest.
    fn number(&mut self) -> io::Result<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut bytes = [0; 8];
        for byte in bytes.iter_mut().take(more as usize) {
            *byte = self.byte()?;
        }
        let high = u64::from(first & (0xffu32 >> (more + 1)) as u8);
        Ok(u64::from_le_bytes(bytes) | high.checked_shl(8 * more).unwrap_or(0))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or_else(wrong)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn take(&mut self, count: u64) -> io::Result<&'h [u8]> {
        let count = usize::try_from(count).map_err(|_| wrong())?;
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(wrong)?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// Of streams that run together, and of what has no bytes of its own.
const MOST: u64 = 64;

fn wrong() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "its header is no header of 7z")
}
