//! The `api` half of a provider's file, read strictly.

use super::answer::{Check, Place, pointer};
use crate::http::template::{Base, Template};
use crate::provider::{Overlap, Settings};
use crate::yaml::{Fields, Node};
use std::collections::BTreeMap;
use std::time::Duration;

/// All that is declared of a provider.
pub struct Api {
    /// The page that the facts are from, and when it was read.
    pub source: String,
    /// How two credentials can live at once.
    pub overlap: Overlap,
    /// Longest time until a change holds everywhere.
    pub settle: Duration,
    /// How many keys may live at once.
    pub limit: Option<u64>,
    /// The provider also lives at other addresses, whose keys are not known here, and nobody said which one is ours: a
    /// refusal proves nothing.
    pub maybe_elsewhere: bool,
    /// What a kill does not end.
    pub survives: Vec<String>,
    /// Where a person goes.
    pub by_hand: Option<String>,
    /// Where a key's id lies in the credential itself.
    pub key_id: Option<KeyPlace>,
    /// Whether it lives.
    pub validate: Option<Validate>,
    /// Which key it is: the call, and where the id lies in its answer.
    pub identify: Option<(Call, String)>,
    /// A new key.
    pub issue: Option<Issue>,
    /// All keys.
    pub list: Option<List>,
    /// Switching off.
    pub disable: Option<Call>,
    /// Switching on.
    pub enable: Option<Call>,
    /// Ending, and whether by possession.
    pub revoke: Option<(Call, bool)>,
    /// Last use: the call, and where the time lies in its answer.
    pub last_used: Option<(Call, String)>,
}

/// One operation's request, and which answers to it are good.
pub struct Call {
    /// What errors call it.
    pub operation: &'static str,
    /// The request.
    pub template: Template,
    /// Statuses of success.
    pub done: Vec<u16>,
    /// Statuses that say that there is no such key.
    pub gone: Vec<u16>,
    /// What a success must hold too.
    pub checks: Vec<Check>,
    /// Where the reason of a failure lies, when it is not in a usual place.
    pub reason: Option<String>,
}

/// A key's id within the credential.
pub struct KeyPlace {
    /// `secret`, or the name of a part.
    pub part: Option<String>,
    /// What it is split at, and which piece it is.
    pub split: Option<(String, usize)>,
}

/// Asking whether a credential lives.
pub struct Validate {
    /// The request.
    pub template: Template,
    /// The first that fits counts.
    pub answers: Vec<Case>,
}

/// One answer, and what it means.
pub struct Case {
    /// Its statuses.
    pub status: Vec<u16>,
    /// What it must hold.
    pub checks: Vec<Check>,
    /// A text that must lie in its body.
    pub contains: Option<String>,
    /// What it means.
    pub meaning: Meaning,
}

/// What an answer to `validate` means.
pub enum Meaning {
    Active { identity: Option<Place>, scopes: Option<Place> },
    Inactive,
    Unknown { why: String },
}

/// Making a key.
pub struct Issue {
    /// The call.
    pub call: Call,
    /// Where the id lies, unless it lies in the credential.
    pub key: Option<String>,
    /// Where the secret lies.
    pub secret: String,
    /// Where further parts lie.
    pub parts: BTreeMap<String, String>,
}

/// Listing keys.
pub struct List {
    /// The call.
    pub call: Call,
    /// Where the list lies.
    pub items: String,
    /// Where an item's id lies.
    pub id: String,
    /// Where its label lies.
    pub label: Option<String>,
    /// What says that it can be used.
    pub enabled: Option<Check>,
    /// Where its birth lies.
    pub created: Option<String>,
    /// Where its last use lies.
    pub last_used: Option<String>,
    /// Where the next page's mark lies, and the query's parameter that takes it.
    pub next: Option<(String, String)>,
}

impl Api {
    /// Reads the `api` mapping; `settings` may say that the provider is elsewhere.
    pub fn read(node: &Node<'_>, settings: &Settings) -> Option<Api> {
        let mut fields = node.fields()?;
        let mut reader = Reader { base: read_base(&mut fields, settings)?, fixed: settings.base.is_some() };
        let api = reader.api(&mut fields);
        fields.finish();
        api
    }
}

/// The base that requests go to; also when the configuration says another, the declared one must be right.
fn read_base(fields: &mut Fields<'_>, settings: &Settings) -> Option<Base> {
    let node = fields.required("base")?;
    let parse = |text: &str, private| Base::parse(text, private, &|name| admits("part with", name));
    let declared = parse(node.str()?, settings.allow_private).map_err(|why| node.mistake(why)).ok()?;
    match &settings.base {
        None => Some(declared),
        Some(base) => parse(base, settings.allow_private)
            .map_err(|why| node.mistake(format_args!("the base {base} of the configuration: {why}")))
            .ok(),
    }
}

