//! `stanch rules cost`: which rules make a scan slow.

use super::super::{Console, Error, Exit};
use super::Format;
use serde_json::json;
use stanch::catalog;
use stanch::detect::matcher::{Cost, Matcher};
use stanch::rule::RuleSet;
use std::path::{Path, PathBuf};

/// Rows of the table at most; JSON has all rules.
const ROWS: usize = 30;

/// Counts in `path`, or in the text of the built-in rules, and shows the dearest rules first.
pub fn cost(rules: &RuleSet, path: Option<&Path>, format: Format, console: &Console) -> Result<Exit, Error> {
    let matcher = Matcher::new(rules.rules());
    let mut costs = vec![Cost::default(); rules.rules().len()];
    let mut bytes = 0_u64;
    let mut count = |text: &[u8]| {
        bytes += text.len() as u64;
        matcher.cost(text, &mut costs);
    };
    match path {
        None => catalog::builtin().iter().for_each(|file| count(file.text.as_bytes())),
        Some(path) => {
            let mut open = vec![path.to_owned()];
            while let Some(path) = open.pop() {
                read(&path, &mut open, &mut count)
                    .map_err(|error| Error::new(format!("count in {}: {error}", path.display())))?;
            }
        }
    }
    let all: u64 = costs.iter().map(|cost| cost.tries).sum();
    let mut rows: Vec<(&str, Cost)> = rules.rules().iter().map(|rule| rule.id.as_str()).zip(costs).collect();
    rows.sort_by(|(a, one), (b, other)| (other.tries, other.anchors, a).cmp(&(one.tries, one.anchors, b)));
    let per_megabyte = |count: u64| count as f64 * 1e6 / bytes.max(1) as f64;
    let share = |cost: &Cost| cost.tries as f64 * 100.0 / all.max(1) as f64;
    let text = match format {
        Format::Json => {
            let row = |(id, cost): &(&str, Cost)| {
                json!({
                    "id": id,
                    "anchors_per_mb": per_megabyte(cost.anchors),
                    "window": cost.window,
                    "cost": per_megabyte(cost.anchors) * cost.window as f64,
                    "tries": cost.tries,
                    "matches": cost.matches,
                    "share": share(cost),
                })
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            serde_json::to_string_pretty(&json!({ "bytes": bytes, "rules": rows }))? + "\n"
        }
        Format::Text => {
            let head = format!(
                "{:32} {:>11} {:>7} {:>9} {:>8} {:>6}\n",
                "rule", "anchors/MB", "window", "tries/MB", "matches", "share"
            );
            let row = |(id, cost): &(&str, Cost)| {
                let (anchors, tries) = (per_megabyte(cost.anchors), per_megabyte(cost.tries));
                let share = share(cost);
                format!("{id:32} {anchors:11.1} {:7} {tries:9.1} {:8} {share:5.1}%\n", cost.window, cost.matches)
            };
            head + &rows.iter().filter(|(_, cost)| cost.anchors > 0).take(ROWS).map(row).collect::<String>()
        }
    };
    console.out(text.as_bytes())?;
    let met = rows.iter().filter(|(_, cost)| cost.anchors > 0).count();
    let megabytes = bytes as f64 / 1e6;
    console.say(&format!(
        "{met} of {} rules were led somewhere in {megabytes:.1} MB, {:.0} places a MB were tried",
        rows.len(),
        per_megabyte(all)
    ));
    Ok(Exit::Done)
}

/// Counts in a file, or opens a folder; what is neither, and git's own folder, is passed over.
fn read(path: &Path, open: &mut Vec<PathBuf>, count: &mut impl FnMut(&[u8])) -> std::io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?;
    if kind.is_dir() && path.file_name().is_none_or(|name| name != ".git") {
        let mut inside =
            std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        inside.sort();
        open.append(&mut inside);
    } else if kind.is_file() {
        count(&std::fs::read(path)?);
    }
    Ok(())
}
