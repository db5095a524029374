//! Who is compared with whom.

use std::sync::Arc;

use super::State;
use crate::definition::Definition;
use crate::measure::{Signature, alike, nearest};

/// The most peers of an actor. Source: Microsoft Sentinel, `UserPeerAnalytics` lists the top 20.
const MOST: usize = 20;
/// Values that an actor has to have to be like another one.
const FEW: usize = 3;

impl State {
    /// Works out anew who is like whom; the actors whose peers are others than before.
    pub(crate) fn find_peers(&mut self, definition: &Definition) -> Vec<Arc<str>> {
        let ids: Vec<Arc<str>> = self.actors.keys().cloned().collect();
        let signatures: Vec<Option<Signature>> = self
            .actors
            .values()
            .map(|actor| {
                let count: usize = actor.values.iter().map(|values| values.seen.len()).sum();
                let all = actor.values.iter().enumerate();
                let values = all.flat_map(|(dimension, values)| {
                    values.seen.keys().map(move |value| (dimension, &**value))
                });
                (count >= FEW).then(|| Signature::of(values)).flatten()
            })
            .collect();
        let groups: Vec<Option<Arc<str>>> = self
            .actors
            .values()
            .map(|actor| Some(&actor.group.text).filter(|group| !group.is_empty()).cloned())
            .collect();
        let named: Vec<Option<&str>> = groups.iter().map(Option::as_deref).collect();
        let near = nearest(&signatures, &named);
        let mut changed = Vec::new();
        for ((at, id), actor) in ids.iter().enumerate().zip(self.actors.values_mut()) {
            let (own, group) =
                (signatures.get(at).and_then(Option::as_ref), named.get(at).copied().flatten());
            let mut ranked: Vec<(bool, f64, usize)> = Vec::new();
            for other in near.get(at).into_iter().flatten() {
                let theirs = signatures.get(*other).and_then(Option::as_ref);
                let likeness = own.zip(theirs).map_or(0.0, |(own, theirs)| alike(own, theirs));
                let is_grouped = group.is_some() && group == named.get(*other).copied().flatten();
                if is_grouped || likeness >= definition.peers.similarity {
                    ranked.push((!is_grouped, likeness, *other));
                }
            }
            ranked.sort_by(|one, other| {
                one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)).then(one.2.cmp(&other.2))
            });
            let peers = ranked.iter().take(MOST).filter_map(|(.., other)| ids.get(*other).cloned());
            let peers: Vec<Arc<str>> = peers.collect();
            if actor.peers != peers {
                actor.peers = peers;
                changed.push(Arc::clone(id));
            }
        }
        self.bytes = self.actors.iter().map(|(id, actor)| actor.bytes(id)).sum();
        changed
    }

    /// How many peers of an actor there are, and how many of them have a value.
    pub(crate) fn peers_with(&self, peers: &[Arc<str>], dimension: usize, value: &str) -> (u32, u32) {
        let known = peers.iter().filter_map(|peer| self.actors.get(peer));
        known.fold((0, 0), |(count, with), peer| {
            let has = peer.values.get(dimension).is_some_and(|values| values.seen.contains_key(value));
            (count + 1, with + u32::from(has))
        })
    }
}