struct Reader {
    base: Base,
    fixed: bool,
}

impl Reader {
    fn api(&mut self, fields: &mut Fields<'_>) -> Option<Api> {
        let page = fields.required("source").and_then(|node| node.string());
        let read = fields.required("read").and_then(|node| node.timestamp());
        let overlaps = [
            ("multi", Overlap::Multi),
            ("slots", Overlap::Slots),
            ("retain", Overlap::Retain),
            ("alternate", Overlap::Alternate),
            ("none", Overlap::None),
        ];
        let overlap = fields.required("overlap").and_then(|node| node.one_of(&overlaps));
        let settle = fields.required("settle").and_then(|node| node.duration());
        let limit = fields.optional("limit").and_then(|node| node.u64());
        let homes = fields.optional("homes").and_then(|node| node.one_of(&[("one", false), ("many", true)]));
        let survives = fields.optional("survives").map(|node| node.strings()).unwrap_or_default();
        let by_hand = fields.optional("by-hand").and_then(|node| node.string());
        let key_id = fields.optional("key-id").and_then(|node| KeyPlace::read(&node));
        let validate = fields.optional("validate").and_then(|node| self.validate(&node));
        let identify = fields.optional("identify").and_then(|node| self.with_place(&node, "identify", "key"));
        let issue = fields.optional("issue").and_then(|node| self.issue(&node, key_id.is_some()));
        let list = fields.optional("list").and_then(|node| self.list(&node));
        let disable = fields.optional("disable").and_then(|node| self.plain(&node, "disable"));
        let enable = fields.optional("enable").and_then(|node| self.plain(&node, "enable"));
        let revoke = fields.optional("revoke").and_then(|node| self.revoke(&node));
        let last_used = fields.optional("last-used").and_then(|node| self.with_place(&node, "last-used", "at"));
        let day = read?.strftime("%Y-%m-%d").to_string();
        Some(Api {
            source: format!("{}, read {day}", page?),
            overlap: overlap?,
            settle: settle?,
            limit,
            maybe_elsewhere: homes == Some(true) && !self.fixed,
            survives,
            by_hand,
            key_id,
            validate,
            identify,
            issue,
            list,
            disable,
            enable,
            revoke,
            last_used,
        })
    }

    /// The keys that every operation has; the caller reads its own and ends the mapping.
    fn call(&self, fields: &mut Fields<'_>, operation: &'static str, names: &'static str) -> Option<Call> {
        let statuses = |node: Node<'_>| node.items().iter().filter_map(read_status).collect();
        let done = fields.optional("done").map(statuses).unwrap_or_else(|| vec![200, 201, 202, 204]);
        let gone = fields.optional("gone").map(statuses).unwrap_or_default();
        let checks = fields.optional("json").map(|node| Check::read_all(&node)).unwrap_or_default();
        let reason = fields.optional("error").and_then(|node| pointer(&node));
        let _page = fields.optional("source").and_then(|node| node.string());
        let template = self.template(fields, names);
        Some(Call { operation, template: template?, done, gone, checks, reason })
    }

    fn template(&self, fields: &mut Fields<'_>, names: &'static str) -> Option<Template> {
        let node = fields.required("request")?;
        Template::read(&node, &self.base, self.fixed, &|name| admits(names, name))
    }

    fn validate(&self, node: &Node<'_>) -> Option<Validate> {
        let mut fields = node.fields()?;
        let _page = fields.optional("source").and_then(|node| node.string());
        // Nothing of ours: a stranger's stanch.yaml must not be able to send our credentials along when his tree is scanned.
        let template = self.template(&mut fields, "secret part with");
        let answers = fields.required("answers").map(|node| node.items()).unwrap_or_default();
        let answers: Vec<Case> = answers.iter().filter_map(Case::read).collect();
        fields.finish();
        Some(Validate { template: template?, answers })
    }

    fn with_place(&self, node: &Node<'_>, operation: &'static str, place: &'static str) -> Option<(Call, String)> {
        let mut fields = node.fields()?;
        let names = if operation == "identify" { "secret part admin with" } else { "key admin with" };
        let call = self.call(&mut fields, operation, names);
        let place = fields.required(place).and_then(|node| pointer(&node));
        fields.finish();
        Some((call?, place?))
    }

    fn issue(&self, node: &Node<'_>, has_key_id: bool) -> Option<Issue> {
        let mut fields = node.fields()?;
        let call = self.call(&mut fields, "issue", "label like admin with");
        let key = fields.optional("key").and_then(|node| pointer(&node));
        if key.is_none() && !has_key_id {
            node.mistake("`key` is missing: where the new key's id lies (or give the api a `key-id`)");
        }
        let secret = fields.required("secret").and_then(|node| pointer(&node));
        let mut parts = BTreeMap::new();
        for (name, node) in fields.optional("parts").map(|node| node.entries()).unwrap_or_default() {
            parts.extend(pointer(&node).map(|place| (name.to_owned(), place)));
        }
        fields.finish();
        Some(Issue { call: call?, key, secret: secret?, parts })
    }

