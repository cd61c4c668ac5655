//! Testing file stores for administrators.

use crate::objects::{Backend, ObjectSettings, Objects, S3Settings};
use bytes::Bytes;
use muster_domain::ids::new_token;
use muster_error::{AppError, ErrorId};
use muster_proto::files::{StoreTested, TestStoreRequest, stores_server};
use muster_runtime::Caller;
use serde_json::Value;
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Longest a store may take to accept and drop a small object.
const TESTED_WITHIN: Duration = Duration::from_secs(10);
/// The endpoint that means Amazon itself.
const AMAZON: &str = "s3.amazonaws.com";

pub(crate) struct Stores {
    pub(crate) objects: Objects,
}

#[tonic::async_trait]
impl stores_server::Stores for Stores {
    async fn test(&self, request: Request<TestStoreRequest>) -> Result<Response<StoreTested>, Status> {
        Caller::of(&request)?;
        let settings: Value =
            serde_json::from_slice(&request.get_ref().file_settings).map_err(|e| AppError::body("FileSettings").detail(e))?;
        let objects = match s3(&settings)? {
            None => self.objects.clone(),
            Some(s3) => Objects::open(&ObjectSettings { backend: Backend::S3(s3) }).map_err(failed)?,
        };
        let probe = format!("test/{}", new_token());
        let tested = async {
            objects.put(&probe, Bytes::from_static(b"test")).await?;
            objects.delete(&probe).await
        };
        match tokio::time::timeout(TESTED_WITHIN, tested).await {
            Ok(outcome) => outcome.map_err(failed)?,
            Err(_) => return Err(AppError::new(ErrorId::TestFileFailed).detail("the store did not answer in time").into()),
        }
        Ok(Response::new(StoreTested {}))
    }
}

fn failed(error: AppError) -> AppError {
    AppError::new(ErrorId::TestFileFailed).detail(error.detail)
}

/// The bucket these settings name; `None` for the driver `local`.
fn s3(settings: &Value) -> Result<Option<S3Settings>, AppError> {
    let text = |key: &str| settings[key].as_str().unwrap_or_default().to_owned();
    if text("DriverName") != "amazons3" {
        return Ok(None);
    }
    if text("AmazonS3Bucket").is_empty() {
        return Err(ErrorId::TestS3MissingBucket.into());
    }
    let host = text("AmazonS3Endpoint");
    let scheme = if settings["AmazonS3SSL"] == false { "http" } else { "https" };
    let region = text("AmazonS3Region");
    Ok(Some(S3Settings {
        bucket: text("AmazonS3Bucket"),
        region: if region.is_empty() { "us-east-1".to_owned() } else { region },
        endpoint: if host.is_empty() || host == AMAZON { String::new() } else { format!("{scheme}://{host}") },
        access_key_id: text("AmazonS3AccessKeyId"),
        secret_access_key: text("AmazonS3SecretAccessKey"),
        virtual_host: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_name_a_store() {
        assert_eq!(s3(&json!({"DriverName": "local"})).expect("valid"), None);
        assert_eq!(s3(&json!({"DriverName": "amazons3"})).expect_err("no bucket").id, ErrorId::TestS3MissingBucket);
        let amazon = json!({"DriverName": "amazons3", "AmazonS3Bucket": "b", "AmazonS3Endpoint": AMAZON, "AmazonS3SSL": true});
        let amazon = s3(&amazon).expect("valid").expect("a bucket");
        assert_eq!((amazon.endpoint.as_str(), amazon.region.as_str()), ("", "us-east-1"));
        let own = json!({"DriverName": "amazons3", "AmazonS3Bucket": "b", "AmazonS3Endpoint": "minio:9000", "AmazonS3SSL": false});
        assert_eq!(s3(&own).expect("valid").expect("a bucket").endpoint, "http://minio:9000");
    }
}
