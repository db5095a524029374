//! The registry of formats: what each is called, how it is recognised, what of it is read.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the registry below says what each is")]
pub enum Format {
    Empty,
    Text,
    Csv,
    Json,
    JsonLines,
    Notebook,
    Xml,
    Html,
    Mail,
    Mbox,
    OutlookMessage,
    Rtf,
    Docx,
    Xlsx,
    Pptx,
    OpenDocument,
    Xls,
    OldOffice,
    CompoundFile,
    Pdf,
    Parquet,
    Arrow,
    Sqlite,
    Zip,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    OtherArchive,
    Image,
    OtherImage,
    Audio,
    Video,
    Font,
    Executable,
    Model,
    Unknown,
}

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct FormatInfo {
    /// The format.
    pub format: Format,
    /// Its id: lower case, stable.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Extensions that promise it, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// How its content is recognised, in words.
    pub recognised: &'static str,
    /// Bytes at the start that prove it, each with its offset.
    pub magic: &'static [(usize, &'static [u8])],
    /// What is read.
    pub read: &'static str,
    /// What is not read, and with which reason.
    pub not_read: &'static str,
}

impl Format {
    /// The row of the registry.
    pub fn info(self) -> &'static FormatInfo {
        FORMATS.iter().find(|info| info.format == self).unwrap_or(&UNKNOWN)
    }

    /// The id.
    pub fn id(self) -> &'static str {
        self.info().id
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id())
    }
}

const UNKNOWN: FormatInfo = FormatInfo {
    format: Format::Unknown,
    id: "unknown",
    name: "unknown binary",
    extensions: &[],
    recognised: "no rule matches and the bytes are no text",
    magic: &[],
    read: "",
    not_read: "everything (`Unsupported`)",
};

#[allow(clippy::too_many_arguments, reason = "a row of a table has as many cells as it has")]
const fn row(
    format: Format,
    id: &'static str,
    name: &'static str,
    extensions: &'static [&'static str],
    recognised: &'static str,
    magic: &'static [(usize, &'static [u8])],
    read: &'static str,
    not_read: &'static str,
) -> FormatInfo {
    FormatInfo { format, id, name, extensions, recognised, magic, read, not_read }
}

