//! An external merge sort: several sorted runs, in memory and in temporary files, as one.
//!
//! In: sorted runs. Out: their records in order of head; a run in a temporary file.
//! Must not know: what the bytes of a record mean.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use super::packed::Head;
use super::run::Run;
use crate::engine::record::Identity;

/// Writes all that is left of a merge into one temporary file, which is a sorted run again.
pub(super) fn spill(merge: &mut Merge) -> io::Result<File> {
    // The file has no name, so nothing is left behind when the process is killed.
    let mut file = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
    while let Some((head, bytes)) = merge.first()? {
        let (time, source, event) = head;
        file.write_all(&time.to_le_bytes())?;
        file.write_all(&source.to_le_bytes())?;
        file.write_all(&event.bits().to_le_bytes())?;
        file.write_all(&u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes())?;
        file.write_all(bytes)?;
        merge.advance();
    }
    // This writes what is buffered: a full disk is found now, while the records are still in memory, not when the run
    // is read.
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// A sorted run that is being read.
#[derive(Debug)]
enum Cursor {
    Memory { run: Run, at: usize },
    File { file: BufReader<File>, next: Option<Head>, bytes: Vec<u8> },
}

impl Cursor {
    fn head(&self) -> Option<Head> {
        match self {
            Self::Memory { run, at } => run.head(*at),
            Self::File { next, .. } => *next,
        }
    }

    fn first(&self) -> Option<(Head, &[u8])> {
        match self {
            Self::Memory { run, at } => run.get(*at),
            Self::File { next, bytes, .. } => Some(((*next)?, bytes)),
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        match self {
            Self::Memory { at, .. } => *at += 1,
            Self::File { file, next, bytes } => *next = read(file, bytes)?,
        }
        Ok(())
    }
}

/// The next record of a file; its bytes go into `bytes`.
fn read(file: &mut BufReader<File>, bytes: &mut Vec<u8>) -> io::Result<Option<Head>> {
    let mut time = [0; 8];
    match file.read_exact(&mut time) {
        // The file is whole, or `spill` had failed: the only end between two records is that of the file.
        Err(problem) if problem.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        ended => ended?,
    }
    let (mut source, mut event, mut length) = ([0; 2], [0; 16], [0; 4]);
    file.read_exact(&mut source)?;
    file.read_exact(&mut event)?;
    file.read_exact(&mut length)?;
    bytes.resize(u32::from_le_bytes(length) as usize, 0);
    file.read_exact(bytes)?;
    let event = Identity::from_bits(u128::from_le_bytes(event));
    Ok(Some((i64::from_le_bytes(time), u16::from_le_bytes(source), event)))
}

/// Several sorted runs as one. The run with the least head is read for as long as it stays the least: logs are mostly
/// in order, so their runs hardly overlap.
///
/// Records of equal heads come out next to each other, whichever runs they are in: that is all that the removal of
/// duplicates and the engine's order within an event need, so ties between runs may be broken by their number.
#[derive(Debug)]
pub(super) struct Merge {
    cursors: Vec<Cursor>,
    /// The other runs that are not at their end.
    waiting: BinaryHeap<Reverse<(Head, usize)>>,
    /// The run with the least head.
    current: Option<usize>,
    /// Why a run could not be read on; said at the next call of `first`, before anything is taken for the least.
    problem: Option<io::Error>,
}

impl Merge {
    /// The runs from their beginning.
    pub(super) fn new(memory: Vec<Run>, files: Vec<File>) -> Self {
        let mut problem = None;
        let mut cursors: Vec<Cursor> = memory.into_iter().map(|run| Cursor::Memory { run, at: 0 }).collect();
        for file in files {
            let file = BufReader::with_capacity(1 << 16, file);
            let mut cursor = Cursor::File { file, next: None, bytes: Vec::new() };
            problem = cursor.advance().err().or(problem);
            cursors.push(cursor);
        }
        let heads = cursors.iter().enumerate();
        let waiting = heads.filter_map(|(at, cursor)| Some(Reverse((cursor.head()?, at)))).collect();
        let mut merge = Self { cursors, waiting, current: None, problem };
        merge.current = merge.waiting.pop().map(|Reverse((_, at))| at);
        merge
    }

    /// The least record.
    pub(super) fn first(&mut self) -> io::Result<Option<(Head, &[u8])>> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        Ok(self.current.and_then(|at| self.cursors.get(at)?.first()))
    }

    /// Goes on to the next record.
    pub(super) fn advance(&mut self) {
        let Some((at, cursor)) = self.current.and_then(|at| Some((at, self.cursors.get_mut(at)?))) else {
            return;
        };
        self.problem = cursor.advance().err();
        let head = cursor.head();
        let next = self.waiting.peek().map(|Reverse(next)| *next);
        match (head, next) {
            (Some(head), Some(next)) if (head, at) > next => {
                self.waiting.pop();
                self.waiting.push(Reverse((head, at)));
                self.current = Some(next.1);
            }
            (Some(_), _) => {}
            (None, Some(next)) => {
                self.waiting.pop();
                self.current = Some(next.1);
            }
            (None, None) => self.current = None,
        }
    }

    /// The runs in memory as they were.
    pub(super) fn into_memory(self) -> Vec<Run> {
        let run = |cursor| match cursor {
            Cursor::Memory { run, .. } => Some(run),
            Cursor::File { .. } => None,
        };
        self.cursors.into_iter().filter_map(run).collect()
    }
}
