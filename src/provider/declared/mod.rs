//! Providers that are described in YAML: the `api` half of a file under `rules/`.
//!
//! [`options`] reads the half; [`answer`] finds things in answers; [`failure`] says what an answer that is no success
//! means; here the two are put together. The administrator's credentials are read when a call needs them and wiped after
//! it. No text of an answer leaves without passing the scrubber, and an id that holds the secret is no id.

mod answer;
mod failure;
mod options;

use super::{Error, IssueRequest, Issued, KeyId, KeyInfo, Operations, Profile, Provider, Settings, Verdict};
use crate::http::Transport;
use crate::http::template::Values;
use crate::secret::{Credential, Secret, redact};
use crate::yaml::Node;
use answer::Answer;
use failure::Effect;
use jiff::Timestamp;
use options::{Api, Call, Case, Issue, KeyPlace, List, Meaning};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages of a list that are read at most: a list that goes on for ever is not one.
const PAGES: usize = 100;

/// A provider that is described in YAML.
pub struct Declared {
    id: String,
    profile: Profile,
    api: Api,
    settings: Settings,
    transport: Arc<dyn Transport>,
}

impl Declared {
    /// Reads the `api` mapping of the provider `id`.
    pub fn read(
        node: &Node<'_>,
        id: &str,
        title: &str,
        settings: Settings,
        transport: Arc<dyn Transport>,
    ) -> Option<Declared> {
        let api = Api::read(node, &settings)?;
        let profile = Profile {
            title: title.to_owned(),
            can: operations(&api, |call, given| call.is_some_and(|call| is_configured(call, given, &settings))),
            knows: operations(&api, |call, _| call.is_some()),
            overlap: api.overlap,
            settle: api.settle,
            limit: api.limit,
            survives: api.survives.clone(),
            by_hand: api.by_hand.clone(),
            source: api.source.clone(),
        };
        Some(Declared { id: id.to_owned(), profile, api, settings, transport })
    }

    /// The values that the configuration gives: `with` in clear, and each `admin` credential that `needs` names.
    fn values(&self, operation: &'static str, needs: &BTreeSet<&str>) -> Result<Values, Error> {
        let with = self.settings.with.iter();
        let mut values: Values = with.map(|(name, value)| (format!("with.{name}"), shared(value))).collect();
        for (name, place) in &self.settings.admin {
            let name = format!("admin.{name}");
            if needs.contains(name.as_str()) {
                let no_admin =
                    |error| Error::NoAdmin { provider: self.id.clone(), operation, why: failure::chain(&error) };
                let secret = place.read().map_err(no_admin)?;
                values.insert(name, Arc::new(secret));
            }
        }
        Ok(values)
    }

    /// Sends a call and gives its answer, when that is a success.
    fn call(&self, call: &Call, effect: Effect, own: Values) -> Result<Answer, Error> {
        self.call_page(call, effect, own, None)
    }

    fn call_page(&self, call: &Call, effect: Effect, own: Values, page: Option<(&str, &str)>) -> Result<Answer, Error> {
        let mut values = self.values(call.operation, &call.template.needs())?;
        values.extend(own);
        let filled = call.template.render(&values);
        let mut request = filled.map_err(|error| self.unsupported(call.operation, error.to_string()))?;
        if let Some((parameter, value)) = page {
            request.add_query(parameter, value);
        }
        let context = failure::Context { provider: &self.id, call, effect, values: &values };
        let answer = self.transport.send(&request).map(Answer::new).map_err(|error| context.unanswered(&error))?;
        match call.done.contains(&answer.status) && call.checks.iter().all(|check| check.holds(answer.json())) {
            true => Ok(answer),
            false => Err(context.refused(&answer)),
        }
    }

    /// A call about one key, where "there is no such key" may be as good as done.
    fn act(&self, call: Option<&Call>, operation: &'static str, key: &KeyId, gone_is_done: bool) -> Result<(), Error> {
        let call = call.ok_or_else(|| self.unknown(operation))?;
        let own = Values::from([("key".to_owned(), shared(&key.0))]);
        self.unless_gone(call, self.call(call, Effect::Changes, own), gone_is_done)
    }

