//! The sandbox's merchants: from the command line, or from a file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::rest::Secret;
use crate::sandbox::{Certificate, Key, Merchant};

use super::super::{EX_CONFIG, EX_NOINPUT, EX_USAGE, Failed};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Merchants")]
pub struct MerchantArguments {
    /// A merchant id; several merchants are several of these, each with its key.
    #[arg(long, value_name = "ID", requires_all = ["key_id", "secret"])]
    merchant: Vec<String>,
    /// The id of its shared-secret key.
    #[arg(long, value_name = "ID", requires = "merchant")]
    key_id: Vec<String>,
    /// Its shared secret.
    #[arg(long, value_name = "BASE64", requires = "merchant")]
    secret: Vec<String>,
    /// Merchants from a file (TOML), also with certificates and portfolios: see docs/sandbox.md.
    #[arg(long, value_name = "FILE")]
    merchants: Option<PathBuf>,
}

impl MerchantArguments {
    /// All merchants that were given; none stand for the built-in one.
    pub fn read(self) -> Result<Vec<Merchant>, Failed> {
        let count = self.merchant.len();
        if self.key_id.len() != count || self.secret.len() != count {
            let text = "each --merchant needs one --key-id and one --secret.";
            return Err(Failed::new(EX_USAGE, text));
        }
        let mut merchants = Vec::new();
        for ((id, key_id), secret) in self.merchant.iter().zip(&self.key_id).zip(&self.secret) {
            let secret =
                decode(secret).map_err(|why| Failed::new(EX_USAGE, format!("--secret: {why}")))?;
            merchants.push(Merchant::with_secret(id, key_id, secret));
        }
        if let Some(path) = &self.merchants {
            merchants.extend(read_file(path)?);
        }
        Ok(merchants)
    }
}

fn decode(secret: &str) -> Result<Vec<u8>, String> {
    let secret = Secret::from_base64(secret).map_err(|error| error.to_string())?;
    Ok(secret.expose().to_vec())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    merchants: Vec<Entry>,
}

/// A merchant as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    portfolio: Option<String>,
    key_id: Option<String>,
    secret: Option<String>,
    certificate: Option<PathBuf>,
    reply_certificate: Option<PathBuf>,
}

fn read_file(path: &Path) -> Result<Vec<Merchant>, Failed> {
    let failed = |status, why: String| Failed::new(status, format!("{}: {why}", path.display()));
    let text =
        std::fs::read_to_string(path).map_err(|error| failed(EX_NOINPUT, error.to_string()))?;
    let file: File = toml::from_str(&text).map_err(|error| failed(EX_CONFIG, error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = file.merchants.into_iter();
    let read = entries.map(|entry| {
        let id = entry.id.clone();
        entry
            .read(folder)
            .map_err(|why| failed(EX_CONFIG, format!("merchant {id}: {why}")))
    });
    read.collect()
}

impl Entry {
    fn read(self, folder: &Path) -> Result<Merchant, String> {
        let mut keys = Vec::new();
        match (self.key_id, self.secret) {
            (Some(id), Some(secret)) => keys.push(Key::Shared {
                id,
                secret: decode(&secret)?,
            }),
            (None, None) => {}
            _ => return Err("key_id and secret belong together".to_owned()),
        }
        let read = |path: Option<PathBuf>| path.map(|path| certificate(&folder.join(path)));
        keys.extend(read(self.certificate).transpose()?.map(Key::Certificate));
        let reply = read(self.reply_certificate).transpose()?;
        Ok(Merchant {
            id: self.id,
            portfolio: self.portfolio,
            keys,
            reply_certificates: reply.into_iter().collect(),
        })
    }
}

fn certificate(path: &Path) -> Result<Certificate, String> {
    let said = |why: String| format!("{}: {why}", path.display());
    let pem = std::fs::read_to_string(path).map_err(|error| said(error.to_string()))?;
    Certificate::from_pem(&pem).map_err(|error| said(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Keys;

    fn read(text: &str, files: &[(&str, &str)]) -> Result<Vec<Merchant>, Failed> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let path = folder.path().join("merchants.toml");
        std::fs::write(&path, text).unwrap();
        read_file(&path)
    }

    #[test]
    fn secrets_certificates_and_portfolios() {
        let keys = Keys::make(&["shop".to_owned()]).unwrap();
        let made = &keys.merchants()[0];
        let text = r#"
            [[merchants]]
            id = "shop"
            portfolio = "chain"
            certificate = "shop.pem"
            reply_certificate = "reply.pem"
            [[merchants]]
            id = "chain"
            key_id = "k"
            secret = "AAEC"
        "#;
        let files = [
            ("shop.pem", made.signing.certificate_pem()),
            ("reply.pem", made.reply.certificate_pem()),
        ];
        let merchants = read(text, &files).ok().unwrap();
        assert_eq!(merchants[0].portfolio.as_deref(), Some("chain"));
        assert_eq!(merchants[0].keys[0].id(), made.signing.certificate().kid());
        assert_eq!(merchants[0].reply_certificates.len(), 1);
        assert_eq!(merchants[1].keys[0].id(), "k");
    }

    #[test]
    fn mistakes_are_named() {
        for text in [
            "merchants = 1",
            "[[merchants]]\nid = \"a\"\nkey = \"x\"",
            "[[merchants]]\nid = \"a\"\nkey_id = \"x\"",
            "[[merchants]]\nid = \"a\"\nkey_id = \"x\"\nsecret = \"?\"",
            "[[merchants]]\nid = \"a\"\ncertificate = \"absent.pem\"",
        ] {
            assert!(read(text, &[]).is_err(), "{text}");
        }
    }
}
