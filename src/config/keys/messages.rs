//! What seals a merchant's requests, and what opens its replies.

use std::path::PathBuf;

use crate::config::Expiry;
use crate::config::raw::RawMerchant;
use crate::config::resolve::Resolver;
use crate::rest::keys::{Certificate, KeyFault, OpeningKey, PrivateKey, SealingKey};

impl Resolver<'_> {
    /// What seals requests: a file of its own, else what the merchant's own file holds.
    pub(super) fn sealing(
        &mut self,
        section: &str,
        raw: &RawMerchant,
        own: Option<Certificate>,
    ) -> Option<SealingKey> {
        const SETTING: &str = "mle_certificate_file";
        let (certificate, file) = match &raw.mle_certificate_file {
            Some(file) => {
                let file = self.folder.join(file);
                let pem = self.bytes(section, SETTING, &file)?;
                let read = Certificate::from_pem(&pem).and_then(Certificate::provider);
                (self.fitting(section, SETTING, &file, read)?, file)
            }
            None => (own?, self.folder.join(raw.p12_file.as_ref()?)),
        };
        let at = certificate.expires();
        let certificate_name = format!(
            "[{section}] certificate for sealed requests ({})",
            file.display()
        );
        self.expiries.push(Expiry {
            certificate: certificate_name,
            at,
        });
        let key = SealingKey::new(&certificate);
        self.fitting(section, SETTING, &file, key)
    }

    /// What opens replies.
    pub(super) fn response_key(
        &mut self,
        section: &str,
        id: &str,
        raw: &RawMerchant,
    ) -> Option<OpeningKey> {
        let named = raw.mle_response_key_id.as_deref();
        let read = match (
            &raw.mle_response_p12_file,
            &raw.mle_response_private_key_file,
        ) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                let text = "give mle_response_p12_file or mle_response_private_key_file, not both.";
                self.fault(section, "mle_response_p12_file", text);
                return None;
            }
            (Some(file), None) => {
                let sources = (
                    &raw.mle_response_p12_password,
                    &raw.mle_response_p12_password_file,
                    &raw.mle_response_p12_password_env,
                );
                let names = [
                    "mle_response_p12_password",
                    "mle_response_p12_password_file",
                    "mle_response_p12_password_env",
                ];
                let password = self.text(section, names, sources)?.map(|(_, text)| text);
                self.bundle(section, "mle_response_p12_file", file, password, id)?
            }
            (None, Some(key)) => match &raw.mle_response_certificate_file {
                Some(certificate) => {
                    let names = [
                        "mle_response_certificate_file",
                        "mle_response_private_key_file",
                    ];
                    self.pem_pair(section, names, certificate, key)?
                }
                None => return self.bare_response_key(section, key, named),
            },
        };
        self.expires(section, &read);
        let key = OpeningKey::with_certificate(&read.key, &read.certificates);
        // A certificate that names no key is good enough where the settings do.
        let key = match (key, named) {
            (Err(KeyFault::NoKeyId), Some(named)) => OpeningKey::new(&read.key, named),
            (key, _) => key,
        };
        let key = self.fitting(section, read.setting, &read.file, key)?;
        self.check_key_id(
            section,
            "mle_response_key_id",
            &read.file,
            named,
            key.key_id(),
        );
        Some(key)
    }

    /// A response key without a certificate: the settings must name it.
    fn bare_response_key(
        &mut self,
        section: &str,
        file: &PathBuf,
        named: Option<&str>,
    ) -> Option<OpeningKey> {
        const SETTING: &str = "mle_response_private_key_file";
        let file = self.folder.join(file);
        let pem = self.bytes(section, SETTING, &file)?;
        let key = self.fitting(section, SETTING, &file, PrivateKey::from_pem(&pem))?;
        let Some(named) = named else {
            let text = format!(
                "{} has no certificate beside it that says the key's id; give mle_response_key_id as the Business Center \
                 shows it, or mle_response_certificate_file.",
                file.display()
            );
            self.fault(section, SETTING, text);
            return None;
        };
        self.fitting(section, SETTING, &file, OpeningKey::new(&key, named))
    }
}
