//! What a CI says of the push that it runs for, read from its environment and its event.
//!
//! Facts: GitHub Actions, <https://docs.github.com/en/actions/reference/workflows-and-actions/variables> and
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>; GitLab CI,
//! <https://docs.gitlab.com/ci/variables/predefined_variables/>; both read 2026-11-20.

use serde_json::Value;
use std::path::Path;

/// Whose CI it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
}

impl Host {
    /// What to do about a clone that lacks commits.
    pub fn deepen(self) -> &'static str {
        match self {
            Host::Github => "fetch the whole history: `fetch-depth: 0` under `with:` of actions/checkout",
            Host::Gitlab => "fetch the whole history: `GIT_DEPTH: \"0\"` under `variables:` of the job",
        }
    }
}

/// What there is to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: a branch was deleted.
    Nothing,
    /// The whole history: the run is not about a push.
    Everything,
    /// What a push or a merge request brought.
    Part(Part),
}

/// What a push or a merge request brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The last commit of it: the first of these that the clone has.
    pub tips: Vec<String>,
    /// What was there before, when the CI knows it.
    pub before: Option<String>,
    /// Branches that were there before, to be left out when `before` is not known or not in the clone.
    pub beside: Vec<String>,
}

/// Why it cannot be told what was pushed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No CI that we know.
    #[error("tell what was pushed: this is neither GitHub Actions (GITHUB_ACTIONS) nor GitLab CI (GITLAB_CI)")]
    NoCi,
    /// A variable is missing.
    #[error("tell what was pushed: the variable {0} is not set")]
    NoVariable(&'static str),
    /// The event's file cannot be read.
    #[error("read the event {path}")]
    NoEvent {
        /// `GITHUB_EVENT_PATH`.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// It is not JSON.
    #[error("read the event {path}")]
    NotJson {
        /// `GITHUB_EVENT_PATH`.
        path: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// It does not say what it should.
    #[error("tell what was pushed: the event {event} has no commit id at {pointer}")]
    NoCommit {
        /// The event's name.
        event: String,
        /// Where it was looked for.
        pointer: &'static str,
    },
}

/// The CI that `variable` tells of, and what it runs for.
pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<(Host, Asked), Error> {
    let set = |name: &'static str| variable(name).filter(|value| !value.is_empty());
    if set("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        let path = set("GITHUB_EVENT_PATH").ok_or(Error::NoVariable("GITHUB_EVENT_PATH"))?;
        let event = set("GITHUB_EVENT_NAME").ok_or(Error::NoVariable("GITHUB_EVENT_NAME"))?;
        let text = std::fs::read(Path::new(&path));
        let text = text.map_err(|source| Error::NoEvent { path: path.clone(), source })?;
        let payload = serde_json::from_slice(&text).map_err(|source| Error::NotJson { path, source })?;
        return Ok((Host::Github, github(&event, &payload, set("GITHUB_SHA"))?));
    }
    if set("GITLAB_CI").is_some_and(|value| value == "true") {
        return Ok((Host::Gitlab, gitlab(&set)?));
    }
    Err(Error::NoCi)
}

/// GitHub's events. `sha` is `GITHUB_SHA`: for a pull request the commit that merges it.
fn github(event: &str, payload: &Value, sha: Option<String>) -> Result<Asked, Error> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let commit = |pointer: &'static str| {
        let missing = || Error::NoCommit { event: event.to_owned(), pointer };
        text(pointer).filter(|id| is_id(id)).ok_or_else(missing)
    };
    let branch = |name: String| format!("refs/remotes/origin/{name}");
    match event {
        "push" => {
            let tip = commit("/after")?;
            if is_zero(&tip) {
                return Ok(Asked::Nothing);
            }
            let before = Some(commit("/before")?).filter(|id| !is_zero(id));
            let default = text("/repository/default_branch");
            let pushed = text("/ref").unwrap_or_default();
            let other = default.filter(|default| pushed != format!("refs/heads/{default}"));
            Ok(Asked::Part(Part { tips: vec![tip], before, beside: other.into_iter().map(branch).collect() }))
        }
        "pull_request" | "pull_request_target" => {
            // Without a fetched history the head is not there, but the merge of it is. For pull_request_target the commit
            // checked out is the base, which holds nothing of the pull request.
            let merge = sha.filter(|_| event == "pull_request");
            let tips = [Some(commit("/pull_request/head/sha")?), merge].into_iter().flatten().collect();
            let base = text("/pull_request/base/ref").map(branch);
            let before = Some(commit("/pull_request/base/sha")?);
            Ok(Asked::Part(Part { tips, before, beside: base.into_iter().collect() }))
        }
        "merge_group" => {
            let (tip, before) = (commit("/merge_group/head_sha")?, commit("/merge_group/base_sha")?);
            Ok(Asked::Part(Part { tips: vec![tip], before: Some(before), beside: Vec::new() }))
        }
        _ => Ok(Asked::Everything),
    }
}

