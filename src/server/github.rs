//! GitHub's deliveries, as far as they matter here, and reading an alert's secret from its API.
//!
//! A `secret_scanning_alert` webhook names an alert but not its secret
//! (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#secret_scanning_alert>, read 2026-11-20); the secret
//! is read from `GET /repos/{owner}/{repo}/secret-scanning/alerts/{number}`
//! (<https://docs.github.com/en/rest/secret-scanning/secret-scanning>, read 2026-11-20). A post of the partner programme
//! is an array of tokens, each with the place where it was seen.

use serde::Deserialize;
use stanch::config::Github;
use stanch::http::{self, Request, Transport};
use stanch::secret::Secret;

/// The alerts' version that is spoken, as GitHub asks every client to say.
const API_VERSION: &str = "2022-11-28";
/// The actions after which a credential is to be dealt with; the others tell of a person's or GitHub's own doing.
const ACTIONS: &[&str] = &["created", "reopened", "publicly_leaked", "validated"];

/// An alert, as a webhook names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Alert {
    /// What happened to it.
    pub action: String,
    /// `owner/name`.
    pub repository: String,
    /// Its number there.
    pub number: u64,
    /// Whether GitHub saw the secret in public.
    pub public: bool,
}

/// A leaked secret that somebody told us of, and where.
pub struct Told {
    /// The secret.
    pub secret: Secret,
    /// Where it was seen, for a person: `secret scanning alert 7 of octo/app`.
    pub place: String,
    /// Whether it was seen in public, when that was said.
    pub public: Option<bool>,
}

/// Why a delivery cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not say what it should: another try says the same.
    #[error("read the delivery: {0}")]
    Unreadable(&'static str),
    /// GitHub has no such alert, or does not show it to us.
    #[error("read {place}: the answer is {status}")]
    Refused {
        /// What was asked for.
        place: String,
        /// HTTP status.
        status: u16,
    },
    /// It may work later.
    #[error("read {place}: {why}")]
    Later {
        /// What was asked for.
        place: String,
        /// The cause.
        why: String,
    },
}

impl Alert {
    /// Reads a `secret_scanning_alert` delivery.
    #[expect(clippy::disallowed_methods, reason = "parses the delivery; an alert in a webhook holds no secret")]
    pub fn read(body: &Secret) -> Result<Alert, Error> {
        #[derive(Deserialize)]
        struct Delivery {
            action: String,
            alert: Numbered,
            repository: Named,
        }
        #[derive(Deserialize)]
        struct Numbered {
            number: u64,
            #[serde(default)]
            publicly_leaked: Option<bool>,
        }
        let delivery: Delivery = serde_json::from_slice(body.expose())
            .map_err(|_| Error::Unreadable("it is no secret_scanning_alert with action, alert and repository"))?;
        let public = delivery.alert.publicly_leaked.unwrap_or(false) || delivery.action == "publicly_leaked";
        let repository = delivery.repository.checked()?;
        Ok(Alert { action: delivery.action, repository, number: delivery.alert.number, public })
    }

    /// Whether there is something to do about it.
    pub fn calls_for_action(&self) -> bool {
        ACTIONS.contains(&self.action.as_str())
    }

    /// What it is called.
    pub fn place(&self) -> String {
        format!("secret scanning alert {} of {}", self.number, self.repository)
    }

    /// Reads its secret from the API.
    pub fn fetch(&self, github: &Github, transport: &dyn Transport) -> Result<Told, Error> {
        let later = |why: String| Error::Later { place: self.place(), why };
        let token = github.token.as_ref().map(|place| place.read()).transpose().map_err(|e| later(e.to_string()))?;
        let api = github.api.trim_end_matches('/');
        let request = Request {
            method: "GET".to_owned(),
            url: Secret::new(format!("{api}/repos/{}/secret-scanning/alerts/{}", self.repository, self.number)),
            headers: headers(token.as_ref()),
            body: None,
            label: format!("GET {api}/repos/{}/secret-scanning/alerts/{}", self.repository, self.number),
            timeout: http::TIMEOUT,
            allow_private: github.allow_private,
        };
        let response = transport.send(&request).map_err(|error| later(error.to_string()))?;
        match response.status {
            200 => self.told(&response.body),
            429 | 500.. => Err(later(format!("the answer is {}", response.status))),
            status => Err(Error::Refused { place: self.place(), status }),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "takes the leaked secret out of the alert, as a secret")]
    fn told(&self, body: &Secret) -> Result<Told, Error> {
        #[derive(Deserialize)]
        struct Shown {
            secret: String,
            #[serde(default)]
            publicly_leaked: Option<bool>,
        }
        let shown: Shown =
            serde_json::from_slice(body.expose()).map_err(|_| Error::Unreadable("the alert shows no secret"))?;
        let public = self.public || shown.publicly_leaked.unwrap_or(false);
        Ok(Told { secret: Secret::new(shown.secret), place: self.place(), public: Some(public) })
    }
}