    fn list(&self, node: &Node<'_>) -> Option<List> {
        let mut fields = node.fields()?;
        let call = self.call(&mut fields, "list", "admin with");
        let items = fields.required("items").and_then(|node| match node.str()? {
            "" => Some(String::new()),
            _ => pointer(&node),
        });
        let id = fields.required("id").and_then(|node| pointer(&node));
        let label = fields.optional("label").and_then(|node| pointer(&node));
        let enabled = fields.optional("enabled").and_then(|node| Check::read_flag(&node));
        let created = fields.optional("created").and_then(|node| pointer(&node));
        let last_used = fields.optional("last-used").and_then(|node| pointer(&node));
        let next = fields.optional("next").map(|node| read_next(&node));
        fields.finish();
        let next = next.map_or(Some(None), |next| next.map(Some))?;
        Some(List { call: call?, items: items?, id: id?, label, enabled, created, last_used, next })
    }

    fn plain(&self, node: &Node<'_>, operation: &'static str) -> Option<Call> {
        let mut fields = node.fields()?;
        let call = self.call(&mut fields, operation, "key admin with");
        fields.finish();
        call
    }

    fn revoke(&self, node: &Node<'_>) -> Option<(Call, bool)> {
        let mut fields = node.fields()?;
        let by_possession = fields.optional("by-possession").and_then(|node| node.bool()).unwrap_or(false);
        let names = if by_possession { "secret part with" } else { "key admin with" };
        let call = self.call(&mut fields, "revoke", names);
        fields.finish();
        Some((call?, by_possession))
    }
}

impl Case {
    fn read(node: &Node<'_>) -> Option<Case> {
        let mut fields = node.fields()?;
        let status = fields.required("status").map(|node| node.items().iter().filter_map(read_status).collect());
        let checks = fields.optional("json").map(|node| Check::read_all(&node)).unwrap_or_default();
        let contains = fields.optional("contains").and_then(|node| node.string());
        let verdicts = [("active", 0), ("inactive", 1), ("unknown", 2)];
        let meaning = match fields.required("verdict").and_then(|node| node.one_of(&verdicts)) {
            Some(0) => Some(Meaning::Active {
                identity: fields.optional("identity").and_then(|node| Place::read(&node)),
                scopes: fields.optional("scopes").and_then(|node| Place::read(&node)),
            }),
            Some(1) => Some(Meaning::Inactive),
            Some(_) => fields.required("why").and_then(|node| node.string()).map(|why| Meaning::Unknown { why }),
            None => None,
        };
        fields.finish();
        Some(Case { status: status?, checks, contains, meaning: meaning? })
    }
}

impl KeyPlace {
    fn read(node: &Node<'_>) -> Option<KeyPlace> {
        let mut fields = node.fields()?;
        let part = fields.required("from").and_then(|node| match node.str()? {
            "secret" => Some(None),
            text => {
                let part = text.strip_prefix("part.").map(|name| Some(name.to_owned()));
                if part.is_none() {
                    node.mistake("expected `secret` or `part.NAME`");
                }
                part
            }
        });
        let split = fields.optional("split").and_then(|node| node.string());
        let index = fields.optional("index").and_then(|node| node.u64());
        if split.is_some() != index.is_some() {
            node.mistake("`split` and `index` go together");
        }
        fields.finish();
        let index = index.and_then(|index| usize::try_from(index).ok());
        Some(KeyPlace { part: part?, split: split.zip(index) })
    }
}

fn read_next(node: &Node<'_>) -> Option<(String, String)> {
    let mut fields = node.fields()?;
    let place = fields.required("pointer").and_then(|node| pointer(&node));
    let parameter = fields.required("parameter").and_then(|node| node.string());
    fields.finish();
    Some((place?, parameter?))
}

fn read_status(node: &Node<'_>) -> Option<u16> {
    let status = node.u64()?;
    if !(100..600).contains(&status) {
        node.mistake("an HTTP status lies between 100 and 599");
    }
    u16::try_from(status).ok()
}

/// Whether `name` is one of the names of an operation: `secret`, `key`, `like`, `label`, or `part.X`, `with.X`,
/// `admin.X` where `names` has the word before the dot.
fn admits(names: &str, name: &str) -> bool {
    let (family, member) = name.split_once('.').unwrap_or((name, ""));
    let dotted = matches!(family, "part" | "with" | "admin");
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    names.split(' ').any(|known| known == family) && dotted != member.is_empty() && member.bytes().all(fits)
}
