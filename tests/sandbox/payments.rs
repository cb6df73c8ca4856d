//! Authorizations, sales, debits and credits: what goes in, and what comes back.

use serde_json::{Value, json};

use super::client::{Answer, FIRST, Running, SECOND};

pub const PAYMENTS: &str = "/pts/v2/payments";
pub const CREDITS: &str = "/pts/v2/credits";

/// A payment that wants nothing unusual.
pub fn payment(amount: &str) -> Value {
    json!({
        "clientReferenceInformation": {"code": "ref9876"},
        "paymentInformation": {"card": {"number": "4111111111111111", "expirationMonth": "12",
            "expirationYear": "2099", "securityCode": "123", "type": "001"}},
        "orderInformation": {
            "amountDetails": {"totalAmount": amount, "currency": "USD"},
            "billTo": {"firstName": "Jane", "lastName": "Smith", "address1": "123 Main Street",
                "locality": "Small Town", "administrativeArea": "CA", "postalCode": "98765",
                "country": "US", "email": "jsmith@example.com"},
        },
    })
}

/// The same, captured at once.
pub fn sale(amount: &str) -> Value {
    let mut body = payment(amount);
    body["processingInformation"] = json!({"capture": true});
    body
}

/// A debit of a bank account.
pub fn debit(routing: &str, account: &str) -> Value {
    let mut body = payment("10.00");
    body["processingInformation"] = json!({"bankTransferOptions": {"secCode": "WEB"}});
    body["paymentInformation"] = json!({
        "paymentType": {"name": "CHECK"},
        "bank": {"account": {"number": account, "type": "C"}, "routingNumber": routing},
    });
    body
}

/// HTTP status, `status` and the reason, wherever it stands.
pub fn outcome(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let reason = match body.get("reason") {
        Some(reason) => reason,
        None => &body["errorInformation"]["reason"],
    };
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    (answer.status, text(&body["status"]), text(reason))
}

/// The fields that a refusal blames.
pub fn blamed(answer: &Answer) -> Vec<String> {
    let details = answer.json()["details"].as_array().cloned();
    let field = |detail: &Value| detail["field"].as_str().unwrap_or("-").to_owned();
    details.unwrap_or_default().iter().map(field).collect()
}

