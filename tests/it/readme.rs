//! What the README says is so: its configuration is read, its verbs are there, its numbers are counted.

use crate::world::World;
use stanch::config;

const README: &str = include_str!("../../README.md");

#[test]
fn the_configuration_is_one() {
    let (_, rest) = README.split_once("```yaml\n").unwrap();
    let (yaml, _) = rest.split_once("```").unwrap();
    let world = World::new();
    world.write("stanch.yaml", yaml);
    let settings = config::load(Some(&world.path("stanch.yaml")), world.root()).unwrap_or_else(|e| panic!("{e}"));
    assert!(settings.inventory.get("sandbox-prod").is_some());
}

#[test]
fn the_verbs_are_there_with_their_flags() {
    let world = World::new();
    let lines =
        README.lines().filter_map(|line| line.split_once("stanch ")).filter(|(before, _)| before.contains("$ "));
    let mut checked = 0;
    for (_, command) in lines {
        let command = command.split(['#', ';', '<', '|']).next().unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        let verb = if words[0] == "incident" || words[0] == "rules" { &words[..2] } else { &words[..1] };
        let help = world.stanch(&[verb, &["--help"]].concat());
        assert_eq!(help.code, 0, "{command}: {}", help.stderr);
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.stdout.contains(flag), "{flag} is not in the help of {verb:?}");
        }
        checked += 1;
    }
    assert!(checked > 15, "only {checked} commands were found");
}

#[test]
fn the_catalogue_has_the_size_that_is_told() {
    let rules = World::new().stanch(&["rules", "list"]).stdout.lines().count();
    let files = stanch::catalog::builtin().len();
    let claim = format!("{rules} rules in {files} files");
    assert!(README.contains(&claim), "the README does not say: {claim}");
}
