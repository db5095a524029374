//! The door to the disk, so that tests can make it fail.
//!
//! Everything that decides whether an event is durable goes through [`Disk`]: the log, data files and the commits of
//! tables. What is written counts as kept only once it, and the folder that names it, have been synced.

mod os;
mod store;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

pub use os::OsDisk;
pub(crate) use store::Durable;

/// A file that is being written.
pub trait Output: Send + Debug {
    /// Appends all bytes.
    ///
    /// Errors: as the system says; some of the bytes may have been written.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything that was written would survive a loss of power.
    ///
    /// Errors: as the system says. What was written since the last success may be lost then, whatever a later call says.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to a length in bytes.
    ///
    /// Errors: as the system says.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Files and folders.
pub trait Disk: Send + Sync + Debug {
    /// Makes a file that is not there yet.
    ///
    /// Errors: as the system says, also when it is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Reads a whole file.
    ///
    /// Errors: as the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files of a folder with their sizes in bytes, sorted by name; none when the folder is not there.
    ///
    /// Errors: as the system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<(PathBuf, u64)>>;

    /// The size of a file in bytes.
    ///
    /// Errors: as the system says.
    fn size(&self, path: &Path) -> io::Result<u64>;

    /// Makes a folder and those above it.
    ///
    /// Errors: as the system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, in the place of a file that has it.
    ///
    /// Errors: as the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a further name.
    ///
    /// Errors: as the system says, also when a file has that name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// Errors: as the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when a file that somebody else wrote would survive a loss of power.
    ///
    /// Errors: as the system says.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in a folder would survive a loss of power.
    ///
    /// Errors: as the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Bytes that can still be written where a folder lies.
    ///
    /// Errors: as the system says.
    fn available(&self, path: &Path) -> io::Result<u64>;
}

/// Writes a whole file so that it is there either as it was or as it shall be, and synced.
///
/// Errors: as the system says.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    match disk.remove(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut output = disk.create(&draft)?;
    output.write_all(bytes)?;
    output.sync()?;
    disk.rename(&draft, path)?;
    path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
}
