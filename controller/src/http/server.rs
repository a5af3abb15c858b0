//! The HTTP server under the API: connections, how long they may take, and how they end.
//!
//! Bounds, and what happens there:
//! - a TLS handshake, and then each request's header, may take [`Patience::header`];
//! - a connection that has no whole request header after [`Patience::header`] is closed, the first time and while it is
//!   kept for a next request;
//! - a body that does not bring [`BODY_STEP`] bytes, or its end, in each [`Patience::body`] is given up: the call is
//!   refused and the connection closed;
//! - [`Patience::connections`] are open at a time; further ones wait in the system's queue, unanswered, until one ends,
//!   and those that do nothing end soon. What becomes a WebSocket is counted no more: whoever answers it bounds it.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request},
};
use http_body::{Frame, SizeHint};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// Bytes of a body that must come in each patience: 2 kbit/s, which the weakest phone has.
const BODY_STEP: usize = 16 * 1024;
/// How long no connection is taken after the system refused to give one (no file descriptors, no memory).
const TROUBLE: Duration = Duration::from_secs(1);

/// How much is borne of those who call.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub header: Duration,
    pub body: Duration,
    /// Open at a time; more than 0.
    pub connections: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(30),
            body: Duration::from_secs(60),
            connections: 1_024,
        }
    }
}

