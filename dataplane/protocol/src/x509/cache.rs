//! What validations of a worker have in common: results of chains, and intermediate authorities that were found good.
//!
//! A server that does not send its intermediate
//! authority is still found good when another server sent it, as browsers do and as Zeek does. Both are bounded: a
//! full table makes place by forgetting what was not used since it last was full.

use std::collections::HashMap;
use std::hash::Hash;

use record::Time;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::name;
use super::roots::Roots;
use super::verify::{self, Outcome};

/// Chains whose result is remembered.
const MAX_RESULTS: usize = 8192;
/// Issuers whose authorities are remembered.
const MAX_AUTHORITIES: usize = 1024;
/// Seconds for which the result of a chain holds (Zeek: 5 minutes after its last use).
const RESULT_SECONDS: i64 = 300;

/// What is remembered of chains.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    results: Generations<[u8; 32], (Option<&'static str>, i64)>,
    /// By the name of the first of them: DER certificates from the issuer of hosts up to below the root.
    authorities: Generations<Vec<u8>, Vec<Box<[u8]>>>,
}

impl Cache {
    /// Validates a chain, first with the authorities that are known for its issuer, then with those that were sent.
    pub(super) fn validate(&mut self, chain: &[&X509Certificate<'_>], now: Time) -> Option<&'static str> {
        let (own, sent) = chain.split_first()?;
        let now = (now.0 / 1_000_000_000) as i64;
        if let Some(known) = self.authorities.get(&name::comparable(own.issuer())).cloned() {
            let known: Vec<_> = known.iter().filter_map(|der| X509Certificate::from_der(der).ok()).collect();
            let known: Vec<_> = known.iter().map(|(_, certificate)| certificate).collect();
            if self.remembered(own, &known, now) == Some("ok") {
                return Some("ok");
            }
        }
        self.remembered(own, sent, now)
    }

    fn remembered<'a>(
        &mut self,
        own: &'a X509Certificate<'a>,
        others: &[&'a X509Certificate<'a>],
        now: i64,
    ) -> Option<&'static str> {
        let mut digest = Sha256::new();
        digest.update(own.as_raw());
        for other in others {
            digest.update(other.as_raw());
        }
        let key: [u8; 32] = digest.finalize().into();
        if let Some((result, at)) = self.results.get(&key).copied()
            && now.abs_diff(at) <= RESULT_SECONDS as u64
        {
            return result;
        }
        let result = match verify::validate(own, others, Roots::mozilla(), now) {
            Outcome::Trusted(path) => {
                self.learn(&path);
                Some("ok")
            }
            Outcome::Failed(reason) => Some(reason),
            Outcome::Unsupported => None,
        };
        self.results.insert(key, (result, now), MAX_RESULTS);
        result
    }

    /// Keeps the authorities between a certificate and its root.
    fn learn(&mut self, path: &[&X509Certificate<'_>]) {
        let [_, between @ .., _] = path else { return };
        let Some(first) = between.first() else { return };
        let subject = name::comparable(first.subject());
        if self.authorities.get(&subject).is_none() {
            let between = between.iter().map(|certificate| certificate.as_raw().into()).collect();
            self.authorities.insert(subject, between, MAX_AUTHORITIES);
        }
    }
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
    fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.young.insert(key, value);
        }
        self.young.get(key)
    }

    fn insert(&mut self, key: K, value: V, limit: usize) {
        if self.young.len() >= limit / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}
