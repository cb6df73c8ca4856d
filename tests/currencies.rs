//! The table of currencies against an independent list of ISO 4217.

use iso_currency::{Currency, IntoEnumIterator};
use scmp_gateway::mapping::source::embedded;

/// Units of account: nobody is paid in them.
const FUNDS: [&str; 9] = [
    "BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYW", "XAD",
];

/// Currencies that the standard has withdrawn and that old shops may still name.
const WITHDRAWN: [&str; 3] = ["ANG = \"2\"", "LTL = \"2\"", "LVL = \"2\""];

#[test]
fn currencies_have_the_decimals_of_the_standard() {
    let files = embedded();
    let codes = files.iter().find(|file| file.path == "codes.toml");
    let text = &codes.expect("codes.toml").text;
    let table = text.split("[iso_currency]\n").nth(1).expect("the table");
    let ours: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
    let standard = Currency::iter().filter_map(|currency| {
        let decimals = currency.exponent()?;
        let line = format!("{} = \"{decimals}\"", currency.code());
        (!FUNDS.contains(&currency.code())).then_some(line)
    });
    let mut expected: Vec<String> = standard.chain(WITHDRAWN.map(str::to_owned)).collect();
    expected.sort();
    assert_eq!(ours, expected);
}
