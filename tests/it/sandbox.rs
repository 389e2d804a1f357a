//! The sandbox is a provider like any other: what it answers is what `rules/sandbox.yaml` says.

use crate::stage::{Stage, until};
use serde_json::json;
use stanch::catalog;
use stanch::http::Client;
use stanch::provider::{Error, IssueRequest, KeyId, Provider, Registry, Settings, Verdict};
use stanch::secret::{Credential, Secret, SecretRef};
use std::collections::BTreeMap;
use std::sync::Arc;

fn provider(stage: &Stage) -> Arc<dyn Provider> {
    let text = std::fs::read_to_string(stage.path("stanch.yaml")).unwrap();
    let base = text.split('"').find(|part| part.starts_with("http://")).unwrap().to_owned();
    let admin = BTreeMap::from([("token".to_owned(), SecretRef::File(stage.path("admin.token")))]);
    let settings = Settings { base: Some(base), allow_private: true, admin, ..Settings::default() };
    let settings = BTreeMap::from([("sandbox".to_owned(), settings)]);
    let registry = Registry::load(&catalog::builtin(), settings, Arc::new(Client::new())).unwrap();
    registry.get("sandbox").unwrap()
}

fn wish(label: &str, like: Option<&KeyId>) -> IssueRequest {
    IssueRequest { label: label.to_owned(), like: like.cloned(), with: BTreeMap::new() }
}

#[test]
fn every_operation_of_the_file_works_on_the_server() {
    let stage = Stage::new(50, "");
    let provider = provider(&stage);
    let leaked = Credential::new(Secret::new(stage.leaked.1.as_str()));
    assert!(
        matches!(provider.validate(&leaked), Verdict::Active { identity: Some(_), scopes } if scopes == ["read", "write"])
    );
    let key = provider.identify(&leaked).unwrap();
    assert_eq!(key.0, stage.leaked.0);
    let issued = provider.issue(&wish("a test's \"label\"", Some(&key))).unwrap();
    until("the new key works", || matches!(provider.validate(&issued.credential), Verdict::Active { .. }));
    let listed = provider.list().unwrap();
    let new = listed.iter().find(|info| info.id == issued.key).unwrap();
    assert_eq!((new.label.as_deref(), new.enabled, new.last_used), (Some("a test's \"label\""), true, None));
    assert!(provider.last_used(&key).unwrap().is_some(), "the service uses it");
    provider.disable(&issued.key).unwrap();
    provider.disable(&issued.key).unwrap();
    until("a disabled key is refused", || provider.validate(&issued.credential) == Verdict::Inactive);
    assert!(!provider.list().unwrap().iter().find(|info| info.id == issued.key).unwrap().enabled);
    provider.enable(&issued.key).unwrap();
    until("an enabled key works", || matches!(provider.validate(&issued.credential), Verdict::Active { .. }));
    provider.revoke(Some(&issued.key), None).unwrap();
    provider.revoke(Some(&issued.key), None).unwrap();
    until("a deleted key is refused", || provider.validate(&issued.credential) == Verdict::Inactive);
    assert_eq!(provider.list().unwrap().len(), 1);
}

#[test]
fn faults_are_told_apart() {
    let stage = Stage::new(0, "");
    let provider = provider(&stage);
    stage.order(&json!({ "lose_replies": [1], "refuse": [2] }));
    let lost = provider.issue(&wish("lost", None));
    assert!(matches!(lost, Err(Error::Lost { .. })), "{lost:?}");
    let refused = provider.issue(&wish("refused", None));
    assert!(matches!(refused, Err(Error::TryAgain { .. })), "{refused:?}");
    let labels: Vec<_> = provider.list().unwrap().into_iter().filter_map(|info| info.label).collect();
    assert_eq!(labels, ["first", "lost"], "a lost reply was acted upon, a refused call was not");
    for label in ["3", "4", "5"] {
        provider.issue(&wish(label, None)).unwrap();
    }
    assert!(matches!(provider.issue(&wish("6", None)), Err(Error::Refused { .. })), "the account is full");
}
