//! Where a pass over the objects of a store, on many threads, writes down what it saw: lists by number, names, and objects
//! that are named and not here.
//!
//! Numbers that are given out depend on which thread came first. So nothing is ever ordered by them.

use super::super::id::Id;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts that are locked for themselves; a power of two.
const PARTS: u32 = 16;

/// A set of numbers.
#[derive(Debug, Clone, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// Room for numbers below `count`.
    pub fn new(count: u32) -> Bits {
        Bits(vec![0; (count as usize).div_ceil(64)])
    }

    /// The numbers whose bits are set in these words.
    pub(super) fn from_words(words: Vec<u64>) -> Bits {
        Bits(words)
    }

    /// Whether the number is in it.
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Puts it in; whether it was not.
    pub fn insert(&mut self, number: u32) -> bool {
        let (at, bit) = (number as usize / 64, 1u64 << (number % 64));
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        let Some(word) = self.0.get_mut(at) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// The numbers of both.
    pub fn with(&self, other: &Bits) -> Bits {
        let (long, short) = if self.0.len() < other.0.len() { (other, self) } else { (self, other) };
        let mut both = long.clone();
        both.0.iter_mut().zip(&short.0).for_each(|(word, other)| *word |= other);
        both
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0u32..).step_by(64).zip(&self.0).flat_map(|(first, &word)| {
            let mut word = word;
            std::iter::from_fn(move || {
                let at = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some(first + at)
            })
        })
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Bits {
        let mut bits = Bits::default();
        bits.extend(numbers);
        bits
    }
}

impl Extend<u32> for Bits {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, numbers: I) {
        for number in numbers {
            self.insert(number);
        }
    }
}

/// Lists by number, while they are written.
pub(super) struct Writing<T>(Vec<Mutex<Part<T>>>);

/// Lists by number. A number may have none, which is not the same as an empty one.
pub(super) struct Lists<T>(Vec<Part<T>>);

struct Part<T> {
    /// By number over the number of parts: where the list starts, and its length.
    spans: Vec<(u32, u32)>,
    items: Vec<T>,
}

/// No list.
const NONE: (u32, u32) = (u32::MAX, 0);

impl<T: Copy> Writing<T> {
    /// Room for lists of numbers below `count`.
    pub fn new(count: u32) -> Writing<T> {
        let part = || Part { spans: vec![NONE; (count / PARTS + 1) as usize], items: Vec::new() };
        Writing((0..PARTS).map(|_| Mutex::new(part())).collect())
    }

    /// Writes the list of a number down.
    pub fn put(&self, number: u32, list: impl Iterator<Item = T>) {
        let Some(mut part) = self.0.get((number % PARTS) as usize).map(lock) else { return };
        let start = part.items.len();
        part.items.extend(list);
        let length = part.items.len() - start;
        let span = u32::try_from(start).ok().zip(u32::try_from(length).ok());
        if let Some((slot, span)) = part.spans.get_mut((number / PARTS) as usize).zip(span) {
            *slot = span;
        }
    }

    /// All is written.
    pub fn done(self) -> Lists<T> {
        let whole = |part: Mutex<Part<T>>| {
            let mut part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            part.items.shrink_to_fit();
            part
        };
        Lists(self.0.into_iter().map(whole).collect())
    }
}

impl<T> Lists<T> {
    /// The list of a number.
    pub fn of(&self, number: u32) -> Option<&[T]> {
        let part = self.0.get((number % PARTS) as usize)?;
        let (start, length) = *part.spans.get((number / PARTS) as usize)?;
        part.items.get(start as usize..).and_then(|items| items.get(..length as usize))
    }
}

/// Names of entries, each kept once.
pub(super) struct Names(Vec<Mutex<Known>>);

#[derive(Default)]
struct Known {
    numbers: HashMap<Box<[u8]>, u32>,
    count: u32,
}

/// Names by number.
pub(super) struct Named(Vec<Vec<Box<[u8]>>>);

