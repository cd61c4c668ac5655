//! Which object store, from the environment.

use muster_error::{AppError, Result};
use muster_runtime::config::ConfigError;
use object_store::{ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem};
use std::{path::PathBuf, sync::Arc, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence of S3 after which a request is retried. A whole transfer has no limit: the client at the other end may be slow.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A store that is away is told as such (503) well before the caller's own deadline.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSettings {
    pub backend: Backend,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A directory; every process of the files role must see the same one.
    Local(PathBuf),
    S3(S3Settings),
}

/// Amazon's or a compatible service's bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Settings {
    pub bucket: String,
    pub region: String,
    /// Empty: Amazon.
    pub endpoint: String,
    /// Empty: the credentials of the machine or pod (AWS_* variables, web identity, instance role).
    pub access_key_id: String,
    pub secret_access_key: String,
    /// `bucket.host/key` instead of `host/bucket/key`.
    pub virtual_host: bool,
}

impl std::fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Settings").field("bucket", &self.bucket).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl ObjectSettings {
    /// Reads `MUSTER_OBJECT_STORE` (`local`, the default, or `s3`) and `MUSTER_S3_BUCKET`, `_REGION`, `_ENDPOINT`, `_ACCESS_KEY_ID`,
    /// `_SECRET_ACCESS_KEY`, `_VIRTUAL_HOST` through `lookup`; the local store is `data_dir`.
    pub fn read(data_dir: &std::path::Path, lookup: impl Fn(&str) -> Result<Option<String>, ConfigError>) -> Result<Self, ConfigError> {
        let text = |name: &str| lookup(name).map(Option::unwrap_or_default);
        let backend = match lookup("MUSTER_OBJECT_STORE")?.as_deref() {
            None | Some("local") => Backend::Local(data_dir.to_owned()),
            Some("s3") => Backend::S3(S3Settings {
                bucket: lookup("MUSTER_S3_BUCKET")?.ok_or_else(|| ConfigError("MUSTER_S3_BUCKET is not set".into()))?,
                region: lookup("MUSTER_S3_REGION")?.unwrap_or_else(|| "us-east-1".to_owned()),
                endpoint: text("MUSTER_S3_ENDPOINT")?,
                access_key_id: text("MUSTER_S3_ACCESS_KEY_ID")?,
                secret_access_key: text("MUSTER_S3_SECRET_ACCESS_KEY")?,
                virtual_host: matches!(text("MUSTER_S3_VIRTUAL_HOST")?.as_str(), "1" | "true"),
            }),
            Some(other) => return Err(ConfigError(format!("MUSTER_OBJECT_STORE is {other}, not local or s3"))),
        };
        Ok(Self { backend })
    }

    pub(super) fn build(&self) -> Result<Arc<dyn ObjectStore>> {
        match &self.backend {
            Backend::Local(directory) => {
                std::fs::create_dir_all(directory)
                    .map_err(|e| AppError::internal(format_args!("MUSTER_DATA_DIR {}: {e}", directory.display())))?;
                // Synced: an upload that was answered is there after a power cut.
                let store = LocalFileSystem::new_with_prefix(directory).map_err(AppError::internal)?.with_fsync(true);
                Ok(Arc::new(store))
            }
            Backend::S3(s3) => Ok(Arc::new(s3.builder().build().map_err(AppError::internal)?)),
        }
    }
}

impl S3Settings {
    fn builder(&self) -> AmazonS3Builder {
        let plain_http = self.endpoint.starts_with("http://");
        let client = ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_read_timeout(READ_TIMEOUT)
            .with_allow_http(plain_http);
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() })
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_virtual_hosted_style_request(self.virtual_host);
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(&self.endpoint);
        }
        if !self.access_key_id.is_empty() {
            builder = builder.with_access_key_id(&self.access_key_id).with_secret_access_key(&self.secret_access_key);
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<ObjectSettings, ConfigError> {
        ObjectSettings::read("/srv".as_ref(), |name| Ok(vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())))
    }

    #[test]
    fn local_unless_told_otherwise() {
        assert_eq!(read(&[]).unwrap().backend, Backend::Local("/srv".into()));
        assert!(read(&[("MUSTER_OBJECT_STORE", "tape")]).is_err());
    }

    #[test]
    fn s3_needs_a_bucket_and_never_shows_its_secret() {
        assert!(read(&[("MUSTER_OBJECT_STORE", "s3")]).is_err());
        let settings = read(&[("MUSTER_OBJECT_STORE", "s3"), ("MUSTER_S3_BUCKET", "b"), ("MUSTER_S3_SECRET_ACCESS_KEY", "hush")]).unwrap();
        assert!(matches!(&settings.backend, Backend::S3(s3) if s3.bucket == "b" && s3.region == "us-east-1"));
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
