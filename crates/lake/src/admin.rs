//! What is done with tables as a whole: how long they keep rows, which rows go, and whether they stay.

use std::path::Path;
use std::sync::Arc;

use crate::delta::DeltaFiles;
use crate::shared::Shared;
use crate::upkeep::{self, Deleted};
use crate::{Error, Lake, Retention};

/// What the folder of a removed table is called until its files are gone.
const REMOVED: &str = ".removed-";

impl Lake {
    /// Says how long rows of a table are kept. Those that are too old go with the next round of upkeep, or [`Lake::tidy`].
    ///
    /// Errors: no such table, and what the storage says.
    pub async fn set_retention(&self, table: &str, retention: Retention) -> Result<(), Error> {
        let shared = self.shared();
        let schema = shared.schema(table)?;
        shared.make(&schema).await?;
        let slot = shared.slot(schema.name());
        let mut files = slot.lock().await;
        let Some(open) = files.as_mut() else { return Err(Error::Closed("the table is being removed")) };
        if let Err(error) = open.keep_for(retention).await {
            upkeep::reopen(shared, schema.name(), &mut files).await?;
            return Err(error);
        }
        shared.tables.keep_for(schema.name(), retention);
        Ok(())
    }

    /// Takes away the rows of a table that fulfil a condition in KQL, as `UserPrincipalName == "ann@example.com"`. Rows
    /// that come meanwhile stay. All of them are gone for queries when this returns, or none; the files that held them
    /// are removed once readers that have them open are given time ([`Options::vacuum_after`](crate::Options)).
    ///
    /// Errors: no such table, a condition that is none or reads other tables, and what the storage says.
    pub async fn delete(&self, table: &str, condition: &str) -> Result<Deleted, Error> {
        let shared = self.shared();
        shared.log()?;
        let name = Arc::clone(shared.schema(table)?.name());
        upkeep::delete(shared, &name, condition).await
    }

    /// How many rows of a table fulfil a condition: what [`Lake::delete`] would take away.
    ///
    /// Errors: no such table, and a condition that is none.
    pub async fn count(&self, table: &str, condition: &str) -> Result<u64, Error> {
        let name = Arc::clone(self.shared().schema(table)?.name());
        upkeep::count(self.shared(), &name, condition).await
    }

    /// Removes a table with all its rows. A custom table is gone; one that content declares is there again without rows.
    ///
    /// Errors: no such table, and what the storage says; then it may be removed or not.
    pub async fn drop_table(&self, table: &str) -> Result<(), Error> {
        let shared = self.shared();
        shared.log()?;
        let name = Arc::clone(shared.schema(table)?.name());
        let _alone = shared.rewriting.lock().await;
        let slot = shared.slot(&name);
        let mut files = slot.lock().await;
        let before = shared.tables.dropped();
        let id = files.as_ref().map(DeltaFiles::id).transpose()?;
        let Some((state, dropped)) = shared.tables.remove(&name, id) else { return Ok(()) };
        let disk = shared.options.disk.as_ref();
        if let Err(error) = dropped.save(disk, &shared.folder.join(crate::log::FOLDER)) {
            shared.tables.restore(state, before);
            return Err(error);
        }
        *files = None;
        shared.remove_files(&shared.table_folder(&name))
    }
}

impl Shared {
    /// Removes the folder of a table that is no more, under another name first, so that nobody finds half of it.
    ///
    /// Errors: what the system says; what is left goes when the lake is opened.
    pub(crate) fn remove_files(&self, folder: &Path) -> Result<(), Error> {
        if !folder.is_dir() {
            return Ok(());
        }
        let failed = || Error::storage("removing a table", folder);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let (above, unique) = (folder.parent().unwrap_or(folder), uuid::Uuid::now_v7().simple());
        let aside = above.join(format!("{REMOVED}{name}-{unique}"));
        self.options.disk.rename(folder, &aside).map_err(failed())?;
        self.options.disk.sync_folder(above).map_err(failed())?;
        std::fs::remove_dir_all(&aside).map_err(failed())
    }

    /// Removes what is left of tables that are no more.
    ///
    /// Errors: as [`Shared::remove_files`].
    pub(crate) fn finish_removals(&self) -> Result<(), Error> {
        let root = self.folder.join(crate::shared::TABLES);
        for folder in self.unfinished.iter() {
            self.remove_files(folder)?;
        }
        for entry in std::fs::read_dir(&root).map_err(Error::storage("listing the tables", &root))? {
            let path = entry.map_err(Error::storage("listing the tables", &root))?.path();
            if is_removed(&path) {
                std::fs::remove_dir_all(&path).map_err(Error::storage("removing a table", &path))?;
            }
        }
        Ok(())
    }
}

/// Whether a folder is what is left of a table.
pub(crate) fn is_removed(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(REMOVED))
}
