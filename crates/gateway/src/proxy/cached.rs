//! Answers that are kept, in the stack: between guardrails and limits, so that whoever gets one was identified, authorised and looked
//! at like everybody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use castellan_access::principal::Principal;
use castellan_wire::json::{Bounds, Tree};
use castellan_wire::{Api, Point};
use http::header::{AGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};

use super::asked::Asked;
use super::body::GateBody;
use super::exchange::Exchange;
use crate::cache::{self, Cache, Kept, Key, Subject};
use crate::guard::{Memory, Selected};
use crate::limit;
use crate::record::CacheResult;
use crate::upstream;

/// An answer that is given again.
pub(super) struct Again {
    kept: Arc<Kept>,
    age: Duration,
}

impl Again {
    /// Its bytes.
    pub(super) fn bytes(&self) -> usize {
        self.kept.body.len()
    }
}

/// What becomes of an answer once it has passed: its place, and what is left of it to be kept.
pub(super) struct Keeping {
    key: Key,
    api: Api,
    kind: Option<HeaderValue>,
    /// How many texts of the request are recorded, which come before those of the answer.
    texts: usize,
    /// Bytes of a stream that have passed.
    passed: Vec<u8>,
}

/// Looks for an answer that was kept; where there is none, the exchange knows afterwards whether to keep the one that comes.
pub(super) fn looked_up(
    exchange: &mut Exchange,
    principal: &Principal,
    asked: &Asked,
    profiles: &Selected,
    path: &str,
    headers: &HeaderMap,
) -> Option<Again> {
    let gate = Arc::clone(&exchange.gate);
    let cache = gate.cache.as_ref().filter(|_| asked.api.invokes())?;
    let (result, again) = match key(cache, exchange, principal, asked, profiles, path, headers) {
        Err(why) => (CacheResult::Bypass(why), None),
        Ok((key, oldest)) => match oldest.and_then(|oldest| cache.get(&key, oldest, Instant::now())) {
            Some((kept, age)) => (CacheResult::Hit, Some(Again { kept, age })),
            None => {
                let texts = exchange.decision.texts.len();
                let keeping = Keeping { key, api: asked.api, kind: None, texts, passed: Vec::new() };
                exchange.keeping = Some(Box::new(keeping));
                (CacheResult::Miss, None)
            }
        },
    };
    cache.count(result.as_str());
    exchange.decision.cache = Some(result);
    again
}

/// Where an answer to this request is kept, and how old one may be that is given; or why none is.
fn key(
    cache: &Cache,
    exchange: &Exchange,
    principal: &Principal,
    asked: &Asked,
    profiles: &Selected,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Key, Option<Duration>), &'static str> {
    if !cache.is_for(&asked.model) {
        return Err("model");
    }
    let wish = cache::wish(headers);
    if !wish.may_keep {
        return Err("no-store");
    }
    // Marks are new in each request.
    let spotlight = exchange.decision.spotlight.as_str();
    if !spotlight.is_empty() && !spotlight.starts_with("none") {
        return Err("spotlight");
    }
    // What was put in the place of values is of this request, what a person agreed to is once, and who asks decides what of an answer
    // may pass.
    if exchange.memory.as_ref().is_some_and(Memory::has_tokens) {
        return Err("tokens");
    }
    if !exchange.needs.is_empty() {
        return Err("approval");
    }
    if exchange.releasing.is_some() {
        return Err("answer-policies");
    }
    let bounds = Bounds { bytes: asked.bytes.len(), ..Bounds::default() };
    let tree = Tree::read(&asked.bytes, &bounds).map_err(|_| "api")?;
    if let Some(why) = cache::bypass(asked.api, tree.root(), &asked.reading) {
        return Err(why);
    }
    let scope = cache.scope(principal);
    let forwarded = upstream::forwarded(headers.clone());
    let told = if exchange.dialect.is_azure() { exchange.prompt.value().to_string() } else { String::new() };
    let subject = Subject {
        scope: &scope,
        path,
        model: &asked.model,
        headers: &forwarded,
        policies: (&exchange.decision.policy_version, &exchange.decision.policies),
        profiles: &profiles.names,
        tightened: exchange.tightened,
        generation: exchange.generation,
        upstreams: cache.upstreams(),
        told: &told,
    };
    Ok((cache::of(&subject, &tree), wish.oldest))
}

