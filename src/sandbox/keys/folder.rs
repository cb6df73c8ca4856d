//! Keys kept in a folder, so that clients can be set up once.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::{KeyError, Keys, Pair};

impl Keys {
    /// Reads the keys of a folder, makes those that are missing, and writes all files anew that
    /// follow from them.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or is no such key.
    pub fn in_folder(folder: &Path, merchants: &[String]) -> Result<Self, KeyError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let keys = Self::collect(merchants, &mut |file, name| pair(folder, file, name))?;
        for file in keys.files()? {
            // Keys and certificates stay as they are found; the P12 files are made of them.
            let path = folder.join(&file.name);
            if !path.exists() || file.name.ends_with(".p12") {
                write_secret(&path, &file.content)?;
            }
        }
        Ok(keys)
    }
}

fn pair(folder: &Path, file: &str, name: &str) -> Result<Pair, KeyError> {
    let certificate = folder.join(format!("{file}.pem"));
    let key = folder.join(format!("{file}-key.pem"));
    if !certificate.exists() && !key.exists() {
        return Pair::make(name);
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(at(path));
    Pair::read(&read(&certificate)?, &read(&key)?).map_err(|error| KeyError::File {
        path: certificate,
        why: error.to_string(),
    })
}

/// Writes a file that only its owner can read.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(at(path))?;
    file.write_all(content).map_err(at(path))
}

pub(super) fn at(path: &Path) -> impl Fn(std::io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_the_same_keys_again_and_refuses_half_a_pair() {
        let folder = tempfile::tempdir().unwrap();
        let merchants = ["mid1234".to_owned()];
        let first = Keys::in_folder(folder.path(), &merchants).unwrap();
        let second = Keys::in_folder(folder.path(), &merchants).unwrap();
        assert!(first.host().certificate() == second.host().certificate());
        let kid = |keys: &Keys| keys.merchants()[0].reply.certificate().kid().to_owned();
        assert_eq!(kid(&first), kid(&second));
        assert!(folder.path().join("mid1234.p12").exists());
        fs::remove_file(folder.path().join("mid1234-key.pem")).unwrap();
        let error = Keys::in_folder(folder.path(), &merchants).err().unwrap();
        assert!(error.to_string().contains("mid1234-key.pem"), "{error}");
    }

    #[test]
    fn a_merchants_id_is_no_path() {
        for id in ["../x", "a/b", "", ".x"] {
            let keys = Keys::make(&[id.to_owned()]);
            assert!(matches!(keys, Err(KeyError::Name(_))), "{id}");
        }
    }
}
