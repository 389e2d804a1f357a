//! The fast way and the plain one find the same, whole or near what is new.

use super::*;

#[test]
fn ranges_are_joined() {
    let mut ranges = Vec::new();
    for new in [0..10, 20..30, 25..35, 50..60, 55..70, 80..90] {
        add(&mut ranges, new);
    }
    assert_eq!(ranges, [0..10, 20..35, 50..70, 80..90]);
}

#[test]
fn what_touches() {
    let ranges = [10..20, 30..30];
    for (range, want) in
        [(0..9, false), (0..10, true), (20..22, true), (21..29, false), (25..30, true), (31..40, false)]
    {
        assert_eq!(touches(&ranges, &range), want, "{range:?}");
    }
}
