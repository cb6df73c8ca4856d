//! The names that users' scripts rely on stand in the help.

use crate::run::Folder;

#[test]
fn each_command_shows_its_options() {
    for (command, options) in [
        (
            "serve",
            "--config <FILE> --listen <ADDR> --admin <ADDR> --sandbox --sandbox-listen <ADDR> --mle --mappings <DIR> --log-format",
        ),
        (
            "sandbox",
            "--listen <ADDR> --merchant <ID> --key-id <ID> --secret <BASE64> --merchants <FILE> --mle --keys <DIR> --tls \
             --strict --seed <NUMBER> --clock <TIME> --state <FILE>",
        ),
        ("send", "--to <URL> [FILE]"),
        ("translate", "--config <FILE> [FILE] --mappings <DIR>"),
        ("golden", "[DIR] --bless --filter <TEXT>"),
        ("check", "--config <FILE> --mappings <DIR>"),
        ("mappings", "export"),
        ("mappings export", "--mappings <DIR>"),
    ] {
        let ended = Folder::new().run(&format!("{command} --help"));
        assert_eq!(ended.code, 0, "{command}");
        for option in options.split(' ') {
            assert!(
                ended.out.contains(option),
                "{command} {option}: {}",
                ended.out
            );
        }
        assert!(!ended.out.contains('\x1b'), "{command} is coloured");
    }
}

#[test]
fn the_commands_are_listed() {
    let ended = Folder::new().run("--help");
    assert_eq!(ended.code, 0);
    for command in [
        "serve",
        "sandbox",
        "send",
        "translate",
        "golden",
        "check",
        "mappings",
    ] {
        let line = format!("\n  {command} ");
        assert!(ended.out.contains(&line), "{command}: {}", ended.out);
    }
    let version = Folder::new().run("--version");
    assert_eq!(
        version.out,
        format!("scmp-gateway {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_ne!(Folder::new().run("").code, 0);
}
