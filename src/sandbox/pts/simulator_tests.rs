//! The tables against the amounts that public suites and the provider's page have.

use clap::ValueEnum as _;

use super::*;

fn units(units: u128) -> Amount {
    Amount::read("0", "USD").unwrap().same_currency(units)
}

fn decline(processor: Processor, asked: Asked, amount: u128) -> Option<(u16, String)> {
    let found = of(processor, asked).decline(units(amount));
    found.map(|(reason, shown)| (reason.code, shown))
}

#[test]
fn amounts_that_public_suites_check() {
    for (amount, expected) in [
        (2201, 231),
        (2302, 210),
        (2303, 203),
        (2401, 201),
        (2501, 205),
        (2503, 209),
        (2521, 204),
        (2522, 202),
        (2524, 211),
        (2595, 208),
        (2000, 150),
        (2239, 234),
        (401, 201),
        (1500, 203),
    ] {
        let found = decline(Processor::Paymentech, Asked::Payment, amount);
        assert_eq!(found.map(|(code, _)| code), Some(expected), "{amount}");
    }
    assert_eq!(
        decline(Processor::Paymentech, Asked::Payment, 2000),
        Some((150, "000".to_owned()))
    );
}

#[test]
fn other_processors_have_amounts_of_their_own() {
    use Processor::*;
    for (processor, amount, code, shown) in [
        (Omnipay, 1002, 201, "02"),
        (Omnipay, 1003, 234, "03"),
        (Omnipay, 1008, 250, "08"),
        (Omnipay, 1012, 208, "12"),
        (Vpc, 4012, 208, "0012"),
        (Vpc, 4065, 251, "0065"),
        (Vpc, 4096, 150, "0096"),
        (Vpc, 7002, 231, "0002"),
        (Moneris, 208, 150, "208"),
        (Moneris, 216, 207, "216"),
        (Moneris, 219, 210, "219"),
    ] {
        assert_eq!(
            decline(processor, Asked::Credit, amount),
            Some((code, shown.to_owned())),
            "{processor:?} {amount}"
        );
    }
    for (processor, amount) in [
        (Omnipay, 2303),
        (Omnipay, 1001),
        (Moneris, 2303),
        (Vpc, 4012),
    ] {
        let found = decline(processor, Asked::Payment, amount);
        assert_eq!(found, None, "{processor:?} {amount}");
    }
}

#[test]
fn checks_can_need_a_security_code() {
    let south = of(Processor::FdmsSouth, Asked::Payment);
    assert_eq!(south.avs(units(3008), Some("2222")), "N");
    assert_eq!(south.avs(units(3008), Some("123")), "X");
    assert_eq!(south.avs(units(3008), None), "X");
    assert_eq!(south.card_verification(units(3009), "2222"), "N");
    assert_eq!(south.part(units(3004)), Some(units(2999)));
    assert_eq!(south.balance(units(3001)), Some(units(3500)));
    let omnipay = of(Processor::Omnipay, Asked::Payment);
    assert_eq!(omnipay.card_verification(units(9001), "1111"), "N");
    assert_eq!(omnipay.card_verification(units(9001), "123"), "M");
    assert_eq!(omnipay.part(units(1011)), Some(units(1000)));
    let amex = of(Processor::AmexDirect, Asked::Payment);
    assert_eq!(amex.avs(units(1061), None), "N");
    let vpc = of(Processor::Vpc, Asked::Payment);
    assert_eq!(
        (vpc.avs(units(10), None), vpc.approval.approval_code),
        ("Y", "831000")
    );
}

#[test]
fn every_code_is_there_once_and_has_an_outcome() {
    let mut count = 0;
    for processor in Processor::value_variants() {
        for asked in [Asked::Payment, Asked::Credit] {
            for declines in of(*processor, asked).declines {
                let codes = declines.codes.iter().flat_map(|(_, codes)| *codes);
                let mut seen: Vec<u16> = codes.copied().collect();
                let all = seen.len();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), all, "{processor:?}");
                for (code, _) in declines.codes {
                    assert!(reason::find(*code).is_some(), "{code}");
                }
                count = count.max(all);
            }
        }
    }
    assert_eq!(count, 129);
}
