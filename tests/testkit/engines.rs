//! PostgreSQL, Redis and NATS of this test process, on free ports, gone with it.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// A port nobody listens on right now. Below the range the kernel hands out by itself, so that it stays free until used.
pub fn free_port() -> u16 {
    static NEXT: Mutex<u16> = Mutex::new(0);
    let mut next = NEXT.lock().unwrap();
    if *next == 0 {
        *next = 12_000 + (std::process::id() % 900) as u16 * 20;
    }
    loop {
        *next = if *next > 31_000 { 12_000 } else { *next + 1 };
        if TcpListener::bind(("127.0.0.1", *next)).is_ok() {
            return *next;
        }
    }
}

/// The engines of one or more clusters. Dropping stops them.
pub struct Engines {
    pub postgres_port: u16,
    pub redis_port: u16,
    pub nats_port: u16,
    dir: PathBuf,
    postgres: Mutex<Option<Child>>,
    redis: Mutex<Option<Child>>,
    nats: Mutex<Option<Child>>,
}

/// Processes are spawned by one thread that never ends: the kernel ends a child when the *thread* that made it is gone
/// (see `setpriv --pdeathsig`), which is how nothing survives a test run that is killed.
fn spawn(command: Command) -> Child {
    type Job = (Command, Sender<std::io::Result<Child>>);
    static SPAWNER: Mutex<Option<Sender<Job>>> = Mutex::new(None);
    let (answer, child) = channel();
    {
        let mut spawner = SPAWNER.lock().unwrap();
        let jobs = spawner.get_or_insert_with(|| {
            let (tx, rx) = channel::<Job>();
            thread::spawn(move || {
                for (mut command, answer) in rx {
                    let _ = answer.send(command.spawn());
                }
            });
            tx
        });
        jobs.send((command, answer)).unwrap();
    }
    child.recv().unwrap().expect("spawning a process")
}

/// Spawns a program that ends with this test process; its output goes to `log`.
pub(crate) fn spawn_bound(program: &Path, log: &Path, user: Option<&str>, signal: &str, configure: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new("setpriv");
    command.arg(format!("--pdeathsig={signal}"));
    if let Some(user) = user {
        command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"]);
    }
    command.arg(program);
    configure(&mut command);
    let out = fs::OpenOptions::new().create(true).append(true).open(log).expect("log file");
    command.stdin(Stdio::null()).stdout(out.try_clone().expect("log file")).stderr(out);
    spawn(command)
}

impl Engines {
    /// Starts fresh engines under `target/testkit/`.
    pub fn start() -> Self {
        let dir = scratch("engines");
        let engines = Self {
            postgres_port: free_port(),
            redis_port: free_port(),
            nats_port: free_port(),
            postgres: Mutex::new(None),
            redis: Mutex::new(None),
            nats: Mutex::new(None),
            dir,
        };
        engines.init_postgres();
        engines.start_postgres();
        engines.start_redis();
        engines.start_nats();
        engines
    }

    pub fn database_url(&self, name: &str) -> String {
        format!("postgres://muster@127.0.0.1:{}/{name}", self.postgres_port)
    }

