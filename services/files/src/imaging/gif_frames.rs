//! Counts the frames of a GIF from its block structure: a decoder would paint each of them on the whole canvas.

/// Whether there is a second frame. A GIF that breaks off before one has none.
pub(super) fn is_animated(data: &[u8]) -> bool {
    frames(data, 2) == 2
}

/// All frames that begin before the data end.
pub(super) fn count(data: &[u8]) -> u64 {
    frames(data, u64::MAX)
}

fn frames(data: &[u8], most: u64) -> u64 {
    let (mut blocks, mut seen) = (Blocks { rest: data }, 0);
    // `None` means that the data ended: what was seen until then counts.
    let _ = blocks.walk(most, &mut seen);
    seen
}

struct Blocks<'a> {
    rest: &'a [u8],
}

impl Blocks<'_> {
    /// Counts frames up to `most`; `None` when the data end first.
    fn walk(&mut self, most: u64, frames: &mut u64) -> Option<()> {
        let header: [u8; 13] = self.take(13)?.try_into().ok()?;
        self.color_table(header[10])?;
        loop {
            match self.take(1)?[0] {
                // Extension: a label, then data.
                0x21 => {
                    self.take(1)?;
                    self.sub_blocks()?;
                }
                // Frame: position and flags, its own colours, the code size, then data.
                0x2c => {
                    *frames += 1;
                    if *frames == most {
                        return Some(());
                    }
                    let flags = self.take(9)?[8];
                    self.color_table(flags)?;
                    self.take(1)?;
                    self.sub_blocks()?;
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn color_table(&mut self, flags: u8) -> Option<()> {
        let size = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0x07) + 1) };
        self.take(size).map(drop)
    }

    fn sub_blocks(&mut self) -> Option<()> {
        loop {
            match self.take(1)?[0] {
                0 => return Some(()),
                length => self.take(length.into())?,
            };
        }
    }
}
