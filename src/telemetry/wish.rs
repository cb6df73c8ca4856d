//! What `SCMP_GATEWAY_LOG` asks for: a level, or levels by the parts of the program, as `info,scmp_gateway::sandbox=debug`.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// What is told where nobody says what to tell.
pub fn usual() -> Targets {
    let libraries = ["hyper", "reqwest", "rustls"].map(|library| (library, Level::WARN));
    Targets::new()
        .with_default(Level::INFO)
        .with_targets(libraries)
}

/// Reads a wish. Where it names parts alone, the others tell what they usually do; the error quotes what cannot be read.
pub fn read(wish: &str) -> Result<Targets, String> {
    let parts = wish.split(',').map(str::trim);
    let mut parts = parts.filter(|part| !part.is_empty());
    let names_parts_alone = parts.clone().all(|part| part.contains('='));
    let first = match names_parts_alone {
        true => usual(),
        false => Targets::new(),
    };
    parts.try_fold(first, |told, part| {
        let (target, level) = match part.split_once('=') {
            None => (None, part),
            Some((target, level)) => (Some(target.trim()), level.trim()),
        };
        let level = level.parse::<LevelFilter>().ok();
        match (target, level.filter(|_| !part.ends_with('='))) {
            (None, Some(level)) => Ok(told.with_default(level)),
            (Some(target), Some(level)) if is_path(target) => Ok(told.with_target(target, level)),
            _ => Err(format!("{part:?}")),
        }
    })
}

/// Whether it can be the name of a part, e.g. `scmp_gateway::sandbox`.
fn is_path(target: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    !target.is_empty() && target.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The highest levels that this part and any other tell.
    fn told(wish: &str, part: &str) -> Result<(Option<Level>, Option<Level>), String> {
        let told = read(wish)?;
        let levels = [
            Level::TRACE,
            Level::DEBUG,
            Level::INFO,
            Level::WARN,
            Level::ERROR,
        ];
        let highest = |part: &str| {
            levels
                .into_iter()
                .find(|level| told.would_enable(part, level))
        };
        Ok((highest(part), highest("scmp_gateway::gateway")))
    }

    #[test]
    fn levels_are_read_by_part() {
        let (trace, debug) = (Some(Level::TRACE), Some(Level::DEBUG));
        let (info, warn) = (Some(Level::INFO), Some(Level::WARN));
        for (wish, expected) in [
            ("", (warn, info)),
            (" , ", (warn, info)),
            ("trace", (trace, trace)),
            ("DEBUG,", (debug, debug)),
            ("off", (None, None)),
            ("warn, hyper = info", (info, warn)),
            ("hyper=off", (None, info)),
            ("scmp_gateway::gateway=debug", (warn, debug)),
            ("scmp_gateway::sandbox=debug", (warn, info)),
            ("hyper=debug,error", (debug, Some(Level::ERROR))),
        ] {
            assert_eq!(told(wish, "hyper"), Ok(expected), "{wish}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for (wish, part) in [
            ("\"info\"", "\"info\""),
            ("inof", "inof"),
            ("info,hyper=loud", "hyper=loud"),
            ("info,hyper=", "hyper="),
            ("=info", "=info"),
            ("[span]=debug", "[span]=debug"),
            ("a b=info", "a b=info"),
            ("*", "*"),
            ("scmp-gateway=debug", "scmp-gateway=debug"),
        ] {
            assert_eq!(told(wish, "hyper"), Err(format!("{part:?}")), "{wish}");
        }
    }
}
