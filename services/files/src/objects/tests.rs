use super::*;
use std::path::PathBuf;

mod s3;

/// A store in a directory that goes away with the test.
struct Local {
    objects: Objects,
    directory: PathBuf,
}

impl Local {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("muster-objects-{}", muster_domain::ids::new_id()));
        let objects = Objects::open(&ObjectSettings { backend: Backend::Local(directory.clone()) }).unwrap();
        Self { objects, directory }
    }

    /// Names of all files below the directory, the half-written ones too.
    fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.directory.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn stream_of(count: usize, size: usize) -> impl Stream<Item = Result<Bytes>> {
    futures_util::stream::iter((0..count).map(move |n| Ok(Bytes::from(vec![n as u8; size]))))
}

async fn content(objects: &Objects, key: &str) -> Vec<u8> {
    let found = objects.get(key).await.unwrap().expect("the object exists");
    let mut all = Vec::new();
    let mut chunks = found.chunks;
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        all.extend(chunk);
    }
    assert_eq!(all.len() as u64, found.size);
    all
}

/// What every back end must do.
async fn behaves(objects: &Objects) {
    assert!(objects.get("a/b").await.unwrap().is_none());
    assert!(objects.get_all("a/b").await.unwrap().is_none());
    objects.delete("a/b").await.unwrap();

    objects.put("a/b", Bytes::from_static(b"one")).await.unwrap();
    objects.put("a/b", Bytes::from_static(b"two")).await.unwrap();
    assert_eq!(content(objects, "a/b").await, b"two");
    assert_eq!(objects.get_all("a/b").await.unwrap().unwrap(), &b"two"[..]);
    objects.delete("a/b").await.unwrap();
    assert!(objects.get("a/b").await.unwrap().is_none());

    assert!(objects.put_new("a/new", Bytes::from_static(b"first")).await.unwrap());
    assert!(!objects.put_new("a/new", Bytes::from_static(b"second")).await.unwrap());
    assert_eq!(content(objects, "a/new").await, b"first");

    objects.put("s/empty", Bytes::new()).await.unwrap();
    assert!(content(objects, "s/empty").await.is_empty());

    for (count, size) in [(3, 1000), (0, 0), (5, PART_BYTES / 5)] {
        let small = objects.take_in("s/small", stream_of(count, size), (count * size) as u64).await.unwrap();
        assert!(matches!(small, TakenIn::Small(content) if content.len() == count * size));
        assert!(objects.get("s/small").await.unwrap().is_none());
    }

    let large = objects.take_in("s/large äöü (1).bin", stream_of(200, 64 * 1024), u64::MAX).await.unwrap();
    assert!(matches!(large, TakenIn::Written(size) if size == 200 * 64 * 1024));
    let back = content(objects, "s/large äöü (1).bin").await;
    assert!(back.chunks(64 * 1024).enumerate().all(|(n, chunk)| chunk.iter().all(|b| *b == n as u8)));
}

#[tokio::test]
async fn local_directory() {
    behaves(&Local::new().objects).await;
}

#[tokio::test]
async fn too_much_leaves_nothing_behind() {
    let local = Local::new();
    for (count, size) in [(3, 1000), (200, 64 * 1024)] {
        let limit = (count * size - 1) as u64;
        let refused = local.objects.take_in("x/y", stream_of(count, size), limit).await.unwrap_err();
        assert_eq!((refused.id, refused.status), (ErrorId::BodyTooLarge, 413));
        assert_eq!(local.files(), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn a_broken_stream_leaves_nothing_behind() {
    let local = Local::new();
    for count in [1, 200] {
        let broken = stream_of(count, 64 * 1024).chain(futures_util::stream::once(async { Err(AppError::new(ErrorId::Timeout)) }));
        assert_eq!(local.objects.take_in("x/y", broken, u64::MAX).await.unwrap_err().id, ErrorId::Timeout);
        assert_eq!(local.files(), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn an_abandoned_upload_leaves_nothing_behind() {
    let local = Local::new();
    let stalled = stream_of(200, 64 * 1024).chain(futures_util::stream::pending());
    let objects = local.objects.clone();
    let upload = tokio::spawn(async move { objects.take_in("x/y", stalled, u64::MAX).await });
    // Wait until parts are on disk, then vanish as a client does.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while local.files().is_empty() {
        assert!(std::time::Instant::now() < deadline, "no part was written");
        tokio::task::yield_now().await;
    }
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    while !local.files().is_empty() {
        assert!(std::time::Instant::now() < deadline, "left behind: {:?}", local.files());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn keys_cannot_leave_the_directory() {
    let local = Local::new();
    for key in ["../x", "a/../../x", "a//b"] {
        assert!(local.objects.put(key, Bytes::new()).await.is_err(), "{key}");
    }
    assert_eq!(local.files(), Vec::<PathBuf>::new());
}
