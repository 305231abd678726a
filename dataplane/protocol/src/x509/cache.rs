//! What validations of a worker have in common: certificates seen, results of chains, and intermediate authorities that
//! were found good.
//!
//! The same few certificates come again and again: each is read once, each chain is validated once. A server that does
//! not send its intermediate authority is still found good when another server sent it, as browsers do and as Zeek
//! does. All tables are bounded: a full one makes place by forgetting what was not used since it last was full.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::Hash;

use record::{Interval, Time};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::X509Certificate;

use super::roots::Roots;
use super::verify::{self, Outcome};
use super::{Digest, Link, Role, host, name, read};

/// Certificates that are remembered.
const MAX_KNOWN: usize = 8192;
/// A certificate whose names have more octets than this is not remembered but read each time.
const MAX_NAMES: usize = 4096;
/// Chains whose result is remembered.
const MAX_RESULTS: usize = 8192;
/// Issuers whose authorities are remembered.
const MAX_AUTHORITIES: usize = 1024;
/// Seconds for which the result of a chain holds (Zeek: 5 minutes after its last use).
const RESULT_SECONDS: u64 = 300;
/// A certificate is logged again after this time (Zeek: `X509::relog_known_certificates_after`).
const RELOG_AFTER: Interval = Interval::from_secs(24 * 60 * 60);

/// The result of a validation.
type Result = Option<&'static str>;

/// What is known of a certificate.
#[derive(Debug)]
pub(super) enum Known {
    /// It is none.
    Unreadable,
    /// It was seen behind another one in a chain.
    Authority,
    /// It was seen at the beginning of a chain.
    Host(Host),
}

/// A certificate of a host or a client.
#[derive(Debug)]
pub(super) struct Host {
    /// Names of hosts that it is for.
    pub(super) names: Box<[Box<[u8]>]>,
    /// Comparable form of its issuer's name.
    issuer: Vec<u8>,
    /// When it was logged as a server's, and as a client's.
    logged: [Option<Time>; 2],
}

impl Host {
    /// Whether it was logged in that role less than a day ago.
    pub(super) fn is_logged(&self, role: Role, now: Time) -> bool {
        let [server, client] = self.logged;
        let logged = if role.is_client { client } else { server };
        logged.is_some_and(|logged| now.since(logged) < RELOG_AFTER)
    }
}

/// An authority that led to a root.
#[derive(Debug)]
struct Authority {
    digest: Digest,
    der: Box<[u8]>,
}

/// Authorities that led to a root, the issuer of hosts first, and its name.
#[derive(Debug)]
struct Authorities {
    subject: Vec<u8>,
    members: Vec<Authority>,
}

/// What a worker remembers of certificates.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    known: Generations<Digest, Known>,
    results: Generations<Digest, (Result, i64)>,
    /// By the name of the first of them: from the issuer of hosts up to below the root.
    authorities: Generations<Vec<u8>, Vec<Authority>>,
}

impl Cache {
    /// What is known of a certificate.
    pub(super) fn known(&mut self, digest: &Digest) -> Option<&Known> {
        self.known.get(digest)
    }

    /// Remembers a certificate, unless more is known of it.
    pub(super) fn learn(&mut self, digest: Digest, known: Known) {
        if self.known.get(&digest).is_none() {
            self.known.insert(digest, known, MAX_KNOWN);
        }
    }

    /// Remembers a certificate that has been logged.
    pub(super) fn logged(
        &mut self,
        digest: Digest,
        certificate: &X509Certificate<'_>,
        role: Role,
        now: Time,
    ) {
        if let Some(Known::Host(host)) = self.known.get_mut(&digest) {
            let [server, client] = &mut host.logged;
            *(if role.is_client { client } else { server }) = Some(now);
            return;
        }
        let names = host::names(certificate);
        if names.iter().map(|name| name.len()).sum::<usize>() > MAX_NAMES {
            return;
        }
        let logged = if role.is_client { [None, Some(now)] } else { [Some(now), None] };
        let issuer = name::comparable(certificate.issuer());
        self.known.insert(digest, Known::Host(Host { names, issuer, logged }), MAX_KNOWN);
    }