/// Every format, in the order of recognition: the first whose magic is there wins.
#[rustfmt::skip]
pub static FORMATS: &[FormatInfo] = &[
    row(Format::Empty, "empty", "empty file", &[], "no bytes", &[], "nothing is there", ""),
    row(Format::Pdf, "pdf", "PDF", &["pdf"], "`%PDF-` within the first KiB", &[(0, b"%PDF-")],
        "text of pages and of forms within them, annotations, form fields, properties, bookmarks, embedded files",
        "encrypted files (`Encrypted`); text of fonts that do not say what their glyphs mean, XFA forms (`Unsupported`); pictures (`NoText`)"),
    row(Format::Rtf, "rtf", "Rich Text Format", &["rtf"], "`{\\rtf`", &[(0, b"{\\rtf")],
        "text, headers, footers, footnotes, fields, properties; hidden text is marked", "pictures and embedded objects"),
    row(Format::Parquet, "parquet", "Apache Parquet", &["parquet"], "`PAR1`", &[(0, b"PAR1"), (0, b"PARE")],
        "strings, binary that is UTF-8, numbers and nested values of every column, a row group at a time; key-value metadata",
        "encrypted files (`Encrypted`); codecs that are not compiled in"),
    row(Format::Arrow, "arrow", "Arrow IPC, Feather", &["arrow", "feather", "ipc", "arrows"],
        "`ARROW1`, or a schema message of a stream", &[(0, b"ARROW1"), (0, b"FEA1")],
        "as Parquet, a batch at a time", "Feather version 1 (`Unsupported`)"),
    row(Format::Sqlite, "sqlite", "SQLite", &["sqlite", "sqlite3", "db", "db3"], "`SQLite format 3`",
        &[(0, b"SQLite format 3\0")],
        "rows of all tables: text, numbers, binary that is UTF-8; the statements of the schema",
        "rows in a write-ahead log beside the file; deleted rows; virtual tables but for their backing tables"),
    row(Format::Gzip, "gzip", "gzip", &["gz", "tgz", "gzip"], "`1F 8B`", &[(0, b"\x1F\x8B\x08")],
        "all members, and what is inside", ""),
    row(Format::Bzip2, "bzip2", "bzip2", &["bz2", "tbz2", "tbz"], "`BZh`", &[(0, b"BZh")], "all members, and what is inside", ""),
    row(Format::Xz, "xz", "xz", &["xz", "txz"], "`FD 37 7A 58 5A`", &[(0, b"\xFD7zXZ\0")], "all streams, and what is inside", ""),
    row(Format::Zstd, "zstd", "Zstandard", &["zst", "zstd", "tzst"], "`28 B5 2F FD`", &[(0, b"\x28\xB5\x2F\xFD")],
        "all frames, and what is inside", "frames that need a dictionary (`Corrupt`)"),
    row(Format::Docx, "docx", "Word document", &["docx", "docm", "dotx", "dotm"], "a ZIP with `word/`", &[],
        "text, headers, footers, footnotes, comments, properties, link targets, embedded files; deleted and hidden text is marked",
        "style sheets and fonts (`NoText`)"),
    row(Format::Xlsx, "xlsx", "Excel workbook", &["xlsx", "xlsm", "xltx", "xltm"], "a ZIP with `xl/`", &[],
        "cells, formulas, comments, names of sheets, headers, properties, shapes, link targets; hidden sheets are marked",
        "cell formats, so a date is its serial number; phonetic readings; `.xlsb` (`Unsupported`)"),
    row(Format::Pptx, "pptx", "PowerPoint presentation", &["pptx", "pptm", "ppsx", "potx"], "a ZIP with `ppt/`", &[],
        "text of slides, notes, comments, masters, properties, link targets, embedded files", "animations and themes (`NoText`)"),
    row(Format::OpenDocument, "opendocument", "OpenDocument", &["odt", "ods", "odp", "odg", "ott", "ots", "otp", "fodt", "fods"],
        "a ZIP whose `mimetype` says so", &[],
        "paragraphs, cells, annotations, headers, footers, notes, properties, link targets", "encrypted files (`Encrypted`)"),
    row(Format::Zip, "zip", "ZIP", &["zip", "jar", "war", "ear", "apk", "whl", "nupkg", "vsix", "epub", "xlsb"],
        "`PK 03 04`", &[(0, b"PK\x03\x04"), (0, b"PK\x05\x06"), (0, b"PK\x07\x08")],
        "all entries: stored, deflate, deflate64, bzip2, Zstandard; comments",
        "encrypted entries (`Encrypted`); LZMA and other methods (`Unsupported`); entries that lie over one another (`Overlapping`)"),
    row(Format::Tar, "tar", "tar", &["tar"], "`ustar` at 257, or a header whose sum is right", &[(257, b"ustar")],
        "all files", "sparse files (`Unsupported`); what links lead to"),
    row(Format::OtherArchive, "other-archive", "other archives", &["7z", "rar", "cab", "lz4", "lzma", "Z", "br"],
        "`7z`, `Rar!`, `MSCF`, LZ4 frame", &[(0, b"7z\xBC\xAF\x27\x1C"), (0, b"Rar!\x1A\x07"), (0, b"MSCF"), (0, b"\x04\x22\x4D\x18"), (0, b"\x1F\x9D")],
        "", "everything (`Unsupported`)"),
    row(Format::CompoundFile, "compound-file", "compound file", &["vsd", "msi", "pub", "mpp"], "`D0 CF 11 E0`",
        &[(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")], "", "everything (`Unsupported`), but for the three below"),
    row(Format::Xls, "xls", "Excel 97 workbook", &["xls", "xlt"], "a compound file with `Workbook`", &[],
        "cells of all sheets", "formulas and comments; encrypted files (`Encrypted`)"),
    row(Format::OutlookMessage, "msg", "Outlook message", &["msg", "oft"], "a compound file with `__properties_version1.0`", &[],
        "subject, people, headers, bodies in text and HTML, attachments and attached messages", "bodies that are only there as compressed RTF (`Unsupported`)"),
    row(Format::OldOffice, "old-office", "Word and PowerPoint 97", &["doc", "dot", "ppt", "pps"], "a compound file with their streams", &[],
        "", "everything (`Unsupported`); encrypted Office files (`Encrypted`)"),
    row(Format::Image, "image", "PNG, JPEG", &["png", "jpg", "jpeg"], "their signatures", &[(0, b"\x89PNG\r\n\x1A\n"), (0, b"\xFF\xD8\xFF")],
        "text chunks, comments, XMP, and the texts of EXIF", "what the picture shows (`NoText`)"),
    row(Format::OtherImage, "other-image", "other images", &["gif", "webp", "bmp", "tif", "tiff", "ico", "heic", "avif", "psd"], "their signatures",
        &[(0, b"GIF87a"), (0, b"GIF89a"), (8, b"WEBP"), (0, b"II*\0"), (0, b"MM\0*"), (0, b"\0\0\x01\0"), (4, b"ftypheic"), (4, b"ftypavif"), (4, b"ftypmif1"), (0, b"8BPS")],
        "", "everything (`NoText`)"),
    row(Format::Audio, "audio", "recordings", &["mp3", "wav", "flac", "ogg", "m4a", "aac"], "their signatures",
        &[(0, b"ID3"), (0, b"\xFF\xFB"), (8, b"WAVE"), (0, b"fLaC"), (0, b"OggS"), (4, b"ftypM4A")], "", "everything (`NoText`)"),
    row(Format::Video, "video", "films", &["mp4", "mov", "mkv", "webm", "avi"], "their signatures",
        &[(4, b"ftyp"), (0, b"\x1A\x45\xDF\xA3"), (8, b"AVI "), (4, b"moov")], "", "everything (`NoText`)"),
    row(Format::Font, "font", "fonts", &["ttf", "otf", "woff", "woff2"], "their signatures",
        &[(0, b"\0\x01\0\0\0"), (0, b"OTTO"), (0, b"wOFF"), (0, b"wOF2"), (0, b"ttcf")], "", "everything (`NoText`)"),
    row(Format::Executable, "executable", "programs and libraries", &["exe", "dll", "so", "dylib", "class", "wasm", "pyc", "o"], "their signatures",
        &[(0, b"\x7FELF"), (0, b"MZ"), (0, b"\xCF\xFA\xED\xFE"), (0, b"\xCE\xFA\xED\xFE"), (0, b"\xCA\xFE\xBA\xBE"), (0, b"\0asm"), (0, b"!<arch>\n")],
        "", "everything (`NoText`)"),
    row(Format::Model, "model", "model files", &["safetensors", "gguf", "pkl", "pickle", "pt", "pth", "ckpt", "onnx", "npy", "npz", "h5", "joblib"],
        "`GGUF`, a pickle's protocol, `NUMPY`, HDF5, a safetensors header",
        &[(0, b"GGUF"), (0, b"\x80\x02"), (0, b"\x80\x03"), (0, b"\x80\x04\x95"), (0, b"\x80\x05\x95"), (0, b"\x93NUMPY"), (0, b"\x89HDF\r\n\x1A\n")],
        "", "everything (`Unsupported`: artifact)"),
    row(Format::Notebook, "notebook", "Jupyter notebook", &["ipynb"], "the extension, and JSON", &[],
        "sources of cells, their outputs in text, HTML and SVG, attachments, metadata", "images among the outputs (`NoText`)"),
    row(Format::JsonLines, "json-lines", "JSON Lines", &["jsonl", "ndjson", "ldjson"], "the extension, or several JSON documents", &[],
        "as JSON, a record at a time; a line that is no JSON is given as text", ""),
    row(Format::Json, "json", "JSON", &["json", "geojson", "jsonld", "har", "tfstate", "webmanifest", "map", "json5", "jsonc"],
        "it reads as JSON", &[], "names, strings and numbers with their path; what is no JSON is given as text", "`true`, `false`, `null`"),
    row(Format::Csv, "csv", "CSV, TSV", &["csv", "tsv", "psv", "tab"], "the extension; the delimiter is found", &[],
        "cells with row, column and the column's name", ""),
    row(Format::Xml, "xml", "XML", &["xml", "xsd", "xsl", "xslt", "svg", "kml", "gpx", "rss", "atom", "plist", "wsdl", "config", "csproj", "resx", "xlf", "xmp"],
        "`<?xml`, or the extension and a tag", &[],
        "texts, attributes, comments, instructions, document types; what is no XML is given as text", "entities are not expanded"),
    row(Format::Html, "html", "HTML", &["html", "htm", "xhtml", "shtml"], "a doctype or `<html`, or the extension and a tag", &[],
        "visible text, attributes, comments, scripts, styles; hidden text is marked", "what scripts would draw; classes, plain styles and the like"),
    row(Format::Mbox, "mbox", "mailbox", &["mbox", "mbx"], "`From ` and headers", &[], "as mail, a message at a time", ""),
    row(Format::Mail, "mail", "mail", &["eml", "emlx", "mht", "mhtml", "mime"], "headers of a mail", &[],
        "headers, bodies, attachments, attached messages", "encrypted S/MIME and PGP bodies (`Encrypted`)"),
    row(Format::Text, "text", "text", &["txt", "text", "log", "md"], "the bytes decode: a mark, UTF-8, UTF-16, UTF-32, or a legacy encoding", &[],
        "everything", ""),
    UNKNOWN,
];

/// The registry as a table in Markdown, for documentation.
pub fn markdown_table() -> String {
    let mut table = String::from(
        "| id | format | extensions | recognised by | read | not read |\n|---|---|---|---|---|---|\n",
    );
    for info in FORMATS {
        let extensions = info.extensions.join(", ");
        let cells = [info.id, info.name, &extensions, info.recognised, info.read, info.not_read];
        table.push_str("| ");
        table.push_str(&cells.join(" | "));
        table.push_str(" |\n");
    }
    table
}
