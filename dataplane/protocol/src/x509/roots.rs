//! Mozilla's root certificates.

use std::collections::HashMap;
use std::sync::LazyLock;

use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::name;

/// The roots, by the comparable form of their subject.
pub(super) struct Roots {
    by_subject: HashMap<Vec<u8>, Vec<X509Certificate<'static>>>,
}

impl Roots {
    /// Mozilla's list; it is read on first use.
    pub(super) fn mozilla() -> &'static Self {
        static MOZILLA: LazyLock<Roots> =
            LazyLock::new(|| Roots::of(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref)));
        &MOZILLA
    }

    /// A list of DER certificates; what cannot be read is left out.
    pub(super) fn of(certificates: impl Iterator<Item = &'static [u8]>) -> Self {
        let mut by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for der in certificates {
            if let Ok((_, certificate)) = X509Certificate::from_der(der) {
                by_subject.entry(name::comparable(certificate.subject())).or_default().push(certificate);
            }
        }
        Self { by_subject }
    }

    /// The roots of that subject.
    pub(super) fn of_subject(&self, subject: &[u8]) -> &[X509Certificate<'static>] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }
}
