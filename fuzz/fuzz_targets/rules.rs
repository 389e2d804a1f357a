//! A rule file that anybody may have written is read, or refused with mistakes that each have a place; the examples of
//! one that is read can be made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::catalog::File;
use stanch::rule::RuleSet;
use stanch::rule::example::{Recipe, seed};

fuzz_target!(|text: &str| {
    let file = File::new("rules/fuzz.yaml", text.to_owned());
    match RuleSet::of(std::slice::from_ref(&file)) {
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
        Ok(rules) => {
            for rule in rules.rules() {
                let _ = rule.pattern.find(text.as_bytes(), 0);
            }
        }
    }
    for (index, line) in text.lines().enumerate() {
        if let Ok(recipe) = Recipe::parse(line) {
            let seed = seed("fuzz", true, index);
            assert_eq!(recipe.make(seed), recipe.make(seed));
        }
    }
});
