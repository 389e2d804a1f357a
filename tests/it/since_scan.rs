//! `stanch history --since-scan FILE`: the second scan says what came since the first, whatever git did to the packs.

use crate::world::{World, token};

/// How many credentials were found, and how the verb ended.
fn go_on(world: &World, more: &[&str]) -> (usize, i32) {
    let ended = world.stanch(&[&["history", "--since-scan", "state.json", "--format", "json"], more].concat());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    (report["findings"].as_array().unwrap().len(), ended.code)
}

#[test]
fn what_was_scanned_is_not_reported_again() {
    let world = World::repository();
    world.stage("a", token(1));
    world.commit("one");
    assert_eq!(go_on(&world, &[]), (1, 1));
    assert_eq!(go_on(&world, &[]), (0, 0), "nothing came");
    world.stage("b", token(2));
    world.commit("two");
    assert_eq!(go_on(&world, &[]), (1, 1), "only the new one");
    world.git(&["gc", "-q"]);
    assert_eq!(go_on(&world, &[]), (0, 0), "the packs were made anew");
    world.stage("c", token(3));
    world.commit("three");
    world.git(&["repack", "-q"]);
    assert_eq!(go_on(&world, &[]), (1, 1), "a pack joined");
}

#[test]
fn other_rules_begin_from_the_start() {
    let world = World::repository();
    world.stage("a", token(1));
    world.commit("one");
    assert_eq!(go_on(&world, &[]), (1, 1));
    world.write("rules/x.yaml", "provider: x\ntitle: X\nrules:\n  - id: x\n    description: X\n    keywords: [xyzzy_]\n    pattern: 'xyzzy_[0-9]{20}'\n    examples: { match: ['xyzzy_{{ digits(20) }}'], no-match: ['xyzzy'] }\n");
    assert_eq!(go_on(&world, &["--rules", "rules"]), (1, 1), "the rules changed");
    assert_eq!(go_on(&world, &["--rules", "rules"]), (0, 0));
}

#[test]
fn a_checkpoint_that_is_damaged_is_a_failure() {
    let world = World::repository();
    world.stage("a", "clean");
    world.commit("one");
    world.write("state.json", "{");
    let ended = world.stanch(&["history", "--since-scan", "state.json"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("damaged"), "{}", ended.stderr);
}
