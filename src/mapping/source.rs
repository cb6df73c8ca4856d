//! Where the tables come from: the binary itself, or a directory that overrides it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::diagnostic::{Diagnostic, line_of};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// One table file, whole.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path below the tables' root with `/`, e.g. `services/ics_auth.toml`.
    pub path: String,
    /// The path as it is shown to a user, e.g. `mappings/services/ics_auth.toml`.
    pub shown: String,
    /// The TOML text.
    pub text: Cow<'static, str>,
}

impl SourceFile {
    /// A fault somewhere in the table of several lines that begins at `offset`: at the first of its lines that holds
    /// what the message quotes.
    pub fn within(&self, offset: usize, message: impl Into<String>) -> Diagnostic {
        let message = message.into();
        let quoted = message
            .split('"')
            .nth(1)
            .filter(|quoted| !quoted.is_empty());
        let table = self.text.get(offset..).unwrap_or_default();
        let end = table
            .get(2..)
            .and_then(|rest| rest.find("\n[["))
            .map_or(table.len(), |end| end + 2);
        let found = quoted.and_then(|quoted| {
            let whole = table[..end].find(&format!("\"{quoted}\""));
            whole.or_else(|| table[..end].find(quoted))
        });
        self.at(offset + found.unwrap_or(0), message)
    }

    /// A fault at a byte offset of this file.
    pub fn at(&self, offset: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            file: self.shown.clone(),
            line: Some(line_of(&self.text, offset)),
            message: message.into(),
        }
    }
}

/// The tables that are built into the binary.
pub fn embedded() -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect_embedded(&EMBEDDED, &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn collect_embedded(dir: &'static Dir<'static>, files: &mut Vec<SourceFile>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        if let (true, Some(text)) = (path.ends_with(".toml"), file.contents_utf8()) {
            let shown = format!("mappings/{path}");
            files.push(SourceFile {
                path,
                shown,
                text: Cow::Borrowed(text),
            });
        }
    }
    for child in dir.dirs() {
        collect_embedded(child, files);
    }
}

/// The tables of a directory with the layout of `mappings/`.
pub fn directory(root: &Path) -> Result<Vec<SourceFile>, Diagnostic> {
    if !root.join("flags.toml").is_file() {
        let inside = root.join("mappings");
        let hint = match inside.join("flags.toml").is_file() {
            true => format!(" Did you mean {}?", inside.display()),
            false => String::new(),
        };
        let message = format!("is no directory of mapping tables: it has no flags.toml.{hint}");
        return Err(Diagnostic {
            file: root.display().to_string(),
            line: None,
            message,
        });
    }
    let mut files = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|error| unreadable(&dir, &error))? {
            let path = entry.map_err(|error| unreadable(&dir, &error))?.path();
            if path.is_dir() {
                pending.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(read(root, path)?);
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn read(root: &Path, path: PathBuf) -> Result<SourceFile, Diagnostic> {
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
    let below = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .to_string_lossy()
        .replace('\\', "/");
    Ok(SourceFile {
        path: below,
        shown: path.display().to_string(),
        text: text.into(),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic {
        file: path.display().to_string(),
        line: None,
        message: format!("cannot be read: {error}. Name a directory with the layout of mappings/."),
    }
}
