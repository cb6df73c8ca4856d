//! Slips of the pen in the tables: each is found before any request comes, at its place, with what was probably meant.

use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::diagnostic::Diagnostic;
use scmp_gateway::mapping::source::{SourceFile, embedded};

/// A slip of the pen: the file, what stands there, what is written instead, and what must be said of it.
const SLIPS: [(&str, &str, &str, &str); 38] = [
    (
        "rest/tms.toml",
        "overflow = \"side\"",
        "overflow = \"aside\"",
        "`overflow` is \"side\", of a member with a `max`",
    ),
    (
        "rest/tms.toml",
        "max = 100, overflow",
        "max = 20, overflow",
        "with a `max` of 64 or more",
    ),
    (
        "bodies/customer.toml",
        "path = \"merchantDefinedInformation[name=data1].value\"",
        "path = \"merchantDefinedInformation[name=data1].value\", transform = \"upper\"",
        "leave out `transform`",
    ),
    (
        "flags.toml",
        "means = \"settled\"",
        "means = \"setled\"",
        "unknown meaning \"setled\"; did you mean \"settled\"?",
    ),
    (
        "flags.toml",
        "means = \"done\"",
        "means = \"dune\"",
        "unknown meaning \"dune\"; did you mean \"done\"?",
    ),
    (
        "flags.toml",
        "member = \"rCode\", every = \"1\"",
        "member = \"rCode\"",
        "has either `every` or `one`",
    ),
    (
        "flags.toml",
        "mark     = \"clientReferenceInformation.comments\"",
        "mark     = \"clientReferenceInformation.coments\"",
        "did you mean \"clientReferenceInformation.comments\"?",
    ),
    (
        "flags.toml",
        "GET /tss/v2/transactions/{id}",
        "GET /tss/v2/transaction/{id}",
        "did you mean \"GET /tss/v2/transactions/{id}\"?",
    ),
    (
        "bodies/search.toml",
        "clientReferenceInformation.code:{} AND",
        "clientReferenceInformation.code AND",
        "`within` is a text in which {} stands for the value",
    ),
    (
        "services/ics_void.toml",
        "again = true",
        "again = true, find = true",
        "\"find\" belongs to a search",
    ),
    (
        "services/ics_bill.toml",
        "{ call = \"POST /pts/v2/voids\", body = \"void\" }",
        "{ call = \"POST /pts/v2/credits\", body = \"payment\" }",
        "holds nothing of the customer",
    ),
    (
        "bodies/address.toml",
        "transform = \"upper\"",
        "transform = \"uper\"",
        "unknown transform \"uper\"; did you mean \"upper\"?",
    ),
    (
        "services/ics_pay_subscription_retrieve.toml",
        "code:card_type",
        "code:card_typ",
        "unknown code table \"card_typ\"; did you mean \"card_type\"?",
    ),
    (
        "bodies/instrument.toml",
        "transform = \"month\"",
        "tranform = \"month\"",
        "did you mean \"transform\"?",
    ),
    (
        "bodies/instrument.toml",
        "\"customer_phone\"",
        "\"customer_fone\"",
        "unknown field \"customer_fone\"; did you mean \"customer_phone\"?",
    ),
    (
        "bodies/instrument.toml",
        "\"billTo.address2\"",
        "\"billTo.address1\"",
        "\"billTo.address1\" stands twice in this body",
    ),
    (
        "bodies/instrument.toml",
        "variant = \"check\"",
        "variant = \"cheque\"",
        "unknown variant \"cheque\"",
    ),
    (
        "bodies/instrument.toml",
        "\"identifier.id\"",
        "\"identifer.id\"",
        "unknown step \"identifer\"; did you mean \"identifier\"?",
    ),
    (
        "bodies/instrument.toml",
        "method = \"POST\"",
        "method = \"POTS\"",
        "unknown method \"POTS\"; did you mean \"POST\"?",
    ),
    (
        "bodies/identifier.toml",
        "setting = \"network_tokens\"",
        "setting = \"network_token\"",
        "unknown setting \"network_token\"; did you mean \"network_tokens\"?",
    ),
    (
        "services/ics_pay_subscription_create.toml",
        "setting_off = \"relaxed_address\"",
        "setting_off = \"relaxed_adress\"",
        "unknown setting \"relaxed_adress\"; did you mean \"relaxed_address\"?",
    ),
    (
        "services/ics_pay_subscription_create.toml",
        "[\"telecheck\"]",
        "[\"telechek\"]",
        "unknown processor \"telechek\"; did you mean \"telecheck\"?",
    ),
    (
        "services/ics_pay_subscription_create.toml",
        "\"customer.id\"",
        "\"customr.id\"",
        "unknown step \"customr\"; did you mean \"customer\"?",
    ),
    (
        "services/ics_pay_subscription_retrieve.toml",
        "billTo.firstName",
        "billTo.firstNam",
        "did you mean \"_embedded.defaultPaymentInstrument.billTo.firstName\"?",
    ),
    (
        "services/ics_pay_subscription_delete.toml",
        "\"@rflag\"",
        "\"@rflg\"",
        "unknown computed value \"@rflg\"; did you mean \"@rflag\"?",
    ),
    (
        "fields/card.toml",
        "override_payment_method ",
        "bill_city ",
        "\"bill_city\" is in the dictionary already",
    ),
    (
        "fields/check.toml",
        "\"digits\"",
        "\"digit\"",
        "unknown type \"digit\"; did you mean \"digits\"?",
    ),
    (
        "fields/address.toml",
        "moneris = 50",
        "monneris = 50",
        "unknown processor \"monneris\"; did you mean \"moneris\"?",
    ),
    (
        "codes.toml",
        "\"american express\"",
        "\"visa\"",
        "\"003\" has a REST value that \"001\" has already",
    ),
    (
        "flags.toml",
        "flag = \"DDUPLICATE\"",
        "flag = \"DDUPLICAT\"",
        "unknown flag \"DDUPLICAT\"; did you mean \"DDUPLICATE\"?",
    ),
    (
        "services/ics_void.toml",
        "kind = [\"capture\"]",
        "kind = [\"captrue\"]",
        "unknown kind \"captrue\"; did you mean \"capture\"?",
    ),
    (
        "services/ics_auth.toml",
        "kind = \"sale\"",
        "kind = \"slae\"",
        "unknown kind \"slae\"; did you mean \"sale\"?",
    ),
    (
        "flags.toml",
        "status = \"PENDING\"",
        "status = \"PENDINGG\"",
        "unknown status \"PENDINGG\"; did you mean \"PENDING\"?",
    ),
    (
        "flags.toml",
        "type = \"EXPIRED_CARD\"",
        "type = \"EXPIRED_CRAD\"",
        "unknown reason \"EXPIRED_CRAD\"; did you mean \"EXPIRED_CARD\"?",
    ),
    (
        "flags.toml",
        "group = \"pts\"",
        "group = \"pst\"",
        "unknown group \"pst\"; did you mean \"pts\"?",
    ),
    (
        "flags.toml",
        "{ group = \"pts\", http = \"408\",",
        "{ group = \"pts\", http = \"408\", wrong_id = true,",
        "`wrong_id` has the next kind tried",
    ),
    (
        "bodies/payment.toml",
        "customer_cc_expmo = \"12\"",
        "customer_cc_expmo = \"13\"",
        "\"customer_cc_expmo\" is never \"13\" (must be 01 to 12).",
    ),
    (
        "codes.toml",
        "USD = \"2\"",
        "USD = \"x\"",
        "\"USD\" has \"x\" decimals; write 0 to 4.",
    ),
];