/// Gives an answer again.
pub(super) fn answered(exchange: &mut Exchange, again: Again) -> Response<GateBody> {
    let Again { kept, age } = again;
    let decision = &mut exchange.decision;
    decision.status = 200;
    decision.is_stream = kept.is_stream;
    decision.finish.clone_from(&kept.finish);
    decision.answer.clone_from(&kept.id);
    // Nothing was used: what the answer says of tokens is about the first time that it was given.
    decision.usage = Some(castellan_wire::usage::Usage::default());
    decision.texts.extend(kept.texts.iter().cloned());
    let (mut head, ()) = Response::new(()).into_parts();
    if let Some(kind) = &kept.kind {
        head.headers.insert(CONTENT_TYPE, kind.clone());
    }
    head.headers.insert(AGE, HeaderValue::from(age.as_secs()));
    exchange.whole(head, kept.body.clone())
}

/// What is settled for an answer that was given again: nothing.
pub(super) const NOTHING: limit::Usage = limit::Usage { input: 0, cached: 0, output: 0 };

impl Exchange {
    /// Takes note of the head of an answer: what is no success, or must not be kept, is not.
    pub(super) fn keep_head(&mut self, status: http::StatusCode, headers: &HeaderMap) {
        let Some(keeping) = &mut self.keeping else { return };
        keeping.kind = headers.get(CONTENT_TYPE).cloned();
        if status != http::StatusCode::OK || !cache::may_be_kept(headers) {
            self.keeping = None;
        }
    }

    /// The answer was changed, has something that was found, or cannot be looked into: it is not kept.
    pub(super) fn keep_not(&mut self) {
        self.keeping = None;
    }

    /// Keeps an answer that has passed as a whole.
    pub(super) fn keep_whole(&mut self, bytes: &Bytes) {
        if let Some(keeping) = self.keeping.take() {
            self.keep(*keeping, bytes, false);
        }
    }

    /// Takes note of bytes of a stream that pass.
    pub(super) fn keep_passed(&mut self, bytes: &[u8]) {
        let Some(keeping) = &mut self.keeping else { return };
        let most = self.gate.cache.as_ref().map_or(0, Cache::entry_bytes);
        if keeping.passed.len() + bytes.len() > most {
            self.keeping = None;
        } else {
            keeping.passed.extend_from_slice(bytes);
        }
    }

    /// Keeps a stream that has passed to its end.
    pub(super) fn keep_stream(&mut self) {
        if let Some(mut keeping) = self.keeping.take() {
            let passed = std::mem::take(&mut keeping.passed);
            self.keep(*keeping, &passed, true);
        }
    }

    fn keep(&self, keeping: Keeping, bytes: &[u8], is_stream: bool) {
        let Some(cache) = &self.gate.cache else { return };
        let finish = self.decision.finish.as_deref();
        if !cache::is_finished(keeping.api, finish) || self.decision.status != 200 || bytes.is_empty() {
            return;
        }
        let texts: Vec<(Point, String)> =
            self.decision.texts.get(keeping.texts..).unwrap_or_default().to_vec();
        let kept = Kept {
            kind: keeping.kind,
            // A copy of its own, so that no larger piece of memory is held than is counted.
            body: Bytes::copy_from_slice(bytes),
            is_stream,
            finish: self.decision.finish.clone(),
            id: self.decision.answer.clone(),
            texts,
        };
        cache.put(keeping.key, kept, Instant::now());
    }
}
