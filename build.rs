//! Embeds the files of `rules/` into the library (see `src/catalog.rs`): the text of each, and what the reader of the library
//! makes of it, written down as Rust. The examples stay in the text: only tests and `stanch rules` ask for them.

#![expect(clippy::expect_used, reason = "a build script that cannot go on stops the build")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use tree::Tree;

#[path = "src/yaml/tree.rs"]
mod tree;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let rules = root.join("rules");
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/yaml/tree.rs");
    let mut names: Vec<String> = fs::read_dir(&rules)
        .expect("rules/ is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let mut writer = Writer::default();
    let mut list = String::new();
    for name in &names {
        let path = rules.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let tree = writer.tree(&read(&path));
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
