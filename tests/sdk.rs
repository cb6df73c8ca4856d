//! The official SDKs, Python's and Node's, against the built binary.
//!
//! They are looked for in the folders that SCMP_GATEWAY_SDK_PYTHON (a virtual environment) and
//! SCMP_GATEWAY_SDK_NODE (with `node_modules`) name, else in `target/sdk/python` and
//! `target/sdk/node`, where `.ci/run` installs them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

const MERCHANT: &str = "mid1234";
const KEY_ID: &str = "08c94330-f618-42a3-b09d-e1e43be5efda";
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Names a file of models to hold replies against, see tests/sdk/models.py.
const MODELS: &str = "SCMP_GATEWAY_SDK_MODELS";
const WRONG_SECRET: &str = "d3Jvbmcgc2VjcmV0IG9mIHRoZSByaWdodCBsZW5ndGg=";

/// The built-in merchant, as a member of a portfolio.
const MERCHANTS: &str = r#"
[[merchants]]
id = "mid1234"
portfolio = "chain1"
key_id = "08c94330-f618-42a3-b09d-e1e43be5efda"
secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

[[merchants]]
id = "chain1"
key_id = "metakey"
secret = "c2VjcmV0IG9mIHRoZSBwb3J0Zm9saW8sIGxvbmcgZW5vdWdo"
"#;
const METAKEY: (&str, &str) = (
    "metakey",
    "c2VjcmV0IG9mIHRoZSBwb3J0Zm9saW8sIGxvbmcgZW5vdWdo",
);

/// A running sandbox with its folder of keys; ends with this value.
struct Sandbox {
    process: Child,
    keys: tempfile::TempDir,
    /// Keys of the same merchant that the sandbox does not know.
    strange_keys: tempfile::TempDir,
    plain: String,
    tls: String,
}