    pub fn redis_url(&self, database: u32) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.redis_port)
    }

    pub fn nats_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.nats_port)
    }

    fn init_postgres(&self) {
        let data = self.dir.join("postgres");
        fs::create_dir_all(&data).unwrap();
        let owner = postgres_owner();
        if let Some(owner) = owner {
            assert!(Command::new("chown").args(["-R", owner]).arg(&data).status().unwrap().success(), "chown");
        }
        let log = self.dir.join("initdb.log");
        let mut init = spawn_bound(&postgres_program("initdb"), &log, owner, "KILL", |c| {
            c.args(["-U", "muster", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]).arg(&data).current_dir("/tmp");
        });
        assert!(init.wait().unwrap().success(), "initdb: {}", fs::read_to_string(&log).unwrap_or_default());
    }

    /// Starts PostgreSQL; after a kill it refuses to start while backends of the old one are still ending, so it is
    /// tried until it stays.
    pub fn start_postgres(&self) {
        let data = self.dir.join("postgres");
        let start = || {
            spawn_bound(&postgres_program("postgres"), &self.dir.join("postgres.log"), postgres_owner(), "INT", |c| {
                c.arg("-D").arg(&data).current_dir("/tmp");
                c.args(["-p", &self.postgres_port.to_string(), "-h", "127.0.0.1", "-c", "unix_socket_directories="]);
                // Processes are killed in tests, machines are not.
                c.args(["-c", "fsync=off", "-c", "max_connections=600", "-c", "shared_buffers=128MB"]);
            })
        };
        let end = Instant::now() + START_DEADLINE;
        let mut child = start();
        while TcpStream::connect(("127.0.0.1", self.postgres_port)).is_err() {
            assert!(Instant::now() < end, "PostgreSQL does not listen on {}", self.postgres_port);
            thread::park_timeout(Duration::from_millis(50));
            if child.try_wait().is_ok_and(|exit| exit.is_some()) {
                child = start();
            }
        }
        *self.postgres.lock().unwrap() = Some(child);
        // The port opens before the server takes queries.
        loop {
            let mut ready = Command::new(postgres_program("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.postgres_port.to_string()]);
            if ready.status().is_ok_and(|s| s.success()) {
                return;
            }
            assert!(Instant::now() < end, "PostgreSQL does not take queries");
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn start_redis(&self) {
        let child = spawn_bound(Path::new("redis-server"), &self.dir.join("redis.log"), None, "KILL", |c| {
            c.args(["--port", &self.redis_port.to_string(), "--bind", "127.0.0.1", "--save", "", "--databases", "512"]).current_dir("/tmp");
        });
        *self.redis.lock().unwrap() = Some(child);
        wait_for_port(self.redis_port, "Redis");
    }

    pub fn start_nats(&self) {
        *self.nats.lock().unwrap() = Some(spawn_nats(self.nats_port, &self.dir.join("nats.log")));
    }

    /// SIGKILL, as a machine that lost power would have it.
    pub fn kill_postgres(&self) {
        kill(&self.postgres);
    }

    pub fn kill_redis(&self) {
        kill(&self.redis);
    }

    pub fn kill_nats(&self) {
        kill(&self.nats);
    }

    /// Runs SQL as the owner of everything; panics on an error.
    pub fn psql(&self, database: &str, sql: &str) {
        let output = Command::new(postgres_program("psql"))
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "muster", "-p", &self.postgres_port.to_string(), "-d", database])
            .args(["-c", sql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A bus of its own: clusters that shared one would hear each other's events.
pub(crate) fn spawn_nats(port: u16, log: &Path) -> Child {
    let program = if Path::new("/usr/sbin/nats-server").exists() { "/usr/sbin/nats-server" } else { "nats-server" };
    let child = spawn_bound(Path::new(program), log, None, "KILL", |c| {
        c.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
    });
    wait_for_port(port, "NATS");
    child
}

fn kill(slot: &Mutex<Option<Child>>) {
    if let Some(mut child) = slot.lock().unwrap().take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        kill(&self.nats);
        kill(&self.redis);
        kill(&self.postgres);
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// PostgreSQL refuses to run as root: then its package's user owns the data.
fn postgres_owner() -> Option<&'static str> {
    let root = fs::read_to_string("/proc/self/status").is_ok_and(|s| s.lines().any(|l| l.starts_with("Uid:\t0\t")));
    root.then_some("postgres")
}

fn postgres_program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin").join(name)).collect();
    versions.retain(|p| p.exists());
    versions.sort();
    versions.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// A new directory for this test process; readable by the PostgreSQL user.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static COUNT: Mutex<u32> = Mutex::new(0);
    let mut count = COUNT.lock().unwrap();
    *count += 1;
    let dir = std::env::temp_dir().join(format!("muster-test-{}-{name}-{}", std::process::id(), *count));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

pub(crate) fn wait_for_port(port: u16, what: &str) {
    let end = Instant::now() + START_DEADLINE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "{what} does not listen on {port}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Status line and body of a plain HTTP GET, for readiness.
pub(crate) fn http_get(port: u16, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}
