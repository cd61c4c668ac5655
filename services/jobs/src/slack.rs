//! Importing a Slack export into a team: a job that may be taken up again by another worker where it was left.

mod archive;
mod convert;
mod members;
mod model;
mod store;
mod text;

pub use store::{Import, get, insert};

use archive::{Export, Kind};
use convert::{Converted, Target};
use futures_util::TryStreamExt;
use muster_error::{AppError, ErrorId};
use muster_proto::{
    files::{DiscardRequest, ReadFileRequest, files_client::FilesClient, read_reply::Part},
    model::{Channel, Job},
    posts::{ImportPostsRequest, ImportedPost, imports_client::ImportsClient},
};
use muster_runtime::{Caller, Peer, peers::MESSAGE_MAX, postgres::sql_error};
use sqlx::PgPool;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use text::Names;
use tokio::io::AsyncWriteExt;

/// The job's type. Not among those that can be asked for at /jobs.
pub const TYPE: &str = "slack_import";

/// Posts of one call.
const BATCH: usize = 500;
/// Tries of one attempt, and the pause between them.
const TRIES_MAX: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(60);
const DOWNLOAD: Duration = Duration::from_secs(600);

/// What imports are done with.
#[derive(Clone)]
pub struct Importer {
    pub identity: Peer,
    pub teams: Peer,
    pub posts: Peer,
    pub files: Peer,
    /// Where the export is while it is read.
    pub directory: PathBuf,
}

/// One import at work.
struct Work<'a> {
    importer: &'a Importer,
    pool: &'a PgPool,
    import: Import,
    caller: Caller,
}

/// A file that goes with the work.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "a temporary file stays");
        }
    }
}

