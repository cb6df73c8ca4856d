//! The processors whose simulators the sandbox plays.

/// A processor's simulator: which amounts decline, and what replies look like.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Processor {
    /// Chase Paymentech, which new test accounts have: 2000 + processor code. Address, card verification and partial
    /// amounts of other simulators are known to it too.
    #[default]
    Paymentech,
    /// OmniPay Direct: 1000 + response code; card verification 9000 to 9005 with the security code 1111.
    Omnipay,
    /// Visa Platform Connect: credits of 4000 or 7000 + response code.
    Vpc,
    /// FDMS Nashville: address results 3000 to 3006.
    FdmsNashville,
    /// FDMS South: balances, a part of 3004, checks of 3008 and 3009 with the security code 2222.
    FdmsSouth,
    /// American Express Direct: a part of 1071, the address check of 1061.
    AmexDirect,
    /// Moneris: the amount is the response code, 208 to 219.
    Moneris,
}
