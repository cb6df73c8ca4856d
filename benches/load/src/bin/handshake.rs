//! What a new connection costs with and without resumed sessions: `--to ADDR --trust FILE [--count N]`. Prints
//! microseconds from TCP to the first reply, of the quickest tenth, for neighbours only ever add to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use load::Options;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

fn main() {
    let options = Options::read();
    let count = options.number("count", 300);
    let certificate = CertificateDer::from_pem_file(options.need("trust")).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let mut config = builder.with_no_client_auth();
    for (name, resumption) in [
        ("full", Resumption::disabled()),
        ("resumed", Resumption::default()),
    ] {
        config.resumption = resumption;
        let config = Arc::new(config.clone());
        let mut times: Vec<u128> = (0..count)
            .map(|_| connect(options.need("to"), &config))
            .collect();
        times.sort_unstable();
        println!("{name}_us={}", times[times.len() / 10]);
    }
}

fn connect(to: &str, config: &Arc<ClientConfig>) -> u128 {
    let begun = Instant::now();
    let mut socket = TcpStream::connect(to).expect("a connection");
    socket.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut tls = ClientConnection::new(Arc::clone(config), name).expect("a session");
    let mut stream = Stream::new(&mut tls, &mut socket);
    let request = b"GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).expect("a request");
    assert!(stream.read(&mut [0; 1024]).expect("a reply") > 0);
    begun.elapsed().as_micros()
}