#[tokio::test]
async fn an_authorization_has_the_shape_of_the_guides_example() {
    let sandbox = Running::start().await;
    let answer = sandbox.post(PAYMENTS, payment("102.21")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/hal+json;charset=utf-8"));
    let (id, mut body) = (answer.id(), answer.json());
    assert!(
        id.len() == 22 && id.bytes().all(|byte| byte.is_ascii_digit()),
        "{id}"
    );
    let network = body["processorInformation"]["networkTransactionId"].clone();
    assert_eq!(network.as_str().map(str::len), Some(15));
    let reconciliation = body["reconciliationId"].as_str().unwrap();
    assert_eq!(reconciliation.len(), 16);
    let submitted = body["submitTimeUtc"].as_str().unwrap();
    assert!(
        submitted.len() == 20 && submitted.ends_with('Z'),
        "{submitted}"
    );
    for name in ["reconciliationId", "submitTimeUtc"] {
        body.as_object_mut().unwrap().remove(name);
    }
    let path = format!("{PAYMENTS}/{id}");
    let expected = json!({
        "_links": {
            "authReversal": {"method": "POST", "href": format!("{path}/reversals")},
            "self": {"method": "GET", "href": path},
            "capture": {"method": "POST", "href": format!("{path}/captures")},
        },
        "clientReferenceInformation": {"code": "ref9876"},
        "id": id,
        "orderInformation": {"amountDetails": {"authorizedAmount": "102.21", "currency": "USD"}},
        "paymentAccountInformation": {"card": {"type": "001"}},
        "paymentInformation": {"tokenizedCard": {"type": "001"}, "card": {"type": "001"}},
        "pointOfSaleInformation": {"terminalId": "111111"},
        "processorInformation": {"approvalCode": "888888", "networkTransactionId": network,
            "transactionId": network, "responseCode": "100",
            "avs": {"code": "X", "codeRaw": "I1"},
            "cardVerification": {"resultCode": "M", "resultCodeRaw": "M"}},
        "status": "AUTHORIZED",
    });
    assert_eq!(body, expected);
}

/// The guide's example, whose email is empty and which has no reference.
#[tokio::test]
async fn the_guides_own_example_is_taken() {
    let sandbox = Running::start().await;
    let body = json!({
        "processingInformation": {"actionList": ["TOKEN_CREATE"],
            "actionTokenTypes": ["instrumentIdentifier"]},
        "paymentInformation": {"card": {"number": "4111111111111111", "expirationMonth": "12",
            "expirationYear": "2031", "securityCode": "123"}},
        "orderInformation": {"amountDetails": {"totalAmount": "102.21", "currency": "USD"},
            "billTo": {"firstName": "John", "lastName": "Doe", "address1": "1 Market St",
                "locality": "san francisco", "administrativeArea": "CA", "postalCode": "94105",
                "country": "US", "email": "", "phoneNumber": "4158880000"}},
    });
    let answer = sandbox.post(PAYMENTS, body).await;
    assert_eq!(outcome(&answer).1, "AUTHORIZED", "{}", answer.text);
    let code = answer.json()["clientReferenceInformation"]["code"].clone();
    assert_eq!(code.as_str().map(str::len), Some(13));
    let state = &answer.json()["tokenInformation"]["instrumentIdentifier"]["state"];
    assert_eq!(state, "ACTIVE");
}

#[tokio::test]
async fn ids_rise_and_the_slash_is_free() {
    let sandbox = Running::start().await;
    let mut last = String::new();
    for path in [PAYMENTS, "/pts/v2/payments/", PAYMENTS] {
        let answer = sandbox.post(path, payment("1.00")).await;
        assert_eq!(answer.status, 201);
        assert!(answer.id() > last);
        last = answer.id();
    }
}

#[tokio::test]
async fn a_sale_and_a_debit_can_be_voided_and_refunded() {
    let sandbox = Running::start().await;
    for (body, status) in [
        (sale("10"), "AUTHORIZED"),
        (debit("121042882", "4100"), "PENDING"),
    ] {
        let answer = sandbox.post(PAYMENTS, body).await;
        assert_eq!(outcome(&answer), (201, status.to_owned(), "-".to_owned()));
        let body = answer.json();
        assert_eq!(
            body["orderInformation"]["amountDetails"]["totalAmount"],
            "10.00"
        );
        for name in ["self", "void", "refund"] {
            assert!(body["_links"].get(name).is_some(), "{name}");
        }
        assert!(body["_links"].get("capture").is_none());
    }
}

#[tokio::test]
async fn a_credit_writes_its_currency_small() {
    let sandbox = Running::start().await;
    let answer = sandbox.post(CREDITS, payment("5.009")).await;
    assert_eq!(outcome(&answer).1, "PENDING");
    let expected = json!({"creditAmount": "5.00", "currency": "usd"});
    assert_eq!(answer.json()["creditAmountDetails"], expected);
    let void = format!("{CREDITS}/{}/voids", answer.id());
    assert_eq!(answer.json()["_links"]["void"]["href"], void);
    assert_eq!(sandbox.post(&void, json!({})).await.status, 201);
    let again = sandbox.post(&void, json!({})).await;
    assert_eq!(outcome(&again).2, "NOT_VOIDABLE");
}

#[tokio::test]
async fn amounts_are_cut_to_the_currency() {
    let sandbox = Running::start().await;
    for (amount, currency, shown) in [
        ("0.1", "USD", "0.10"),
        ("10.999", "EUR", "10.99"),
        ("1500.75", "JPY", "1500"),
        ("1.23456", "KWD", "1.234"),
        ("0", "USD", "0.00"),
        ("12345678901234.56", "USD", "12345678901234.56"),
    ] {
        let mut body = payment(amount);
        body["orderInformation"]["amountDetails"]["currency"] = json!(currency);
        let answer = sandbox.post(PAYMENTS, body).await;
        let amounts = &answer.json()["orderInformation"]["amountDetails"];
        if amount != "1500.75" {
            assert_eq!(amounts["authorizedAmount"], shown, "{amount} {currency}");
        } else {
            // Cut to 1500, which is a trigger.
            assert_eq!(outcome(&answer).2, "PROCESSOR_DECLINED");
        }
    }
}

#[tokio::test]
async fn missing_fields_are_all_named() {
    let sandbox = Running::start().await;
    let empty = sandbox.post(PAYMENTS, json!({})).await;
    let expected = (
        400,
        "INVALID_REQUEST".to_owned(),
        "MISSING_FIELD".to_owned(),
    );
    assert_eq!(outcome(&empty), expected);
    let mut fields = blamed(&empty);
    fields.sort();
    let bill_to = |name: &str| format!("orderInformation.billTo.{name}");
    let mut expected = vec![
        "orderInformation.amountDetails.totalAmount".to_owned(),
        "orderInformation.amountDetails.currency".to_owned(),
        "paymentInformation.card.number".to_owned(),
        "paymentInformation.card.expirationMonth".to_owned(),
        "paymentInformation.card.expirationYear".to_owned(),
    ];
    let names = [
        "firstName",
        "lastName",
        "address1",
        "locality",
        "country",
        "email",
    ];
    expected.extend(names.map(bill_to));
    expected.sort();
    assert_eq!(fields, expected);
    assert!(
        empty.json()["message"]
            .as_str()
            .unwrap()
            .starts_with("Declined - The request")
    );

    let mut body = payment("1.00");
    body["orderInformation"]["billTo"]["postalCode"] = json!("");
    let area = sandbox.post(PAYMENTS, body.clone()).await;
    assert_eq!(blamed(&area), [bill_to("postalCode")]);
    body["orderInformation"]["billTo"]["country"] = json!("DE");
    assert_eq!(sandbox.post(PAYMENTS, body).await.status, 201);

    let mut account = debit("121042882", "4100");
    account["paymentInformation"]["bank"] = json!({});
    let account = sandbox.post(PAYMENTS, account).await;
    assert!(blamed(&account).contains(&"paymentInformation.bank.account.number".to_owned()));
    assert!(blamed(&account).contains(&"paymentInformation.bank.routingNumber".to_owned()));
}

#[tokio::test]
async fn wrong_values_are_named() {
    let sandbox = Running::start().await;
    for (path, value) in [
        ("/paymentInformation/card/number", json!("4111xxxxxxxxxxxx")),
        ("/paymentInformation/card/number", json!("41111111")),
        (
            "/paymentInformation/card/number",
            json!(4111111111111111_u64),
        ),
        ("/paymentInformation/card/expirationMonth", json!(12)),
        ("/paymentInformation/card/expirationMonth", json!("13")),
        ("/paymentInformation/card/expirationYear", json!("20301")),
        ("/paymentInformation/card/securityCode", json!("12")),
        ("/paymentInformation/card/securityCode", json!("abc")),
        (
            "/orderInformation/amountDetails/totalAmount",
            json!("-1.00"),
        ),
        (
            "/orderInformation/amountDetails/totalAmount",
            json!("not-a-number"),
        ),
        ("/orderInformation/amountDetails/totalAmount", json!(1.5)),
        ("/orderInformation/amountDetails/currency", json!("usd")),
        ("/orderInformation/amountDetails/currency", json!("DOLLAR")),
        ("/orderInformation/billTo/country", json!("us")),
        ("/clientReferenceInformation/code", json!("x".repeat(51))),
    ] {
        let mut body = payment("1.00");
        *body.pointer_mut(path).unwrap() = value.clone();
        let answer = sandbox.post(PAYMENTS, body).await;
        let expected = (400, "INVALID_REQUEST".to_owned(), "INVALID_DATA".to_owned());
        assert_eq!(outcome(&answer), expected, "{path} {value}");
        assert_eq!(blamed(&answer), [path[1..].replace('/', ".")], "{value}");
    }
}

#[tokio::test]
async fn stored_credentials_are_taken_and_the_network_id_comes_back() {
    let sandbox = Running::start().await;
    let mut body = payment("100.00");
    body["processingInformation"] = json!({"commerceIndicator": "recurring",
        "authorizationOptions": {"initiator": {"storedCredentialUsed": "true", "type": "merchant",
            "merchantInitiatedTransaction": {"previousTransactionId": "123456789619999"}}}});
    body["paymentInformation"]["card"]["expirationYear"] = json!("99");
    for (number, code, digits) in [
        ("4111111111111111", "001", 15),
        ("5555555555554444", "002", 15),
        ("378282246310005", "003", 15),
        ("6011111111111117", "004", 29),
        ("38000000000006", "005", 29),
    ] {
        body["paymentInformation"]["card"]["number"] = json!(number);
        body["paymentInformation"]["card"]["type"] = json!(code);
        let answer = sandbox.post(PAYMENTS, body.clone()).await.json();
        let network = answer["processorInformation"]["networkTransactionId"].as_str();
        assert_eq!(network.map(str::len), Some(digits), "{answer}");
        assert_eq!(answer["paymentInformation"]["card"]["type"], code);
    }
    body["processingInformation"]["authorizationOptions"]["initiator"]["type"] = json!("me");
    let refused = sandbox.post(PAYMENTS, body).await;
    let field = "processingInformation.authorizationOptions.initiator.type";
    assert_eq!(blamed(&refused), [field]);
}

#[tokio::test]
async fn no_reply_holds_a_card_number() {
    let sandbox = Running::start().await;
    let number = "4111111111111111";
    let mut body = payment("10.00");
    body["processingInformation"] = json!({"capture": true, "actionList": ["TOKEN_CREATE"]});
    body["orderInformation"]["billTo"]["unknown"] = json!(number);
    let made = sandbox.post(PAYMENTS, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let refund = format!("{PAYMENTS}/{}/refunds", made.id());
    let customer = made.json()["tokenInformation"]["customer"]["id"].clone();
    let customer = format!("/tms/v2/customers/{}", customer.as_str().unwrap());
    let mut bad = payment("x");
    bad["paymentInformation"]["card"]["number"] = json!(format!("{number}1111z"));
    for answer in [
        sandbox
            .get(&format!("/tss/v2/transactions/{}", made.id()))
            .await,
        sandbox.get(&customer).await,
        sandbox.post(&refund, body.clone()).await,
        sandbox.post(CREDITS, body).await,
        sandbox.post(PAYMENTS, bad).await,
        made,
    ] {
        assert!(!answer.text.contains(number), "{}", answer.text);
    }
}

#[tokio::test]
async fn merchants_see_only_their_own() {
    let sandbox = Running::start().await;
    let made = sandbox.post(PAYMENTS, sale("10.00")).await.id();
    let body = payment("10.00").to_string();
    for verb in ["captures", "reversals", "refunds", "voids"] {
        let path = format!("{PAYMENTS}/{made}/{verb}");
        let request = sandbox.request("POST", &path).body(&body);
        let answer = sandbox.send(&request.jwt(SECOND)).await;
        assert_eq!(answer.status, 404, "{verb}");
        assert_eq!(answer.json()["errorInformation"]["reason"], "NOT_FOUND ");
    }
    let request = sandbox.request("GET", &format!("/tss/v2/transactions/{made}"));
    assert_eq!(sandbox.send(&request.clone().jwt(SECOND)).await.status, 404);
    assert_eq!(sandbox.send(&request.jwt(FIRST)).await.status, 200);
    let unsigned = sandbox.request("POST", PAYMENTS).body(&body);
    assert_eq!(sandbox.send(&unsigned).await.status, 401);
}
