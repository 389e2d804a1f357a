//! The transport against a real server on loopback: where it goes, when it gives up, what it knows after a failure.

use stanch::http::{Client, Error, MAX_BODY, Request, Transport};
use stanch::secret::Secret;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A server that does the same with each connection; what was sent to it is kept.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, kept) = (connections.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                kept.lock().unwrap().push(request_of(&mut stream));
                answer(&mut stream);
            }
        });
        Server { address, connections, requests }
    }

    /// A server that answers with these bytes and closes.
    fn saying(text: &'static str) -> Server {
        Server::new(move |stream| stream.write_all(text.as_bytes()).unwrap_or_default())
    }

    fn url(&self) -> String {
        format!("http://{}/x", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads up to the end of the headers, and of the body when its length is said.
fn request_of(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|got| got > 0) {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap_or_default();
    head + &String::from_utf8_lossy(&body)
}

fn request(url: &str) -> Request {
    Request {
        method: "GET".into(),
        url: Secret::new(url),
        headers: Vec::new(),
        body: None,
        label: "GET {{ base }}/x".into(),
        timeout: Duration::from_secs(10),
        allow_private: true,
    }
}

fn not_sent(result: Result<stanch::http::Response, Error>) -> String {
    match result {
        Err(Error::NotSent { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

fn lost(result: Result<stanch::http::Response, Error>) -> String {
    match result {
        Err(error @ Error::Lost { .. }) => {
            assert!(error.may_have_acted());
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_arrives_whole_and_so_does_its_answer() {
    let server = Server::saying("HTTP/1.1 201 Created\r\nX-Scopes: a, b\r\ncontent-length: 5\r\n\r\nhello");
    let mut request = request(&server.url());
    request.method = "POST".into();
    request.headers.push(("authorization".into(), Secret::new("Bearer abc")));
    request.body = Some(Secret::new("body"));
    let response = Client::new().send(&request).unwrap();
    assert_eq!((response.status, response.body), (201, Secret::new("hello")));
    assert!(response.headers.contains(&("x-scopes".to_owned(), "a, b".to_owned())));
    let seen = server.requests.lock().unwrap()[0].clone();
    assert!(seen.starts_with("POST /x HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nbody"), "{seen}");
    assert!(seen.contains("authorization: Bearer abc\r\n"), "{seen}");
    assert!(seen.contains(concat!("user-agent: stanch/", env!("CARGO_PKG_VERSION"), "\r\n")), "{seen}");
}

#[test]
fn a_redirect_is_an_answer_and_not_a_way() {
    let other = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let target = other.url();
    let server = Server::new(move |stream| {
        let answer = format!("HTTP/1.1 307 Go\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    assert_eq!(Client::new().send(&request(&server.url())).unwrap().status, 307);
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_private_address_is_refused_in_every_spelling() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let port = server.address.port();
    let client = Client::new();
    for host in
        ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        let mut request = request(&format!("https://{host}:{port}/x"));
        request.allow_private = false;
        let why = not_sent(client.send(&request));
        assert!(why.contains("allow-private"), "{host}: {why}");
    }
    let mut plain = request("http://example.com/x");
    plain.allow_private = false;
    assert!(not_sent(client.send(&plain)).contains("without TLS"));
    assert_eq!(server.connections(), 0);
    assert_eq!(client.send(&request(&format!("http://localhost:{port}/x"))).unwrap().status, 200, "when allowed");
}

#[test]
fn urls_that_lead_elsewhere_are_refused() {
    for url in ["", "x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:word@127.0.0.1/", "http://"] {
        not_sent(Client::new().send(&request(url)));
    }
    let mut broken = request("http://127.0.0.1:1/");
    broken.headers.push(("authorization".into(), Secret::new("a\r\nx: b")));
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    broken.url = Secret::new(server.url());
    assert!(not_sent(Client::new().send(&broken)).contains("authorization"));
}

#[test]
fn without_a_connection_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(not_sent(Client::new().send(&request(&format!("http://{free}/x")))).contains("refused"));
    not_sent(Client::new().send(&request("http://no-such-host.invalid/x")));
    let no_tls = Server::saying("HTTP/1.1 400 Bad\r\n\r\n");
    not_sent(Client::new().send(&request(&format!("https://{}/x", no_tls.address))));
}

#[test]
fn without_a_whole_answer_it_may_have_been_done() {
    for text in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        "no HTTP at all\r\n\r\n",
    ] {
        let server = Server::saying(text);
        lost(Client::new().send(&request(&server.url())));
        assert_eq!(server.connections(), 1, "sent once and not again: {text:?}");
    }
}

#[test]
fn who_is_slow_is_given_up_in_time() {
    let silent = Server::new(|_| std::thread::sleep(Duration::from_secs(5)));
    let dripping = Server::new(|stream| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while sent.is_ok() {
            std::thread::sleep(Duration::from_millis(50));
            sent = stream.write_all(b".");
        }
    });
    for server in [silent, dripping] {
        let mut request = request(&server.url());
        request.timeout = Duration::from_millis(300);
        let begun = Instant::now();
        let why = lost(Client::new().send(&request));
        assert!(why.contains("in time"), "{why}");
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn an_endless_answer_is_cut_off() {
    let server = Server::new(|stream| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let part = vec![b'x'; 64 << 10];
        for _ in 0..2 * MAX_BODY / part.len() {
            sent = sent.and_then(|()| stream.write_all(&part));
        }
    });
    assert!(lost(Client::new().send(&request(&server.url()))).contains("longer than 4 MiB"));
}

#[test]
fn no_error_shows_what_was_sent() {
    let mark = format!("mark{}", "0a1b2c3d".repeat(3));
    let closed = Server::saying("");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [
        format!("http://{}/{mark}", closed.address),
        format!("http://{free}/{mark}"),
        format!("http://{mark}.invalid/{mark}"),
        format!("{mark}://x"),
        format!("http://127.0.0.1:99999/{mark}"),
        format!("http://{mark}@127.0.0.1/"),
    ] {
        let mut request = request(&url);
        request.headers.push(("x-token".into(), Secret::new(mark.as_str())));
        let error = Client::new().send(&request).unwrap_err();
        assert!(!format!("{error} {error:?} {request:?}").contains(&mark), "{error}");
    }
}
