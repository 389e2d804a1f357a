//! Embeds the files of `rules/` into the library (see `src/catalog.rs`): the text of each, and what the reader of the library
//! makes of it, written down as Rust. The examples stay in the text: only tests and `stanch rules` ask for them. What is known
//! of the rules' patterns without any text (`src/rule/digest/`) is written down in the same way.

#![expect(clippy::expect_used, reason = "a build script that cannot go on stops the build")]

use digest::{Class, Digest, Gram, Lead};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use tree::Tree;

#[path = "src/rule/digest/mod.rs"]
#[allow(dead_code, reason = "what only the library asks for")]
mod digest;
#[path = "src/yaml/tree.rs"]
mod tree;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let rules = root.join("rules");
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/yaml/tree.rs");
    println!("cargo::rerun-if-changed=src/rule/digest");
    let mut names: Vec<String> = fs::read_dir(&rules)
        .expect("rules/ is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let mut writer = Writer::default();
    let mut list = String::new();
    let mut digests = BTreeMap::new();
    for name in &names {
        let path = rules.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let tree = read(&path);
        add_digests(&tree, &mut digests);
        let tree = writer.tree(&tree);
        writeln!(list, "    ({name:?}, include_str!({:?}), {tree}),", path.display().to_string()).expect(STRING);
    }
    let code = format!(
        "{}/// `rules/*.yaml`: name, text, and the tree of the text without the examples.\n\
         static EMBEDDED: [(&str, &str, Tree); {}] = [\n{list}];\n",
        writer.statics,
        names.len()
    );
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("catalog.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
    let lines: Vec<&str> = digests.values().map(String::as_str).collect();
    let code = format!(
        "/// By rule, in order: what is known of its pattern.\npub static DIGESTS: [(&str, Digest); {}] = [\n{}];\n",
        lines.len(),
        lines.concat()
    );
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("digests.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
}

/// What is known of the pattern of each rule of a file, written down as Rust. A rule that is wrong is left out: the tests tell.
fn add_digests(tree: &Tree, digests: &mut BTreeMap<String, String>) {
    let Some(Tree::List(rules)) = tree.get("rules") else { return };
    for rule in rules.iter() {
        let text = |key: &str| rule.get(key).and_then(Tree::text);
        let (Some(id), Some(pattern), Some(Tree::List(keywords))) = (text("id"), text("pattern"), rule.get("keywords"))
        else {
            continue;
        };
        let mut keywords: Vec<String> = keywords.iter().filter_map(|k| Some(k.text()?.to_ascii_lowercase())).collect();
        keywords.sort();
        keywords.dedup();
        let Some(digest) = Digest::of(pattern, text("secret"), &keywords) else { continue };
        let set = |class: &Class| format!("Set({:?})", class.0);
        let Digest { longest, program, leads, starts, gate, keyed } = &digest;
        let classes: Vec<String> = program.classes.iter().map(set).collect();
        let lead = |lead: &Lead| {
            let Lead { bytes, masks, after, count, before, edge, place, grams } = lead;
            let (before, after) = (set(before), set(after));
            let gram =
                |Gram { first, fourths, at }: &Gram| format!("Gram {{ first: {first}, fourths: {fourths}, at: {at} }}");
            let grams = grams.iter().map(gram).collect::<Vec<_>>().join(", ");
            format!(
                "Lead {{ bytes: Cow::Borrowed(&{bytes:?}), masks: Cow::Borrowed(&{masks:?}), after: {after}, count: {count}, before: {before}, edge: {edge}, place: {place}, grams: Cow::Borrowed(&[{grams}]) }}"
            )
        };
        let leads: Vec<String> = leads.iter().map(lead).collect();
        let code = format!(
            "    ({id:?}, Digest {{ longest: {longest}, program: Program {{ ops: Cow::Borrowed(&{:?}), classes: Cow::Borrowed(&[{}]), \
             text: Cow::Borrowed(&{:?}), first: {}, whole: {} }}, leads: Cow::Borrowed(&[{}]), starts: Starts::{starts:?}, gate: Gate::{gate:?}, keyed: {keyed} }}),\n",
            program.ops,
            classes.join(", "),
            program.text,
            set(&program.first),
            program.whole,
            leads.join(", "),
        );
        digests.insert(id.to_owned(), code);
    }
}

/// The tree of a file. One that cannot be parsed stands as nothing: the tests tell its mistakes at their lines.
fn read(path: &Path) -> Tree {
    let mut tree = Tree::parse(&fs::read_to_string(path).expect("a rules file is text")).unwrap_or(Tree::Null);
    tree.drop_examples();
    tree
}

/// Writes trees as expressions. Each list is a static of its own, so that every node has an address of its own.
#[derive(Default)]
struct Writer {
    statics: String,
    count: usize,
}

impl Writer {
    fn tree(&mut self, tree: &Tree) -> String {
        match tree {
            Tree::Null => "Tree::Null".to_owned(),
            Tree::Bool(value) => format!("Tree::Bool({value})"),
            Tree::Whole(value) => format!("Tree::Whole({value})"),
            Tree::Below(value) => format!("Tree::Below({value})"),
            Tree::Real(value) => format!("Tree::Real({value:?})"),
            Tree::Text(text) => format!("Tree::Text(Cow::Borrowed({text:?}))"),
            Tree::List(items) => {
                let items = items.iter().map(|item| self.tree(item)).collect();
                self.slice("List", "Tree", items)
            }
            Tree::Map(entries) => {
                let entry = |(key, value): &(Tree, Tree)| format!("({}, {})", self.tree(key), self.tree(value));
                let entries = entries.iter().map(entry).collect();
                self.slice("Map", "(Tree, Tree)", entries)
            }
        }
    }

    fn slice(&mut self, variant: &str, of: &str, items: Vec<String>) -> String {
        self.count += 1;
        let (count, length, items) = (self.count, items.len(), items.join(", "));
        writeln!(self.statics, "static T{count}: [{of}; {length}] = [{items}];").expect(STRING);
        format!("Tree::{variant}(Cow::Borrowed(&T{count}))")
    }
}

const STRING: &str = "a String takes it";