    fn unless_gone(&self, call: &Call, result: Result<Answer, Error>, gone_is_done: bool) -> Result<(), Error> {
        match result {
            Ok(_) => Ok(()),
            Err(Error::Refused { status, .. })
                if gone_is_done && call.gone.iter().any(|gone| gone.to_string() == status) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn misanswered(&self, operation: &'static str, missing: &str) -> Error {
        Error::Misanswered { provider: self.id.clone(), operation, missing: missing.to_owned() }
    }

    fn unsupported(&self, operation: &'static str, why: String) -> Error {
        Error::Unsupported { provider: self.id.clone(), operation, why }
    }

    fn unknown(&self, operation: &'static str) -> Error {
        self.unsupported(operation, "there is no such operation".to_owned())
    }

    /// The new key in a success. What is missing there does not mean that no key was made.
    fn issued(&self, issue: &Issue, answer: &Answer) -> Result<Issued, Error> {
        let lost = |why: &str| Error::Lost { provider: self.id.clone(), operation: "issue", why: why.to_owned() };
        let secret = |place: &str| answer.json().pointer(place).and_then(answer::text).filter(|text| !text.is_empty());
        let mut credential = Credential::new(Secret::new(
            secret(&issue.secret).ok_or_else(|| lost("the answer does not hold the new secret"))?,
        ));
        for (name, place) in &issue.parts {
            let part = secret(place).ok_or_else(|| lost("the answer does not hold all parts of the new credential"))?;
            credential.parts.insert(name.clone(), Arc::new(Secret::new(part)));
        }
        let named = issue.key.as_ref().and_then(|place| key_id(&secret(place)?, [&*credential.secret]));
        let key = named.or_else(|| self.api.key_id.as_ref().and_then(|place| place.find(&credential)));
        let key = key.ok_or_else(|| lost("the answer does not hold the new key's id"))?;
        Ok(Issued { key, credential })
    }

    fn page(&self, list: &List, answer: &Answer, keys: &mut Vec<KeyInfo>) -> Result<(), Error> {
        let items = answer.json().pointer(&list.items).and_then(|items| items.as_array());
        for item in items.ok_or_else(|| self.misanswered("list", "list of keys"))? {
            let at = |place: &Option<String>| place.as_ref().and_then(|place| item.pointer(place));
            let id = item.pointer(&list.id).and_then(answer::text).and_then(|id| key_id(&id, []));
            keys.push(KeyInfo {
                id: id.ok_or_else(|| self.misanswered("list", "id of a key"))?,
                label: at(&list.label).and_then(answer::text),
                enabled: list.enabled.as_ref().is_none_or(|enabled| enabled.holds(item)),
                created: at(&list.created).and_then(answer::time),
                last_used: at(&list.last_used).and_then(answer::time),
            });
        }
        Ok(())
    }

    /// The verdict that the first fitting case gives.
    fn judge(&self, cases: &[Case], answer: &Answer, credential: &Credential) -> Verdict {
        let Some(case) = cases.iter().find(|case| case.fits(answer)) else {
            let why = match answer.status {
                429 => "throttled".to_owned(),
                500.. => format!("{} fails ({})", self.profile.title, answer.status),
                status => format!("{} answered {status}, which says nothing", self.profile.title),
            };
            return Verdict::Unknown { why };
        };
        match &case.meaning {
            Meaning::Inactive if self.api.maybe_elsewhere => Verdict::Unknown {
                why: format!(
                    "refused, but it may belong to another {}: say which with `providers.{}.base`",
                    self.profile.title, self.id
                ),
            },
            Meaning::Inactive => Verdict::Inactive,
            Meaning::Unknown { why } => Verdict::Unknown { why: why.clone() },
            Meaning::Active { identity, scopes } => Verdict::Active {
                identity: identity.as_ref().and_then(|place| place.text(answer, secrets(credential))),
                scopes: scopes.as_ref().map(|place| place.words(answer, &secrets(credential))).unwrap_or_default(),
            },
        }
    }
}

impl Provider for Declared {
    fn id(&self) -> &str {
        &self.id
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn validate(&self, credential: &Credential) -> Verdict {
        let unknown = |why: String| Verdict::Unknown { why };
        let Some(validate) = &self.api.validate else { return unknown("no validator".to_owned()) };
        let mut values = match self.values("validate", &validate.template.needs()) {
            Ok(values) => values,
            Err(error) => return unknown(error.to_string()),
        };
        values.extend(values_of(credential));
        let sent = validate.template.render(&values).map_err(|error| error.to_string());
        match sent.and_then(|request| self.transport.send(&request).map_err(|error| error.to_string())) {
            Ok(response) => self.judge(&validate.answers, &Answer::new(response), credential),
            Err(why) => unknown(redact::scrub(&why, values.values().map(|value| &**value))),
        }
    }

    fn identify(&self, credential: &Credential) -> Result<KeyId, Error> {
        if let Some(key) = self.api.key_id.as_ref().and_then(|place| place.find(credential)) {
            return Ok(key);
        }
        let (call, place) = self.api.identify.as_ref().ok_or_else(|| self.unknown("identify"))?;
        let answer = self.call(call, Effect::Reads, values_of(credential))?;
        let found = answer.json().pointer(place).and_then(answer::text);
        let key = found.and_then(|id| key_id(&id, secrets(credential)));
        key.ok_or_else(|| self.misanswered("identify", "id of the key"))
    }

    fn issue(&self, request: &IssueRequest) -> Result<Issued, Error> {
        let issue = self.api.issue.as_ref().ok_or_else(|| self.unknown("issue"))?;
        let with = request.with.iter().map(|(name, value)| (format!("with.{name}"), shared(value)));
        let mut own: Values = with.collect();
        own.insert("label".to_owned(), shared(&request.label));
        own.extend(request.like.as_ref().map(|key| ("like".to_owned(), shared(&key.0))));
        let answer = self.call(&issue.call, Effect::Changes, own)?;
        self.issued(issue, &answer)
    }

    fn list(&self) -> Result<Vec<KeyInfo>, Error> {
        let list = self.api.list.as_ref().ok_or_else(|| self.unknown("list"))?;
        let mut keys = Vec::new();
        let mut mark: Option<String> = None;
        for _ in 0..PAGES {
            let page = list.next.as_ref().zip(mark.as_ref()).map(|((_, name), mark)| (name.as_str(), mark.as_str()));
            let answer = self.call_page(&list.call, Effect::Reads, Values::new(), page)?;
            self.page(list, &answer, &mut keys)?;
            let next = list.next.as_ref().and_then(|(place, _)| answer.json().pointer(place).and_then(answer::text));
            match next.filter(|next| !next.is_empty()) {
                Some(next) if mark.as_ref() != Some(&next) => mark = Some(next),
                _ => return Ok(keys),
            }
        }
        Err(self.misanswered("list", "end"))
    }

    fn disable(&self, key: &KeyId) -> Result<(), Error> {
        self.act(self.api.disable.as_ref(), "disable", key, true)
    }

    fn enable(&self, key: &KeyId) -> Result<(), Error> {
        self.act(self.api.enable.as_ref(), "enable", key, false)
    }

    fn revoke(&self, key: Option<&KeyId>, credential: Option<&Credential>) -> Result<(), Error> {
        let (call, by_possession) = self.api.revoke.as_ref().ok_or_else(|| self.unknown("revoke"))?;
        if *by_possession {
            let needed =
                || self.unsupported("revoke", "it takes the credential itself, which is not at hand".to_owned());
            let own = values_of(credential.ok_or_else(needed)?);
            return self.unless_gone(call, self.call(call, Effect::Changes, own), true);
        }
        let place = self.api.key_id.as_ref();
        let found = key.cloned().or_else(|| place?.find(credential?));
        let needed = || self.unsupported("revoke", "it takes the key's id, which is not known".to_owned());
        self.act(Some(call), "revoke", &found.ok_or_else(needed)?, true)
    }

    fn last_used(&self, key: &KeyId) -> Result<Option<Timestamp>, Error> {
        if let Some((call, place)) = &self.api.last_used {
            let own = Values::from([("key".to_owned(), shared(&key.0))]);
            let answer = self.call(call, Effect::Reads, own)?;
            return Ok(answer.json().pointer(place).and_then(answer::time));
        }
        if self.api.list.as_ref().is_none_or(|list| list.last_used.is_none()) {
            return Err(self.unknown("last-used"));
        }
        let found = self.list()?.into_iter().find(|info| info.id == *key);
        Ok(found.ok_or_else(|| self.misanswered("last-used", "key of that id"))?.last_used)
    }
}

impl Case {
    fn fits(&self, answer: &Answer) -> bool {
        self.status.contains(&answer.status)
            && self.checks.iter().all(|check| check.holds(answer.json()))
            && self.contains.as_ref().is_none_or(|text| answer::contains(answer, text))
    }
}

impl KeyPlace {
    #[expect(clippy::disallowed_methods, reason = "takes out the piece that the provider says is a public id")]
    fn find(&self, credential: &Credential) -> Option<KeyId> {
        let holder = match &self.part {
            None => &credential.secret,
            Some(name) => credential.parts.get(name)?,
        };
        let text = std::str::from_utf8(holder.expose()).ok()?;
        match &self.split {
            Some((at, index)) => key_id(text.split(at.as_str()).nth(*index)?, [&*credential.secret]),
            None => key_id(text, [&*credential.secret]),
        }
    }
}

/// An id as it may be written down: short, printable, and not the secret.
fn key_id<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> Option<KeyId> {
    let fine = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    (fine && redact::scrub(text, secrets) == text).then(|| KeyId(text.to_owned()))
}

fn shared(value: &str) -> Arc<Secret> {
    Arc::new(Secret::new(value))
}

fn values_of(credential: &Credential) -> Values {
    let parts = credential.parts.iter().map(|(name, part)| (format!("part.{name}"), part.clone()));
    parts.chain([("secret".to_owned(), credential.secret.clone())]).collect()
}

fn secrets(credential: &Credential) -> Vec<&Secret> {
    vec![&credential.secret]
}

/// The operations for which `is` holds, given the names that each is called with.
fn operations(api: &Api, is: impl Fn(Option<&Needs>, &[&str]) -> bool) -> Operations {
    let call = |call: Option<&Call>, given: &[&str]| is(call.map(|call| call.template.needs()).as_ref(), given);
    let revoke = api.revoke.as_ref();
    let by_possession = revoke.is_some_and(|(_, by_possession)| *by_possession);
    let holder = ["secret", "part"];
    let lists_use = api.list.as_ref().filter(|list| list.last_used.is_some()).map(|list| &list.call);
    let own_use = api.last_used.as_ref().map(|(call, _)| call);
    let revoke = call(revoke.map(|(call, _)| call), if by_possession { &holder } else { &["key"] });
    Operations {
        validate: is(api.validate.as_ref().map(|validate| validate.template.needs()).as_ref(), &holder),
        identify: api.key_id.is_some() || call(api.identify.as_ref().map(|(call, _)| call), &holder),
        issue: call(api.issue.as_ref().map(|issue| &issue.call), &["label", "like", "with"]),
        list: call(api.list.as_ref().map(|list| &list.call), &[]),
        disable: call(api.disable.as_ref(), &["key"]),
        enable: call(api.enable.as_ref(), &["key"]),
        revoke,
        revoke_by_possession: revoke && by_possession,
        last_used: call(own_use.or(lists_use), &["key"]),
    }
}

/// The names that a template cannot do without.
type Needs<'a> = BTreeSet<&'a str>;

/// Whether the configuration gives all that is needed beside what the operation is called with (`given`).
fn is_configured(needs: &Needs<'_>, given: &[&str], settings: &Settings) -> bool {
    needs.iter().all(|name| match name.split_once('.') {
        _ if given.contains(&name.split('.').next().unwrap_or(name)) => true,
        Some(("admin", name)) => settings.admin.contains_key(name),
        Some(("with", name)) => settings.with.contains_key(name),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
