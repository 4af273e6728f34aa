//! Zip archives: their members, each as a file of its own.
//!
//! In: the path of an archive. Out: its members, and a reader for each.
//! Must not know: what a member holds. The directory at the end is read, so an archive cannot come from a pipe.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

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

/// The members of an archive that are files, in order; for one that cannot be read the reason.
pub(crate) fn members(path: &str) -> io::Result<Vec<Result<Member, (String, String)>>> {
    let mut archive = ZipArchive::new(File::open(path)?).map_err(io::Error::other)?;
    let mut members = Vec::new();
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number).map_err(io::Error::other)?;
        let name = entry.name().map_err(io::Error::other)?.into_owned();
        // macOS packs resource forks beside files, as `._NAME` and below `__MACOSX`.
        let hidden = name.rsplit('/').next().is_none_or(|name| name.starts_with('.'));
        if entry.is_dir() || hidden || name.starts_with("__MACOSX/") || entry.compressed_size() == 0 {
            continue;
        }
        let is_deflated = entry.compression() == CompressionMethod::Deflated;
        let is_known = is_deflated || entry.compression() == CompressionMethod::Stored;
        members.push(match (is_known, entry.data_start(), entry.encrypted()) {
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
    Ok(members)
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
