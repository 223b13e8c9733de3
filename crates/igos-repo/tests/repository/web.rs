//! What lies between a client and a server: redirects and proxies.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_repo::Proxies;

use crate::packages::{noise, package};
use crate::server::{Answer, Server};
use crate::sync::serve;
use crate::world::{Machine, Published};

#[test]
fn redirects_are_followed_for_metadata_heads_and_archives() {
    let published = Published::new(&[&package("big 1").file("usr/lib/big", noise(1, 9_000))]);
    let target = serve(&published);
    let base = target.url("");
    let server = Server::start(move |asked| Answer::Redirect(format!("{base}{}", asked.path)));
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    machine.head(&machine.client(), "big");
    crate::download::fetch_whole(&machine, "big")
        .0
        .expect("it is served");
}

/// Starts a proxy that connects whoever asks, and counts them; it ends with the test program.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own proxy, on the loopback interface"
)]
pub(crate) fn proxy() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface is there");
    let address = listener.local_addr().expect("it is bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || connect(stream, &counted).ok());
        }
    });
    (address, count)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own proxy, on the loopback interface"
)]
fn connect(mut client: TcpStream, count: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
    }
    let mut server = TcpStream::connect(target)?;
    count.fetch_add(1, Ordering::SeqCst);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut back = server.try_clone()?;
    let mut to_client = client.try_clone()?;
    let pump = std::thread::spawn(move || std::io::copy(&mut back, &mut to_client));
    let buffered = reader.buffer().to_vec();
    server.write_all(&buffered)?;
    std::io::copy(&mut client, &mut server)?;
    pump.join().expect("copying does not panic").map(drop)
}

#[test]
fn requests_go_through_the_proxy_unless_the_host_is_excepted() {
    let published = Published::new(&[&package("zlib 1")]);
    let server = serve(&published);
    let (address, count) = proxy();
    let proxies = |except: &str| {
        Proxies::from_variables(|name| match name {
            "http_proxy" => Some(format!("http://{address}")),
            "no_proxy" => Some(except.to_owned()),
            _ => None,
        })
        .expect("it is a proxy")
    };
    let mut machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.settings.proxies = proxies("127.0.0.1");
    machine.sync().expect("it is sound");
    assert_eq!(count.load(Ordering::SeqCst), 0);
    machine.settings.proxies = proxies("example.org");
    machine.sync().expect("it is sound");
    assert!(count.load(Ordering::SeqCst) > 0);
}
