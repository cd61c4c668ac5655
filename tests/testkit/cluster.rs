//! Muster processes on the engines: by default two `muster all` on one database, so that a test writes through one
//! gateway and reads through the other; or every role as its own process.

use crate::{
    Client, Person,
    engines::{Engines, free_port, http_get, scratch, spawn_bound, spawn_nats},
    people,
};
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Output, Stdio},
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

const READY_DEADLINE: Duration = Duration::from_secs(60);
pub(crate) const SECRET: &str = "only-for-tests-only-for-tests";

/// What differs from the default cluster.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Every role its own process (two gateways), instead of two `muster all`.
    pub split: bool,
    /// More environment for every process.
    pub env: BTreeMap<String, String>,
    /// Engines of its own, which the test may kill.
    pub own_engines: bool,
}

impl Options {
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// A process of the cluster.
struct Process {
    name: String,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    management_port: u16,
    child: Option<Child>,
}

pub struct Cluster {
    /// Base URLs of the gateways, such as `http://127.0.0.1:12345`.
    pub gateways: Vec<String>,
    pub database_url: String,
    pub redis_url: String,
    engines: EnginesOf,
    /// The bus of a cluster that shares the other engines.
    nats: Mutex<Option<Child>>,
    database: String,
    dir: PathBuf,
    processes: Mutex<Vec<Process>>,
    admin: OnceCell<people::Account>,
}

enum EnginesOf {
    Shared(&'static Engines),
    Own(Box<Engines>),
}

fn shared_engines() -> &'static Engines {
    static ENGINES: std::sync::OnceLock<Engines> = std::sync::OnceLock::new();
    ENGINES.get_or_init(Engines::start)
}

impl Cluster {
    /// The cluster most tests share: open server, 1,000 users a team, custom emoji and public links on.
    pub async fn shared() -> &'static Cluster {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(|| Cluster::start(Options::default())).await
    }

    /// A cluster of its own, for tests that kill, reconfigure or count.
    pub async fn start(options: Options) -> Cluster {
        tokio::task::spawn_blocking(move || Self::start_blocking(options)).await.expect("starting a cluster")
    }

    fn start_blocking(options: Options) -> Cluster {
        static COUNT: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut count = COUNT.lock().unwrap();
            *count += 1;
            *count
        };
        let engines = if options.own_engines { EnginesOf::Own(Box::new(Engines::start())) } else { EnginesOf::Shared(shared_engines()) };
        let database = format!("muster_{number}");
        let dir = scratch("cluster");
        let e = engines.get();
        e.psql("postgres", &format!("CREATE DATABASE {database}"));
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("MUSTER_DATABASE_URL", &e.database_url(&database));
        set("MUSTER_REDIS_URL", &e.redis_url(number));
        let (nats_url, nats) = match &engines {
            EnginesOf::Own(own) => (own.nats_url(), None),
            EnginesOf::Shared(_) => {
                let port = free_port();
                (format!("nats://127.0.0.1:{port}"), Some(spawn_nats(port, &dir.join("nats.log"))))
            }
        };
        set("MUSTER_NATS_URL", &nats_url);
        set("MUSTER_CLUSTER_SECRET", SECRET);
        set("MUSTER_DATA_DIR", dir.join("data").to_str().unwrap());
        set("MUSTER_CLIENT_DIR", dir.join("client").to_str().unwrap());
        set("MUSTER_BCRYPT_COST", "4");
        set("MUSTER_DATABASE_CONNECTIONS", "8");
        set("MUSTER_SHUTDOWN_GRACE_SECONDS", "5");
        set("MUSTER_LOG", "info,async_nats=error,sqlx=warn");
        set("MM_TEAMSETTINGS_ENABLEOPENSERVER", "true");
        set("MM_TEAMSETTINGS_MAXUSERSPERTEAM", "1000");
        set("MM_SERVICESETTINGS_ENABLECUSTOMEMOJI", "true");
        set("MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS", "true");
        set("MM_FILESETTINGS_ENABLEPUBLICLINK", "true");
        env.extend(options.env.clone());