/// Serves, by HTTPS where there is `tls`, until `stop`, then lets answers that are under way finish.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
    patience: Patience,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(patience.connections));
    let talks = TaskTracker::new();
    let acceptor = tls.map(TlsAcceptor::from);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(patience.header);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        // An answer is small and must not wait for the acknowledgement of an earlier packet.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            answer(router.clone(), request, peer, patience.body)
        });
        match &acceptor {
            None => {
                let connection = http.serve_connection(TokioIo::new(stream), service);
                let talk = to_its_end(connection, peer, stop.clone());
                talks.spawn(async move {
                    talk.await;
                    drop(place);
                });
            }
            Some(acceptor) => {
                let handshake = timeout(patience.header, acceptor.accept(stream));
                let (http, stop) = (http.clone(), stop.clone());
                talks.spawn(async move {
                    let stream = tokio::select! {
                        stream = handshake => stream,
                        () = stop.cancelled() => return,
                    };
                    if let Ok(Ok(stream)) = stream {
                        let connection = http.serve_connection(TokioIo::new(stream), service);
                        to_its_end(connection, peer, stop).await;
                    }
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    talks.close();
    talks.wait().await;
    Ok(())
}

/// Until it is closed or becomes a WebSocket; after `stop` no further request of it is answered.
async fn to_its_end<S, F>(
    connection: http1::Connection<TokioIo<S>, F>,
    peer: SocketAddr,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: HttpService<Incoming, ResBody = Body>,
    F::Error: Into<axum::BoxError>,
{
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A caller that breaks off or never ends its sentence is no trouble of ours.
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            // It went away before it was taken.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken; trying again");
                sleep(TROUBLE).await;
            }
        }
    }
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    patience: Duration,
) -> Result<axum::response::Response, Infallible> {
    let mut request: Request = request.map(|body| Body::new(Timely::new(body, patience)));
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

/// A body that must go on coming.
struct Timely<B> {
    body: B,
    patience: Duration,
    /// Runs out unless [`BODY_STEP`] bytes come before. Made when somebody waits for the body.
    left: Option<Pin<Box<Sleep>>>,
    came: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the request did not go on: nothing, or next to nothing, came for {} s", .0.as_secs())]
struct Stalled(Duration);

impl<B> Timely<B> {
    fn new(body: B, patience: Duration) -> Self {
        Self {
            body,
            patience,
            left: None,
            came: 0,
        }
    }
}

impl<B> HttpBody for Timely<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                this.came += frame.data_ref().map_or(0, Bytes::len);
            }
            if this.came >= BODY_STEP {
                this.came = 0;
                this.left = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let patience = this.patience;
        let left = this.left.get_or_insert_with(|| Box::pin(sleep(patience)));
        left.as_mut()
            .poll(context)
            .map(|()| Some(Err(Stalled(patience).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use axum::{
        extract::ws::{WebSocket, WebSocketUpgrade},
        routing::{get, post},
    };
    use futures_util::FutureExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::{Barrier, Notify},
        task::JoinHandle,
    };

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const NEVER: Duration = Duration::from_secs(3_600);
    const DEADLINE: Duration = Duration::from_secs(20);

    struct Served {
        address: SocketAddr,
        stop: CancellationToken,
        task: JoinHandle<io::Result<()>>,
    }

    async fn served(router: Router, patience: Patience) -> Served {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, None, router, stop.clone(), patience));
        Served {
            address,
            stop,
            task,
        }
    }

    impl Served {
        async fn say(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        }
    }

    /// Everything until the server hangs up.
    async fn heard(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await;
        // A close with something unread arrives as a reset.
        let _ = read.expect("the server hangs up");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn echo() -> Router {
        Router::new()
            .route("/", get(async || "xin chào"))
            .route("/", post(async |body: String| body))
            .route(
                "/echo",
                get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echoes)),
            )
    }

    async fn echoes(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }

    /// Says one word and hears it.
    async fn hears_itself<S>(socket: &mut tokio_tungstenite::WebSocketStream<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        use futures_util::{SinkExt, StreamExt};
        let word = tokio_tungstenite::tungstenite::Message::text("xin chào");
        socket.send(word.clone()).await.unwrap();
        let heard = timeout(DEADLINE, socket.next()).await.unwrap();
        assert_eq!(heard.unwrap().unwrap(), word);
    }

    #[tokio::test]
    async fn whoever_speaks_may_be_silent_for_longer_than_a_caller_and_takes_nobodys_place() {
        use futures_util::StreamExt;
        let patience = Patience {
            header: SOON,
            body: SOON,
            connections: 1,
        };
        let served = served(echo(), patience).await;
        let url = format!("ws://{}/echo", served.address);
        let connect = || timeout(DEADLINE, tokio_tungstenite::connect_async(url.as_str()));
        let (mut first, _) = connect().await.unwrap().unwrap();
        let (mut second, _) = connect().await.unwrap().unwrap();
        assert!(timeout(4 * SOON, first.next()).await.is_err());
        hears_itself(&mut first).await;
        hears_itself(&mut second).await;
    }

    #[tokio::test]
    async fn who_never_ends_its_header_is_hung_up_on() {
        let patience = Patience {
            header: SOON,
            body: NEVER,
            connections: 10,
        };
        let served = served(echo(), patience).await;
        for said in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: loa\r\nx: "] {
            let mut stream = served.say(said).await;
            let answer = heard(&mut stream).await;
            assert!(!answer.contains("xin chào"), "{answer}");
        }
        // One that asked, and is kept for the next question, is not kept for ever.
        let mut stream = served.say("GET / HTTP/1.1\r\nhost: loa\r\n\r\n").await;
        assert!(heard(&mut stream).await.contains("xin chào"));
    }

    #[tokio::test]
    async fn with_a_certificate_only_https_is_answered_and_silence_is_hung_up_on() {
        use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};

        use crate::pki::{Authority, Shown, web_config};
        let folder = tempfile::tempdir().unwrap();
        let now = crate::clock::Clock::now(&crate::clock::SystemClock);
        let authority = Authority::open(folder.path(), now).unwrap();
        let pair = authority.server(&["127.0.0.1".into()], now).unwrap();
        let shown = Arc::new(Shown::new(&pair.chain, &pair.key).unwrap());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let patience = Patience {
            header: Duration::from_secs(2),
            body: NEVER,
            connections: 10,
        };
        let tls = Some(web_config(shown).unwrap());
        tokio::spawn(serve(listener, tls, echo(), stop, patience));

        let question = b"GET / HTTP/1.1\r\nhost: loa\r\nconnection: close\r\n\r\n";
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(question).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with("xin chào".as_bytes()));

        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = connector.connect(name, stream).await.unwrap();
        let upgraded = tokio_tungstenite::client_async("wss://127.0.0.1/echo", stream).await;
        hears_itself(&mut upgraded.unwrap().0).await;

        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(question).await.unwrap();
        assert!(!heard(&mut plain).await.contains("xin chào"));
        let mut silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(heard(&mut silent).await, "");
    }

    #[tokio::test]
    async fn who_never_ends_its_body_is_refused_and_hung_up_on() {
        let patience = Patience {
            header: NEVER,
            body: SOON,
            connections: 10,
        };
        let served = served(echo(), patience).await;
        let head = "POST / HTTP/1.1\r\nhost: loa\r\ncontent-length: 5\r\n\r\n";
        let mut stream = served.say(&format!("{head}xin")).await;
        let answer = heard(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        let ended = format!("{}xinxi", head.replace("host", "connection: close\r\nhost"));
        let mut stream = served.say(&ended).await;
        assert!(heard(&mut stream).await.ends_with("xinxi"));
    }

    #[tokio::test]
    async fn a_body_gets_a_new_patience_for_each_step_and_none_for_a_drop() {
        let (peer, stream) = tokio::sync::mpsc::channel(4);
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        let mut body = Timely::new(Body::from_stream(stream), NEVER);
        let mut come = |bytes: usize| {
            if bytes > 0 {
                let piece = Ok::<_, Infallible>(Bytes::from(vec![0; bytes]));
                peer.try_send(piece).unwrap();
            }
            let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let came = frame.now_or_never().is_some();
            (came, body.left.is_some())
        };
        assert_eq!(come(0), (false, true));
        assert_eq!(come(1), (true, true));
        assert_eq!(come(BODY_STEP), (true, false));
        assert_eq!(come(0), (false, true));
    }

    #[tokio::test]
    async fn more_callers_than_places_are_all_answered_a_few_at_a_time() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let pair = Arc::new(Barrier::new(2));
        let router = {
            let (now, most) = (now.clone(), most.clone());
            Router::new().route(
                "/",
                get(move || async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    pair.wait().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    "xin chào"
                }),
            )
        };
        let patience = Patience {
            header: NEVER,
            body: NEVER,
            connections: 2,
        };
        let served = served(router, patience).await;
        let mut streams = Vec::new();
        for _ in 0..8 {
            let question = "GET / HTTP/1.1\r\nhost: loa\r\nconnection: close\r\n\r\n";
            streams.push(served.say(question).await);
        }
        for stream in &mut streams {
            assert!(heard(stream).await.ends_with("xin chào"));
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn at_the_end_answers_under_way_are_finished_and_idle_callers_hung_up_on() {
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let router = {
            let (asked, go) = (asked.clone(), go.clone());
            echo().route(
                "/slow",
                get(move || async move {
                    asked.notify_one();
                    go.notified().await;
                    "last words"
                }),
            )
        };
        let patience = Patience {
            header: NEVER,
            body: NEVER,
            connections: 10,
        };
        let served = served(router, patience).await;
        let mut idle = served.say("GET / HTTP/1.1\r\nhost: loa\r\n\r\n").await;
        let mut slow = served.say("GET /slow HTTP/1.1\r\nhost: loa\r\n\r\n").await;
        asked.notified().await;
        served.stop.cancel();
        assert!(heard(&mut idle).await.ends_with("xin chào"));
        assert!(!served.task.is_finished());
        go.notify_one();
        assert!(heard(&mut slow).await.ends_with("last words"));
        timeout(DEADLINE, served.task)
            .await
            .expect("the server ends")
            .unwrap()
            .unwrap();
        assert!(TcpStream::connect(served.address).await.is_err());
    }
}