#[test]
fn a_slip_of_the_pen_is_found_at_its_place() {
    for (path, right, wrong, message) in SLIPS {
        let mut files = embedded();
        let file = files
            .iter_mut()
            .find(|file| file.path == path)
            .expect("a table");
        let at = file.text.find(right).expect("what stands in the table");
        let line = file.text[..at].matches('\n').count() + 1;
        file.text = file.text.replacen(right, wrong, 1).into();
        let shown = file.shown.clone();
        let faults = faults(&files);
        let told = |fault: &Diagnostic| {
            fault.file == shown && fault.line == Some(line) && fault.message.contains(message)
        };
        assert!(
            faults.iter().any(told),
            "{path}:{line}: {wrong}: {faults:#?}"
        );
    }
}

/// A step is reported at its head, for it has many lines.
#[test]
fn a_wrong_step_is_found_at_its_line() {
    for (right, wrong, message) in [
        (
            "if_match = \"stored_address\"",
            "if_match = \"stored_adress\"",
            "unknown step \"stored_adress\"; did you mean \"stored_address\"?",
        ),
        (
            "PATCH /tms/v2/customers/{customerId}\"",
            "PATCH /tms/v2/customer/{customerId}\"",
            "did you mean \"PATCH /tms/v2/customers/{customerId}\"?",
        ),
        (
            "body = \"customer\"",
            "body = \"custmer\"",
            "\"custmer\" has no file under bodies/; did you mean \"customer\"?",
        ),
        (
            "changed = \"customer\"",
            "chnged = \"customer\"",
            "did you mean \"changed\"?",
        ),
    ] {
        let mut files = embedded();
        let update = "services/ics_pay_subscription_update.toml";
        let file = files
            .iter_mut()
            .find(|file| file.path == update)
            .expect("a table");
        let at = file.text.find(right).expect("what stands in the table");
        let line = file.text[..at].matches('\n').count() + 1;
        file.text = file.text.replacen(right, wrong, 1).into();
        let faults = faults(&files);
        let told = |fault: &Diagnostic| {
            fault.file.ends_with(update)
                && fault.message.contains(message)
                && fault.line == Some(line)
        };
        assert!(faults.iter().any(told), "{line}: {wrong}: {faults:#?}");
    }
}

