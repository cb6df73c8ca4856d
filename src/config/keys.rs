//! The keys of a merchant: what it proves itself with, what seals its requests, what opens its replies.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::rest::keys::{
    Bundle, Certificate, KeyFault, OpeningKey, PrivateKey, SealingKey, SigningKey,
};
use crate::rest::{Authentication, JwtKey, Mle, Secret, SharedSecret};

use super::Expiry;
use super::raw::{RawAuth, RawMerchant, RawMle};
use super::resolve::Resolver;

/// What a merchant's settings say of keys, read.
pub struct Keys {
    pub authentication: Authentication,
    pub response_key: Option<Arc<OpeningKey>>,
}

/// A text of the settings, in a file, or in the environment.
type Sources<'r> = (&'r Option<String>, &'r Option<PathBuf>, &'r Option<String>);

/// A private key, the certificates that came with it, and the settings that named them.
struct Read {
    key: PrivateKey,
    certificates: Vec<Certificate>,
    /// The setting that named the certificates.
    setting: &'static str,
    file: PathBuf,
}

impl Resolver<'_> {
    /// The keys of a merchant, or `None` after everything that is wrong with them was told.
    pub(super) fn keys(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<Keys> {
        let told = self.faults.len();
        let proof = self.proof(section, id, raw);
        let provider = proof.as_ref().and_then(|proof| proof.provider.clone());
        let sealing = self.sealing(section, raw, provider);
        let response_key = self.response_key(section, id, raw).map(Arc::new);
        self.check_mle(section, raw, sealing.is_some(), response_key.is_some());
        if self.faults.len() > told {
            return None;
        }
        let mle = match (raw.mle, sealing, &response_key) {
            (RawMle::Request, Some(sealing), _) => Mle::Request(Arc::new(sealing)),
            (RawMle::Both, Some(sealing), Some(opening)) => {
                Mle::Both(Arc::new(sealing), Arc::clone(opening))
            }
            // Whatever else was asked for has been told as a fault.
            _ => Mle::Off,
        };
        let authentication = match (raw.auth, proof?.key) {
            (RawAuth::HttpSignature, JwtKey::Secret(secret)) => {
                Authentication::HttpSignature(secret)
            }
            (_, key) => Authentication::Jwt { key, mle },
        };
        Some(Keys {
            authentication,
            response_key,
        })
    }
}

/// What a merchant proves itself with.
struct Proof {
    key: JwtKey,
    /// The provider's certificate, where the merchant's own file holds it.
    provider: Option<Certificate>,
}