        let (mut processes, mut gateways) = (Vec::new(), Vec::new());
        let mut add = |role: &str, name: String, ports: &[(&str, u16)]| {
            let mut own = env.clone();
            let management_port = free_port();
            own.insert("MUSTER_MANAGEMENT_ADDR".into(), format!("127.0.0.1:{management_port}"));
            for (variable, port) in ports {
                own.insert((*variable).into(), format!("127.0.0.1:{port}"));
            }
            processes.push(Process { name, args: vec![role.to_owned()], env: own, management_port, child: None });
        };
        if options.split {
            let services = ["identity", "teams", "posts", "files", "jobs"];
            let ports: Vec<(&str, u16)> = services.iter().map(|s| (*s, free_port())).collect();
            for (service, port) in &ports {
                add(service, (*service).to_owned(), &[("MUSTER_GRPC_ADDR", *port)]);
            }
            for i in 0..2 {
                let port = free_port();
                add("gateway", format!("gateway{i}"), &[("MUSTER_HTTP_ADDR", port)]);
                gateways.push(format!("http://127.0.0.1:{port}"));
            }
            for process in &mut processes {
                for (service, port) in &ports {
                    process.env.insert(format!("MUSTER_{}_URL", service.to_uppercase()), format!("http://127.0.0.1:{port}"));
                }
            }
        } else {
            for i in 0..2 {
                let port = free_port();
                add("all", format!("all{i}"), &[("MUSTER_HTTP_ADDR", port)]);
                gateways.push(format!("http://127.0.0.1:{port}"));
            }
        }
        let cluster = Cluster {
            gateways,
            database_url: e.database_url(&database),
            redis_url: e.redis_url(number),
            database,
            engines,
            nats: Mutex::new(nats),
            dir,
            processes: Mutex::new(processes),
            admin: OnceCell::new(),
        };
        let names: Vec<String> = cluster.processes().iter().map(|p| p.name.clone()).collect();
        names.iter().for_each(|name| cluster.launch(name));
        names.iter().for_each(|name| cluster.wait_ready(name));
        cluster
    }

    fn processes(&self) -> MutexGuard<'_, Vec<Process>> {
        self.processes.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub fn engines(&self) -> &Engines {
        self.engines.get()
    }

    /// The directory whose web client the gateways serve.
    pub fn client_dir(&self) -> PathBuf {
        self.dir.join("client")
    }

    /// Where processes keep files.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A connection to the cluster's database.
    pub async fn sql(&self) -> sqlx::PgConnection {
        use sqlx::Connection;
        sqlx::PgConnection::connect(&self.database_url).await.expect("database")
    }

    /// What the process has logged.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Starts a process (again); does not wait for it.
    pub fn launch(&self, name: &str) {
        let log = self.dir.join(format!("{name}.log"));
        let mut processes = self.processes();
        let process = processes.iter_mut().find(|p| p.name == name).unwrap_or_else(|| panic!("no process {name}"));
        let (args, env) = (process.args.clone(), process.env.clone());
        process.child = Some(spawn_bound(&binary(), &log, None, "KILL", |c| {
            c.args(args).envs(env);
        }));
    }

    /// Waits until a process says it is ready.
    pub fn wait_ready(&self, name: &str) {
        let port = self.processes().iter().find(|p| p.name == name).map(|p| p.management_port).expect("process");
        let end = Instant::now() + READY_DEADLINE;
        loop {
            let answer = http_get(port, "/readyz");
            if answer.as_ref().is_some_and(|(status, _)| status.contains("200")) {
                return;
            }
            let exited = {
                let mut processes = self.processes();
                let process = processes.iter_mut().find(|p| p.name == name).expect("process");
                process.child.as_mut().and_then(|c| c.try_wait().ok().flatten())
            };
            assert!(exited.is_none() && Instant::now() < end, "{name} is not ready ({answer:?}, exit {exited:?}):\n{}", self.log(name));
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// SIGKILL.
    pub fn kill(&self, name: &str) {
        let mut processes = self.processes();
        let process = processes.iter_mut().find(|p| p.name == name).unwrap_or_else(|| panic!("no process {name}"));
        if let Some(mut child) = process.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; waits for the end and returns whether it was clean.
    pub fn terminate(&self, name: &str) -> bool {
        let child = self.processes().iter_mut().find(|p| p.name == name).and_then(|p| p.child.take());
        let Some(mut child) = child else { return false };
        let _ = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        child.wait().is_ok_and(|s| s.success())
    }

    /// Kills and starts again, and waits until it is ready.
    pub fn restart(&self, name: &str) {
        self.kill(name);
        self.launch(name);
        self.wait_ready(name);
    }

    /// Runs `muster` with these arguments where the cluster's processes run, `input` on its standard input.
    pub async fn muster(&self, args: &[&str], input: &str) -> Output {
        let (args, input) = (args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(), input.to_owned());
        let env = self.processes().first().expect("a process").env.clone();
        let run = move || {
            use std::io::Write;
            let mut command = std::process::Command::new(binary());
            command.args(args).envs(env).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("muster");
            // It may end without reading.
            let _ = child.stdin.take().expect("stdin").write_all(input.as_bytes());
            child.wait_with_output().expect("its end")
        };
        tokio::task::spawn_blocking(run).await.expect("running muster")
    }

    /// Names of all processes.
    pub fn names(&self) -> Vec<String> {
        self.processes().iter().map(|p| p.name.clone()).collect()
    }

    /// `/metrics` of a process.
    pub fn metrics(&self, name: &str) -> String {
        let port = self.processes().iter().find(|p| p.name == name).map(|p| p.management_port).expect("process");
        http_get(port, "/metrics").map(|(_, body)| body).unwrap_or_default()
    }

    /// An anonymous client of gateway `i`.
    pub fn anonymous(&self, i: usize) -> Client {
        Client::new(&self.gateways[i])
    }

    /// The first user, system administrator, logged in on all gateways.
    pub async fn admin(&self) -> Person {
        let account = self.admin.get_or_init(|| people::sign_up_first(self)).await;
        people::log_in(self, account.clone()).await
    }

    /// A new ordinary user, logged in; the name begins with `name`.
    pub async fn person(&self, name: &str) -> Person {
        self.admin().await;
        people::log_in(self, people::sign_up(self, name).await).await
    }

    /// A new team of `owner` (its administrator).
    pub async fn team(&self, owner: &Person) -> serde_json::Value {
        let name = people::unique("team");
        let body = serde_json::json!({"name": name, "display_name": format!("Team {name}"), "type": "O"});
        owner.post("/teams", body).await.expect(201)
    }

    /// A new public channel of `owner`.
    pub async fn channel(&self, owner: &Person, team_id: &str) -> serde_json::Value {
        self.channel_of(owner, team_id, "O").await
    }

    /// A new channel of type `O` or `P`.
    pub async fn channel_of(&self, owner: &Person, team_id: &str, kind: &str) -> serde_json::Value {
        let name = people::unique("channel");
        let body = serde_json::json!({"team_id": team_id, "name": name, "display_name": format!("Channel {name}"), "type": kind});
        owner.post("/channels", body).await.expect(201)
    }

    /// `person` joins the team by its invite id.
    pub async fn join_team(&self, person: &Person, team: &serde_json::Value) {
        let invite = team["invite_id"].as_str().expect("invite_id");
        person.post(&format!("/teams/members/invite?invite_id={invite}"), serde_json::json!({})).await.expect(201);
    }

    /// `person` joins a public channel.
    pub async fn join_channel(&self, person: &Person, channel_id: &str) {
        person.post(&format!("/channels/{channel_id}/members"), serde_json::json!({"user_id": person.id})).await.expect(201);
    }
}

impl EnginesOf {
    fn get(&self) -> &Engines {
        match self {
            Self::Shared(engines) => engines,
            Self::Own(engines) => engines,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.processes().iter_mut() {
            if let Some(mut child) = process.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        if let Some(mut nats) = self.nats.lock().unwrap_or_else(|e| e.into_inner()).take() {
            let _ = nats.kill();
            let _ = nats.wait();
        }
        if let EnginesOf::Shared(engines) = &self.engines {
            engines.psql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The `muster` of this build: beside the test binary, or `MUSTER_BIN`.
fn binary() -> PathBuf {
    if let Ok(path) = std::env::var("MUSTER_BIN") {
        return path.into();
    }
    let exe = std::env::current_exe().expect("path of the test binary");
    let dir = exe.parent().and_then(|deps| deps.parent()).expect("target directory");
    let path = dir.join("muster");
    assert!(path.exists(), "{} does not exist: run `cargo build` first (./test does)", path.display());
    path
}