/// Reads a post of the partner programme.
#[expect(clippy::disallowed_methods, reason = "takes the leaked tokens out of the post, as secrets")]
pub fn partner_post(body: &Secret) -> Result<Vec<Told>, Error> {
    #[derive(Deserialize)]
    struct Token {
        token: String,
        #[serde(default)]
        url: Option<String>,
        #[serde(default)]
        source: Option<String>,
    }
    let tokens: Vec<Token> =
        serde_json::from_slice(body.expose()).map_err(|_| Error::Unreadable("it is no array of tokens"))?;
    let told = |token: Token| {
        let source = token.source.filter(|text| !text.is_empty()).unwrap_or_else(|| "GitHub".to_owned());
        let place = match token.url.filter(|url| !url.is_empty()) {
            Some(url) => format!("partner post: {source} {url}"),
            None => format!("partner post: {source}"),
        };
        // The programme tells of what anybody can read.
        Told {
            secret: Secret::new(token.token),
            place: stanch::text::terminal::printable(place.as_bytes()),
            public: Some(true),
        }
    };
    Ok(tokens.into_iter().map(told).collect())
}

/// A repository in a delivery.
#[derive(Deserialize)]
pub struct Named {
    full_name: String,
}

impl Named {
    /// Its name, when it can be a part of a path.
    pub fn checked(self) -> Result<String, Error> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        match self.full_name.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) => Ok(self.full_name),
            _ => Err(Error::Unreadable("its repository has no name such as owner/name")),
        }
    }
}

/// What every request to the API says of itself.
#[expect(clippy::disallowed_methods, reason = "our own token goes into the authorization header")]
pub fn headers(token: Option<&Secret>) -> Vec<(String, Secret)> {
    let plain = [
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", API_VERSION),
        ("user-agent", concat!("stanch/", env!("CARGO_PKG_VERSION"))),
    ];
    let mut headers: Vec<(String, Secret)> =
        plain.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
    if let Some(token) = token {
        let value = Secret::new([b"Bearer ".as_slice(), token.expose()].concat());
        headers.push(("authorization".to_owned(), value));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_read_and_only_leaks_call_for_action() {
        let body = |action: &str, name: &str| {
            Secret::new(format!(
                r#"{{"action":"{action}","alert":{{"number":7,"secret_type":"x"}},"repository":{{"full_name":"{name}"}}}}"#
            ))
        };
        let alert = Alert::read(&body("created", "octo/app")).unwrap();
        assert_eq!((alert.repository.as_str(), alert.number, alert.public), ("octo/app", 7, false));
        assert!(alert.calls_for_action());
        assert!(Alert::read(&body("publicly_leaked", "octo/app")).unwrap().public);
        assert!(!Alert::read(&body("resolved", "octo/app")).unwrap().calls_for_action());
        for name in ["octo", "octo/", "../app", "octo/app/x", "octo/a?b", "octo/.."] {
            assert!(Alert::read(&body("created", name)).is_err(), "{name}");
        }
        assert!(Alert::read(&Secret::new("[]")).is_err());
    }

    #[test]
    fn a_partner_post_is_read_and_is_always_public() {
        let told = partner_post(&Secret::new(
            r#"[{"token":"a","type":"t","url":"","source":"commit"},{"token":"b","type":"t"}]"#,
        ));
        let told = told.unwrap();
        assert_eq!(
            told.iter().map(|told| told.place.as_str()).collect::<Vec<_>>(),
            ["partner post: commit", "partner post: GitHub"]
        );
        assert!(told.iter().all(|told| told.public == Some(true)));
        assert!(partner_post(&Secret::new("{}")).is_err());
    }
}
