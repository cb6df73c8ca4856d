//! Tables with a fault of form, mended far enough to be checked further: an unknown key must not hide a wrong path.

use super::super::diagnostic::Diagnostic;
use super::super::source::SourceFile;
use super::Sorted;

/// Files that can be read, and what it took.
pub struct Mended {
    pub files: Vec<SourceFile>,
    /// The faults of form, all of them.
    pub faults: Vec<Diagnostic>,
    /// What stood in the lines that were taken out: nothing can be said of these names.
    taken: Vec<String>,
}

impl Mended {
    /// Mends the files; `None` if one of them cannot be read at all.
    pub fn of(files: &[SourceFile]) -> Option<Mended> {
        let mut mended = Mended {
            files: Vec::new(),
            faults: Vec::new(),
            taken: Vec::new(),
        };
        for file in files {
            let file = mended.readable(file.clone())?;
            mended.files.push(file);
        }
        Some(mended)
    }

    /// Whether a fault may come of a line that was taken out.
    pub fn explains(&self, fault: &Diagnostic) -> bool {
        let same = |known: &Diagnostic| known.file == fault.file && known.line == fault.line;
        let quoted = || fault.message.split('"').skip(1).step_by(2);
        let taken = |name: &str| self.taken.iter().any(|taken| taken == name);
        self.faults.iter().any(same) || quoted().any(taken)
    }

    /// The file with each line at fault weakened until it can be read.
    fn readable(&mut self, mut file: SourceFile) -> Option<SourceFile> {
        loop {
            let faults = faults_of_form(&file);
            let Some(line) = faults.first().map(|fault| fault.line) else {
                return Some(file);
            };
            // Of what is no TOML at all the first fault is the only one that means anything.
            toml::from_str::<toml::Table>(&file.text).ok()?;
            let new = faults.iter().filter(|fault| !self.faults.contains(fault));
            let new: Vec<Diagnostic> = new.cloned().collect();
            self.faults.extend(new);
            file = self.without(&file, line?)?;
        }
    }

    /// The file with one line weakened: emptied behind its key where that is enough, or else taken out.
    fn without(&mut self, file: &SourceFile, number: usize) -> Option<SourceFile> {
        let lines: Vec<&str> = file.text.lines().collect();
        let line = *lines.get(number.checked_sub(1)?)?;
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        let instead = match key.starts_with('{') {
            true => vec![String::new()],
            false => vec![
                format!("{key} = {{}}"),
                format!("{key} = \"\""),
                String::new(),
            ],
        };
        let quoted = line.split('"').skip(1).step_by(2);
        self.taken
            .extend(quoted.chain([key.trim_matches('"')]).map(str::to_owned));
        instead.iter().find_map(|instead| {
            let mut lines = lines.clone();
            lines[number - 1] = instead;
            let file = SourceFile {
                text: lines.join("\n").into(),
                ..file.clone()
            };
            let left = faults_of_form(&file);
            let mended =
                !line.trim().is_empty() && left.iter().all(|fault| fault.line != Some(number));
            mended.then_some(file)
        })
    }
}

fn faults_of_form(file: &SourceFile) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    Sorted::default().read_file(file, &mut faults);
    faults
}