impl Resolver<'_> {
    fn proof(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<Proof> {
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
                let text = "has no key; give shared_secret, shared_secret_file or shared_secret_env, or p12_file, or \
                            certificate_file and private_key_file.";
                self.fault(section, "key_id", format!("[{section}] {text}"));
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
            ["key_id", read.setting],
            &read.file,
            raw.key_id.as_deref(),
            key.key_id(),
        );
        let key = JwtKey::Certificate(Arc::new(key));
        Some(Proof { key, provider })
    }

    /// What seals requests: a file of its own, else what the merchant's own file holds.
    fn sealing(
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
    fn response_key(&mut self, section: &str, id: &str, raw: &RawMerchant) -> Option<OpeningKey> {
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
        let names = ["mle_response_key_id", read.setting];
        self.check_key_id(section, names, &read.file, named, key.key_id());
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

    /// What encryption needs beside its keys.
    fn check_mle(&mut self, section: &str, raw: &RawMerchant, sealing: bool, opening: bool) {
        if raw.mle != RawMle::Off && matches!(raw.auth, RawAuth::HttpSignature) {
            let text = "message-level encryption needs JWT; remove auth = \"http_signature\": the same key_id and secret \
                        serve for JWT.";
            self.fault(section, "mle", text);
        }
        if raw.mle != RawMle::Off && !sealing && raw.mle_certificate_file.is_none() {
            let text = "mle needs the provider's certificate to seal requests for; download it in the Business Center and \
                        give mle_certificate_file.";
            self.fault(section, "mle", text);
        }
        let named =
            raw.mle_response_p12_file.is_some() || raw.mle_response_private_key_file.is_some();
        if opening || named {
            return;
        }
        let remedy = "make a REST API response key in the Business Center and give mle_response_p12_file, or \
                      mle_response_private_key_file.";
        if raw.mle == RawMle::Both {
            let text = format!("mle = \"both\" needs a key to open replies with; {remedy}");
            self.fault(section, "mle", text);
        }
        if raw.unmasked_retrieve {
            let text =
                format!("unmasked numbers come sealed and need a key to open them with; {remedy}");
            self.fault(section, "unmasked_retrieve", text);
        }
    }
}

/// Reading files, and telling what is wrong with them.
impl Resolver<'_> {
    /// A PKCS#12 file. Its password is the merchant's id where nothing else is said, as the provider makes them.
    fn bundle(
        &mut self,
        section: &str,
        setting: &'static str,
        file: &PathBuf,
        password: Option<Zeroizing<String>>,
        id: &str,
    ) -> Option<Read> {
        let file = self.folder.join(file);
        let der = self.bytes(section, setting, &file)?;
        let password = password.as_ref().map_or(id, |password| password.as_str());
        let bundle = Bundle::from_pkcs12(&der, password);
        let bundle = self.fitting(section, setting, &file, bundle)?;
        Some(Read {
            key: bundle.key,
            certificates: bundle.certificates,
            setting,
            file,
        })
    }

    fn pem_pair(
        &mut self,
        section: &str,
        [setting, key_setting]: [&'static str; 2],
        certificate: &PathBuf,
        key: &PathBuf,
    ) -> Option<Read> {
        let file = self.folder.join(certificate);
        let key_file = self.folder.join(key);
        let pem = self.bytes(section, setting, &file);
        let certificates =
            pem.and_then(|pem| self.fitting(section, setting, &file, Certificate::from_pem(&pem)));
        let pem = self.bytes(section, key_setting, &key_file)?;
        let key = self.fitting(section, key_setting, &key_file, PrivateKey::from_pem(&pem))?;
        Some(Read {
            key,
            certificates: certificates?,
            setting,
            file,
        })
    }

    /// Remembers until when the certificate of a key is good.
    fn expires(&mut self, section: &str, read: &Read) {
        let own = read
            .certificates
            .iter()
            .find(|found| found.belongs_to(&read.key));
        if let Some(own) = own {
            let certificate = format!("[{section}] {} ({})", read.setting, read.file.display());
            let at = own.expires();
            self.expiries.push(Expiry { certificate, at });
        }
    }

    /// The id that the settings expect a key to have.
    fn check_key_id(
        &mut self,
        section: &str,
        [setting, _]: [&str; 2],
        file: &std::path::Path,
        expected: Option<&str>,
        found: &str,
    ) {
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            let fault = KeyFault::OtherKeyId {
                expected: expected.to_owned(),
                found: found.to_owned(),
            };
            self.fault(section, setting, format!("{} {fault}.", file.display()));
        }
    }

    /// What was read of a file, or `None` after what is wrong with it was told.
    fn fitting<T>(
        &mut self,
        section: &str,
        setting: &str,
        file: &std::path::Path,
        read: Result<T, KeyFault>,
    ) -> Option<T> {
        read.map_err(|fault| self.fault(section, setting, format!("{} {fault}.", file.display())))
            .ok()
    }

    fn bytes(
        &mut self,
        section: &str,
        setting: &str,
        file: &std::path::Path,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let read = std::fs::read(file).map(Zeroizing::new);
        read.map_err(|error| {
            let text = format!(
                "{} cannot be read: {error}; correct the path or the rights.",
                file.display()
            );
            self.fault(section, setting, text);
        })
        .ok()
    }

    /// A text that stands in the settings, in a file or in the environment, with the setting that gave it. The outer
    /// `None` says that a fault was told.
    fn text(
        &mut self,
        section: &str,
        [plain, in_file, in_environment]: [&'static str; 3],
        sources: Sources<'_>,
    ) -> Option<Option<(&'static str, Zeroizing<String>)>> {
        let (setting, text) = match sources {
            (None, None, None) => return Some(None),
            (Some(text), None, None) => (plain, Ok(text.clone())),
            (None, Some(file), None) => (in_file, self.read(file)),
            (None, None, Some(name)) => (
                in_environment,
                std::env::var(name).map_err(|_| format!("the environment has no variable {name}.")),
            ),
            _ => {
                let text =
                    format!("give one of {plain}, {in_file} and {in_environment}, not several.");
                self.fault(section, plain, text);
                return None;
            }
        };
        text.map(|text| Some((setting, Zeroizing::new(text))))
            .map_err(|message| self.fault(section, setting, message))
            .ok()
    }

    /// The text of a file, without the newline that files end with.
    fn read(&self, file: &PathBuf) -> Result<String, String> {
        let file = self.folder.join(file);
        std::fs::read_to_string(&file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("{}: {error}.", file.display()))
    }
}