    /// Validates a chain, first with the authorities that are known for its issuer, then with those that were sent.
    pub(super) fn validate(&mut self, chain: &[Link<'_>], now: Time) -> Result {
        let Self { known, results, authorities } = self;
        let (own, sent) = chain.split_first()?;
        let now = (now.0 / 1_000_000_000) as i64;
        let issuer = match known.get(&own.digest) {
            Some(Known::Host(host)) => Cow::Borrowed(host.issuer.as_slice()),
            _ => Cow::Owned(name::comparable(read(own.der)?.issuer())),
        };
        if let Some(authorities) = authorities.get(issuer.as_ref()) {
            let key = key(own.digest, authorities.iter().map(|authority| authority.digest));
            let result = fresh(results, &key, now).unwrap_or_else(|| {
                let ders = authorities.iter().map(|authority| &*authority.der);
                let (result, _) = verify(own.der, ders, now);
                results.insert(key, (result, now), MAX_RESULTS);
                result
            });
            if result == Some("ok") {
                return result;
            }
        }
        let key = key(own.digest, sent.iter().map(|link| link.digest));
        if let Some(result) = fresh(results, &key, now) {
            return result;
        }
        let (result, found) = verify(own.der, sent.iter().map(|link| link.der), now);
        results.insert(key, (result, now), MAX_RESULTS);
        if let Some(Authorities { subject, members }) = found
            && authorities.get(subject.as_slice()).is_none()
        {
            authorities.insert(subject, members, MAX_AUTHORITIES);
        }
        result
    }
}

/// The key of a chain's result.
fn key(own: Digest, others: impl Iterator<Item = Digest>) -> Digest {
    let mut key = Sha256::new_with_prefix(own);
    others.for_each(|other| key.update(other));
    key.finalize().into()
}

/// A result that still holds; it holds longer for being used.
fn fresh(results: &mut Generations<Digest, (Result, i64)>, key: &Digest, now: i64) -> Option<Result> {
    let (result, used) = results.get_mut(key)?;
    if now.abs_diff(*used) > RESULT_SECONDS {
        return None;
    }
    *used = now;
    Some(*result)
}

/// Validates a chain; returns the authorities between certificate and root too.
fn verify<'a>(
    own: &'a [u8],
    others: impl Iterator<Item = &'a [u8]>,
    now: i64,
) -> (Result, Option<Authorities>) {
    let Some(own) = read(own) else { return (None, None) };
    let others: Vec<_> = others.filter_map(read).collect();
    let others: Vec<_> = others.iter().collect();
    match verify::validate(&own, &others, Roots::mozilla(), now) {
        Outcome::Trusted(path) => (Some("ok"), between(&path)),
        Outcome::Failed(reason) => (Some(reason), None),
        Outcome::Unsupported => (None, None),
    }
}

/// The authorities between a certificate and its root.
fn between(path: &[&X509Certificate<'_>]) -> Option<Authorities> {
    let [_, between @ .., _] = path else { return None };
    let subject = name::comparable(between.first()?.subject());
    let members = between.iter().map(|certificate| {
        let der = certificate.as_raw();
        Authority { digest: Sha256::digest(der).into(), der: der.into() }
    });
    Some(Authorities { subject, members: members.collect() })
}

/// A bounded table: when the young half is full it becomes the old one, and what the old one held is forgotten.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_mut(key).map(|value| &*value)
    }

    fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.young.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Adds an entry; at most `limit` are kept.
    fn insert(&mut self, key: K, value: V, limit: usize) {
        if self.young.len() >= limit / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::Generations;

    #[test]
    fn full_table_forgets_what_was_not_used() {
        let mut table = Generations::default();
        for number in 0..100 {
            table.insert(number, (), 10);
            assert!(table.get(&0).is_some());
        }
        assert!(table.young.len() + table.old.len() <= 11);
        assert!(table.get(&50).is_none());
        assert!(table.get(&99).is_some());
    }
}