impl Sandbox {
    fn start() -> Self {
        let keys = tempfile::tempdir().expect("a folder");
        let strange_keys = tempfile::tempdir().expect("a folder");
        scmp_gateway::sandbox::Keys::in_folder(strange_keys.path(), &[MERCHANT.to_owned()])
            .expect("keys are made");
        let merchants = keys.path().join("merchants.toml");
        std::fs::write(&merchants, MERCHANTS).expect("the merchants are written");
        let mut process = Command::new(env!("CARGO_BIN_EXE_scmp-gateway"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--mle", "--merchants"])
            .arg(merchants)
            .args(["--tls", "127.0.0.1:0", "--keys"])
            .arg(keys.path())
            .env("SCMP_GATEWAY_LOG", "off")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = BufReader::new(process.stderr.take().expect("its stderr"));
        let (mut plain, mut tls) = (None, None);
        for line in said.lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("https     ") {
                tls = Some(url.to_owned());
            }
            if let Some((_, url)) = line.split_once("listening ") {
                plain = Some(url.to_owned());
                break;
            }
        }
        Self {
            process,
            keys,
            strange_keys,
            plain: plain.expect("it said where it listens"),
            tls: tls.expect("it said where it listens with TLS"),
        }
    }

    fn key(&self, name: &str) -> String {
        let path = self.keys.path().join(name);
        path.to_str().expect("a path of characters").to_owned()
    }

    /// The name of the certificate that replies are sealed for.
    fn reply_kid(&self) -> String {
        let pem = std::fs::read_to_string(self.key("mid1234-reply.pem")).expect("the file");
        let certificate = scmp_gateway::sandbox::Certificate::from_pem(&pem);
        certificate.expect("a certificate").kid().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Already ended, or ended now; either is well.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// How a client authenticates.
#[derive(Clone, Copy)]
enum Scheme {
    Signature,
    Shared,
    P12,
    /// A P12 file, with sealed requests and replies.
    P12Sealed,
    /// The shared secret, with sealed requests and replies.
    SharedSealed,
}

impl Scheme {
    const ALL: [Self; 5] = [
        Self::Signature,
        Self::Shared,
        Self::P12,
        Self::SharedSealed,
        Self::P12Sealed,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Signature => "HTTP Signature",
            Self::Shared => "JWT with shared secret",
            Self::P12 => "JWT with P12",
            Self::SharedSealed => "JWT with shared secret and MLE",
            Self::P12Sealed => "JWT with P12 and MLE",
        }
    }

    fn is_p12(self) -> bool {
        matches!(self, Self::P12 | Self::P12Sealed)
    }

    /// Only a JWT can carry sealed messages.
    fn is_jwt(self) -> bool {
        !matches!(self, Self::Signature)
    }

    fn is_sealed(self) -> bool {
        matches!(self, Self::P12Sealed | Self::SharedSealed)
    }
}

/// The names that an SDK gives its settings.
#[derive(Clone, Copy)]
enum Sdk {
    Python,
    Node,
}

impl Sdk {
    fn settings(self, sandbox: &Sandbox, url: &str, scheme: Scheme, secret: &str) -> Value {
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let authentication = match scheme {
            Scheme::Signature => "http_signature",
            _ => "jwt",
        };
        let kind = if scheme.is_p12() {
            "P12"
        } else {
            "SHARED_SECRET"
        };
        let keys = sandbox.keys.path();
        let mut settings = match self {
            // The SDK cannot read booleans while its log is off.
            Self::Python => json!({
                "authentication_type": authentication, "merchantid": MERCHANT,
                "merchant_keyid": KEY_ID, "merchant_secretkey": secret,
                "run_environment": host, "IntermediateHost": url, "jwt_key_type": kind,
                "keys_directory": keys, "key_file_name": MERCHANT, "key_alias": MERCHANT,
                "key_password": MERCHANT, "timeout": 5000,
            }),
            Self::Node => json!({
                "authenticationType": authentication, "merchantID": MERCHANT,
                "merchantKeyId": KEY_ID, "merchantsecretKey": secret,
                "runEnvironment": host, "intermediateHost": url, "jwtKeyType": kind,
                "keysDirectory": keys, "keyFileName": MERCHANT, "keyAlias": MERCHANT,
                "keyPass": MERCHANT, "logConfiguration": {"enableLog": false},
            }),
        };
        if scheme.is_jwt() {
            // One call is always sealed by the SDKs when there is a JWT.
            settings["mleForRequestPublicCertPath"] = json!(sandbox.key("mle.pem"));
        }
        if scheme.is_sealed() {
            let on = match self {
                Self::Python => json!(1),
                Self::Node => json!(true),
            };
            settings["enableRequestMLEForOptionalApisGlobally"] = on.clone();
            settings["enableResponseMleGlobally"] = on;
            settings["responseMleKID"] = json!(sandbox.reply_kid());
            let key = sandbox.key("mid1234-reply-key.pem");
            settings["responseMlePrivateKeyFilePath"] = json!(key);
        }
        settings
    }

    /// Settings with the key of the merchant's portfolio.
    fn with_metakey(self, mut settings: Value) -> Value {
        let (names, on) = match self {
            Self::Python => (
                [
                    "merchant_keyid",
                    "merchant_secretkey",
                    "use_metakey",
                    "portfolio_id",
                ],
                json!(1),
            ),
            Self::Node => (
                [
                    "merchantKeyId",
                    "merchantsecretKey",
                    "useMetaKey",
                    "portfolioID",
                ],
                json!(true),
            ),
        };
        let values = [json!(METAKEY.0), json!(METAKEY.1), on, json!("chain1")];
        for (name, value) in names.into_iter().zip(values) {
            settings[name] = value;
        }
        settings
    }

    /// Every scheme over http and https, portfolios' keys, and secrets that are wrong.
    fn config(self, sandbox: &Sandbox) -> Value {
        let mut modes = Vec::new();
        for scheme in [Scheme::Signature, Scheme::Shared] {
            let settings = self.settings(sandbox, &sandbox.plain, scheme, SECRET);
            modes.push(json!({
                "name": format!("http, {} and a metakey", scheme.name()),
                "jwt": scheme.is_jwt(),
                "sealed": false,
                "settings": self.with_metakey(settings),
            }));
        }
        for url in [&sandbox.plain, &sandbox.tls] {
            let way = url.split(':').next().unwrap_or_default();
            for scheme in Scheme::ALL {
                modes.push(json!({
                    "name": format!("{way}, {}", scheme.name()),
                    "jwt": scheme.is_jwt(),
                    "ca": sandbox.key("ca.pem"),
                    "sealed": scheme.is_sealed(),
                    "settings": self.settings(sandbox, url, scheme, SECRET),
                }));
            }
        }
        for scheme in [Scheme::Signature, Scheme::Shared, Scheme::P12] {
            let mut settings = self.settings(sandbox, &sandbox.plain, scheme, WRONG_SECRET);
            let folder = match self {
                Self::Python => "keys_directory",
                Self::Node => "keysDirectory",
            };
            settings[folder] = json!(sandbox.strange_keys.path());
            modes.push(json!({
                "name": format!("{} with a wrong secret", scheme.name()),
                "wrong": true,
                "settings": settings,
            }));
        }
        json!({
            "scenario": folder().join("scenario.json"),
            "operator": format!("{}/sandbox", sandbox.plain),
            "modes": modes,
        })
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

/// Where an SDK is; says so when it is not there.
fn installed(variable: &str, usual: &str, within: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let usual = target.unwrap_or(Path::new("target")).join(usual);
    let folder = std::env::var_os(variable).map_or(usual, PathBuf::from);
    if folder.join(within).exists() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("SCMP_GATEWAY_TEST_NO_SKIP").is_none(),
        "{variable}: {} has no {within}",
        folder.display()
    );
    println!("skipped: {} has no {within}", folder.display());
    None
}

/// Runs a client; it prints the number of calls of each mode and ends well when all were as
/// expected.
fn run(mut command: Command, sandbox: &Sandbox, config: &Value) {
    let path = sandbox.key("config.json");
    std::fs::write(&path, config.to_string()).expect("the configuration is written");
    let output = command.arg(path).output().expect("the client starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{complained}");
    let modes = config["modes"].as_array().map_or(0, Vec::len);
    assert_eq!(
        said.matches(" calls, 0 unexpected").count(),
        modes,
        "{said}"
    );
}

#[test]
fn the_python_sdk_finds_everything_as_expected() {
    let within = "bin/python";
    let Some(python) = installed("SCMP_GATEWAY_SDK_PYTHON", "sdk/python", within) else {
        return;
    };
    let sandbox = Sandbox::start();
    let mut command = Command::new(python.join(within));
    command
        .arg("-W")
        .arg("ignore")
        .arg(folder().join("client.py"));
    run(command, &sandbox, &Sdk::Python.config(&sandbox));
}

#[test]
fn the_node_sdk_finds_everything_as_expected() {
    let within = "node_modules/cybersource-rest-client";
    let Some(node) = installed("SCMP_GATEWAY_SDK_NODE", "sdk/node", within) else {
        return;
    };
    let sandbox = Sandbox::start();
    let mut command = Command::new("node");
    command
        .arg(folder().join("client.js"))
        .env("NODE_PATH", node.join("node_modules"))
        .env("NODE_EXTRA_CA_CERTS", sandbox.key("ca.pem"));
    let mut config = Sdk::Node.config(&sandbox);
    let replies = sandbox.key("replies");
    let has_models = std::env::var_os(MODELS).is_some();
    if has_models {
        config["replies"] = json!(replies);
    }
    run(command, &sandbox, &config);
    if has_models {
        hold_against_models(&replies);
    }
}

/// Checks replies that were written down, by the models that the environment names.
fn hold_against_models(replies: &str) {
    let models = folder().join("models.py");
    let output = Command::new("python3").arg(models).arg(replies).output();
    let output = output.expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("node: {said}");
    assert!(output.status.success(), "{said}");
}