impl Names {
    pub fn new() -> Names {
        Names((0..PARTS).map(|_| Mutex::default()).collect())
    }

    /// The number of a name.
    pub fn number(&self, name: &[u8]) -> u32 {
        let place = part_of(name);
        let Some(mut known) = self.0.get(place as usize).map(lock) else { return 0 };
        if let Some(&number) = known.numbers.get(name) {
            return number;
        }
        let number = known.count * PARTS + place;
        known.count += 1;
        known.numbers.insert(name.into(), number);
        number
    }

    /// All are known.
    pub fn done(self) -> Named {
        let listed = |known: Mutex<Known>| {
            let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut names: Vec<(u32, Box<[u8]>)> =
                known.numbers.into_iter().map(|(name, number)| (number, name)).collect();
            names.sort_unstable_by_key(|(number, _)| *number);
            names.into_iter().map(|(_, name)| name).collect()
        };
        Named(self.0.into_iter().map(listed).collect())
    }
}

impl Named {
    /// A name; empty when there is none of this number.
    pub fn get(&self, number: u32) -> &[u8] {
        let part = self.0.get((number % PARTS) as usize);
        part.and_then(|part| part.get((number / PARTS) as usize)).map_or(&[], |name| name)
    }

    /// The number of a name that comes late: looked for one by one.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        let place = part_of(name);
        let Some(part) = self.0.get_mut(place as usize) else { return 0 };
        let at = part.iter().position(|known| **known == *name).unwrap_or_else(|| {
            part.push(name.into());
            part.len() - 1
        });
        u32::try_from(at).unwrap_or(0) * PARTS + place
    }
}

/// Any part will do; the bytes at the end differ most.
fn part_of(name: &[u8]) -> u32 {
    let sum = |sum: u32, byte: &u8| sum.wrapping_mul(31).wrapping_add(u32::from(*byte));
    name.iter().rev().take(6).fold(0, sum) % PARTS
}

/// Objects that are named and not in the store, and repositories inside this one: they have numbers behind the store's.
pub(super) struct Strangers {
    first: u32,
    known: Mutex<(HashMap<Id, u32>, Vec<Id>)>,
}

impl Strangers {
    pub fn new(first: u32) -> Strangers {
        Strangers { first, known: Mutex::default() }
    }

    /// The number of an id.
    pub fn number(&self, id: Id) -> u32 {
        let mut known = lock(&self.known);
        let (numbers, ids) = &mut *known;
        let next = self.first.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        *numbers.entry(id).or_insert_with(|| {
            ids.push(id);
            next
        })
    }

    /// The number behind the last.
    pub fn end(&self) -> u32 {
        self.first.saturating_add(u32::try_from(lock(&self.known).1.len()).unwrap_or(u32::MAX))
    }

    /// The id of a number.
    pub fn id(&self, number: u32) -> Option<Id> {
        lock(&self.known).1.get(number.checked_sub(self.first)? as usize).copied()
    }
}

/// A panic elsewhere does not make what was written wrong.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let lists = Writing::new(40);
        lists.put(33, [1, 2].into_iter());
        lists.put(1, std::iter::empty());
        let lists = lists.done();
        assert_eq!(
            (lists.of(33), lists.of(1), lists.of(17), lists.of(99)),
            (Some(&[1, 2][..]), Some(&[][..]), None, None)
        );

        let names = Names::new();
        let (one, two) = (names.number(b"one"), names.number(b"two"));
        assert_eq!((names.number(b"one"), one == two), (one, false));
        let mut names = names.done();
        let late = names.number(b"late");
        assert_eq!(names.number(b"one"), one);
        assert_eq!((names.get(one), names.get(two), names.get(late)), (&b"one"[..], &b"two"[..], &b"late"[..]));

        let bits: Bits = [200, 3, 64].into_iter().collect();
        assert_eq!(bits.iter().collect::<Vec<_>>(), [3, 64, 200]);
        assert!(bits.has(64) && !bits.has(65) && !bits.has(100_000));
    }
}
