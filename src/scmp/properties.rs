//! What holds for every input of the codec.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Request<'_>, ParseError> {
    super::parse(text, &())
}

fn charset() -> impl Strategy<Value = Charset> {
    prop_oneof![
        Just(Charset::Utf8),
        Just(Charset::Latin1),
        Just(Charset::Windows1252),
        Just(Charset::ShiftJis),
        Just(Charset::EucJp),
    ]
}

/// A folded value: words between single spaces.
fn value() -> impl Strategy<Value = String> {
    vec("[!-]_-~é表タ\u{3000}]{1,8}", 1..4).prop_map(|words| words.join(" "))
}

/// A name that is in lower case and is not an offer's.
fn name() -> impl Strategy<Value = String> {
    "[a-npz_][a-z0-9_]{0,12}"
}

/// Text made of what the grammar looks at, so that most of it parses to something.
fn dense_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("=".to_owned()),
        Just("^".to_owned()),
        Just(":".to_owned()),
        Just("  ".to_owned()),
        Just("\t".to_owned()),
        Just("offerid".to_owned()),
        "(a|B|ab|Offer)[0-9]?=",
        "offer[0-3]=a:[0-9]\\^B:[0-9]",
        "[a-c0-9表é]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// Bytes close to real ones: lead and trail bytes of the Japanese charsets among delimiters.
fn dense_bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => any::<u8>().prop_map(|byte| vec![byte]),
        3 => prop::sample::select(b"=\n\r^: \toffer0ab".to_vec()).prop_map(|byte| vec![byte]),
        1 => Just(b"offer0=a:1^b:".to_vec()),
        1 => Just(b"a=\x83\x5e".to_vec()),
    ];
    vec(part, 0..80).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(
        fields in btree_map(name(), value(), 1..20),
        offers in btree_map(0..50_u32, btree_map(name(), "[a-zé表タ:=.0-9]{1,8}", 1..5), 0..5),
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let mut text = String::new();
        for (name, value) in &fields {
            text += &format!("{name}={value}{end}");
        }
        for (number, pairs) in &offers {
            let tokens: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            text += &format!("offer{number}={}{end}", tokens.join("^"));
        }
        let request = parse(&text).unwrap();
        let read: BTreeMap<_, _> =
            request.fields().map(|f| (f.name.to_string(), f.value.to_string())).collect();
        prop_assert_eq!(&read, &fields);
        let read: BTreeMap<_, BTreeMap<_, _>> = request
            .offers()
            .iter()
            .map(|offer| {
                let pairs = offer.pairs().map(|p| (p.name.to_string(), p.value.to_string()));
                (offer.number, pairs.collect())
            })
            .collect();
        prop_assert_eq!(&read, &offers);
        prop_assert_eq!(request.unusable_lines(), 0);
        prop_assert_eq!(request.render(), text.replace("\r\n", "\n"));
    }

    #[test]
    fn what_parses_renders_to_itself(text in dense_text()) {
        if let Ok(request) = parse(&text) {
            let rendered = request.render();
            let again = parse(&rendered).unwrap();
            prop_assert_eq!(&again, &request);
            prop_assert_eq!(again.unusable_lines(), 0);
            prop_assert_eq!(again.render(), rendered);
        }
    }

    #[test]
    fn no_bytes_make_the_codec_panic(bytes in dense_bytes(), charset in charset()) {
        let _ = peek(&bytes, "a");
        if let Ok(text) = charset.decode(&bytes) {
            let _ = parse(&text);
            let _ = Reply::parse(&text);
        }
        prop_assert!(Charset::guess(&bytes).decode(&bytes).is_ok());
    }

    #[test]
    fn an_undecoded_field_is_the_decoded_one(bytes in dense_bytes(), charset in charset()) {
        let Ok(text) = charset.decode(&bytes) else { return Ok(()) };
        let Ok(request) = parse(&text) else { return Ok(()) };
        let decoded = request.get("a").filter(|value| value.is_ascii());
        let peeked = peek(&bytes, "a");
        prop_assert_eq!(peeked.as_deref(), decoded);
    }

    #[test]
    fn no_value_forges_a_reply_field(
        values in vec(prop_oneof![any::<String>(), dense_text()], 1..6),
        charset in charset(),
    ) {
        let mut reply = Reply::default();
        for (place, value) in values.iter().enumerate() {
            reply.push(&format!("field_{place}"), value);
        }
        let bytes = reply.render(charset);
        let line_ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        prop_assert_eq!(line_ends, values.len());
        let text = charset.decode(&bytes).unwrap();
        let forged_end = text.contains(['\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!forged_end);
        let read = Reply::parse(&text);
        let names: Vec<_> = read.iter().map(|(name, _)| name.to_owned()).collect();
        let expected: Vec<_> = (0..values.len()).map(|place| format!("field_{place}")).collect();
        prop_assert_eq!(names, expected);
        if charset == Charset::Utf8 {
            prop_assert_eq!(read, reply);
        }
    }

    #[test]
    fn encoding_loses_only_what_the_charset_lacks(text in any::<String>(), charset in charset()) {
        // Not at the start, where U+FEFF would be a byte order mark.
        let text = format!("x{text}");
        let once = charset.decode(&charset.encode(&text)).unwrap().into_owned();
        let twice = charset.decode(&charset.encode(&once)).unwrap().into_owned();
        prop_assert_eq!(&twice, &once);
        prop_assert_eq!(once.chars().count(), text.chars().count());
        if charset == Charset::Utf8 {
            prop_assert_eq!(once, text);
        }
    }

    #[test]
    fn japanese_text_survives_both_charsets(text in "[ぁ-んァ-ヶ一二三表示東京戎a-z0-9=^:]{0,40}") {
        for charset in [Charset::ShiftJis, Charset::EucJp] {
            let bytes = charset.encode(&text);
            prop_assert_eq!(charset.decode(&bytes).unwrap(), text.as_str());
        }
    }

    #[test]
    fn western_bytes_survive(bytes in any::<Vec<u8>>()) {
        for charset in [Charset::Latin1, Charset::Windows1252] {
            let text = charset.decode(&bytes).unwrap();
            prop_assert_eq!(&*charset.encode(&text), &*bytes);
        }
    }

    #[test]
    fn no_error_shows_a_value(text in "customer_cc_number=4111111111111111[\0\n^:=a]{0,6}(offer0=4111111111111111)?") {
        if let Err(error) = parse(&text) {
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains("4111"));
        }
    }
}

#[test]
fn a_caret_within_a_shift_jis_character_splits_no_offer() {
    // Every character of Shift_JIS whose second byte is 0x5E.
    let leads = (0x81..=0x9f_u8).chain(0xe0..=0xfc);
    let characters: Vec<_> = leads
        .filter_map(|lead| {
            Charset::ShiftJis
                .decode(&[lead, b'^'])
                .ok()
                .map(|c| (lead, c.into_owned()))
        })
        .collect();
    assert!(characters.len() > 40 && characters.contains(&(0x83, "タ".to_owned())));
    for (lead, character) in characters {
        let bytes = [b"offer0=product_name:x", &[lead, b'^'][..], b"y^amount:1\n"].concat();
        let text = Charset::ShiftJis.decode(&bytes).unwrap();
        let request = parse(&text).unwrap();
        let offer = &request.offers()[0];
        assert_eq!(offer.get("product_name"), Some(&*format!("x{character}y")));
        assert_eq!(offer.get("amount"), Some("1"));
    }
}
