//! Servers that tests put beside Muster. Each has a thread and a runtime of its own, so that several tests share one.

use std::{net::TcpListener as StdListener, thread};
use tokio::{net::TcpStream, sync::oneshot, task::JoinSet};

/// A running server; dropping it closes its port and all connections.
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    /// Serves connections to a local port (0 = any free one); returns the port.
    pub(crate) fn listen<F, Fut>(port: u16, serve: F) -> (u16, Self)
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = StdListener::bind(("127.0.0.1", port)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        listener.set_nonblocking(true).expect("a listener");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let mut connections = JoinSet::new();
                let accept = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        connections.spawn(serve(stream));
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        (port, Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
