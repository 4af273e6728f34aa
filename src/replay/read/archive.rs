//! Zip archives: their members, each as a file of its own.
//!
//! In: the path of an archive. Out: its members, and a reader for each.
//! Must not know: what a member holds. The directory at the end is read, so an archive cannot come from a pipe.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::{Crc, read::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive};

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its path in the archive.
    pub(crate) name: String,
    begins: u64,
    packed: u64,
    is_deflated: bool,
    crc: u32,
}

/// Whether a file begins as an archive does.
pub(crate) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

/// What is in an archive.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// The files, in order; for one that cannot be read its name and the reason.
    pub(crate) members: Vec<Result<Member, (String, String)>>,
    /// Hidden ones, which are not read.
    pub(crate) hidden: Vec<String>,
}

/// The members of an archive that are files, also where several have one name.
pub(crate) fn members(path: &str) -> io::Result<Members> {
    let mut file = File::open(path)?;
    let mut archive = ZipArchive::new(&mut file).map_err(io::Error::other)?;
    let mut found = Members::default();
    let mut known = HashSet::new();
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number).map_err(io::Error::other)?;
        known.insert(entry.header_start());
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if entry.is_dir() || entry.compressed_size() == 0 {
            continue;
        }
        if is_hidden(&name) {
            found.hidden.push(name);
            continue;
        }
        let is_deflated = entry.compression() == CompressionMethod::Deflated;
        let is_known = is_deflated || entry.compression() == CompressionMethod::Stored;
        found.members.push(match (is_known, entry.data_start(), entry.encrypted()) {
            (true, Some(begins), false) => {
                // From the directory: a writer that streams leaves size and checksum out of the header before the
                // member.
                let (packed, crc) = (entry.compressed_size(), entry.crc32());
                Ok(Member { name, begins, packed, is_deflated, crc })
            }
            (_, _, true) => Err((name, "it is encrypted".to_owned())),
            (false, ..) => Err((name, format!("it is compressed by {}", entry.compression()))),
            (_, None, _) => Err((name, "it is not in the archive".to_owned())),
        });
    }
    if !archive.has_duplicate_names() {
        return Ok(found);
    }
    let directory = archive.central_directory_start();
    // The crate knows a member by its name: of several with one name it gives the last.
    for entry in Entry::all(&mut file, directory)? {
        let is_new = known.insert(u64::from(entry.header));
        if is_new && entry.packed > 0 && !entry.name.ends_with('/') {
            found.members.push(entry.member(&mut file)?);
        }
    }
    Ok(found)
}

/// macOS packs resource forks beside files, as `._NAME` and below `__MACOSX`.
fn is_hidden(name: &str) -> bool {
    name.rsplit('/').next().is_none_or(|name| name.starts_with('.')) || name.starts_with("__MACOSX/")
}

/// An entry of the directory at the end of an archive (APPNOTE.TXT, 4.3.12).
#[derive(Debug)]
struct Entry {
    name: String,
    flags: u32,
    method: u32,
    crc: u32,
    packed: u32,
    /// Where the header of the member begins.
    header: u32,
}

impl Entry {
    /// All entries of the directory that begins at this byte.
    fn all(file: &mut File, directory: u64) -> io::Result<Vec<Self>> {
        file.seek(SeekFrom::Start(directory))?;
        let mut file = BufReader::new(file);
        let mut found = Vec::new();
        loop {
            let mut fixed = [0; 46];
            // What ends the directory is shorter than an entry at least in an archive without a comment.
            if file.read_exact(&mut fixed).is_err() || !fixed.starts_with(b"PK\x01\x02") {
                return Ok(found);
            }
            let short = |at: usize| fixed.get(at..at + 2).map_or(0, number);
            let long = |at: usize| fixed.get(at..at + 4).map_or(0, number);
            let mut name = vec![0; short(28) as usize];
            file.read_exact(&mut name)?;
            io::copy(&mut (&mut file).take(u64::from(short(30)) + u64::from(short(32))), &mut io::sink())?;
            found.push(Self {
                name: String::from_utf8_lossy(&name).into_owned(),
                flags: short(8),
                method: short(10),
                crc: long(16),
                packed: long(20),
                header: long(42),
            });
        }
    }

    /// The member, whose data begin behind its own header (4.3.7).
    fn member(self, file: &mut File) -> io::Result<Result<Member, (String, String)>> {
        let Self { name, flags, method, crc, packed, header } = self;
        let mut fixed = [0; 30];
        file.seek(SeekFrom::Start(u64::from(header)))?;
        file.read_exact(&mut fixed)?;
        let short = |at: usize| fixed.get(at..at + 2).map_or(0, |two| u64::from(number(two)));
        let begins = u64::from(header) + 30 + short(26) + short(28);
        let is_plain = fixed.starts_with(b"PK\x03\x04") && flags & 1 == 0 && packed != u32::MAX;
        if !is_plain || !matches!(method, 0 | 8) {
            return Ok(Err((name, "another member has its name, and it cannot be read itself".to_owned())));
        }
        Ok(Ok(Member { name, begins, packed: u64::from(packed), is_deflated: method == 8, crc }))
    }
}

/// The number that bytes stand for, the lowest first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl Member {
    /// The bytes of the member.
    pub(crate) fn open(&self, path: &str) -> io::Result<Box<dyn Read>> {
        // The file is opened anew: members are read in parallel, and near misses read them twice.
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.begins))?;
        let packed = file.take(self.packed);
        Ok(if self.is_deflated {
            // A member is bare deflate, without the checksum that gzip and zlib have.
            Box::new(Checked { reader: DeflateDecoder::new(packed), found: Crc::new(), wanted: self.crc })
        } else {
            Box::new(Checked { reader: packed, found: Crc::new(), wanted: self.crc })
        })
    }
}

/// Bytes whose sum is compared at their end.
struct Checked<R> {
    reader: R,
    found: Crc,
    wanted: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        // A read into an empty buffer gives 0 as well, and is no end.
        if read == 0 && !buffer.is_empty() && self.found.sum() != self.wanted {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the archive is damaged: a wrong checksum",
            ));
        }
        self.found.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
