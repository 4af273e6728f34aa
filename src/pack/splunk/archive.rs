//! The archive of an app: tar and gzip, the same bytes for the same files.
//!
//! In: names and texts. Out: bytes. Must not know: what is in them.

use std::io::Write;

use flate2::{Compression, GzBuilder};

/// Packs the files of an app, with the folders above them.
pub(super) fn pack(app: &str, texts: &[(String, String)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut folders: Vec<String> = vec![format!("{app}/")];
    for (file, _) in texts {
        if let Some((folder, _)) = file.rsplit_once('/') {
            let folder = format!("{app}/{folder}/");
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    for folder in &folders {
        add(&mut builder, folder, tar::EntryType::Directory, 0o755, b"");
    }
    for (file, text) in texts {
        add(&mut builder, &format!("{app}/{file}"), tar::EntryType::Regular, 0o644, text.as_bytes());
    }
    // Writing to memory cannot fail.
    let tar = builder.into_inner().unwrap_or_default();
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let _ = gzip.write_all(&tar);
    gzip.finish().unwrap_or_default()
}

/// Without user, and at one moment: what differs between two machines is none of an app's.
fn add(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, mode: u32, bytes: &[u8]) {
    /// 2024-01-01: some readers take the beginning of time for a fault.
    const MOMENT: u64 = 1_704_067_200;
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_mtime(MOMENT);
    header.set_uid(0);
    header.set_gid(0);
    let _ = builder.append_data(&mut header, name, bytes);
}