/// Does the import of a job to its end; answers the job's data.
pub async fn perform(importer: &Importer, pool: &PgPool, job: &Job) -> Result<String, AppError> {
    let import = store::get(pool, &job.id).await.map_err(sql_error)?.ok_or_else(|| AppError::internal("an import without its row"))?;
    let mut work = Work { importer, pool, import, caller: Caller::system("jobs") };
    let mut tries = 0;
    let outcome = loop {
        let outcome = work.run().await;
        tries += 1;
        match &outcome {
            // What cannot be reached is often back in a moment; what was done is not done again.
            Err(error) if error.status >= 500 && tries < TRIES_MAX => {
                tracing::warn!(%error, job = job.id, "an import pauses");
                tokio::time::sleep(PAUSE).await;
                if let Some(import) = store::get(pool, &job.id).await.map_err(sql_error)? {
                    work.import = import;
                }
            }
            _ => break outcome,
        }
    };
    work.discard().await;
    outcome.map(|()| job.data.clone())
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), AppError> {
        let file = self.download().await?;
        let path = file.0.clone();
        let opened = tokio::task::spawn_blocking(move || Export::open(&path)).await.map_err(AppError::internal)?;
        let export = match opened {
            Ok(export) => export,
            Err(refusal) => {
                self.log("Unable to open the Slack export zip file.\r\n").await?;
                store::refuse(self.pool, &self.import.job_id).await.map_err(sql_error)?;
                return Err(AppError::new(ErrorId::TeamImportZip).detail(refusal));
            }
        };
        if self.import.log.is_empty() {
            self.log("Mattermost Slack Import Log\r\n").await?;
        } else {
            self.log("\r\nThe import was interrupted and is continued.\r\n").await?;
        }
        let (people, bot_id) = self.add_people(&export).await?;
        let places = self.add_channels(&export, &people).await?;
        self.add_posts(export, people, places, &bot_id).await?;
        self.log(concat!(
            "\r\nNotes:\r\n=======\r\n\r\n",
            "- Some messages may not have been imported because they were not supported by this importer.\r\n",
            "- Files are not imported.\r\n",
            "- Additional errors may be found in the server logs.\r\n",
        ))
        .await
    }

    async fn log(&mut self, text: &str) -> Result<(), AppError> {
        self.import.log.push_str(text);
        store::log(self.pool, &self.import.job_id, text).await.map_err(sql_error)
    }

    async fn download(&self) -> Result<Temporary, AppError> {
        let io = |error: std::io::Error| AppError::new(ErrorId::Unavailable).detail(format_args!("a temporary file: {error}"));
        let directory: &Path = &self.importer.directory;
        tokio::fs::create_dir_all(directory).await.map_err(io)?;
        let path = directory.join(format!("{}.zip", muster_domain::ids::new_id()));
        let mut file = tokio::fs::File::create_new(&path).await.map_err(io)?;
        let temporary = Temporary(path);
        let mut request = self.caller.call(ReadFileRequest { file_id: self.import.file_id.clone(), variant: String::new(), pending: true });
        request.set_timeout(DOWNLOAD);
        let mut client = FilesClient::new(self.importer.files.channel()).max_decoding_message_size(MESSAGE_MAX);
        let mut parts = client.read(request).await?.into_inner();
        while let Some(part) = parts.try_next().await? {
            if let Some(Part::Chunk(bytes)) = part.part {
                file.write_all(&bytes).await.map_err(io)?;
            }
        }
        file.flush().await.map_err(io)?;
        Ok(temporary)
    }

    /// The export is needed no more. If this fails, it goes with other abandoned uploads.
    async fn discard(&self) {
        let request = DiscardRequest { user_id: self.import.user_id.clone(), file_ids: vec![self.import.file_id.clone()] };
        if let Err(status) = FilesClient::new(self.importer.files.channel()).discard(self.caller.call(request)).await {
            tracing::warn!(%status, "an imported export stays for some hours");
        }
    }

    /// Channel by channel, day by day. What an earlier attempt has done is passed over.
    async fn add_posts(
        &mut self,
        export: Export,
        people: members::People,
        places: Vec<members::Place>,
        bot_id: &str,
    ) -> Result<(), AppError> {
        let names = Names {
            users: people.names,
            channels: places.iter().map(|place| (place.slack_id.clone(), place.channel.name.clone())).collect(),
        };
        let (mut skipped, mut imported) = (0_usize, 0_i64);
        let (messages, uploads) = (export.messages, export.uploads);
        let folders = export.days.clone();
        let steps: usize = folders.values().map(std::collections::BTreeMap::len).sum();
        let by_folder: HashMap<&str, &members::Place> =
            places.iter().flat_map(|place| [(place.slack_name.as_str(), place), (place.slack_id.as_str(), place)]).collect();
        let export = Arc::new(Mutex::new(export));
        let mut step = 0;
        for (folder, days) in &folders {
            let found = by_folder.get(folder.as_str()).copied();
            let mut readers = found.map(|place| place.readers.clone()).unwrap_or_default();
            for index in days.values().copied() {
                step += 1;
                if step <= self.import.done {
                    continue;
                }
                if let Some(members::Place { channel, .. }) = found {
                    let export = export.clone();
                    let read = move || export.lock().unwrap_or_else(|e| e.into_inner()).read(index);
                    let mut day = tokio::task::spawn_blocking(read).await.map_err(AppError::internal)?.map_err(AppError::internal)?;
                    day.sort_by_key(|message| model::moment(&message.ts));
                    let target = Target { channel_id: &channel.id, users: &people.ids, names: &names, bot_id };
                    let mut posts = Vec::new();
                    for message in &day {
                        match target.convert(message) {
                            Converted::Posts(parts) => posts.extend(parts),
                            Converted::Skipped => skipped += 1,
                        }
                    }
                    imported += self.post(channel, posts, std::mem::take(&mut readers)).await?;
                }
                store::advance(self.pool, &self.import.job_id, step, (step * 99 / steps.max(1)) as i64).await.map_err(sql_error)?;
            }
            if found.is_none() {
                self.log(&format!("The messages of {folder} were passed over: it is no channel that was imported.\r\n")).await?;
            }
        }
        tracing::info!(job = self.import.job_id, messages, imported, skipped, "messages of an export were imported");
        self.log(&format!("\r\nMessages imported: {imported}, of kinds that are not taken: {skipped}, files not imported: {uploads}.\r\n"))
            .await
    }

    async fn post(&self, channel: &Channel, posts: Vec<ImportedPost>, mut readers: Vec<String>) -> Result<i64, AppError> {
        let mut client = ImportsClient::new(self.importer.posts.channel()).max_encoding_message_size(MESSAGE_MAX);
        let mut imported = 0;
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut posts = posts.into_iter().peekable();
        while let Some(post) = posts.next() {
            bytes += post.post.as_ref().map_or(0, |p| p.message.len() + p.props.len() + 400);
            batch.push(post);
            if batch.len() < BATCH && bytes < MESSAGE_MAX / 4 && posts.peek().is_some() {
                continue;
            }
            bytes = 0;
            let mut request = self.caller.call(ImportPostsRequest {
                channel_id: channel.id.clone(),
                team_id: channel.team_id.clone(),
                posts: std::mem::take(&mut batch),
                reader_ids: std::mem::take(&mut readers),
            });
            request.set_timeout(CALL);
            imported += client.posts(request).await?.into_inner().imported;
        }
        Ok(imported)
    }

    /// Only a system administrator brings private conversations: they may be of people who are here already.
    fn is_wanted(&self, kind: Kind) -> bool {
        self.import.conversations || matches!(kind, Kind::Open | Kind::Private)
    }
}