/// What is made before its values are kept can be undone, should they not be.
#[test]
fn a_call_whose_values_may_not_be_kept_says_what_undoes_it() {
    let mut files = embedded();
    let create = "services/ics_pay_subscription_create.toml";
    let found = files.iter_mut().find(|file| file.path == create);
    let file = found.expect("a table");
    let lines = file
        .text
        .lines()
        .filter(|line| !line.starts_with("undo = "));
    file.text = lines.collect::<Vec<_>>().join("\n").into();
    let call = "call = \"POST /tms/v2/customers\"";
    let at = file.text.find(call).expect("the call");
    let line = file.text[..at].matches('\n').count() + 1;
    let faults = faults(&files);
    let told = |fault: &Diagnostic| {
        fault.line == Some(line) && fault.message.contains("say what undoes it")
    };
    assert!(faults.iter().any(told), "{line}: {faults:#?}");
}

fn faults(files: &[SourceFile]) -> Vec<Diagnostic> {
    compile(files).err().unwrap_or_default()
}

/// A fault of form hides no fault of meaning, be it in the same file.
#[test]
fn every_fault_is_told_at_once() {
    let mut files = embedded();
    let mut change = |path: &str, from: &str, to: &str| {
        let file = files.iter_mut().find(|file| file.path == path);
        let text = &mut file.expect("the table").text;
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1).into();
    };
    change("fields/payment.toml", "auth_code  ", "auth_code = 7 # ");
    change(
        "fields/payment.toml",
        "type = \"decimal\"",
        "type = \"decimol\"",
    );
    change(
        "bodies/payment.toml",
        "transform = \"upper\"",
        "tranform = \"upper\"",
    );
    change(
        "bodies/payment.toml",
        "orderInformation.billTo.address1",
        "orderInformation.billTo.adress1",
    );
    change("codes.toml", "\"001\" = { rest", "\"001\" = { rst");
    change("rest/pts.toml", "max = 50", "maks = 50");
    let faults: Vec<String> = faults(&files).iter().map(ToString::to_string).collect();
    for words in [
        "invalid type",
        "decimol",
        "tranform",
        "adress1",
        "codes.toml",
        "maks",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words} in {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
}
