//! Engines that write WAV to a pipe cannot know its length in advance: the sizes are set right afterwards.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// At most so many parts of a WAV file are looked at before its sound.
const MAX_CHUNKS: usize = 64;

/// Sets the sizes in a WAV header to what the file really holds. A file that is no WAV is left as it is.
/// (espeak-ng writes 0x7ffff000, others 0xffffffff or 0.)
pub(super) fn mend(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut head = [0; 12];
    if length < 12
        || file.read_exact(&mut head).is_err()
        || &head[..4] != b"RIFF"
        || &head[8..] != b"WAVE"
    {
        return Ok(());
    }
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > length {
            return Ok(());
        }
        let mut chunk = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut chunk)?;
        let said = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        let held = length - at - 8;
        if &chunk[..4] == b"data" {
            let data = if said > held || said == 0 { held } else { said };
            write_size(&mut file, at + 4, data)?;
            return write_size(&mut file, 4, length - 8);
        }
        at += 8 + said + said % 2;
    }
    Ok(())
}

fn write_size(file: &mut File, at: u64, size: u64) -> io::Result<()> {
    let size = u32::try_from(size).map_err(|_| io::Error::other("a WAV file cannot hold 4 GiB"))?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&size.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(riff: u32, data: u32, samples: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF".to_vec();
        bytes.extend(riff.to_le_bytes());
        bytes.extend(b"WAVEfmt ");
        bytes.extend(16_u32.to_le_bytes());
        bytes.extend([1, 0, 1, 0, 0x22, 0x56, 0, 0, 0x44, 0xac, 0, 0, 2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(data.to_le_bytes());
        bytes.extend(samples);
        bytes
    }

    #[test]
    fn a_header_written_to_a_pipe_gets_its_true_sizes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("speech.wav");
        for unknown in [0x7fff_f000, u32::MAX, 0] {
            std::fs::write(&path, wav(unknown, unknown, &[1, 2, 3, 4])).expect("a file");
            mend(&path).expect("mended");
            assert_eq!(
                std::fs::read(&path).expect("a file"),
                wav(40, 4, &[1, 2, 3, 4])
            );
        }
    }

    #[test]
    fn what_is_no_wav_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("speech.mp3");
        for bytes in [
            &b""[..],
            b"RIFF",
            b"ID3....................",
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff",
        ] {
            std::fs::write(&path, bytes).expect("a file");
            mend(&path).expect("left alone");
            assert_eq!(std::fs::read(&path).expect("a file"), bytes);
        }
    }
}
