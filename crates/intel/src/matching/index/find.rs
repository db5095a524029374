//! What names a value.

use castellan_base::Ticks;
use castellan_stix::Kind;
use castellan_stix::observable::{Range, address, host_of};

use super::{Entry, Index, Named, index, place};

impl Index {
    /// Shows all that names a value in its normal form, for something that happened at a time. A domain names what lies
    /// below it, a range the addresses within, a host the addresses of the web and of e-mail at it.
    pub fn find<'i>(&'i self, kind: Kind, normal: &str, time: Ticks, see: &mut dyn FnMut(Named<'i>)) {
        match kind {
            Kind::Ip => {
                if let Some(address) = address(normal) {
                    self.find_address(Range::of(address), time, see);
                }
            }
            Kind::Domain => self.find_domain(normal, time, see),
            Kind::Url => {
                self.find_exact(Kind::Url, normal, time, see);
                let host = host_of(normal);
                match address(host) {
                    Some(address) => self.find_address(Range::of(address), time, see),
                    None => self.find_domain(host, time, see),
                }
            }
            Kind::Email => {
                self.find_exact(Kind::Email, normal, time, see);
                if let Some((_, host)) = normal.rsplit_once('@') {
                    self.find_domain(host, time, see);
                }
            }
            Kind::Hash | Kind::File | Kind::Agent | Kind::Thumbprint => {
                self.find_exact(kind, normal, time, see);
            }
        }
    }

    fn find_address<'i>(&'i self, address: Range, time: Ticks, see: &mut dyn FnMut(Named<'i>)) {
        for (prefix, _) in self.lengths.iter().enumerate().filter(|(_, count)| **count > 0) {
            let range = address.masked(u8::try_from(prefix).unwrap_or(128));
            if let Some(head) = self.ranges.get(&range) {
                self.chain(*head, time, &|_| true, see);
            }
        }
    }

    fn find_domain<'i>(&'i self, name: &str, time: Ticks, see: &mut dyn FnMut(Named<'i>)) {
        if !self.has(Kind::Domain) {
            return;
        }
        let mut rest = name;
        loop {
            self.find_exact(Kind::Domain, rest, time, see);
            match rest.split_once('.') {
                Some((_, parent)) if parent.contains('.') => rest = parent,
                _ => return,
            }
        }
    }

    fn find_exact<'i>(&'i self, kind: Kind, normal: &str, time: Ticks, see: &mut dyn FnMut(Named<'i>)) {
        if !self.has(kind) {
            return;
        }
        if let Some(head) = self.exact.get(&self.digest(kind, normal)) {
            let own = place(kind);
            let is_it = |entry: &Entry| entry.kind == own && self.piece(entry.value) == normal;
            self.chain(*head, time, &is_it, see);
        }
    }

    fn chain<'i>(
        &'i self,
        head: u32,
        time: Ticks,
        is_it: &dyn Fn(&Entry) -> bool,
        see: &mut dyn FnMut(Named<'i>),
    ) {
        let mut at = head;
        while let Some(entry) = self.entries.get(index(at)) {
            at = entry.next;
            let counts = entry.from <= time.get() && time.get() < entry.until;
            if !counts || !is_it(entry) {
                continue;
            }
            let Some(owner) = self.owner(entry.indicator).filter(|owner| !owner.is_retired) else { continue };
            let count = |group: u32| self.groups.get(index(group) - 1).copied().unwrap_or(u8::MAX);
            see(Named {
                indicator: entry.indicator,
                id: self.piece(owner.id),
                name: self.piece(owner.name),
                confidence: (owner.confidence <= 100).then_some(owner.confidence),
                kind: Kind::ALL.get(usize::from(entry.kind)).copied().unwrap_or(Kind::Ip),
                value: self.piece(entry.value),
                group: (entry.group > 0).then(|| (entry.group, count(entry.group), entry.part)),
            });
        }
    }
}
