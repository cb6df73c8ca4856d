//! Reading the files that hold keys, and telling what is wrong with them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::Expiry;
use crate::config::resolve::Resolver;
use crate::rest::keys::{Bundle, Certificate, KeyFault, PrivateKey};

/// A text of the settings, in a file, or in the environment.
pub(super) type Sources<'r> = (&'r Option<String>, &'r Option<PathBuf>, &'r Option<String>);

/// A private key, the certificates that came with it, and the settings that named them.
pub(super) struct Read {
    pub key: PrivateKey,
    pub certificates: Vec<Certificate>,
    /// The setting that named the certificates.
    pub setting: &'static str,
    pub file: PathBuf,
}

impl Resolver<'_> {
    /// A PKCS#12 file. Its password is the merchant's id where nothing else is said, as the provider makes them.
    pub(super) fn bundle(
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

    pub(super) fn pem_pair(
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
    pub(super) fn expires(&mut self, section: &str, read: &Read) {
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
    pub(super) fn check_key_id(
        &mut self,
        section: &str,
        setting: &str,
        file: &Path,
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
    pub(super) fn fitting<T>(
        &mut self,
        section: &str,
        setting: &str,
        file: &Path,
        read: Result<T, KeyFault>,
    ) -> Option<T> {
        read.map_err(|fault| self.fault(section, setting, format!("{} {fault}.", file.display())))
            .ok()
    }

    pub(super) fn bytes(
        &mut self,
        section: &str,
        setting: &str,
        file: &Path,
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
    pub(super) fn text(
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
    pub(in crate::config) fn read(&self, file: &PathBuf) -> Result<String, String> {
        let file = self.folder.join(file);
        std::fs::read_to_string(&file)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("{}: {error}.", file.display()))
    }
}
