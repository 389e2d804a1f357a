//! `stanch respond` and `stanch incident` as a person types them wrongly, and where there is nothing yet.

use crate::world::World;

fn world() -> World {
    let world = World::new();
    world.write("app/.env", "KEY=nothing-that-any-rule-knows\n");
    world.write(
        "stanch.yaml",
        "version: 1\nledger: ./ledger.db\ncredentials:\n  - id: pay\n    provider: sandbox\n    \
         stores: [{ dotenv: { path: ./app/.env, name: KEY } }, { dotenv: { path: ./gone/.env, name: KEY } }]\n",
    );
    world
}

#[track_caller]
fn check(world: &World, args: &[&str], input: &[u8], code: i32, says: &[&str]) {
    let ended = world.stanch_fed(args, input);
    assert_eq!(ended.code, code, "{args:?}: {}{}", ended.stdout, ended.stderr);
    for said in says {
        assert!(ended.stderr.contains(said) || ended.stdout.contains(said), "{args:?}: {said:?} in {}", ended.stderr);
    }
}

#[test]
fn nobody_to_ask_and_nothing_to_find() {
    let world = world();
    check(&world, &["respond", "pay"], b"", 2, &["nobody is at a terminal", "--yes"]);
    check(
        &world,
        &["respond", "nobody", "--yes"],
        b"",
        2,
        &["neither a credential of the inventory", "stanch history"],
    );
    check(&world, &["respond", "abcdef12", "--yes"], b"", 2, &["fingerprint starts with abcdef12"]);
    check(&world, &["respond", "-", "--yes"], b"", 2, &["there is nothing"]);
    check(&world, &["respond", "pay", "--yes"], b"", 2, &["gone/.env"]);
    check(&world, &["incident", "list"], b"", 0, &["No incident is open."]);
    check(&world, &["incident", "list", "--format", "json"], b"", 0, &["\"incidents\": []"]);
    check(&world, &["incident", "show", "inc-1"], b"", 2, &["there is none", "incident list --all"]);
    check(&world, &["incident", "resume"], b"", 2, &["<ID>"]);
    check(&world, &["incident", "resume", "--due"], b"", 0, &["Nothing is due."]);
    check(&world, &["incident", "verify"], b"", 0, &[]);
}

#[test]
fn a_secret_that_nobody_knows_calls_a_person_and_is_shown_nowhere() {
    let world = world();
    let secret = b"a-word-that-stands-in-no-rule-0123456789\n";
    check(&world, &["respond", "-", "--plan"], secret, 0, &["Plan: contain", "revoked by hand"]);
    check(&world, &["respond", "-", "--yes"], secret, 4, &["A person is needed", "stanch incident resume inc-"]);
    check(&world, &["incident", "list"], b"", 0, &["stuck", "a secret"]);
    check(&world, &["incident", "show", "inc"], b"", 0, &["A person is needed", "severity"]);
    check(&world, &["incident", "approve", "inc"], b"", 2, &["does not wait for an approval"]);
    check(&world, &["incident", "resume", "inc", "--new-secret", "-"], b"x", 2, &["does not ask for one"]);
    check(&world, &["incident", "resume", "inc"], b"", 0, &["look for yourself"]);
    check(&world, &["incident", "abort", "inc"], b"", 2, &["it is closed", "postmortem"]);
    check(&world, &["incident", "verify", "inc"], b"", 0, &["unbroken"]);
    check(&world, &["incident", "postmortem", "inc"], b"", 0, &["# a secret leaked: ended", "**not proven**"]);
    let mut folders = vec![world.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                assert!(!text.contains("a-word-that-stands"), "{} holds the secret", path.display());
            }
        }
    }
}
