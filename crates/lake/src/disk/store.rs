//! The object store through which tables are committed: a folder of this machine, where a success means durable.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use futures_util::stream::BoxStream;

use super::Disk;

/// Reads by [`LocalFileSystem`]; writes through [`Disk`], synced before they count.
#[derive(Clone, Debug)]
pub(crate) struct Durable {
    inner: Arc<LocalFileSystem>,
    disk: Arc<dyn Disk>,
}

impl Durable {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Durable {
        Durable { inner: Arc::new(LocalFileSystem::new()), disk }
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.inner)
    }
}

/// What went wrong, in the words of object stores.
fn failed(path: &Path, error: io::Error) -> Error {
    let path = path.to_string();
    match error.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        _ => Error::Generic { store: "lake", source: error.into() },
    }
}

fn write(disk: &dyn Disk, path: &std::path::Path, payload: &PutPayload, is_new: bool) -> io::Result<()> {
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    disk.create_folder(&folder)?;
    let draft = folder.join(format!(".{}.draft", uuid::Uuid::now_v7().simple()));
    let mut output = disk.create(&draft)?;
    let written = payload.iter().try_for_each(|bytes| output.write_all(bytes)).and_then(|()| output.sync());
    let named =
        written.and_then(|()| if is_new { disk.link(&draft, path) } else { disk.rename(&draft, path) });
    if is_new || named.is_err() {
        // What is left of it is swept away with other files that no commit names.
        let _ = disk.remove(&draft);
    }
    named.and_then(|()| disk.sync_folder(&folder))
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_new = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                let (operation, implementer) = ("conditional updates".to_owned(), "lake".to_owned());
                return Err(Error::NotImplemented { operation, implementer });
            }
        };
        let (path, disk) = (self.inner.path_to_filesystem(location)?, Arc::clone(&self.disk));
        let written =
            tokio::task::spawn_blocking(move || write(disk.as_ref(), &path, &payload, is_new)).await;
        written
            .map_err(|error| failed(location, io::Error::other(error)))?
            .map_err(|error| failed(location, error))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload { store: self.clone(), location: location.clone(), parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// Parts that are kept until all are there: checkpoints are small, and half of one must never have its name.
#[derive(Debug)]
struct Upload {
    store: Durable,
    location: Path,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data);
        Box::pin(async { Ok(()) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload: PutPayload = self.parts.drain(..).flat_map(|part| part.into_iter()).collect();
        self.store.put_opts(&self.location, payload, PutOptions::default()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
