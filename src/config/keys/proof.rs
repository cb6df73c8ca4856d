//! What a merchant proves itself with: a shared secret, or a certificate.

use std::sync::Arc;

use crate::config::raw::{RawAuth, RawMerchant};
use crate::config::resolve::Resolver;
use crate::rest::keys::{Certificate, SigningKey};
use crate::rest::{JwtKey, Secret, SharedSecret};

/// What a merchant proves itself with.
pub(super) struct Proof {
    pub key: JwtKey,
    /// The provider's certificate, where the merchant's own file holds it.
    pub provider: Option<Certificate>,
}

impl Resolver<'_> {
    pub(super) fn proof(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<Proof> {
        let secret = raw.shared_secret.is_some()
            || raw.shared_secret_file.is_some()
            || raw.shared_secret_env.is_some();
        let pem = raw.certificate_file.is_some() || raw.private_key_file.is_some();
        match (secret, raw.p12_file.is_some(), pem) {
            (true, false, false) => {
                let key = JwtKey::Secret(self.shared_secret(section, raw)?);
                let provider = None;
                Some(Proof { key, provider })
            }
            (false, false, false) => {
                let text = "has no secret and no certificate; give shared_secret, shared_secret_file or shared_secret_env, or p12_file, or \
                            certificate_file and private_key_file.";
                self.fault(section, "shared_secret", format!("[{section}] {text}"));
                None
            }
            (false, true, false) | (false, false, true) => self.certified(section, id, raw),
            _ => {
                let key = if raw.p12_file.is_some() {
                    "p12_file"
                } else {
                    "certificate_file"
                };
                let text = "give a shared secret, or p12_file, or certificate_file and private_key_file, not several.";
                self.fault(section, key, text);
                None
            }
        }
    }

    fn shared_secret(&mut self, section: &str, raw: &RawMerchant) -> Option<SharedSecret> {
        let sources = (
            &raw.shared_secret,
            &raw.shared_secret_file,
            &raw.shared_secret_env,
        );
        let names = ["shared_secret", "shared_secret_file", "shared_secret_env"];
        let (setting, text) = self.text(section, names, sources)??;
        let secret = Secret::from_base64(text.trim())
            .map_err(|error| self.fault(section, setting, error.to_string()))
            .ok()?;
        let Some(key_id) = raw.key_id.clone().filter(|key| !key.is_empty()) else {
            let text = "key_id is missing; it is the id of the REST shared secret.";
            self.fault(section, "key_id", text);
            return None;
        };
        Some(SharedSecret { key_id, secret })
    }

    /// The secrets of before, each in the text, in a file or in the environment.
    pub(in crate::config) fn old_secrets(
        &mut self,
        section: &str,
        raw: &RawMerchant,
    ) -> Vec<Secret> {
        let texts = raw.old_shared_secrets.iter();
        let files = raw.old_shared_secret_files.iter();
        let names = raw.old_shared_secret_envs.iter();
        let texts = texts.map(|text| (Some(text.clone()), None, None));
        let files = files.map(|file| (None, Some(file.clone()), None));
        let names = names.map(|name| (None, None, Some(name.clone())));
        let settings = [
            "old_shared_secrets",
            "old_shared_secret_files",
            "old_shared_secret_envs",
        ];
        let mut secrets = Vec::new();
        for (text, file, name) in texts.chain(files).chain(names) {
            let Some(Some((setting, text))) = self.text(section, settings, (&text, &file, &name))
            else {
                continue;
            };
            match Secret::from_base64(text.trim()) {
                Ok(secret) => secrets.push(secret),
                Err(error) => self.fault(section, setting, error.to_string()),
            }
        }
        secrets
    }

    /// A private key with its certificate.
    fn certified(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<Proof> {
        if matches!(raw.auth, RawAuth::HttpSignature) {
            let text = "auth = \"http_signature\" takes a shared secret; remove it, since a certificate is for JWT.";
            self.fault(section, "auth", text);
        }
        let read = match (&raw.p12_file, &raw.certificate_file, &raw.private_key_file) {
            (Some(file), _, _) => {
                let sources = (
                    &raw.p12_password,
                    &raw.p12_password_file,
                    &raw.p12_password_env,
                );
                let names = ["p12_password", "p12_password_file", "p12_password_env"];
                let password = self.text(section, names, sources)?;
                self.bundle(
                    section,
                    "p12_file",
                    file,
                    password.map(|(_, text)| text),
                    id,
                )?
            }
            (None, Some(certificate), Some(key)) => {
                let names = ["certificate_file", "private_key_file"];
                self.pem_pair(section, names, certificate, key)?
            }
            (None, certificate, _) => {
                let (missing, given) = match certificate {
                    Some(_) => ("private_key_file", "certificate_file"),
                    None => ("certificate_file", "private_key_file"),
                };
                self.fault(
                    section,
                    given,
                    format!("{given} needs {missing} beside it."),
                );
                return None;
            }
        };
        self.expires(section, &read);
        let provider = read.certificates.iter().find(|found| found.is_provider());
        let provider = provider.cloned();
        let key = SigningKey::new(read.key, &read.certificates);
        let key = self.fitting(section, read.setting, &read.file, key)?;
        self.check_key_id(
            section,
            "key_id",
            &read.file,
            raw.key_id.as_deref(),
            key.key_id(),
        );
        let key = JwtKey::Certificate(Arc::new(key));
        Some(Proof { key, provider })
    }
}