/// GitLab's pipelines.
fn gitlab(set: &dyn Fn(&'static str) -> Option<String>) -> Result<Asked, Error> {
    let tip = set("CI_COMMIT_SHA").filter(|id| is_id(id)).ok_or(Error::NoVariable("CI_COMMIT_SHA"))?;
    let branch = |name: String| format!("refs/remotes/origin/{name}");
    if let Some(base) = set("CI_MERGE_REQUEST_DIFF_BASE_SHA").filter(|id| is_id(id)) {
        let beside = set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME").map(branch);
        return Ok(Asked::Part(Part { tips: vec![tip], before: Some(base), beside: beside.into_iter().collect() }));
    }
    // Everything but a push is about no push: schedule, web, api, trigger, pipeline, chat.
    if set("CI_PIPELINE_SOURCE")
        .is_some_and(|source| !matches!(source.as_str(), "push" | "external_pull_request_event"))
    {
        return Ok(Asked::Everything);
    }
    let before = set("CI_COMMIT_BEFORE_SHA").filter(|id| is_id(id) && !is_zero(id));
    let pushed = set("CI_COMMIT_BRANCH");
    let other = set("CI_DEFAULT_BRANCH").filter(|default| pushed.as_ref() != Some(default));
    Ok(Asked::Part(Part { tips: vec![tip], before, beside: other.into_iter().map(branch).collect() }))
}

/// Whether it is a commit's whole id.
fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The id that stands for no commit.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    fn part(tips: &[String], before: Option<String>, beside: &[&str]) -> Asked {
        Asked::Part(Part { tips: tips.to_vec(), before, beside: beside.iter().map(|&name| name.to_owned()).collect() })
    }

    fn push(before: char, after: char, to: &str) -> Asked {
        let payload = json!({
            "before": id(before), "after": id(after), "ref": to, "repository": { "default_branch": "main" },
        });
        github("push", &payload, None).unwrap()
    }

    #[test]
    fn pushes_of_github() {
        let main = "refs/remotes/origin/main";
        assert_eq!(push('a', 'b', "refs/heads/main"), part(&[id('b')], Some(id('a')), &[]));
        assert_eq!(push('a', 'b', "refs/heads/x"), part(&[id('b')], Some(id('a')), &[main]));
        assert_eq!(push('0', 'b', "refs/heads/x"), part(&[id('b')], None, &[main]));
        assert_eq!(push('0', 'b', "refs/tags/v1"), part(&[id('b')], None, &[main]));
        assert_eq!(push('a', '0', "refs/heads/x"), Asked::Nothing);
        let error = github("push", &json!({ "after": "HEAD" }), None).unwrap_err().to_string();
        assert_eq!(error, "tell what was pushed: the event push has no commit id at /after");
    }

    #[test]
    fn pull_requests_of_github() {
        let payload = json!({ "pull_request": {
            "head": { "sha": id('b') }, "base": { "sha": id('a'), "ref": "main" },
        } });
        let of = |event| github(event, &payload, Some(id('c'))).unwrap();
        let main = "refs/remotes/origin/main";
        assert_eq!(of("pull_request"), part(&[id('b'), id('c')], Some(id('a')), &[main]));
        assert_eq!(of("pull_request_target"), part(&[id('b')], Some(id('a')), &[main]));
        assert_eq!(github("schedule", &json!({}), None).unwrap(), Asked::Everything);
    }

    #[test]
    fn pipelines_of_gitlab() {
        let of = |more: &[(&'static str, String)]| {
            let set =
                |name: &'static str| more.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            gitlab(&set).unwrap()
        };
        let tip = ("CI_COMMIT_SHA", id('b'));
        let source = |name: &str| ("CI_PIPELINE_SOURCE", name.to_owned());
        let before = |digit| ("CI_COMMIT_BEFORE_SHA", id(digit));
        let default = ("CI_DEFAULT_BRANCH", "main".to_owned());
        let on = |name: &str| ("CI_COMMIT_BRANCH", name.to_owned());
        let main = "refs/remotes/origin/main";
        let got = of(&[tip.clone(), source("push"), before('a'), default.clone(), on("main")]);
        assert_eq!(got, part(&[id('b')], Some(id('a')), &[]));
        let got = of(&[tip.clone(), source("push"), before('0'), default.clone(), on("x")]);
        assert_eq!(got, part(&[id('b')], None, &[main]));
        assert_eq!(of(&[tip.clone(), source("schedule"), before('0')]), Asked::Everything);
        let base = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", id('d'));
        let target = ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main".to_owned());
        let got = of(&[tip, source("merge_request_event"), before('0'), base, target]);
        assert_eq!(got, part(&[id('b')], Some(id('d')), &[main]));
    }
}
